"""Payments by JSON and by pages: recorded, applied, undone, refunded, told; guarantee 6."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from ar.cash.models import Payment
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.core.money import AmountError, typed_minor
from ar.ledger.models import OpenItem
from tests.ledger.make import customer, invoice, seller
from tests.web import client


@dataclass
class Desk:
    """A cashier's browser, and one customer with two open invoices."""

    kernel: Kernel
    browser: TestClient
    entity: int
    account: int
    items: list[int]

    def post(self, path: str, body: dict[str, Any], key: str) -> Any:
        return self.browser.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": key})

    def payment(self, amount: int, **changed: Any) -> dict[str, Any]:
        return {
            "entity_id": self.entity,
            "account_id": self.account,
            "amount_minor": amount,
            "currency": "EUR",
            "method": "bank_transfer",
            "received_on": "2026-03-01",
        } | changed

    def open(self, entry_id: int) -> int:
        with self.kernel.database.reading() as session:
            return session.exec(select(OpenItem.open_minor).where(OpenItem.entry_id == entry_id)).one()

    def form(self, path: str, **fields: Any) -> Any:
        return self.browser.post(path, data=fields, headers={"accept": "text/html"})

    def page(self, path: str) -> str:
        answer = self.browser.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return str(answer.text)


@pytest.fixture
def desk(kernel: Kernel) -> Iterator[Desk]:
    with kernel.database.transaction() as session:
        entity, account = seller(session), customer(session)
        items = [
            invoice(session, entity, account, amount, on=date(2026, 1, 1), reference=f"INV-{amount}")
            for amount in (1000, 2000)
        ]
    with client(kernel, Role.CASH) as browser:
        yield Desk(kernel, browser, entity, account, items)


def test_recorded_told_applied_and_undone(desk: Desk) -> None:
    made = desk.post("/payments", desk.payment(1500, targets=[]), "k1")
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    assert (made.json()["state"], made.json()["unapplied_minor"]) == ("settled", 1500)

    targets = {"targets": [{"entry_id": desk.items[1], "amount_minor": 1200}]}
    applied = desk.post(f"/payments/{number}/allocations", targets, "k2").json()
    assert applied["unapplied_minor"] == 300
    assert [one["reference"] for one in applied["applied"]] == ["INV-2000"]
    assert desk.open(desk.items[1]) == 800

    undo = f"/payments/{number}/allocations/{applied['applied'][0]['allocation_id']}/undo"
    assert desk.post(undo, {"why": "another invoice"}, "k3").json()["unapplied_minor"] == 1500
    assert desk.post(undo, {"why": "another invoice"}, "k4").status_code == 404
    assert desk.open(desk.items[1]) == 2000

    again = desk.post(f"/payments/{number}/allocations", targets, "k5")
    assert again.status_code == 201
    assert desk.browser.get(f"/api/v1/payments/{number}").json()["unapplied_minor"] == 300
    too_much = desk.post(f"/payments/{number}/allocations", targets, "k6")
    assert (too_much.status_code, too_much.json()["code"]) == (409, "over-allocation")


def test_a_key_has_one_effect(desk: Desk) -> None:
    """Guarantee 6."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.post("/payments", desk.payment(400), "one"), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert desk.post("/payments", desk.payment(401), "one").json()["code"] == "idempotency-key-reused"
    assert desk.browser.post("/api/v1/payments", json=desk.payment(1)).status_code == 400
    with desk.kernel.database.reading() as session:
        assert len(session.exec(select(Payment.id)).all()) == 1


def test_lists_are_filtered_and_paged(desk: Desk) -> None:
    for n in range(3):
        desk.post("/payments", desk.payment(100 + n), f"k{n}")
    first = desk.browser.get("/api/v1/payments", params={"limit": 2, "account_id": desk.account}).json()
    rest = desk.browser.get("/api/v1/payments", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["amount_minor"] for one in first["items"] + rest["items"]] == [102, 101, 100]
    assert desk.browser.get("/api/v1/payments", params={"state": "failed"}).json()["items"] == []
    assert desk.browser.get("/api/v1/payments/999").status_code == 404


def test_refund_and_reversal_by_hand(desk: Desk) -> None:
    number = desk.post(
        "/payments", desk.payment(1000, targets=[{"entry_id": desk.items[0], "amount_minor": 1000}]), "k1"
    )
    path = f"/payments/{number.json()['id']}"
    given = desk.post(f"{path}/refunds", {"amount_minor": 300, "note": "paid twice"}, "k2")
    assert (given.status_code, given.json()["state"]) == (201, "done")
    assert desk.post(f"{path}/refunds", {"amount_minor": 300, "note": "paid twice"}, "k2").json() == given.json()
    assert desk.post(f"{path}/refunds", {"amount_minor": 701, "note": "more"}, "k3").status_code == 422
    assert desk.open(desk.items[0]) == 300
    back = desk.post(f"{path}/reversals", {"why": "the cheque bounced"}, "k4")
    assert back.json()["state"] == "failed"
    assert desk.open(desk.items[0]) == 1000


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_minor": 0},
        {"amount_minor": 2**63},
        {"currency": "eur"},
        {"currency": "ZZZ"},
        {"received_on": "2999-01-01"},
        {"method": "online"},
        {"reference": "\x00"},
        {"surprise": 1},
        {"targets": [{"entry_id": 1, "amount_minor": -1}]},
        {"targets": [{"entry_id": 10**18, "amount_minor": 1}]},
    ],
)
def test_bad_input_is_told_and_nothing_kept(desk: Desk, changed: dict[str, Any]) -> None:
    answer = desk.post("/payments", desk.payment(500) | changed, "k")
    assert 400 <= answer.status_code < 500, answer.text
    with desk.kernel.database.reading() as session:
        assert session.exec(select(Payment.id)).all() == []


@pytest.mark.parametrize("role", [Role.CFO, Role.COLLECTOR, Role.AUDITOR])
def test_others_may_read_and_not_write(desk: Desk, role: Role) -> None:
    with client(desk.kernel, role) as other:
        assert other.get("/api/v1/payments").status_code == 200
        answer = other.post("/api/v1/payments", json=desk.payment(5), headers={"Idempotency-Key": "k"})
        assert answer.status_code == 403


def test_a_payment_by_the_pages(desk: Desk) -> None:
    assert "/payments/new?account_id=" in desk.page("/payments/new?q=Customer")
    form = desk.page(f"/payments/new?account_id={desk.account}")
    key = re.findall(r'name="idempotency_key" value="([^"]+)"', form)[0]
    fields = {
        "account_id": desk.account,
        "idempotency_key": key,
        "entity_id": desk.entity,
        "amount": "12,50",
        "currency": "EUR",
        "method": "cheque",
        "received_on": "2026-03-01",
        "reference": "CHQ-1",
        "for": "items",
        f"item-{desk.items[0]}": "10",
    }
    refused = desk.form("/payments", **fields | {f"item-{desk.items[0]}": "10.01"})
    assert refused.status_code == 409
    assert 'value="12,50"' in refused.text
    made = desk.form("/payments", **fields)
    assert made.status_code == 303
    assert desk.form("/payments", **fields).headers["location"] == made.headers["location"]
    shown = desk.page(made.headers["location"])
    assert "CHQ-1" in shown
    assert "INV-1000" in shown
    assert desk.open(desk.items[0]) == 0

    applied = desk.form(
        f"{made.headers['location']}/allocations", idempotency_key="a1", **{f"item-{desk.items[1]}": "2.50"}
    )
    assert applied.status_code == 303, applied.text
    assert desk.open(desk.items[1]) == 1750
    undo = re.findall(r'action="(/payments/\d+/allocations/\d+/undo)"', desk.page(made.headers["location"]))
    assert len(undo) == 2
    assert desk.form(undo[0], idempotency_key="u1").status_code == 303
    assert desk.open(desk.items[0]) == 1000
    refunded = desk.form(f"{made.headers['location']}/refunds", idempotency_key="r1", amount="1", note="goodwill")
    assert refunded.status_code == 303
    back = desk.form(f"{made.headers['location']}/reversals", idempotency_key="b1", mistake="bounced")
    assert back.status_code == 303
    assert "/payments/" in desk.page("/payments")
    assert "CHQ-1" not in desk.page(f"/customers/{desk.account}/cards/payments")


@pytest.mark.parametrize(("text", "minor"), [("1234.5", 123450), ("1 234,50", 123450), ("1\u202f234,50", 123450)])
def test_amounts_as_people_type_them(text: str, minor: int) -> None:
    assert typed_minor(text, "EUR") == minor


@pytest.mark.parametrize("text", ["", "1,234.50", "1,2,3", "-", "1e3", "12.345"])
def test_amounts_that_are_none(text: str) -> None:
    with pytest.raises(AmountError):
        typed_minor(text, "EUR")
