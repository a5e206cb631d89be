"""KPIs against figures worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import Session

from ar.core.db import Database
from ar.ledger.ageing import ageing, totals
from ar.ledger.allocate import Share, allocate
from ar.ledger.figures import kpis
from ar.ledger.items import mark_disputed
from ar.ledger.kpis import MonthSales, bad_debt, cei, dso_countback, dso_simple, turnover
from ar.ledger.models import EntryKind, ExchangeRate
from ar.ledger.post import reverse
from ar.ledger.statement import statements
from ar.ledger.trend import month_ends, trend
from tests.ledger.make import NOW, customer, invoice, posted, seller


def test_formulas_on_the_published_vectors() -> None:
    months = [MonthSales(100_000, 30), MonthSales(80_000, 30), MonthSales(70_000, 30)]
    assert dso_countback(212_000, months) == Decimal("73.71")
    assert dso_countback(0, months) == 0
    assert dso_countback(251_000, months) is None
    assert dso_simple(212_000, 250_000, 90) == Decimal("76.32")
    assert dso_simple(212_000, 0, 90) is None
    assert cei(opening=100, sales=300, closing=80, closing_current=60, months=3) == Decimal("85.71")
    assert cei(opening=0, sales=0, closing=0, closing_current=0, months=3) is None
    assert turnover(900, 100, 200) == Decimal("6.00")
    assert bad_debt(5, 1_000) == Decimal("0.50")


def quarter(session: Session) -> tuple[int, int]:
    """A company whose figures as of 31 March 2026 (90 days from 1 January) are easy to work out."""
    entity, account = seller(session), customer(session)
    old = invoice(session, entity, account, 50_000, on=date(2025, 12, 1), due=date(2025, 12, 31), reference="A")
    january = invoice(session, entity, account, 90_000, on=date(2026, 1, 10), due=date(2026, 2, 9), reference="B")
    invoice(session, entity, account, 60_000, on=date(2026, 2, 10), due=date(2026, 3, 12), reference="C")
    invoice(session, entity, account, 30_000, on=date(2026, 3, 10), due=date(2026, 4, 9), reference="D")
    paid = posted(session, entity, account, EntryKind.PAYMENT, 100_000, on=date(2026, 2, 15))
    allocate(session, [Share(old, paid, 50_000)], on=date(2026, 2, 15), source="test", now=NOW)
    allocate(session, [Share(january, paid, 45_000)], on=date(2026, 2, 15), source="test", now=NOW)
    return entity, account


AS_OF = date(2026, 3, 31)


def test_a_quarter_worked_out_by_hand(database: Database) -> None:
    with database.transaction() as session:
        quarter(session)
    with database.reading() as session:
        told = kpis(session, as_of=AS_OF, currency="EUR")
    # Receivables: B 45,000 + C 60,000 + D 30,000 - 5,000 unapplied = 130,000; sales 180,000 in 90 days.
    assert told.basis.receivables_minor == 130_000
    assert told.basis.sales_minor == 180_000
    assert told.dso_simple == Decimal("65.00")
    assert told.dso_best_possible == Decimal("15.00")
    assert told.add == Decimal("50.00")
    # March 30,000 (31 days), February 60,000 (28 days), then 40,000 of January's 90,000 (31 days).
    assert told.dso_countback == Decimal("72.78")
    # Opening 50,000; (50,000 + 60,000 - 130,000) / (50,000 + 60,000 - 30,000).
    assert told.cei == Decimal("-25.00")
    assert told.ar_turnover == Decimal("2.00")
    assert told.bad_debt_ratio == 0
    assert told.ageing.buckets == {
        "not_due": 30_000,
        "1-30": 60_000,
        "31-60": 45_000,
        "61-90": 0,
        "91+": 0,
    }
    assert (told.ageing.credits, told.ageing.total) == (-5_000, 130_000)


def test_a_past_day_is_told_the_same_whatever_came_after(database: Database) -> None:
    with database.transaction() as session:
        entity, account = quarter(session)
    with database.reading() as session:
        before = kpis(session, as_of=AS_OF, currency="EUR").as_json()
    with database.transaction() as session:
        later = date(2026, 4, 20)
        bill = invoice(session, entity, account, 70_000, on=later, reference="E")
        paid = posted(session, entity, account, EntryKind.PAYMENT, 70_000, on=later)
        allocate(session, [Share(bill, paid, 70_000)], on=later, source="test", now=NOW)
        reverse(session, 2, on=later, source="test", now=NOW)
        posted(session, entity, account, EntryKind.WRITE_OFF, 1_000, on=later)
    with database.reading() as session:
        assert kpis(session, as_of=AS_OF, currency="EUR").as_json() == before


def test_write_offs_credit_notes_reversals_and_disputes_count_as_they_should(database: Database) -> None:
    with database.transaction() as session:
        entity, account = quarter(session)
        note = posted(session, entity, account, EntryKind.CREDIT_NOTE, 18_000, on=date(2026, 3, 15), reference="N1")
        allocate(session, [Share(3, note, 18_000)], on=date(2026, 3, 15), source="test", now=NOW)
        lost = posted(session, entity, account, EntryKind.WRITE_OFF, 9_000, on=date(2026, 3, 20))
        allocate(session, [Share(2, lost, 9_000)], on=date(2026, 3, 20), source="test", now=NOW)
        mark_disputed(session, 4, 12_000, on=date(2026, 3, 25), source="test")
    with database.reading() as session:
        told = kpis(session, as_of=AS_OF, currency="EUR")
    assert told.basis.sales_minor == 162_000
    assert told.basis.receivables_minor == 103_000
    assert told.basis.disputed_minor == 12_000
    assert told.bad_debt_ratio == Decimal("5.56")
    with database.transaction() as session:
        reverse(session, lost, on=date(2026, 3, 28), source="test", now=NOW)
    with database.reading() as session:
        told = kpis(session, as_of=AS_OF, currency="EUR")
    assert told.bad_debt_ratio == 0
    assert told.basis.receivables_minor == 112_000


def test_currencies_convert_at_the_days_rate_or_are_named_as_left_out(database: Database) -> None:
    with database.transaction() as session:
        entity, account = quarter(session)
        invoice(session, entity, account, 23_000, on=date(2026, 3, 1), reference="U", currency="USD")
        invoice(session, entity, account, 500, on=date(2026, 3, 1), reference="Y", currency="JPY")
    with database.reading() as session:
        bare = kpis(session, as_of=AS_OF, currency="EUR")
        assert bare.basis.left_out == ("JPY", "USD")
        assert bare.basis.receivables_minor == 130_000
        assert kpis(session, as_of=AS_OF, currency="GBP").basis.currency == "EUR"
    with database.transaction() as session:
        for currency, rate, back in [("USD", "1.15", 1), ("JPY", "170", 0), ("USD", "1.30", 9)]:
            session.add(
                ExchangeRate(
                    currency=currency, rate_on=AS_OF - timedelta(days=back), per_euro=Decimal(rate), source="test"
                )
            )
    with database.reading() as session:
        told = kpis(session, as_of=AS_OF, currency="EUR")
    # 230.00 USD at 1.15 is 200.00 EUR; 500 JPY at 170 is 2.94 EUR.
    assert told.basis.left_out == ()
    assert told.basis.receivables_minor == 130_000 + 20_000 + 294
    assert told.basis.rate_dates == {"JPY": AS_OF, "USD": AS_OF - timedelta(days=1)}


def test_each_legal_entity_has_figures_of_its_own(database: Database) -> None:
    with database.transaction() as session:
        entity, account = quarter(session)
        other = seller(session, "FR2")
        invoice(session, other, account, 18_000, on=date(2026, 3, 1), due=date(2026, 3, 11), reference="A")
    with database.reading() as session:
        assert kpis(session, as_of=AS_OF, currency="EUR", entity_id=entity).basis.receivables_minor == 130_000
        assert kpis(session, as_of=AS_OF, currency="EUR", entity_id=other).dso_simple == Decimal("90.00")
        assert kpis(session, as_of=AS_OF, currency="EUR").basis.receivables_minor == 148_000
        rows = ageing(session, as_of=AS_OF, account_ids=[account])
    assert sorted((row.entity_id, row.total) for row in rows) == [(entity, 130_000), (other, 18_000)]
    assert totals(rows)["EUR"].total == 148_000


def test_bucket_edges(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        for n, late in enumerate((0, 1, 30, 31, 60, 61, 90, 91)):
            due = AS_OF - timedelta(days=late)
            invoice(session, entity, account, 10**n, on=due, due=due, reference=f"L{late}")
    with database.reading() as session:
        [row] = ageing(session, as_of=AS_OF)
    assert row.buckets == (1, 110, 11_000, 1_100_000, 10_000_000)


def test_statement_runs_from_opening_to_closing(database: Database) -> None:
    with database.transaction() as session:
        _, account = quarter(session)
    with database.reading() as session:
        [told] = statements(session, account, since=date(2026, 1, 1), until=AS_OF)
    assert told.opening_minor == 50_000
    assert [(line.reference, line.change_minor, line.balance_minor) for line in told.lines] == [
        ("B", 90_000, 140_000),
        ("C", 60_000, 200_000),
        ("", -100_000, 100_000),
        ("D", 30_000, 130_000),
    ]
    assert told.closing_minor == 130_000


def test_the_trend_tells_what_the_figures_of_each_month_end_tell(database: Database) -> None:
    with database.transaction() as session:
        entity, account = quarter(session)
        note = posted(session, entity, account, EntryKind.CREDIT_NOTE, 18_000, on=date(2026, 3, 15), reference="N1")
        allocate(session, [Share(3, note, 18_000)], on=date(2026, 3, 15), source="test", now=NOW)
        reverse(session, 2, on=date(2026, 3, 20), source="test", now=NOW)
    with database.reading() as session:
        points = trend(session, as_of=AS_OF, currency="EUR", months=4)
        assert [point.day for point in points] == [date(2025, 11, 30), date(2025, 12, 31), *month_ends(AS_OF, 2)]
        for point in points:
            told = kpis(session, as_of=point.day, currency="EUR")
            assert (point.dso_simple, point.add) == (told.dso_simple, told.add), point.day
        assert points[-1].dso_simple is not None
        assert trend(session, as_of=AS_OF, currency="EUR", entity_id=999)[-1].dso_simple is None
