"""Replies by API and page: taken in, found, followed; only by those who may, and nothing of another's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from ar.core import clock
from ar.core.access.models import Role
from ar.core.db import Database
from ar.core.settings import Settings
from dunning.models import Promise
from tests.dunning.replies.mails import mail
from tests.dunning.world import World
from tests.web import client

RAW = {"content-type": "message/rfc822"}


@pytest.fixture
def company(database: Database, settings: Settings) -> tuple[World, int]:
    world = World(database, settings)
    with database.transaction() as session:
        account_id = world.customer(session, "BAKERY", email="jo@bakery.example")
        due = clock.today() - timedelta(days=10)
        world.invoice(session, account_id, due=due)
    return world, account_id


def message(text: str, **given: str) -> bytes:
    return mail(text, at=clock.now(), **given)  # type: ignore[arg-type]


def test_a_message_by_api_is_one_reply_with_proposals(company: tuple[World, int]) -> None:
    world, account_id = company
    with client(world.kernel, Role.COLLECTOR) as browser:
        raw = message("Hello,\nWe will pay INV-1 tomorrow.\n\nRegards\nJo")
        first = browser.post("/api/v1/replies", content=raw, headers=RAW)
        again = browser.post("/api/v1/replies", content=raw, headers=RAW)
        assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
        told = first.json()
        assert (told["kind"], told["account_id"], told["state"]) == ("promise", account_id, "open")
        [one] = told["proposals"]
        assert one["quote"] == told["text"][one["quote_start"] : one["quote_end"]] == "We will pay INV-1 tomorrow."

        followed = browser.post(f"/api/v1/replies/proposals/{one['id']}/acceptance", json={})
        twice = browser.post(f"/api/v1/replies/proposals/{one['id']}/acceptance", json={})
        assert followed.json() == twice.json()
        assert followed.json()["state"] == "accepted"
        refused = browser.post(f"/api/v1/replies/proposals/{one['id']}/dismissal")
        assert (refused.status_code, refused.json()["code"]) == (409, "proposal-decided")
        assert browser.get(f"/api/v1/replies/{told['id']}").json()["state"] == "handled"

        kept = browser.get(f"/api/v1/replies/{told['id']}/message")
        assert kept.content == raw
        assert kept.headers["content-disposition"].startswith("attachment")
        assert kept.headers["x-content-type-options"] == "nosniff"
    with world.database.reading() as session:
        assert len(session.exec(select(Promise)).all()) == 1


def test_lists_and_their_filters(company: tuple[World, int]) -> None:
    world, account_id = company
    with client(world.kernel, Role.COLLECTOR) as browser:
        for n, (text, sender) in enumerate(
            [
                ("We will pay INV-1 tomorrow.", "jo@bakery.example"),
                ("What is this about?", "x@unknown.example"),
                ("We are in liquidation.", "jo@bakery.example"),
            ]
        ):
            raw = message(text, sender=sender, message_id=f"<m{n}@x.example>")
            assert browser.post("/api/v1/replies", content=raw, headers=RAW).status_code == 201

        def found(query: str) -> list[str]:
            return [one["kind"] for one in browser.get(f"/api/v1/replies?{query}").json()["items"]]

        assert found("") == ["insolvency", "question", "promise"]
        assert found(f"account_id={account_id}&kind=promise") == ["promise"]
        assert found("unassigned=true") == ["question"]
        assert found("state=handled") == []
        first = browser.get("/api/v1/replies?limit=2").json()
        assert found(f"limit=2&cursor={first['next_cursor']}") == ["promise"]
        ids = [one["id"] for one in first["items"]]
        moved = browser.put(f"/api/v1/replies/{ids[1]}/account", json={"account_id": account_id})
        assert (moved.json()["account_id"], moved.json()["matched_by"]) == (account_id, "person")
        assert browser.put(f"/api/v1/replies/{ids[1]}/account", json={"account_id": 4711}).status_code == 404
        assert browser.post(f"/api/v1/replies/{ids[0]}/handled").json()["handled_by"].startswith("user:")
        assert found("state=handled") == ["insolvency"]


def test_what_is_no_message_is_refused(company: tuple[World, int]) -> None:
    world, _ = company
    with client(world.kernel, Role.COLLECTOR) as browser:
        for raw, headers, status in (
            (b"no headers", RAW, 422),
            (b"", RAW, 422),
            (b"From: a@b.example\r\n\r\n" + b"a" * 16_000_000, RAW, 422),
            (message("Hello"), {"content-type": "application/json"}, 415),
        ):
            answer = browser.post("/api/v1/replies", content=raw, headers=headers)
            assert answer.status_code in (status, 400, 413), answer.text
        assert browser.get("/api/v1/replies").json()["items"] == []


def test_who_only_reads_follows_nothing(company: tuple[World, int]) -> None:
    world, _ = company
    with client(world.kernel, Role.COLLECTOR) as browser:
        raw = message("We will pay INV-1 tomorrow.")
        told = browser.post("/api/v1/replies", content=raw, headers=RAW).json()
    with client(world.kernel, Role.AUDITOR) as browser:
        assert browser.get(f"/api/v1/replies/{told['id']}").status_code == 200
        assert browser.post("/api/v1/replies", content=raw, headers=RAW).status_code == 403
        path = f"/api/v1/replies/proposals/{told['proposals'][0]['id']}/acceptance"
        assert browser.post(path, json={}).status_code == 403
        page = browser.get(f"/replies/{told['id']}", headers={"accept": "text/html"})
        assert "Do it" not in page.text


def test_pages_show_what_is_said_and_do_what_is_clicked(company: tuple[World, int]) -> None:
    world, account_id = company
    with client(world.kernel, Role.COLLECTOR, html=True) as browser:
        raw = message("We will pay <b>INV-1</b> tomorrow.", subject="Re: <script>alert(1)</script>")
        told = browser.post("/api/v1/replies", content=raw, headers=RAW | {"accept": "application/json"}).json()
        unknown = message("We will pay on Friday.", sender="x@unknown.example", message_id="<m2@x.example>")
        stranger = browser.post("/api/v1/replies", content=unknown, headers=RAW | {"accept": "application/json"}).json()
        inbox = browser.get("/replies").text
        assert "We will pay &lt;b&gt;INV-1&lt;/b&gt; tomorrow." in inbox
        assert "<script>alert" not in inbox
        assert "Note a promise" in inbox
        card = browser.get(f"/customers/{account_id}/cards/thread").text
        assert f"/replies/{told['id']}" in card
        assert f"/replies/{stranger['id']}" not in card

        [mine], [other] = told["proposals"], stranger["proposals"]
        foreign = browser.post(f"/replies/{told['id']}/proposals/{other['id']}/accept")
        assert foreign.status_code == 404
        unset = browser.post(f"/replies/{stranger['id']}/proposals/{other['id']}/accept")
        assert unset.status_code == 422
        assert "whose message this is" in unset.text
        done = browser.post(f"/replies/{told['id']}/proposals/{mine['id']}/accept", data={"back": "//evil.example"})
        assert (done.status_code, done.headers["location"]) == (303, f"/replies/{told['id']}")
        assert browser.post(f"/replies/{stranger['id']}/account", data={"code": "NOBODY"}).status_code == 404
        assert browser.post(f"/replies/{stranger['id']}/account", data={"code": "BAKERY"}).status_code == 303
        assert browser.post(f"/replies/{stranger['id']}/handled", data={"back": "/replies"}).status_code == 303
        assert "Nothing waits here." in browser.get("/replies").text
        assert browser.get("/replies?state=all&kind=promise").text.count('class="badge good"') >= 2
