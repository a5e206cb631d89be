"""Disputes by JSON and by pages: listed, opened for a customer, rejected, and what the customer is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from ar.core import clock
from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact
from ar.disputes.claim import open_dispute
from ar.disputes.models import Reason
from ar.ledger.items import open_items
from tests.ledger.make import NOW, customer, invoice, seller
from tests.web import client


@dataclass
class Desk:
    """A collector's browser, a customer that can be written to, and its two open invoices."""

    kernel: Kernel
    browser: TestClient
    account: int
    items: list[int]

    def api(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        return self.browser.post(f"/api/v1/disputes{path}", json=body, headers=headers)

    def open(self, item: int = 0, amount: int | None = 400) -> dict[str, Any]:
        body = {"entry_id": self.items[item], "amount_minor": amount, "reason": "quantity", "text": "by telephone"}
        made = self.api("", body)
        assert made.status_code == 201, made.text
        return dict(made.json())

    def page(self, path: str) -> str:
        answer = self.browser.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def form(self, path: str, **fields: Any) -> Any:
        return self.browser.post(path, data=fields, headers={"accept": "text/html"})

    def mail(self) -> list[OutboxMessage]:
        with self.kernel.database.reading() as session:
            found = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))).all()
            session.expunge_all()
            return list(found)

    def contested(self) -> list[int]:
        with self.kernel.database.reading() as session:
            return [item.disputed_minor for item in open_items(session, as_of=date.max)]


@pytest.fixture
def desk(kernel: Kernel) -> Iterator[Desk]:
    with kernel.database.transaction() as session:
        entity, account = seller(session), customer(session)
        add_contact(session, account, ContactDraft(name="Ada", email="ada@client.example"), by="system", now=NOW)
        items = [
            invoice(session, entity, account, amount, on=date(2026, 1, 1), reference=f"INV-{amount}")
            for amount in (1000, 2000)
        ]
    with client(kernel, Role.COLLECTOR) as browser:
        yield Desk(kernel, browser, account, items)


def test_opened_for_a_customer_it_gets_a_receipt(desk: Desk) -> None:
    made = desk.open()
    assert (made["state"], made["amount_minor"], made["version"]) == ("open", 400, 1)
    assert made["opened_by"].startswith("user:")
    assert desk.contested() == [400, 0]
    [note] = desk.mail()
    assert (note.dedup_key, note.recipient) == (f"note:dispute_received:dispute:{made['id']}", "ada@client.example")
    assert "€4.00" in note.body_text
    assert "€6.00" in note.body_text
    assert "by telephone" not in note.body_text, "what staff noted are not the customer's words"

    too_much = desk.api("", {"entry_id": desk.items[0], "amount_minor": 601, "reason": "price", "text": "and the rest"})
    assert (too_much.status_code, too_much.json()["code"]) == (422, "bad-dispute")
    assert desk.open(amount=None)["amount_minor"] == 600


def test_the_same_key_opens_one(desk: Desk) -> None:
    body = {"entry_id": desk.items[0], "reason": "price", "text": "too dear"}
    first, second = (desk.api("", body, **{"Idempotency-Key": "one"}) for _ in range(2))
    assert first.json() == second.json()
    assert len(desk.mail()) == 1


def test_rejected_with_an_answer_at_its_version(desk: Desk) -> None:
    made = desk.open()
    path, answer = f"/{made['id']}/resolution", {"outcome": "rejected", "answer": "The carrier's note shows 10."}
    read = desk.browser.get(f"/api/v1/disputes/{made['id']}")
    assert read.headers["etag"] == '"1"'
    assert desk.api(path, answer).status_code == 428
    assert desk.api(path, answer, **{"If-Match": '"7"'}).status_code == 412
    assert desk.api(path, answer | {"outcome": "accepted"}, **{"If-Match": '"1"'}).status_code == 422
    assert desk.contested() == [400, 0]

    done = desk.api(path, answer, **{"If-Match": read.headers["etag"]})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    assert (done.json()["outcome"], done.json()["accepted_minor"]) == ("rejected", 0)
    assert desk.contested() == [0, 0]
    told = desk.mail()[-1]
    assert told.dedup_key == f"note:dispute_resolved:dispute:{made['id']}"
    assert "The carrier's note shows 10." in told.body_text
    assert "€10.00" in told.body_text, "what remains open"
    again = desk.api(path, answer, **{"If-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (409, "dispute-resolved")
    assert len(desk.mail()) == 2


def test_listed_open_first_and_the_oldest_first(desk: Desk) -> None:
    with desk.kernel.database.transaction() as session:
        ids = []
        for days in (2, 9, 5):
            made = open_dispute(
                session,
                entry_id=desk.items[1],
                amount_minor=100,
                reason=Reason.PRICE,
                text="too dear",
                by=f"customer:{desk.account}",
                today=date(2026, 3, 1),
                now=clock.now() - timedelta(days=days),
            )
            assert made.id is not None
            ids.append(made.id)
        other = customer(session, "C2")
    newest, oldest, middle = ids
    desk.api(f"/{oldest}/resolution", {"outcome": "withdrawn", "answer": "As you said."}, **{"If-Match": "*"})

    def listed(**query: Any) -> list[int]:
        found: list[int] = []
        cursor: str | None = None
        while True:
            asked = query | {"limit": 1} | ({"cursor": cursor} if cursor else {})
            answer = desk.browser.get("/api/v1/disputes", params=asked).json()
            found += [row["id"] for row in answer["items"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                return found

    assert listed() == [middle, newest, oldest]
    assert listed(state="open") == [middle, newest]
    assert listed(state="resolved") == [oldest]
    assert listed(account_id=desk.account, state="open") == [middle, newest]
    assert listed(account_id=other) == []
    shown = desk.page("/disputes")
    assert [int(n) for n in re.findall(r'href="/disputes/(\d+)"', shown)] == [middle, newest, oldest]
    assert "the customer" in shown
    assert re.findall(r'href="/disputes/(\d+)"', desk.page("/disputes?state=resolved")) == [str(oldest)]


def test_noted_and_answered_on_pages(desk: Desk) -> None:
    form = desk.page(f"/disputes/new?account_id={desk.account}")
    assert "INV-1000" in form
    fields = {"account_id": desk.account, "entry_id": desk.items[0], "reason": "quality", "text": "<b>broken</b>"}
    wrong = desk.form("/disputes", **fields, amount="99", idempotency_key="a")
    assert wrong.status_code == 422
    assert 'value="99"' in wrong.text
    assert desk.contested() == [0, 0]
    made = desk.form("/disputes", **fields, amount="2,50", idempotency_key="b")
    assert made.status_code == 303, made.text
    shown = desk.page(made.headers["location"])
    assert "&lt;b&gt;broken&lt;/b&gt;" in shown
    assert "€2.50" in shown
    assert "Collector" in shown, "who noted it, by name"
    assert made.headers["location"] + "/credit" not in shown, "a collector does not issue credit notes"
    assert "€2.50" in desk.page(f"/customers/{desk.account}/cards/disputes")

    resolution = made.headers["location"] + "/resolution"
    answer = {"outcome": "rejected", "answer": "Please look again."}
    stale = desk.form(resolution, **answer, version=7)
    assert stale.status_code == 412
    assert "Please look again." in stale.text
    assert desk.contested() == [250, 0]
    refused = desk.form(resolution, **(answer | {"outcome": "accepted"}), version=1)
    assert refused.status_code == 422
    assert desk.contested() == [250, 0]
    done = desk.form(resolution, **answer, version=1)
    assert done.status_code == 303
    assert "the customer is told" in desk.page(done.headers["location"])
    assert desk.contested() == [0, 0]
    assert [m.dedup_key.split(":")[1] for m in desk.mail()] == ["dispute_received", "dispute_resolved"]


def test_a_document_of_another_customer_is_not_contested(desk: Desk) -> None:
    with desk.kernel.database.transaction() as session:
        other = customer(session, "C2")
    fields = {"account_id": other, "entry_id": desk.items[0], "reason": "price", "text": "no", "idempotency_key": "a"}
    assert desk.form("/disputes", **fields).status_code == 422
    assert desk.contested() == [0, 0]


def test_without_an_address_staff_is_told_so(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        account = customer(session)
        item = invoice(session, seller(session), account, 1000, on=date(2026, 1, 1))
    with client(kernel, Role.COLLECTOR, html=True) as browser:
        fields = {"account_id": account, "entry_id": item, "reason": "price", "text": "no", "idempotency_key": "a"}
        made = browser.post("/disputes", data=fields)
        assert "There is no address" in browser.get(made.headers["location"]).text
        answer = {"outcome": "withdrawn", "answer": "You paid.", "version": 1}
        done = browser.post(made.headers["location"] + "/resolution", data=answer)
        assert "tell the customer yourself" in browser.get(done.headers["location"]).text
    with kernel.database.reading() as session:
        assert session.exec(select(OutboxMessage)).all() == []
        actions = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))).all()
        assert actions[-2:] == ["dispute.opened", "dispute.resolved"]
