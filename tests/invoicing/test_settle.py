"""Accepting a dispute: the credit, the end of the dispute and the word to the customer, all or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from ar.core.access.models import Role
from ar.core.audit import verify
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact
from ar.disputes.claim import open_dispute
from ar.disputes.models import Dispute, Reason
from ar.ledger.allocate import Share, allocate
from ar.ledger.models import Entry, EntryKind, OpenItem
from ar.ledger.post import Posting, post
from invoicing.issue import issue
from invoicing.models import DocumentKind, Invoice, InvoiceLine, InvoiceTax
from tests.invoicing.make import NOW, TODAY, customer, draft, line, seller
from tests.web import client

DAY = date(2026, 3, 16)


@dataclass
class Desk:
    """A credit manager's browser, and a seller with one customer."""

    kernel: Kernel
    browser: TestClient
    entity: int
    account: int

    def issued(self, *lines: Any) -> int:
        with self.kernel.database.transaction() as session:
            made = issue(session, draft(self.entity, self.account, *lines), by="user:1", today=TODAY, now=NOW)
            assert made.entry_id is not None
            return made.entry_id

    def imported(self, minor: int) -> int:
        posting = Posting(self.entity, self.account, EntryKind.INVOICE, minor, "EUR", DAY, DAY, "OLD-1", source="test")
        with self.kernel.database.transaction() as session:
            return post(session, [posting], now=NOW)[0]

    def pay(self, entry_id: int, minor: int) -> None:
        posting = Posting(self.entity, self.account, EntryKind.PAYMENT, minor, "EUR", DAY, source="test")
        with self.kernel.database.transaction() as session:
            [paid] = post(session, [posting], now=NOW)
            allocate(session, [Share(entry_id, paid, minor)], on=DAY, source="test", now=NOW)

    def contest(self, entry_id: int, minor: int | None = None) -> int:
        with self.kernel.database.transaction() as session:
            made = open_dispute(
                session,
                entry_id=entry_id,
                amount_minor=minor,
                reason=Reason.QUALITY,
                text="broken",
                by=f"customer:{self.account}",
                today=DAY,
                now=NOW,
            )
            assert made.id is not None
            return made.id

    def accept(self, dispute_id: int, minor: int, key: str = "k1") -> Any:
        body = {"accepted_minor": minor, "answer": "We are sorry."}
        path = f"/api/v1/disputes/{dispute_id}/credit"
        return self.browser.post(path, json=body, headers={"Idempotency-Key": key})

    def item(self, entry_id: int) -> tuple[int, int]:
        """What is open and what is contested of an item."""
        with self.kernel.database.reading() as session:
            found = session.exec(select(OpenItem).where(OpenItem.entry_id == entry_id)).one()
            return found.open_minor, found.disputed_minor

    def notes(self) -> list[Invoice]:
        with self.kernel.database.reading() as session:
            query = select(Invoice).where(col(Invoice.kind) == DocumentKind.CREDIT_NOTE).order_by(col(Invoice.id))
            found = session.exec(query).all()
            session.expunge_all()
            return list(found)


@pytest.fixture
def desk(kernel: Kernel) -> Iterator[Desk]:
    with kernel.database.transaction() as session:
        entity, account = seller(session), customer(session)
        add_contact(session, account, ContactDraft(email="ada@client.example"), by="system", now=NOW)
    with client(kernel, Role.CREDIT_MANAGER) as browser:
        yield Desk(kernel, browser, entity, account)


def test_all_accepted_is_the_whole_invoice_credited(desk: Desk) -> None:
    bill = desk.issued(line("2", "50", text="Tables"), line("1", "30", "5.5", text="Books"))
    made = desk.accept(desk.contest(bill), 15_165)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["dispute"]["outcome"], told["adjustment_id"]) == ("accepted", None)
    assert re.fullmatch(r"FR1-CN-\d{4}-000001", told["credit_note_number"])
    assert desk.item(bill) == (0, 0)
    [note] = desk.notes()
    assert note.total_minor == 15_165
    with desk.kernel.database.reading() as session:
        lines = session.exec(select(InvoiceLine).where(InvoiceLine.invoice_id == note.id)).all()
        assert sorted(one.description for one in lines) == ["Books", "Tables"]
        message = session.exec(select(OutboxMessage)).one()
        assert "We are sorry." in message.body_text
        assert "Nothing remains open" in message.body_text
        assert verify(session) == []


def test_a_part_is_credited_over_the_rates_in_proportion(desk: Desk) -> None:
    bill = desk.issued(line("1", "100", "20"), line("1", "100", "5.5"))
    dispute_id = desk.contest(bill, 5_000)
    made = desk.accept(dispute_id, 2_255)
    assert made.status_code == 201, made.text
    assert (made.json()["dispute"]["outcome"], made.json()["adjustment_id"]) == ("partly", None)
    assert desk.item(bill) == (22_550 - 2_255, 0)
    [note] = desk.notes()
    with desk.kernel.database.reading() as session:
        taxes = session.exec(select(InvoiceTax).where(InvoiceTax.invoice_id == note.id)).all()
        assert {(tax.rate_bp, tax.net_minor, tax.tax_minor) for tax in taxes} == {(2000, 1000, 200), (550, 1000, 55)}
        lines = session.exec(select(InvoiceLine).where(InvoiceLine.invoice_id == note.id)).all()
        assert {one.description for one in lines} == {"Credit on invoice FR1-2026-000001"}
        assert session.exec(select(Dispute.accepted_minor)).one() == 2_255


def test_the_cent_that_no_rate_holds_is_adjusted(desk: Desk) -> None:
    bill = desk.issued(line("1", "100", "20"))
    made = desk.accept(desk.contest(bill, 9), 9).json()
    assert made["credit_note_number"] is not None
    assert made["adjustment_id"] is not None
    assert desk.item(bill) == (12_000 - 9, 0)
    assert [note.total_minor for note in desk.notes()] == [8]


def test_what_was_credited_before_is_not_credited_again(desk: Desk) -> None:
    bill = desk.issued(line("1", "100", "20"), line("1", "100", "5.5"))
    first = {
        "reason": "returned",
        "lines": [{"description": "x", "quantity": "1", "unit_price": "100", "tax_rate": "20"}],
    }
    path = f"/api/v1/invoices/{bill}/credit-notes"
    assert desk.browser.post(path, json=first, headers={"Idempotency-Key": "n"}).status_code == 201
    assert desk.accept(desk.contest(bill), 10_550).status_code == 201
    assert desk.item(bill) == (0, 0)
    with desk.kernel.database.reading() as session:
        taxes = session.exec(select(InvoiceTax).where(InvoiceTax.invoice_id == desk.notes()[1].id)).all()
        assert [(tax.rate_bp, tax.net_minor, tax.tax_minor) for tax in taxes] == [(550, 10_000, 550)]


def test_an_imported_invoice_is_adjusted_in_the_ledger(desk: Desk) -> None:
    bill = desk.imported(10_000)
    made = desk.accept(desk.contest(bill, 4_000), 3_000).json()
    assert (made["credit_note_id"], made["dispute"]["outcome"]) == (None, "partly")
    assert desk.item(bill) == (7_000, 0)
    assert desk.notes() == []
    with desk.kernel.database.reading() as session:
        entry = session.exec(select(Entry).where(Entry.id == made["adjustment_id"])).one()
        assert (entry.kind, entry.amount_minor) == (EntryKind.ADJUSTMENT, 3_000)
        assert entry.memo == f"Accepted: dispute {made['dispute']['id']} on OLD-1"


@pytest.mark.parametrize("kind", ["issued", "imported"])
def test_paid_meanwhile_the_credit_stays_with_the_customer(desk: Desk, kind: str) -> None:
    bill = desk.issued(line("1", "100", "20")) if kind == "issued" else desk.imported(12_000)
    dispute_id = desk.contest(bill)
    desk.pay(bill, 9_000)
    made = desk.accept(dispute_id, 12_000).json()
    assert desk.item(bill) == (0, 0)
    assert desk.item(made["credit_note_id"] or made["adjustment_id"])[0] == 9_000


def test_one_key_one_credit_and_one_dispute_one_answer(desk: Desk) -> None:
    bill = desk.issued(line("1", "100", "20"))
    dispute_id = desk.contest(bill, 6_000)
    path = f"/api/v1/disputes/{dispute_id}/credit"
    assert desk.browser.post(path, json={"accepted_minor": 6_000}).status_code == 400, "without a key"
    assert desk.accept(dispute_id, 6_001).json()["code"] == "bad-dispute"
    assert desk.item(bill) == (12_000, 6_000)
    first, second = (desk.accept(dispute_id, 6_000) for _ in range(2))
    assert first.json() == second.json()
    assert desk.accept(dispute_id, 6_000, "k2").json()["code"] == "dispute-resolved"
    assert len(desk.notes()) == 1
    assert desk.item(bill) == (6_000, 0)


def test_accepted_on_its_page(desk: Desk) -> None:
    bill = desk.issued(line("1", "100", "20"))
    dispute_id = desk.contest(bill, 6_000)
    html = {"accept": "text/html"}
    path = f"/disputes/{dispute_id}"
    shown = desk.browser.get(path, headers=html).text
    assert f'action="{path}/credit"' in shown
    assert 'value="60.00"' in shown
    wrong = {"version": 1, "amount": "60,01", "answer": "Sorry <b>", "idempotency_key": "a"}
    answer = desk.browser.post(f"{path}/credit", data=wrong, headers=html)
    assert answer.status_code == 422
    assert "Sorry &lt;b&gt;" in answer.text
    stale = desk.browser.post(f"{path}/credit", data=wrong | {"version": 3, "amount": "60"}, headers=html)
    assert stale.status_code == 412
    assert (desk.item(bill), desk.notes()) == ((12_000, 6_000), [])
    done = desk.browser.post(f"{path}/credit", data=wrong | {"amount": "60,00"}, headers=html)
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert "the customer is told" in desk.browser.get(path, headers=html).text
    assert desk.item(bill) == (6_000, 0)
