"""The receivables journal: entries worked out by hand, and balance whatever is posted."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from ar.core.db import Database
from ar.customers.models import LegalEntity
from ar.ledger.allocate import Share, allocate
from ar.ledger.models import Book, EntryKind, ExchangeRate
from ar.ledger.post import reverse
from ar.ledger.rates import RateMissingError
from invoicing.credit import credit
from invoicing.credited import Credited
from invoicing.documents import entry_ids_of
from invoicing.exports.accounts import SHIPPED, ChartError, read_chart
from invoicing.exports.journal import Leg, Posting, entry_lines
from invoicing.exports.lettering import Lettered, lettering, settled
from invoicing.exports.write import FEC_COLUMNS, JournalFormat, PeriodError, file_name, write_journal
from invoicing.issue import issue
from invoicing.models import TaxCategory
from invoicing.totals import Tax
from tests.invoicing.make import NOW, TODAY, customer, draft, line, seller
from tests.ledger.make import posted

CHART = read_chart(SHIPPED.read_text(encoding="utf-8"))


def written(session: Session, code: str = "FR1", form: JournalFormat = JournalFormat.CSV, **period: date) -> str:
    out = StringIO()
    one = session.exec(select(LegalEntity).where(LegalEntity.code == code)).one()
    first, last = period.get("first", TODAY), period.get("last", TODAY)
    write_journal(out, session, one, first=first, last=last, chart=CHART, form=form)
    return out.getvalue()


def rows(text: str) -> list[tuple[str, str, str, str, str, str]]:
    return [
        (r["entry_number"], r["journal"], r["account"], r["customer_code"], r["debit"], r["credit"])
        for r in csv.DictReader(StringIO(text))
    ]


def test_an_invoice_its_credit_and_its_payment(database: Database) -> None:
    with database.transaction() as session:
        one, buyer = seller(session), customer(session)
        bill = issue(
            session, draft(one, buyer, line(), line(price="10", rate="5.5")), by="user:1", today=TODAY, now=NOW
        )
        assert bill.entry_id is not None
        back = Credited([line(price="10", rate="5.5")])
        credit(session, bill.entry_id, reason="broken", part=back, by="u", today=TODAY, now=NOW)
        posted(session, one, buyer, EntryKind.PAYMENT, 12000, on=TODAY, reference="VIR 7")
        posted(session, one, buyer, EntryKind.WRITE_OFF, 55, on=TODAY + timedelta(1), reference="W")
    with database.reading() as session:
        assert rows(written(session)) == [
            ("1", "VE", "411000", "C1", "130.55", "0.00"),
            ("1", "VE", "706000", "", "0.00", "110.00"),
            ("1", "VE", "445710", "", "0.00", "0.55"),
            ("1", "VE", "445710", "", "0.00", "20.00"),
            ("2", "VE", "411000", "C1", "0.00", "10.55"),
            ("2", "VE", "706000", "", "10.00", "0.00"),
            ("2", "VE", "445710", "", "0.55", "0.00"),
            ("3", "BQ", "411000", "C1", "0.00", "120.00"),
            ("3", "BQ", "512000", "", "120.00", "0.00"),
        ]


def test_an_imported_invoice_is_revenue_whole_and_a_reversal_turns_it_round(database: Database) -> None:
    with database.transaction() as session:
        one, buyer = seller(session), customer(session)
        entry = posted(session, one, buyer, EntryKind.INVOICE, 5000, on=TODAY, reference="ERP-1")
        reverse(session, entry, on=TODAY, source="test", now=NOW)
    with database.reading() as session:
        assert rows(written(session)) == [
            ("1", "VE", "411000", "C1", "50.00", "0.00"),
            ("1", "VE", "706000", "", "0.00", "50.00"),
            ("2", "VE", "411000", "C1", "0.00", "50.00"),
            ("2", "VE", "706000", "", "50.00", "0.00"),
        ]


def test_another_currency_is_told_at_the_days_rate_beside_itself(database: Database) -> None:
    with database.transaction() as session:
        one, buyer = seller(session), customer(session, currency="USD")
        session.add(ExchangeRate(currency="USD", rate_on=TODAY - timedelta(3), per_euro=Decimal("1.25"), source="test"))
        issue(session, draft(one, buyer), by="user:1", today=TODAY, now=NOW)
    with database.reading() as session:
        told = list(csv.DictReader(StringIO(written(session))))
        assert [(r["debit"], r["credit"], r["foreign_amount"], r["foreign_currency"]) for r in told] == [
            ("96.00", "0.00", "120.00", "USD"),
            ("0.00", "80.00", "-100.00", "USD"),
            ("0.00", "16.00", "-20.00", "USD"),
        ]


def test_a_missing_rate_and_a_turned_period_are_told(database: Database) -> None:
    with database.transaction() as session:
        one, buyer = seller(session), customer(session, currency="USD")
        posted(session, one, buyer, EntryKind.INVOICE, 12000, on=TODAY, reference="OLD-1", currency="USD")
    with database.reading() as session:
        with pytest.raises(RateMissingError, match="amiable import rates"):
            written(session)
        with pytest.raises(PeriodError, match="lies before"):
            written(session, last=TODAY - timedelta(1))


def test_an_instalment_taken_back_takes_its_share_of_revenue_and_vat(database: Database) -> None:
    with database.transaction() as session:
        given = draft(seller(session), customer(session), terms="50% net 0; 50% net 30")
        bill = issue(session, given, by="user:1", today=TODAY, now=NOW)
        second = entry_ids_of(session, bill)[1]
        reverse(session, second, on=TODAY, source="test", now=NOW)
    with database.reading() as session:
        assert [one[2:] for one in rows(written(session)) if one[0] == "2"] == [
            ("411000", "C1", "0.00", "60.00"),
            ("706000", "", "50.00", "0.00"),
            ("445710", "", "10.00", "0.00"),
        ]


def test_what_is_settled_has_a_letter_and_its_day(database: Database) -> None:
    later = TODAY + timedelta(5)
    with database.transaction() as session:
        one, buyer = seller(session), customer(session)
        paid, part, left = (
            issue(session, draft(one, buyer), by="user:1", today=TODAY, now=NOW).entry_id or 0 for _ in range(3)
        )
        first = posted(session, one, buyer, EntryKind.PAYMENT, 15000, on=TODAY)
        second = posted(session, one, buyer, EntryKind.PAYMENT, 9000, on=later)
        allocate(session, [Share(paid, first, 12000), Share(part, first, 3000)], on=TODAY, source="t", now=NOW)
        allocate(session, [Share(part, second, 9000)], on=later, source="t", now=NOW)
        third = posted(session, one, buyer, EntryKind.PAYMENT, 100, on=TODAY)
        allocate(session, [Share(left, third, 100)], on=TODAY, source="t", now=NOW)
    with database.reading() as session:
        assert lettering(session, entity_id=one, as_of=TODAY) == {}, "one group, half of it still open that day"
        found = lettering(session, entity_id=one, as_of=later)
        assert found == dict.fromkeys((paid, part, first, second), Lettered("A", later))
        told = list(csv.DictReader(StringIO(written(session, last=later))))
        assert {r["letter"] for r in told if r["reference"] == "FR1-2026-000001" and r["account"] == "411000"} == {"A"}
        assert {r["letter"] for r in told if r["reference"] == "FR1-2026-000003"} == {""}
        fec = [line.split("\t") for line in written(session, last=later, form=JournalFormat.FEC).split("\r\n")[1:-1]]
        assert {(line[13], line[14]) for line in fec} == {("", ""), ("A", "20260321")}


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(11, 19)), max_size=12), st.sets(st.integers(1, 19)))
def test_letters_are_of_whole_groups(pairs: list[tuple[int, int]], still_open: set[int]) -> None:
    found = settled([(one, two, TODAY) for one, two in pairs], still_open)
    assert not found.keys() & still_open
    for one, two in pairs:
        assert found.get(one) == found.get(two)
    letters = {lettered.letter for lettered in found.values()}
    assert letters == set("ABCDEFGHIJKLMNOPQRS"[: len(letters)])


def test_letters_go_on_after_z() -> None:
    found = settled([(n, 1000 + n, TODAY) for n in range(1, 704)], ())
    assert [found[n].letter for n in (1, 26, 27, 52, 53, 702, 703)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_the_fec_has_its_eighteen_fields_and_its_name(database: Database) -> None:
    with database.transaction() as session:
        one, buyer = seller(session), customer(session)
        found = session.get(LegalEntity, one)
        assert found is not None
        found.registration = "732 829 320 RCS Paris"
        issue(session, draft(one, buyer, note="two\tparts\nof text"), by="user:1", today=TODAY, now=NOW)
    with database.reading() as session:
        lines = written(session, form=JournalFormat.FEC).removesuffix("\r\n").split("\r\n")
        assert lines[0].split("\t") == list(FEC_COLUMNS)
        first = dict(zip(FEC_COLUMNS, lines[1].split("\t"), strict=True))
        assert (first["Debit"], first["Credit"], first["EcritureDate"], first["ValidDate"]) == (
            "120,00",
            "0,00",
            "20260316",
            "20260316",
        )
        assert (first["CompAuxNum"], first["EcritureLib"]) == ("C1", "two parts of text")
        assert all(line.count("\t") == len(FEC_COLUMNS) - 1 for line in lines)
        one_seller = session.exec(select(LegalEntity)).one()
        assert file_name(one_seller, date(2026, 12, 31), JournalFormat.FEC) == "732829320FEC20261231.txt"


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 3000)), min_size=1, max_size=4),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.sampled_from(["0.0061", "1", "1.0837", "163.45"]),
    st.booleans(),
)
def test_every_entry_balances_in_both_currencies(
    parts: list[tuple[int, int]], weights: list[int], rate: str, turned: bool
) -> None:
    taxes = [Tax(TaxCategory.STANDARD, bp, net, net * bp // 10_000) for net, bp in parts]
    total = sum(tax.net_minor + tax.tax_minor for tax in taxes)
    shares = [total * weight // sum(weights) for weight in weights[1:]]
    books = (Book.SALES, Book.RECEIVABLE) if turned else (Book.RECEIVABLE, Book.SALES)
    legs = tuple(Leg(n, *books, minor, "R") for n, minor in enumerate([total - sum(shares), *shares], start=1) if minor)
    posting = Posting(EntryKind.INVOICE, legs, tuple(taxes), "USD", TODAY, TODAY, "R", "", "C1", "Customer <1>")
    lines = list(entry_lines(1, posting, CHART, currency="EUR", convert=lambda minor: int(minor * Decimal(rate))))
    assert sum(one.debit_minor for one in lines) == sum(one.credit_minor for one in lines)
    assert sum(one.foreign_minor or 0 for one in lines) == 0
    assert all(min(one.debit_minor, one.credit_minor) == 0 for one in lines)


def test_a_bad_chart_names_each_fault() -> None:
    with pytest.raises(ChartError) as raised:
        read_chart('[accounts]\nsales = { number = "7", name = "" }\nodd = 1\n')
    told = {fault.pointer for fault in raised.value.faults}
    assert {"/accounts/sales", "/accounts/odd", "/accounts/bank", "/journals"} <= told
    with pytest.raises(ChartError, match="not TOML"):
        read_chart("[")
