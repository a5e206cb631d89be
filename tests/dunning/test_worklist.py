"""The queue, by API and by page. The web service has the real clock: days here count from today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from ar.cash.checkout import in_flight
from ar.core import clock
from ar.core.access.models import Role
from ar.core.db import table
from ar.core.jobs import Job
from ar.ledger.items import mark_disputed
from ar.ledger.models import ExchangeRate
from dunning.models import DunningHold, DunningNotice
from dunning.run import RUN_JOB
from dunning.worklist.rows import refresh_all
from tests.dunning.world import World
from tests.ledger.make import invoice
from tests.web import client

Ago = Callable[[int], date]


@pytest.fixture
def ago() -> Ago:
    today = clock.today()
    return lambda days: today - timedelta(days=days)


def names(answer: TestClient, path: str) -> list[str]:
    found = answer.get(path)
    assert found.status_code == 200, found.text
    return [row["code"] for row in found.json()["items"]]


def refresh(world: World) -> None:
    rows, failed = refresh_all(world.kernel, now=clock.now(), in_flight=in_flight)
    assert (rows > 0, failed) == (True, 0)


def test_the_queue_ranks_by_what_acting_is_worth_across_currencies(world: World, ago: Ago) -> None:
    with world.database.transaction() as session:
        session.add(ExchangeRate(currency="USD", rate_on=ago(1), per_euro=Decimal("2"), source="test"))
        ids = {code: world.customer(session, code) for code in ("OLD", "BIG", "USD", "NOTDUE", "PAID")}
        world.invoice(session, ids["OLD"], 100_000, due=ago(100))
        world.invoice(session, ids["BIG"], 200_000, due=ago(10))
        invoice(session, world.entity_id, ids["USD"], 300_000, on=ago(90), due=ago(10), reference="U1", currency="USD")
        world.invoice(session, ids["NOTDUE"], 999_999, due=ago(-5))
        world.pay(session, ids["PAID"], world.invoice(session, ids["PAID"], 500, due=ago(9)), 500, on=ago(1))
    with client(world.kernel, Role.COLLECTOR) as browser:
        assert names(browser, "/api/v1/worklist") == []
        refresh(world)
        assert names(browser, "/api/v1/worklist") == ["BIG", "USD", "OLD"]
        first = browser.get("/api/v1/worklist?limit=2").json()
        assert [row["code"] for row in first["items"]] == ["BIG", "USD"]
        assert names(browser, f"/api/v1/worklist?limit=2&cursor={first['next_cursor']}") == ["OLD"]
        row = first["items"][1]
        assert row["overdue"] == [{"currency": "USD", "amount_minor": 300_000}]
        assert (row["oldest_days"], row["outcome"], row["next_step"]) == (10, None, "friendly")
        # half of 3,000 dollars, 45 % likely to stay unpaid, of which an e-mail changes 15 %, less 4 minutes at 0.60
        assert (row["value_minor"], row["channel"], row["currency"]) == (10_125 - 240, "email", "EUR")
        assert row["parts"]["basis"] == "prior"
        assert (row["contact"]["name"], row["exchange"], row["hidden_for"]) == ("Jo USD", None, None)


def test_the_queue_tells_the_last_decision_and_why(world: World, ago: Ago) -> None:
    now = datetime.combine(ago(7), datetime.min.time(), tzinfo=UTC) + timedelta(hours=10)
    while now.weekday() != 2:  # the Wednesday before today
        now += timedelta(days=1)
    with world.database.transaction() as session:
        ids = [world.customer(session, code, country="XX") for code in ("SENT", "HELD", "BAD")]
        for account in ids:
            entry = world.invoice(session, account, due=now.date() - timedelta(days=4))
            if account == ids[1]:
                mark_disputed(session, entry, 10_000, on=ago(1), source="test")
        session.connection().exec_driver_sql(f"UPDATE contact SET email = 'x' WHERE account_id = {ids[2]}")
    world.run(now)
    refresh(world)
    with client(world.kernel, Role.COLLECTOR) as browser:
        assert names(browser, "/api/v1/worklist?outcome=send") == ["SENT"]
        assert names(browser, "/api/v1/worklist?parked=true") == ["BAD"]
        [held] = browser.get("/api/v1/worklist?outcome=hold").json()["items"]
        assert held["reasons"][0]["code"] == "contested"
        assert (held["decided_on"], held["last_step"]) == (now.date().isoformat(), None)
        [sent] = browser.get("/api/v1/worklist?outcome=send").json()["items"]
        assert (sent["last_step"], sent["last_on"]) == ("friendly", now.date().isoformat())
        [notice] = browser.get(f"/api/v1/dunning/notices?account_id={ids[0]}").json()["items"]
        assert notice["message_key"] == f"dunning:{ids[0]}:{world.entity_id}:friendly:{now.date()}"
        page = browser.get("/worklist", headers={"accept": "text/html"})
        assert page.status_code == 200
        for words in ("Company SENT", "Company BAD", "by e-mail", "friendly reminder", "failed"):
            assert words in page.text
        assert "Company SENT" not in browser.get("/worklist?show=hold").text
        hidden = browser.get("/worklist?show=hidden").text
        assert "Company HELD" in hidden
        assert "is contested" in hidden
        assert "Company BAD" in browser.get("/worklist?show=parked").text
        assert "Nobody is to be worked on" in browser.get("/worklist?mine=true").text
        card = browser.get(f"/customers/{ids[0]}/cards/dunning")
        assert "friendly reminder" in card.text


def test_a_dry_run_records_nothing_and_a_real_one_is_queued_once(world: World, ago: Ago) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO", country="XX")
        entry = world.invoice(session, jo, due=ago(4))
    with client(world.kernel, Role.COLLECTOR) as browser:
        dry = browser.post("/api/v1/dunning/runs", json={"dry_run": True, "account_ids": [jo, 999]})
        assert dry.status_code == 202
        [decision] = dry.json()["decisions"]
        if clock.today("Europe/Paris").weekday() < 5:
            assert decision["outcome"] == "send"
            assert [line["entry_id"] for line in decision["lines"]] == [entry]
        else:
            assert decision["reasons"][0]["code"] == "closed_day"
        assert browser.post("/api/v1/dunning/runs", json={"dry_run": True}).json()["state"] == "decided"
        assert browser.post("/api/v1/dunning/runs", json={}).json()["state"] == "queued"
        assert browser.post("/api/v1/dunning/runs", json={"account_ids": [0]}).status_code == 422
    with world.database.reading() as session:
        assert session.connection().execute(select(table(DunningNotice))).all() == []
        [job] = session.connection().execute(select(table(Job))).mappings()
        assert job["name"] == RUN_JOB


def test_holds_and_promises_by_api(world: World, ago: Ago) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo, due=ago(4))
    with client(world.kernel, Role.COLLECTOR) as browser:
        made = browser.post("/api/v1/dunning/holds", json={"account_id": jo, "reason": "in talks"})
        assert made.status_code == 201
        assert made.json()["until"] is None
        [row] = browser.get("/api/v1/worklist").json()["items"]
        assert row["hold_ids"] == [made.json()["id"]]
        lifted = browser.post(f"/api/v1/dunning/holds/{made.json()['id']}/lift")
        assert lifted.json()["lifted_by"].startswith("user:")
        assert len(browser.get(f"/api/v1/dunning/holds?account_id={jo}").json()["items"]) == 1

        wish = {"account_id": jo, "items": [{"entry_id": entry, "amount_minor": 4_000}], "due_on": str(ago(-9))}
        key = {"idempotency-key": "one"}
        first = browser.post("/api/v1/promises", json=wish, headers=key)
        assert (first.status_code, first.json()["amount_minor"]) == (201, 4_000)
        assert browser.post("/api/v1/promises", json=wish, headers=key).json() == first.json()
        refused = browser.post("/api/v1/promises", json=wish)
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-promise")
        assert names_of_states(browser, jo) == ["alive"]
        cancelled = browser.post(f"/api/v1/promises/{first.json()['id']}/cancel")
        assert cancelled.json()["state"] == "cancelled"
        assert browser.post(f"/api/v1/promises/{first.json()['id']}/cancel").status_code == 409
        assert browser.get("/api/v1/promises?state=alive").json()["items"] == []
        for path in ("/api/v1/dunning/holds/999/lift", "/api/v1/promises/999/cancel"):
            assert browser.post(path).status_code == 404


def names_of_states(browser: TestClient, account_id: int) -> list[str]:
    return [row["state"] for row in browser.get(f"/api/v1/promises?account_id={account_id}").json()["items"]]


def test_a_collector_acts_from_the_customers_page(world: World, ago: Ago) -> None:
    with world.database.transaction() as session:
        jo, other = world.customer(session, "JO"), world.customer(session, "OTHER")
        entry = world.invoice(session, jo, 12_345, due=ago(4))
    with client(world.kernel, Role.COLLECTOR, html=True) as browser:
        page = browser.get(f"/worklist/{jo}")
        assert page.status_code == 200
        assert "A small reminder: invoice INV-1, €123.45" in page.text  # the next message, as it would read
        assert "Hello Jo JO," in page.text

        held = browser.post(f"/worklist/{jo}/hold", data={"reason": "in talks", "until": str(ago(-3))})
        assert (held.status_code, held.headers["location"]) == (303, f"/worklist/{jo}")
        assert "in talks" in browser.get(f"/worklist/{jo}").text
        for wrong in ({"reason": ""}, {"reason": "x", "until": "soon"}, {"reason": "x", "until": str(ago(3))}):
            assert browser.post(f"/worklist/{jo}/hold", data=wrong).status_code == 422
        with world.database.reading() as session:
            [hold_id] = session.connection().execute(select(table(DunningHold).c.id)).scalars()
        assert browser.post(f"/worklist/{other}/holds/{hold_id}/lift").status_code == 404
        assert browser.post(f"/worklist/{jo}/holds/{hold_id}/lift").status_code == 303

        noted = browser.post(f"/worklist/{jo}/promise", data={"entry": str(entry), "due_on": str(ago(-5))})
        assert noted.status_code == 303
        after = browser.get(f"/worklist/{jo}").text
        assert "No message is coming." in after
        for wrong in ({"entry": str(entry), "due_on": str(ago(-5))}, {"due_on": str(ago(-5))}, {"entry": str(entry)}):
            assert browser.post(f"/worklist/{jo}/promise", data=wrong).status_code == 422
        assert browser.post(f"/worklist/{other}/promises/1/cancel").status_code == 404
        assert browser.post(f"/worklist/{jo}/promises/1/cancel").status_code == 303
        assert browser.get("/worklist/999999").status_code == 404
    with client(world.kernel, Role.AUDITOR, html=True) as reader:
        page = reader.get(f"/worklist/{jo}")
        assert page.status_code == 200
        assert "Hold reminders" not in page.text
        assert reader.post(f"/worklist/{jo}/hold", data={"reason": "x"}).status_code == 403


def test_a_customer_without_contact_or_invoices_has_a_page(world: World) -> None:
    with world.database.transaction() as session:
        nobody = world.customer(session, "NOBODY", email=None)
    with client(world.kernel, Role.COLLECTOR, html=True) as browser:
        assert "No message is coming." in browser.get(f"/worklist/{nobody}").text
