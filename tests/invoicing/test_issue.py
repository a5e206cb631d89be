"""Issuing and crediting: the document, the number, the ledger, and what the database refuses afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import func, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from ar.core.audit import AuditEntry, verify
from ar.core.db import Database
from ar.core.errors import ConflictError, DomainError
from ar.ledger.allocate import Share, allocate
from ar.ledger.items import open_items
from ar.ledger.models import EntryKind, OpenItem
from ar.ledger.post import Posting, post, reverse
from invoicing.credit import OverCreditedError, credit
from invoicing.credited import Credited
from invoicing.draft import InvoiceDraft, InvoiceError
from invoicing.issue import issue
from invoicing.models import DocumentKind, Invoice, InvoiceState, InvoiceTax
from invoicing.numbering import OutOfOrderError, SeriesError
from invoicing.totals import TotalsError
from tests.invoicing.make import NOW, TODAY, customer, draft, line, seller


def test_an_issued_invoice_is_numbered_and_owed(database: Database) -> None:
    with database.transaction() as session:
        entity_id, account_id = seller(session), customer(session)
        given = draft(entity_id, account_id, line("2", "50"), line("1", "30", "5.5"), terms="45 days end of month")
        invoice = issue(session, given, by="user:1", today=TODAY, now=NOW)
    assert (invoice.number, invoice.state) == ("FR1-2026-000001", InvoiceState.ISSUED)
    assert (invoice.net_minor, invoice.tax_minor, invoice.total_minor) == (13000, 2165, 15165)
    assert (invoice.issue_on, invoice.due_on, invoice.terms) == (TODAY, date(2026, 4, 30), "45 days end of month")
    with database.reading() as session:
        [item] = open_items(session, as_of=TODAY)
        assert (item.entry_id, item.open_minor, item.reference) == (invoice.entry_id, 15165, "FR1-2026-000001")
        taxes = session.exec(select(InvoiceTax).order_by(col(InvoiceTax.rate_bp))).all()
        assert [(tax.rate_bp, tax.net_minor, tax.tax_minor) for tax in taxes] == [(550, 3000, 165), (2000, 10000, 2000)]
        assert session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id).desc())).first() == "invoice.issued"
        assert verify(session) == []


def test_numbers_go_up_by_series_seller_and_year(database: Database) -> None:
    with database.transaction() as session:
        one, two, buyer = seller(session), seller(session, "D/É 2"), customer(session)

        def number(entity_id: int, day: date, series: str = "") -> str | None:
            given = draft(entity_id, buyer, issue_on=day, series=series)
            return issue(session, given, by="system", today=TODAY, now=NOW).number

        assert number(one, date(2025, 12, 31)) == "FR1-2025-000001"
        assert number(one, date(2026, 1, 1)) == "FR1-2026-000001"
        assert number(one, date(2026, 1, 1)) == "FR1-2026-000002"
        assert number(one, date(2026, 1, 1), "EXP") == "FR1-EXP-2026-000001"
        assert number(two, date(2026, 1, 1)) == "D/-2-2026-000001"


def test_a_number_that_an_import_brought_is_passed_over(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        posting = Posting(entity_id, buyer, EntryKind.INVOICE, 100, "EUR", TODAY, reference="FR1-2026-000001")
        post(session, [posting], now=NOW)
        assert issue(session, draft(entity_id, buyer), by="system", today=TODAY, now=NOW).number == "FR1-2026-000002"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"issue_on": date(2026, 3, 18)}, InvoiceError),
        ({"due_on": date(2026, 3, 15)}, InvoiceError),
        ({"due_on": date(2046, 3, 15)}, InvoiceError),
        ({"series": "no"}, SeriesError),
        ({"series": "LONGLONG", "entity": "X" * 20}, SeriesError),
        ({"issue_on": date(2026, 3, 1), "after": True}, OutOfOrderError),
        ({"terms": "soon"}, DomainError),
        ({"currency": "XYZ"}, DomainError),
        ({"account_id": 99}, DomainError),
        ({"lines": ()}, TotalsError),
    ],
)
def test_what_is_not_issued_leaves_nothing(database: Database, changes: dict[str, Any], error: type[Exception]) -> None:
    changes = dict(changes)
    with database.transaction() as session:
        entity_id, buyer = seller(session, changes.pop("entity", "FR1")), customer(session)
        if changes.pop("after", False):
            issue(session, draft(entity_id, buyer), by="system", today=TODAY, now=NOW)
    given = {"account_id": buyer, "lines": (line(),), **changes}
    before = _counts(database)
    with pytest.raises(error), database.transaction() as session:
        issue(session, InvoiceDraft(entity_id=entity_id, **given), by="system", today=TODAY, now=NOW)
    assert _counts(database) == before


def _counts(database: Database) -> list[int]:
    tables = ("invoice", "invoice_line", "ledger_entry", "audit_entry", "number_sequence")
    with database.reading() as session:
        return [session.connection().execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoice SET note = 'x'",
        "DELETE FROM invoice",
        "UPDATE invoice_line SET description = 'x'",
        "DELETE FROM invoice_line",
        "UPDATE invoice_tax SET tax_minor = 0",
        "DELETE FROM invoice_tax",
        "INSERT INTO invoice_tax (invoice_id, category, rate_bp, net_minor, tax_minor) VALUES (1, 'Z', 0, 0, 0)",
    ],
)
def test_the_database_keeps_an_issued_document_as_it_is(database: Database, statement: str) -> None:
    with database.transaction() as session:
        issue(session, draft(seller(session), customer(session)), by="system", today=TODAY, now=NOW)
    with pytest.raises(IntegrityError, match="issued document does not change"), database.transaction() as session:
        session.connection().execute(text(statement))


def test_ten_writers_take_every_number_once(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
    start, failed = Barrier(10), []

    def write(writer: int) -> None:
        start.wait()
        for n in range(4):
            try:
                with database.transaction() as session:
                    issue(session, draft(entity_id, buyer), by=f"user:{writer}", today=TODAY, now=NOW)
                    if n == 2:
                        raise InterruptedError  # gives its number back
            except InterruptedError:
                pass
            except Exception as error:
                failed.append(error)

    writers = [Thread(target=write, args=(n,)) for n in range(10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    with database.reading() as session:
        numbers = sorted(session.exec(select(Invoice.number)).all(), key=str)
    assert numbers == [f"FR1-2026-{n:06d}" for n in range(1, 31)]


def test_a_full_credit_note_settles_the_invoice(database: Database) -> None:
    with database.transaction() as session:
        invoice = issue(session, draft(seller(session), customer(session)), by="system", today=TODAY, now=NOW)
        assert invoice.entry_id is not None
        note = credit(session, invoice.entry_id, reason="not delivered", by="user:1", today=TODAY, now=NOW)
    assert (note.kind, note.number, note.total_minor) == (DocumentKind.CREDIT_NOTE, "FR1-CN-2026-000001", 12000)
    assert note.corrects_entry_id == invoice.entry_id
    with database.reading() as session:
        assert open_items(session, as_of=TODAY) == []
    with pytest.raises(InvoiceError, match="credited before"), database.transaction() as session:
        credit(session, invoice.entry_id, reason="again", by="user:1", today=TODAY, now=NOW)
    with pytest.raises(OverCreditedError, match=r"0\.00 EUR"), database.transaction() as session:
        credit(session, invoice.entry_id, reason="again", part=Credited([line()]), by="user:1", today=TODAY, now=NOW)


def test_a_partial_credit_note_leaves_the_rest_open(database: Database) -> None:
    with database.transaction() as session:
        invoice = issue(session, draft(seller(session), customer(session)), by="system", today=TODAY, now=NOW)
        assert invoice.entry_id is not None
        credit(
            session,
            invoice.entry_id,
            reason="late",
            part=Credited([line("1", "25")]),
            by="user:1",
            today=TODAY,
            now=NOW,
        )
    with database.reading() as session:
        [item] = open_items(session, as_of=TODAY)
    assert (item.entry_id, item.open_minor) == (invoice.entry_id, 9000)


def test_crediting_a_paid_invoice_leaves_credit_with_the_customer(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        invoice = issue(session, draft(entity_id, buyer), by="system", today=TODAY, now=NOW)
        assert invoice.entry_id is not None
        [paid] = post(session, [Posting(entity_id, buyer, EntryKind.PAYMENT, 12000, "EUR", TODAY)], now=NOW)
        allocate(session, [Share(invoice.entry_id, paid, 12000)], on=TODAY, source="test", now=NOW)
        credit(
            session,
            invoice.entry_id,
            reason="late",
            part=Credited([line("1", "25")]),
            by="user:1",
            today=TODAY,
            now=NOW,
        )
    with database.reading() as session:
        [item] = open_items(session, as_of=TODAY)
    assert (item.kind, item.side, item.open_minor) == (EntryKind.CREDIT_NOTE, -1, 3000)


def test_what_cannot_be_credited(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        imported = Posting(entity_id, buyer, EntryKind.INVOICE, 500, "EUR", TODAY, reference="OLD-1")
        paid = Posting(entity_id, buyer, EntryKind.PAYMENT, 500, "EUR", TODAY)
        gone = Posting(entity_id, buyer, EntryKind.INVOICE, 500, "EUR", TODAY, reference="OLD-2")
        bare, payment, taken = post(session, [imported, paid, gone], now=NOW)
        reverse(session, taken, on=TODAY, source="test", now=NOW)

    def attempt(entry_id: int, lines: list[Any] | None) -> None:
        with database.transaction() as session:
            part = None if lines is None else Credited(lines)
            credit(session, entry_id, reason="x", part=part, by="user:1", today=TODAY, now=NOW)

    with pytest.raises(InvoiceError, match="without its lines"):
        attempt(bare, None)
    with pytest.raises(InvoiceError, match="not an invoice"):
        attempt(payment, None)
    with pytest.raises(ConflictError, match="reversed"):
        attempt(taken, [line()])
    with pytest.raises(DomainError, match="no open item"):
        attempt(10**6, None)
    attempt(bare, [line("1", "5", "0", "Z")])


WRITERS, EACH, KILLS = 8, 500, 40


def test_numbers_have_no_gap_and_no_twin_whoever_is_killed(database: Database) -> None:
    """Guarantee of the numbering: eight writers of 500 each, forty of them killed in the middle of their work."""
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
    url = database.engine.url.render_as_string(hide_password=False)
    numbers = map(str, (entity_id, buyer, WRITERS, EACH, KILLS))
    command = [sys.executable, "-m", "tests.invoicing.number_writers", url, *numbers]
    ran = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300, check=True
    )
    assert int(ran.stdout) == KILLS
    with database.reading() as session:
        written = session.exec(select(Invoice.number, Invoice.issued_by).order_by(col(Invoice.number))).all()
        assert [number for number, _ in written] == [f"FR1-2026-{n:06d}" for n in range(1, WRITERS * EACH + 1)]
        assert set(Counter(by for _, by in written).values()) == {EACH}
        entries = select(func.count(), func.sum(OpenItem.open_minor)).select_from(OpenItem)
        assert session.exec(entries).one() == (WRITERS * EACH, WRITERS * EACH * 12_000)
        assert verify(session) == []
