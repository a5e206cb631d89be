"""An invoice in instalments: one document, one open item for each due date, and credits that cover them all."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from ar.core.access.models import Role
from ar.core.db import Database
from ar.core.errors import ConflictError
from ar.core.kernel import Kernel
from ar.disputes.claim import open_dispute
from ar.disputes.models import Reason
from ar.ledger.items import open_items
from ar.ledger.models import EntryKind, OpenItem
from ar.ledger.post import Posting, post, reverse
from invoicing.credit import OverCreditedError, credit
from invoicing.credited import Credited
from invoicing.documents import Standing, detail
from invoicing.draft import InvoiceError
from invoicing.issue import issue
from invoicing.models import Invoice, InvoiceInstalment
from invoicing.settle import settle_dispute
from invoicing.terms import TermsError
from tests.databases import sqlite_database
from tests.invoicing.make import NOW, TODAY, customer, draft, line, seller
from tests.web import client

THREE = "30% net 0; 40% net 30; 30% net 60"
DUE = [TODAY, date(2026, 4, 15), date(2026, 5, 15)]


def issued(session: Session, *lines: Any, terms: str = THREE) -> Invoice:
    return issue(
        session, draft(seller(session), customer(session), *lines, terms=terms), by="user:1", today=TODAY, now=NOW
    )


def parts_of(session: Session, invoice: Invoice) -> list[InvoiceInstalment]:
    part = InvoiceInstalment
    return list(session.exec(select(part).where(part.invoice_id == invoice.id).order_by(col(part.position))))


def open_now(database: Database) -> list[tuple[str, int]]:
    with database.reading() as session:
        return [(item.reference, item.side * item.open_minor) for item in open_items(session, as_of=date(2026, 12, 31))]


def test_each_instalment_is_an_open_item_and_they_make_the_total(database: Database) -> None:
    with database.transaction() as session:
        invoice = issued(session, line("1", "83.34"))
        parts = parts_of(session, invoice)
    assert (invoice.total_minor, invoice.due_on, invoice.terms) == (10_001, DUE[-1], THREE)
    assert [(part.due_on, part.amount_minor) for part in parts] == list(zip(DUE, [3_000, 4_001, 3_000], strict=True))
    assert invoice.entry_id == parts[0].entry_id
    assert open_now(database) == [(f"FR1-2026-000001/{n}", m) for n, m in ((1, 3_000), (2, 4_001), (3, 3_000))]
    with database.reading() as session:
        for part in parts:
            found = detail(session, part.entry_id)
            assert (found.number, found.amount_minor, found.open_minor) == ("FR1-2026-000001", 10_001, 10_001)
            assert (found.item.entry_id, found.due_on) == (invoice.entry_id, TODAY)
        assert found.standing(today=TODAY) is Standing.OPEN
        assert found.standing(today=date(2026, 3, 17)) is Standing.OVERDUE


def test_one_due_date_is_one_item_under_the_number_itself(database: Database) -> None:
    with database.transaction() as session:
        invoice = issued(session, terms="2/10 net 30")
        [part] = parts_of(session, invoice)
        item = session.exec(select(OpenItem).where(OpenItem.entry_id == part.entry_id)).one()
    assert (part.amount_minor, part.due_on, part.entry_id) == (12_000, date(2026, 4, 15), invoice.entry_id)
    assert (item.reference, item.discount_until, item.discount_minor) == ("FR1-2026-000001", date(2026, 3, 26), 240)


def test_numbers_that_an_instalment_would_repeat_are_passed_over(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        posting = Posting(entity_id, buyer, EntryKind.INVOICE, 100, "EUR", TODAY, reference="FR1-2026-000001/2")
        post(session, [posting], now=NOW)
        made = issue(session, draft(entity_id, buyer, terms=THREE), by="system", today=TODAY, now=NOW)
        assert made.number == "FR1-2026-000002"


@pytest.mark.parametrize("terms", [THREE, "2/10 net 30"])
def test_a_due_date_does_not_go_beside_instalments_or_a_discount(database: Database, terms: str) -> None:
    with pytest.raises(InvoiceError) as caught, database.transaction() as session:
        given = draft(seller(session), customer(session), terms=terms, due_on=date(2026, 4, 1))
        issue(session, given, by="user:1", today=TODAY, now=NOW)
    assert [fault.pointer for fault in caught.value.faults] == ["/due_on"]
    with pytest.raises(TermsError) as bad, database.transaction() as session:
        issued(session, terms="soon")
    assert [fault.pointer for fault in bad.value.faults] == ["/terms"]


def test_a_whole_credit_covers_every_instalment(database: Database) -> None:
    with database.transaction() as session:
        second = parts_of(session, issued(session))[1].entry_id
        note = credit(session, second, reason="returned", by="user:1", today=TODAY, now=NOW)
    assert note.total_minor == 12_000
    assert open_now(database) == []
    with database.reading() as session:
        found = detail(session, second)
        assert [one.number for one in found.credit_notes] == [note.number]
        assert found.standing(today=date(2026, 12, 31)) is Standing.PAID
        assert found.due_on == DUE[-1]
    nothing = r"0\.00 EUR of invoice FR1-2026-000001 "
    with pytest.raises(OverCreditedError, match=nothing), database.transaction() as session:
        credit(session, second, reason="again", part=Credited([line()]), by="user:1", today=TODAY, now=NOW)


def test_a_part_credits_the_instalment_named_then_those_due_first(database: Database) -> None:
    with database.transaction() as session:
        first, second, third = (part.entry_id for part in parts_of(session, issued(session)))
        credit(session, second, reason="late", part=Credited([line("1", "50")]), by="user:1", today=TODAY, now=NOW)
    assert open_now(database) == [("FR1-2026-000001/1", 2_400), ("FR1-2026-000001/3", 3_600)]
    with database.transaction() as session:
        credit(session, first, reason="late", part=Credited([line("1", "50")]), by="user:1", today=TODAY, now=NOW)
    assert open_now(database) == []
    assert third > second > first


def test_one_instalment_reversed_leaves_nothing_to_credit(database: Database) -> None:
    with database.transaction() as session:
        first, second, _ = (part.entry_id for part in parts_of(session, issued(session)))
        reverse(session, second, on=TODAY, source="test", now=NOW)
    with pytest.raises(ConflictError, match="was reversed"), database.transaction() as session:
        credit(session, first, reason="x", by="user:1", today=TODAY, now=NOW)


def test_a_dispute_of_one_instalment_is_credited_on_it(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        second = parts_of(session, issued(session, line("1", "100", "20")))[1].entry_id
        contested = open_dispute(
            session,
            entry_id=second,
            amount_minor=2_400,
            reason=Reason.QUALITY,
            text="",
            by="user:1",
            today=TODAY,
            now=NOW,
        )
        assert contested.id is not None
        settled = settle_dispute(
            session, kernel, contested.id, accepted_minor=2_400, answer="", by="user:1", today=TODAY, now=NOW
        )
    assert settled.credit_note is not None
    assert (settled.credit_note.total_minor, settled.adjustment_id) == (2_400, None)
    left = [("FR1-2026-000001/1", 3_600), ("FR1-2026-000001/2", 2_400), ("FR1-2026-000001/3", 3_600)]
    assert open_now(kernel.database) == left


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE invoice_instalment SET due_on = '2030-01-01'", "issued document does not change"),
        ("DELETE FROM invoice_instalment", "issued document does not change"),
        (
            "INSERT INTO invoice_instalment (invoice_id, position, due_on, amount_minor, entry_id) "
            "VALUES (1, 9, '2030-01-01', 1, 1)",
            "issued document does not change",
        ),
    ],
)
def test_the_database_keeps_instalments_as_they_are(database: Database, statement: str, told: str) -> None:
    with database.transaction() as session:
        issued(session)
    with pytest.raises(IntegrityError, match=told), database.transaction() as session:
        session.connection().execute(text(statement))


def test_the_database_issues_no_document_whose_instalments_do_not_make_it(database: Database) -> None:
    row = (
        "INSERT INTO invoice (id, entity_id, account_id, kind, state, series, number, issue_on, due_on, currency, "
        "net_minor, tax_minor, total_minor, terms, buyer_reference, purchase_order, note, created_at, issued_at, "
        "entry_id) SELECT 99, entity_id, account_id, kind, 'draft', series, 'X', issue_on, due_on, currency, 9, 0, 9, "
        "'', '', '', '', created_at, created_at, NULL FROM invoice"
    )
    with database.transaction() as session:
        invoice = issued(session)
        extra = Posting(invoice.entity_id, invoice.account_id, EntryKind.INVOICE, 9, "EUR", TODAY, reference="X")
        [entry_id] = post(session, [extra], now=NOW)
        session.connection().execute(text(row))
        part = InvoiceInstalment(invoice_id=99, position=1, due_on=TODAY, amount_minor=8, entry_id=entry_id)
        session.add(part)
    with pytest.raises(IntegrityError, match="make its total"), database.transaction() as session:
        session.connection().execute(text(f"UPDATE invoice SET state = 'issued', entry_id = {entry_id} WHERE id = 99"))


@settings(max_examples=60)
@given(
    currency=st.sampled_from(["JPY", "EUR", "KWD"]),
    price=st.integers(1, 10**6),
    cuts=st.sets(st.integers(1, 9_999), min_size=1, max_size=5),
)
def test_whatever_the_currency_the_items_make_the_total(
    tmp_path_factory: pytest.TempPathFactory, currency: str, price: int, cuts: set[int]
) -> None:
    edges = [0, *sorted(cuts), 10_000]
    shares = [after - before for before, after in pairwise(edges)]
    terms = "; ".join(f"{share // 100}.{share % 100:02d}% net {30 * n}" for n, share in enumerate(shares))
    with sqlite_database(tmp_path_factory.mktemp("db")) as database, database.transaction() as session:
        entity_id, buyer = seller(session, currency=currency), customer(session, currency=currency)
        given_lines = draft(entity_id, buyer, line("1", str(price)), terms=terms)
        invoice = issue(session, given_lines, by="system", today=TODAY, now=NOW)
        parts = parts_of(session, invoice)
        assert sum(part.amount_minor for part in parts) == invoice.total_minor
        assert all(part.due_on >= invoice.issue_on and part.amount_minor > 0 for part in parts)
        items = open_items(session, as_of=TODAY)
        assert sum(item.open_minor for item in items) == invoice.total_minor


LINE = {"description": "Table", "quantity": "1", "unit_price": "100.00", "tax_rate": "20"}


def test_by_api_and_on_its_page(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        customer(session)
    web = client(kernel, Role.CREDIT_MANAGER)
    body = {"entity_id": 1, "account_id": 1, "lines": [LINE], "terms": THREE, "issue_on": "2026-03-16"}
    made = web.post("/api/v1/invoices", json=body, headers={"Idempotency-Key": "a"})
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["number"], told["amount_minor"], told["due_on"]) == ("FR1-2026-000001", 12_000, "2026-03-16")
    assert [(one["reference"], one["due_on"], one["amount_minor"]) for one in told["instalments"]] == [
        ("FR1-2026-000001/1", "2026-03-16", 3_600),
        ("FR1-2026-000001/2", "2026-04-15", 4_800),
        ("FR1-2026-000001/3", "2026-05-15", 3_600),
    ]
    assert told["terms_words"] == "30%: payable on the day of the invoice; 40%: 30 days net; 30%: 60 days net"
    assert told["warnings"] == []
    for one in told["instalments"]:
        assert web.get(f"/api/v1/invoices/{one['entry_id']}").json() == told
    listed = web.get("/api/v1/invoices", params={"number": "FR1-2026-000001"}).json()["items"]
    assert sorted(one["number"] for one in listed) == [f"FR1-2026-000001/{n}" for n in (1, 2, 3)]
    assert all(one["issued_here"] for one in listed)
    last = told["instalments"][-1]["entry_id"]
    page = web.get(f"/invoices/{last}", headers={"accept": "text/html"}).text
    assert "FR1-2026-000001/3" in page
    assert "Issue the credit note" in page
    form = {"reason": "not wanted", "idempotency_key": "b"}
    assert web.post(f"/invoices/{last}/credit-notes", data=form, headers={"accept": "text/html"}).status_code == 303
    after = web.get(f"/api/v1/invoices/{told['id']}").json()
    assert (after["state"], after["open_minor"], len(after["credit_notes"])) == ("paid", 0, 1)


def test_a_file_does_not_bring_in_what_was_issued_in_instalments(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        issued(session)
    web = client(kernel, Role.ADMIN)
    head = "customer_code,invoice_number,issue_date,due_date,amount,currency\n"
    rows = "C1,FR1-2026-000001,2026-03-16,2026-05-15,120.00,EUR\nC1,FR1-2026-000001/2,2026-03-16,2026-04-15,48.00,EUR\n"
    file = {"file": ("may.csv", (head + rows).encode(), "text/csv")}
    told = web.post("/api/v1/imports/invoices", files=file).json()
    assert (told["accepted"], told["refused"], told["unchanged"]) == (0, 1, 1)
    assert "such as FR1-2026-000001/1" in told["refusals"][0]["reason"]


def test_discount_windows_by_api_and_on_the_page(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        made = issued(session, terms="3/8, 2/14 net 30")
    web = client(kernel, Role.CREDIT_MANAGER)
    told = web.get(f"/api/v1/invoices/{made.entry_id}").json()
    assert told["discounts"] == [
        {"until": "2026-03-24", "percent": "3", "amount_minor": 360},
        {"until": "2026-03-30", "percent": "2", "amount_minor": 240},
    ]
    page = web.get(f"/invoices/{made.entry_id}", headers={"accept": "text/html"}).text
    assert "3% discount if paid within 8 days; 2% discount if paid within 14 days; 30 days net" in page
    assert "€117.60" in page
