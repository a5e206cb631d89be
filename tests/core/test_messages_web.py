"""Messages by JSON and by pages: listed, read without their links, and decided about by a person."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlmodel import col, select

from ar.core.access.links import masked, portal_url
from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from ar.core.outbox import MessageState, OutboxMessage, queue
from tests.core.outboxes import NOW, draft, messages
from tests.web import client

ORDER = (MessageState.SENT, MessageState.UNCERTAIN, MessageState.FAILED, MessageState.QUEUED, MessageState.UNCERTAIN)


@pytest.fixture
def ids(kernel: Kernel) -> list[int]:
    """The ids of five messages in the states of ORDER, written one after the other."""
    link = portal_url("https://ar.example", "a-key", 3, 1, now=NOW)
    drafts = [
        draft(n, body_text=f"Number <{n}>: {link}", send_after=NOW + timedelta(minutes=n), account_id=n % 2 + 1)
        for n in range(len(ORDER))
    ]
    with kernel.database.transaction() as session:
        queue(session, drafts, now=NOW)
        found = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))).all()
        for message, state in zip(found, ORDER, strict=True):
            message.state = state
            message.ended_at = None if state is MessageState.QUEUED else NOW + timedelta(hours=1)
            message.outcome = "the server hung up" if state is MessageState.UNCERTAIN else None
        return [message.id for message in found if message.id is not None]


def state_of(kernel: Kernel, number: int) -> MessageState:
    return messages(kernel.database)[f"notice/{number}"].state


def test_listed_by_state_purpose_and_account(kernel: Kernel, ids: list[int]) -> None:
    with client(kernel, Role.COLLECTOR) as browser:

        def listed(**query: str | int) -> list[int]:
            found: list[int] = []
            cursor: str | None = None
            while True:
                asked = query | {"limit": 1} | ({"cursor": cursor} if cursor else {})
                answer = browser.get("/api/v1/messages", params=asked).json()
                found += [row["id"] for row in answer["items"]]
                cursor = answer["next_cursor"]
                if cursor is None:
                    return found

        assert listed() == ids[::-1]
        assert listed(state="uncertain") == [ids[4], ids[1]]
        assert listed(account_id=1) == [ids[4], ids[2], ids[0]]
        assert listed(purpose="reminder", account_id=2, state="uncertain") == [ids[1]]
        assert listed(purpose="else") == []


def test_read_without_the_link_that_opens_the_account(kernel: Kernel, ids: list[int]) -> None:
    with client(kernel, Role.AUDITOR) as browser:
        text = browser.get(f"/api/v1/messages/{ids[0]}").json()["text"]
        assert text == "Number <0>: https://ar.example/pay/…"
        shown = browser.get(f"/messages/{ids[0]}", headers={"accept": "text/html"}).text
        assert "Number &lt;0&gt;: https://ar.example/pay/…" in shown
        assert "/decision" not in shown
        card = browser.get("/customers/1/cards/messages", headers={"accept": "text/html"}).text
        assert re.findall(r'href="/messages/(\d+)"', card) == [str(ids[n]) for n in (4, 2, 0)]
    assert masked("see /pay/ and https://a.example/pay/short") == "see /pay/ and https://a.example/pay/short"


def test_those_that_wait_for_a_person_come_first(kernel: Kernel, ids: list[int]) -> None:
    with client(kernel, Role.COLLECTOR, html=True) as browser:
        shown = browser.get("/messages").text
        order = [int(n) for n in re.findall(r'href="/messages/(\d+)"', shown)]
        assert order == [ids[1], ids[4], ids[2], *ids[::-1]]
        filtered = browser.get("/messages?state=failed").text
        assert re.findall(r'href="/messages/(\d+)"', filtered) == [str(ids[2])]


def test_a_person_decides(kernel: Kernel, ids: list[int]) -> None:
    with client(kernel, Role.COLLECTOR) as browser:
        html = {"accept": "text/html"}

        def decide(number: int, decision: str) -> int:
            answer = browser.post(f"/messages/{ids[number]}/decision", data={"decision": decision}, headers=html)
            return int(answer.status_code)

        assert decide(1, "arrived") == 303
        assert state_of(kernel, 1) is MessageState.SENT
        assert decide(1, "arrived") == 409, "it is decided already"
        assert decide(2, "arrived") == 409, "one that failed did not arrive"
        assert decide(2, "send_again") == 303
        assert state_of(kernel, 2) is MessageState.QUEUED
        assert decide(3, "send_again") == 409
        assert decide(3, "cancel") == 303
        assert state_of(kernel, 3) is MessageState.CANCELLED
        assert decide(0, "cancel") == 409, "what was sent cannot be taken back"
        history = browser.get(f"/messages/{ids[1]}", headers=html).text
        assert "A person says that it arrived" in history
        assert "Collector" in history

        path = f"/api/v1/messages/{ids[4]}/decision"
        assert browser.post(path, json={"decision": "burn"}).status_code == 422
        done = browser.post(path, json={"decision": "cancel", "reason": "the customer called"})
        assert (done.json()["state"], done.json()["outcome"]) == ("cancelled", "the customer called")
        missing = browser.post("/api/v1/messages/999/decision", json={"decision": "cancel"})
        assert (missing.status_code, missing.json()["code"]) == (404, "message-not-found")
    with kernel.database.reading() as session:
        actions = session.exec(
            select(AuditEntry.action).where(col(AuditEntry.subject).startswith("message:")).order_by(col(AuditEntry.id))
        ).all()
    assert actions == ["message.arrived", "message.sent-again", "message.cancelled", "message.cancelled"]
