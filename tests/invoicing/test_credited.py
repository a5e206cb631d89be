"""Credit notes for all of an invoice, for lines of it and for an amount: at its own tax, never for more than it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, col, select

from ar.core.db import Database
from ar.core.errors import DomainError
from ar.core.kernel import Kernel
from invoicing.credit import OverCreditedError, credit
from invoicing.credited import Credited, CreditError, LinePart, by_amount, locked_invoice, of_lines, worded_amount
from invoicing.documents import detail
from invoicing.issue import issue
from invoicing.models import Invoice, InvoiceAdjustment, InvoiceLine
from invoicing.totals import MILLION, Adjustment
from tests.invoicing.make import NOW, TODAY, customer, draft, line, rate, seller

OFF = Adjustment("Trade discount", percent_bp=1000)
FREIGHT = Adjustment("Freight", amount_minor=30_00, charge=True)


def issued(session: Session) -> Invoice:
    """Four tables at 100.00 less 10 %, a book at 5.5 %; 30.00 of freight over all of it."""
    tables = replace(line("4", "100"), adjustments=(OFF,), item_code="T-1", unit="EA")
    given = draft(seller(session), customer(session), tables, line("1", "40", "5.5"), adjustments=[FREIGHT])
    return issue(session, given, by="user:1", today=TODAY, now=NOW)


def credited(session: Session, invoice: Invoice, part: Credited | None = None) -> Invoice:
    assert invoice.entry_id is not None
    return credit(session, invoice.entry_id, reason="broken", part=part, by="user:1", today=TODAY, now=NOW)


def test_all_of_it_has_the_same_sums_lines_and_adjustments(database: Database) -> None:
    with database.transaction() as session:
        invoice = issued(session)
        note = credited(session, invoice)
        assert (note.net_minor, note.tax_minor) == (invoice.net_minor, invoice.tax_minor) == (430_00, 79_77)
        rows = session.exec(select(InvoiceLine).order_by(col(InvoiceLine.invoice_id), col(InvoiceLine.position))).all()
        assert [(one.item_code, one.unit, one.net_minor) for one in rows] == [
            ("T-1", "EA", 360_00),
            ("", "C62", 40_00),
        ] * 2
        assert [one.corrects_position for one in rows] == [None, None, 1, 2]
        adjusted = session.exec(select(InvoiceAdjustment).where(col(InvoiceAdjustment.invoice_id) == note.id)).all()
        assert sorted((one.reason, one.amount_minor) for one in adjusted) == [
            ("Freight", 3_00),
            ("Freight", 27_00),
            ("Trade discount", 40_00),
        ]


def test_lines_are_credited_at_their_own_price_till_nothing_is_left(database: Database) -> None:
    with database.transaction() as session:
        invoice = issued(session)
        first = credited(session, invoice, of_lines(session, invoice, [LinePart(1, 1 * MILLION)]))
        assert first.net_minor == 90_00 + 6_75  # a table less 10 %, and its share of the freight: 30.00 x 90 / 400
        rest = credited(session, invoice, of_lines(session, invoice, [LinePart(1), LinePart(2)]))
        assert (first.net_minor + rest.net_minor, first.tax_minor + rest.tax_minor) == (430_00, 79_77)
        with pytest.raises(CreditError) as refused:
            of_lines(session, invoice, [LinePart(1), LinePart(2, MILLION), LinePart(7)])
        assert [fault.pointer for fault in refused.value.faults] == [
            "/of_lines/0/quantity",
            "/of_lines/1/quantity",
            "/of_lines/2/position",
        ]
        found = detail(session, invoice.entry_id or 0)
        assert (found.creditable_minor, found.open_minor, len(found.credit_notes)) == (0, 0, 2)


def test_the_same_line_twice_in_one_note_counts_twice(database: Database) -> None:
    with database.transaction() as session:
        invoice = issued(session)
        with pytest.raises(CreditError, match="a quantity of 1 can"):
            of_lines(session, invoice, [LinePart(1, 3 * MILLION), LinePart(1, 2 * MILLION)])


def test_an_amount_is_credited_over_the_rates_that_are_left(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        invoice = issued(session)
        assert invoice.entry_id is not None
        note = credited(
            session, invoice, worded_amount(session, kernel, locked_invoice(session, invoice.entry_id), 100_00)
        )
        assert note.total_minor == 100_00
        left = invoice.total_minor - 100_00
        rest = credited(session, invoice, by_amount(session, invoice, left, "rest"))
        assert rest.total_minor == left
        assert abs(note.tax_minor + rest.tax_minor - invoice.tax_minor) <= 1
        with pytest.raises(OverCreditedError):
            credited(session, invoice, Credited([line("1", "0.01")]))
        with pytest.raises(CreditError, match="so little"):
            worded_amount(session, kernel, locked_invoice(session, invoice.entry_id), 1)


def test_tax_in_the_sellers_currency_is_taken_back_at_the_invoices_rate(database: Database) -> None:
    with database.transaction() as session:
        rate(session, "USD", "1.25")
        buyer = customer(session, currency="USD")
        invoice = issue(session, draft(seller(session), buyer), by="user:1", today=TODAY, now=NOW)
        assert (invoice.tax_minor, invoice.tax_currency, invoice.tax_accounting_minor) == (20_00, "EUR", 16_00)
        assert invoice.entry_id is not None
        rate(session, "USD", "2", on=TODAY.replace(day=20))
        later = TODAY.replace(day=25)
        note = credit(session, invoice.entry_id, reason="void", by="user:1", today=later, now=NOW)
        assert (note.issue_on, note.tax_accounting_minor) == (later, 16_00)


def test_an_invoice_in_a_currency_without_a_rate_is_not_issued(database: Database) -> None:
    with pytest.raises(DomainError, match="no exchange rate for USD"), database.transaction() as session:
        buyer = customer(session, currency="USD")
        issue(session, draft(seller(session), buyer), by="user:1", today=TODAY, now=NOW)
    with database.reading() as session:
        assert session.exec(select(Invoice)).all() == []


def test_what_has_no_lines_is_credited_by_lines_given(database: Database) -> None:
    with database.transaction() as session:
        invoice = issued(session)
        note = credited(session, invoice)
        assert note.entry_id is not None
        with pytest.raises(CreditError, match="give the lines"):
            locked_invoice(session, note.entry_id)
