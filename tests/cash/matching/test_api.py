"""The cash desk by JSON: what waits, decided, undone, taught; roles; keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from ar.cash.matching.facts import Part, Proposal, Reason
from ar.cash.matching.models import MatchProposal
from ar.cash.matching.run import match_lines
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.ledger.models import OpenItem
from tests.cash.matching.lines import NOTHING, line
from tests.ledger.make import NOW, customer, invoice, seller
from tests.web import client


@dataclass
class Desk:
    kernel: Kernel
    browser: TestClient
    entity: int
    account: int
    item: int
    line: int

    def post(self, path: str, body: dict[str, Any], key: str) -> Any:
        return self.browser.post(f"/api/v1/cash{path}", json=body, headers={"Idempotency-Key": key})

    def get(self, path: str, **params: Any) -> Any:
        return self.browser.get(f"/api/v1/cash{path}", params=params).json()


@pytest.fixture
def desk(kernel: Kernel) -> Iterator[Desk]:
    with kernel.database.transaction() as session:
        entity, account = seller(session), customer(session)
        item = invoice(session, entity, account, 100_00, on=date(2026, 1, 5), reference="FR1-2026-000001")
        number = line(session, entity, 90_00, "our order of January", name="ACME SARL", iban="FR7610")
        proposal = Proposal((Part(account, item, 90_00),), probability=0.6, reasons=(Reason("short", {}),))
        session.add(
            MatchProposal(
                bank_line_id=number, rank=1, probability=0.6, content=proposal.stored(), why_not="not_sure", made_at=NOW
            )
        )
    with client(kernel, Role.CASH) as browser:
        yield Desk(kernel, browser, entity, account, item, number)


def test_what_waits_is_told_with_proposals_applied_by_rank_and_undone(desk: Desk) -> None:
    [waiting] = desk.get("/lines", entity_id=desk.entity)["items"]
    assert (waiting["id"], waiting["counterparty_name"], waiting["amount_minor"]) == (desk.line, "ACME SARL", 90_00)
    [proposal] = waiting["proposals"]
    part = {"account_id": desk.account, "entry_id": desk.item, "reference": "FR1-2026-000001", "amount_minor": 90_00}
    assert (proposal["parts"], proposal["why_not"], proposal["probability"]) == (
        [part], "It is likely, but not sure enough to be applied untouched", 0.6,
    )  # fmt: skip

    path = f"/lines/{desk.line}/applications"
    kept_back = {"entry_id": desk.item, "amount_minor": 10_00, "reason": "price"}
    made = desk.post(path, {"rank": 1, "deductions": [kept_back]}, "k1")
    assert made.status_code == 201, made.text
    assert desk.post(path, {"rank": 1, "deductions": [kept_back]}, "k1").json()["id"] == made.json()["id"]
    assert desk.post(path, {"rank": 1}, "k2").status_code == 404
    on_account = {"parts": [{"account_id": desk.account, "amount_minor": 90_00}]}
    assert desk.post(path, on_account, "k2").json()["code"] == "nothing-waits"
    assert desk.get("/lines")["items"] == []
    assert (made.json()["automatic"], made.json()["parts"]) == (False, [part])

    undone = desk.post(f"/applications/{made.json()['id']}/undo", {"why": "another customer"}, "k3")
    assert (undone.status_code, undone.json()["undone_why"]) == (200, "another customer")
    assert desk.post(f"/applications/{made.json()['id']}/undo", {"why": "again"}, "k4").status_code == 409
    assert [one["id"] for one in desk.get("/lines")["items"]] == [desk.line]
    assert [one["undone_by"] is not None for one in desk.get("/applications", automatic=False)["items"]] == [True]
    with desk.kernel.database.reading() as session:
        assert session.exec(select(OpenItem.open_minor).where(OpenItem.entry_id == desk.item)).one() == 100_00


def test_typed_parts_and_their_faults(desk: Desk) -> None:
    path = f"/lines/{desk.line}/applications"
    short = {"account_id": desk.account, "entry_id": desk.item, "amount_minor": 80_00}
    refused = desk.post(path, {"parts": [short]}, "k1")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-application")
    assert "put the rest on account" in refused.text
    wrong: list[dict[str, Any]] = [
        {},
        {"rank": 1, "parts": [short]},
        {"rank": 1, "residuals": [{}]},
        {"parts": []},
        {"rank": 9},
    ]
    for body in wrong:
        assert desk.post(path, body, "k2").status_code == 422
    assert desk.post(path, {"rank": 2}, "k3").status_code == 404
    rest = {"account_id": desk.account, "amount_minor": 10_00}
    made = desk.post(path, {"parts": [short, rest]}, "k4")
    assert made.status_code == 201
    [left] = desk.get("/unapplied", account_id=desk.account)["items"]
    assert (left["unapplied_minor"], left["proposals"]) == (10_00, [])
    whole = {"parts": [{"account_id": desk.account, "entry_id": desk.item, "amount_minor": 10_00}]}
    applied = desk.post(f"/payments/{left['payment_id']}/applications", whole, "k5")
    assert applied.status_code == 201, applied.text
    assert desk.get("/unapplied", account_id=desk.account)["items"] == []


def test_payers_are_taught_and_forgotten(desk: Desk) -> None:
    path = f"/accounts/{desk.account}/aliases"
    assert desk.get(path) == []
    taught = desk.post(path, {"iban": "DE44500105175407324931", "name": "Acme Holding GmbH"}, "k")
    assert {(one["kind"], one["value"], one["confirmed"]) for one in taught.json()} == {
        ("iban", "DE44500105175407324931", 1), ("name", "ACME HOLDING", 1),
    }  # fmt: skip
    for one in taught.json():
        assert desk.browser.delete(f"/api/v1/cash/aliases/{one['id']}").status_code == 204
        assert desk.browser.delete(f"/api/v1/cash/aliases/{one['id']}").status_code == 404
    assert desk.get(path) == []
    assert desk.post(path, {}, "k").status_code == 422
    assert desk.post("/accounts/999/aliases", {"name": "x"}, "k").status_code == 404


def test_the_policy_is_changed_by_who_corrects_the_ledger(desk: Desk) -> None:
    path = f"/api/v1/cash/policies/{desk.entity}"
    standard = desk.browser.get(path).json()
    assert (standard["version"], standard["tolerance_minor"]) == (0, 0)
    wanted = {name: value for name, value in standard.items() if name != "entity_id"} | {"tolerance_minor": 200}
    assert desk.browser.put(path, json=wanted).status_code == 403
    with client(desk.kernel, Role.CREDIT_MANAGER) as manager:
        changed = manager.put(path, json=wanted)
        assert (changed.status_code, changed.json()["version"]) == (200, 1)
        assert manager.put(path, json=wanted).status_code == 409
        sales = manager.put(path, json=wanted | {"version": 1, "tolerance_book": "sales"})
        assert (sales.status_code, sales.json()["code"]) == (422, "bad-cash-policy")
        assert manager.get("/api/v1/cash/policies/99").status_code == 404


def test_figures_say_what_was_applied_untouched_and_undone(desk: Desk) -> None:
    with desk.kernel.database.transaction() as session:
        numbers = [line(session, desk.entity, 50_00, f"FR1-2026-00000{n}") for n in (2, 3)]
        for n in (2, 3):
            invoice(session, desk.entity, desk.account, 50_00, on=date(2026, 1, 5), reference=f"FR1-2026-00000{n}")
        match_lines(session, numbers, NOTHING, now=NOW)
    first = desk.get("/applications", automatic=True)["items"][0]["id"]
    desk.post(f"/applications/{first}/undo", {"why": "no"}, "k")
    told = desk.get("/figures", first="2026-02-01", last="2026-02-28")
    assert told == {
        "came_in": 3, "applied_untouched": 1, "applied_by_hand": 0, "undone": 1, "waiting": 2,
        "payment_rate": pytest.approx(1 / 3), "error_rate": 0.5,
    }  # fmt: skip
    assert desk.get("/figures", first="2025-01-01", last="2025-01-31")["error_rate"] is None
