"""Credit by API and on the customer's file: what is told to whom, and what each role may do."""

from __future__ import annotations

import pytest

from ar.core import clock
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.credit.consult import consult
from ar.credit.override import override
from tests.credit.make import TODAY, customer
from tests.ledger.make import invoice, seller
from tests.web import client

FROM = {"valid_from": "2026-01-01"}


@pytest.fixture
def buyer(kernel: Kernel) -> int:
    with kernel.database.transaction() as session:
        entity, made = seller(session), customer(session, "C1")
        invoice(session, entity, made, 4_620_000, on=TODAY, due=clock.now().date())
        return made


def test_credit_by_api(kernel: Kernel, buyer: int) -> None:
    limit = {"account_id": buyer, "amount_minor": 5_000_000, "currency": "EUR", "reason": "Read", **FROM}
    check = {"account_id": buyer, "amount_minor": 900_000, "currency": "EUR", "entity_id": 1}
    with client(kernel, Role.CREDIT_MANAGER) as web:
        made = web.post("/api/v1/credit-limits", json=limit, headers={"Idempotency-Key": "a"})
        assert made.status_code == 201, made.text
        replayed = web.post("/api/v1/credit-limits", json=limit, headers={"Idempotency-Key": "a"})
        assert replayed.json() == made.json()
        assert len(web.get("/api/v1/credit-limits", params={"account_id": buyer}).json()["items"]) == 1
        asked = web.post("/api/v1/credit-checks", json=check).json()
        assert asked["granted"] is False
        assert asked["reasons"][0]["message"] == (
            "The limit is €50,000.00; €46,200.00 is owed or ordered; this order of €9,000.00 would go €5,200.00 above "
            "it"
        )
        assert asked["limits"][0]["left_minor"] == -520_000
        ordered = web.post("/api/v1/credit-checks", json=check | {"amount_minor": 1, "unbilled_minor": 380_000}).json()
        assert (ordered["granted"], ordered["free_minor"]) == (False, 0)
        for changes, status in (
            ({"entity_id": 99}, 404),
            ({"account_id": 99}, 404),
            ({"currency": "XXQ"}, 422),
            ({"amount_minor": -1}, 422),
        ):
            assert web.post("/api/v1/credit-checks", json=check | changes).status_code == status, changes
        bad = web.post("/api/v1/credit-limits", json=limit | {"valid_to": "2025-12-31"})
        assert [fault["pointer"] for fault in bad.json()["faults"]] == ["/valid_to"]
        assert web.post("/api/v1/credit-limits", json=limit | {"entity_id": 99}).status_code == 404

        hold = {"account_id": buyer, "reason": "insolvency", "words": "Court"}
        placed = web.post("/api/v1/credit-holds", json=hold).json()
        told = web.get(f"/api/v1/accounts/{buyer}/credit").json()
        assert (told["granted"], told["holds"][0]["words"], told["free_minor"]) == (False, "Court", 380_000)
        lift = f"/api/v1/credit-holds/{placed['id']}/lift"
        assert web.post(lift, json={"words": "Plan confirmed"}).status_code == 201
        assert web.post(lift, json={"words": "Plan confirmed"}).json()["code"] == "credit-hold-lifted"
        events = web.get("/api/v1/credit-holds", params={"account_id": buyer}).json()["items"]
        assert [one["lifts_id"] for one in events] == [placed["id"], None]
        assert web.get("/api/v1/credit-holds", params={"account_id": 99}).json()["items"] == []
        rule = {"segment": "retail", "overdue_days": 30}
        assert web.post("/api/v1/credit-rules", json=rule).status_code == 201
        assert web.post("/api/v1/credit-rules", json=rule | {"currency": "EUR"}).json()["code"] == "bad-credit-rule"
        assert [one["segment"] for one in web.get("/api/v1/credit-rules").json()] == ["retail"]
        with kernel.database.transaction() as session:
            answer = consult(session, buyer, amount_minor=900_000, currency="EUR", today=TODAY)
            words = "A transfer is on its way"
            override(
                session, answer, subject="order:1", entered_by="user:9", reason=words, by="user:1", now=clock.now()
            )
        [granted] = web.get("/api/v1/credit-overrides", params={"account_id": buyer}).json()["items"]
        assert (granted["reasons"][0]["code"], granted["reason"]) == ("over-limit", words)
    with client(kernel, Role.SALES) as web:
        assert web.post("/api/v1/credit-checks", json=check).status_code == 200
        for path, body in (("credit-limits", limit), ("credit-holds", hold), ("credit-rules", rule)):
            assert web.post(f"/api/v1/{path}", json=body).json()["code"] == "permission-missing"


def test_credit_on_the_customers_file(kernel: Kernel, buyer: int) -> None:
    path = f"/customers/{buyer}"
    form = {
        "limit_amount": "50 000,00",
        "limit_currency": "EUR",
        "limit_valid_from": "2026-01-01",
        "limit_reason": "Read",
    }
    with client(kernel, Role.CREDIT_MANAGER, html=True) as web:
        assert f"{path}/cards/credit" in web.get(path).text
        assert "No limit is set." in web.get(f"{path}/cards/credit").text
        done = web.post(f"{path}/credit/limits", data=form)
        assert (done.status_code, done.headers["location"]) == (303, path)
        card = web.get(f"{path}/cards/credit").text
        assert "€50,000.00" in card
        assert "€3,800.00" in card
        for changes in (
            {"limit_amount": "many"},
            {"limit_valid_from": ""},
            {"limit_valid_to": "soon"},
            {"limit_currency": "XXQ"},
        ):
            bad = web.post(f"{path}/credit/limits", data=form | changes)
            assert bad.status_code == 422, changes
            assert 'value="Read"' in bad.text
        assert web.post(f"{path}/credit/limits", data=form | {"limit_entity_id": "99"}).status_code == 404
        assert (
            web.post(f"{path}/credit/limits", data=form | {"limit_amount": "", "limit_group": "1"}).status_code == 303
        )
        held = web.post(f"{path}/credit/holds", data={"hold_reason": "review", "hold_words": "We <look>"})
        assert held.status_code == 303
        page = web.get(f"{path}/credit").text
        assert "Credit is on hold since" in page
        assert "We &lt;look&gt;" in page
        with kernel.database.transaction() as session:
            stranger = customer(session, "C2")
        words = {"words": "Looked"}
        assert web.post(f"/customers/{stranger}/credit/holds/1/lift", data=words).status_code == 404
        assert web.post(f"{path}/credit/holds/1/lift", data=words).status_code == 303
        assert "Hold lifted" in web.get(f"{path}/credit").text

        rules = "/admin/credit-rules"
        rule = {"without_limit": "refuse", "overdue_days": "30", "overdue": "5000", "currency": "EUR"}
        assert web.post(rules, data=rule).status_code == 303
        assert "€5,000.00" in web.get(rules).text
        for changes in ({"overdue_days": "x"}, {"overdue_days": "-1"}, {"overdue_days": "9999"}, {"currency": ""}):
            assert web.post(rules, data=rule | changes).status_code == 422, changes
    with client(kernel, Role.SALES, html=True) as web:
        card = web.get(f"{path}/cards/credit").text
        assert "€50,000.00" in card
        assert "<form" not in card
        assert "<form" not in web.get("/admin/credit-rules").text.split("<main")[1]
