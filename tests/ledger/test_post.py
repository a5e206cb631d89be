from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ar.core.db import Database
from ar.ledger.allocate import (
    AllocationError,
    ItemNotFoundError,
    OverAllocationError,
    Share,
    allocate,
    deallocate,
)
from ar.ledger.items import DisputeAmountError, balance_steps, mark_disputed, open_items
from ar.ledger.models import EntryKind, OpenItem
from ar.ledger.post import AlreadyReversedError, EntryNotFoundError, Posting, PostingError, post, reverse
from tests.ledger.make import NOW, customer, invoice, posted, seller


def day(n: int) -> date:
    return date(2026, 3, n)


def open_on(database: Database, n: int) -> dict[int, int]:
    with database.reading() as session:
        return {item.entry_id: item.side * item.open_minor for item in open_items(session, as_of=day(n))}


def test_any_day_can_be_told_again(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 10_000, on=day(2), due=day(20))
        paid = posted(session, entity, account, EntryKind.PAYMENT, 6_000, on=day(5))
        [allocation] = allocate(session, [Share(bill, paid, 6_000)], on=day(6), source="test", now=NOW)
        deallocate(session, [allocation], on=day(10), source="test", now=NOW)
        reverse(session, paid, on=day(12), source="test", now=NOW)
    assert open_on(database, 1) == {}
    assert open_on(database, 2) == {bill: 10_000}
    assert open_on(database, 5) == {bill: 10_000, paid: -6_000}
    assert open_on(database, 6) == {bill: 4_000}
    assert open_on(database, 9) == {bill: 4_000}
    assert open_on(database, 10) == {bill: 10_000, paid: -6_000}
    assert open_on(database, 12) == {bill: 10_000}


def test_reversing_an_allocated_payment_opens_what_it_paid(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 10_000, on=day(2))
        paid = posted(session, entity, account, EntryKind.PAYMENT, 10_000, on=day(5))
        allocate(session, [Share(bill, paid, 10_000)], on=day(5), source="test", now=NOW)
        mark_disputed(session, bill, 500, on=day(3), source="test")
        reverse(session, paid, on=day(9), source="test", now=NOW)
        with pytest.raises(AlreadyReversedError):
            reverse(session, paid, on=day(9), source="test", now=NOW)
    assert open_on(database, 8) == {}
    assert open_on(database, 9) == {bill: 10_000}
    with database.transaction() as session:
        reverse(session, bill, on=day(11), source="test", now=NOW)
        assert [item.disputed_minor for item in open_items(session, as_of=day(10))] == [500]
    assert open_on(database, 11) == {}


def test_over_allocation_and_wrong_pairs_are_refused(database: Database) -> None:
    with database.transaction() as session:
        entity, other, account = seller(session), seller(session, "GB1", "GBP"), customer(session)
        bill = invoice(session, entity, account, 10_000, on=day(2))
        paid = posted(session, entity, account, EntryKind.PAYMENT, 6_000, on=day(5))
        pounds = posted(session, entity, account, EntryKind.PAYMENT, 6_000, on=day(5), currency="GBP")
        elsewhere = posted(session, other, account, EntryKind.PAYMENT, 6_000, on=day(5))
        for share, error in [
            (Share(bill, paid, 6_001), OverAllocationError),
            (Share(bill, paid, 0), AllocationError),
            (Share(bill, paid, -5), AllocationError),
            (Share(paid, bill, 100), AllocationError),
            (Share(bill, pounds, 100), AllocationError),
            (Share(bill, elsewhere, 100), AllocationError),
            (Share(bill, 999, 100), ItemNotFoundError),
        ]:
            with pytest.raises(error):
                allocate(session, [share], on=day(6), source="test", now=NOW)
        with pytest.raises(OverAllocationError):
            allocate(session, [Share(bill, paid, 4_000), Share(bill, paid, 4_000)], on=day(6), source="test", now=NOW)
    assert open_on(database, 6)[bill] == 10_000


def test_database_itself_refuses_over_allocation_and_changed_facts(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 10_000, on=day(2))
        paid = posted(session, entity, account, EntryKind.PAYMENT, 6_000, on=day(5))
        allocate(session, [Share(bill, paid, 1_000)], on=day(5), source="test", now=NOW)
        mark_disputed(session, bill, 500, on=day(3), source="test")
    over = (
        "INSERT INTO allocation (id, debit_id, credit_id, amount_minor, allocated_on, source, made_at) "
        f"VALUES (99, {bill}, {paid}, 5001, '2026-03-06', 'test', '2026-03-06')"
    )
    swapped = over.replace(f"{bill}, {paid}, 5001", f"{paid}, {bill}, 1")
    changes = [
        f"UPDATE {table} SET {column}"
        for table, column in [
            ("ledger_entry", "amount_minor = 1"),
            ("ledger_entry", "memo = 'x'"),
            ("allocation", "amount_minor = 1"),
            ("dispute_mark", "change_minor = 1"),
            ("open_item", "amount_minor = 20000"),
            ("open_item", "open_minor = -1"),
        ]
    ] + [f"DELETE FROM {table}" for table in ("ledger_entry", "allocation", "dispute_mark", "open_item")]
    for statement in [over, swapped, *changes]:
        with pytest.raises(DBAPIError), database.transaction() as session:
            session.connection().execute(text(statement))
    assert open_on(database, 9) == {bill: 9_000, paid: -5_000}


def test_postings_that_cannot_be_are_named_and_nothing_is_written(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        for kind, minor, side, reference in [
            (EntryKind.INVOICE, 0, None, "A"),
            (EntryKind.INVOICE, -5, None, "A"),
            (EntryKind.INVOICE, 10**16, None, "A"),
            (EntryKind.INVOICE, 100, None, ""),
            (EntryKind.ADJUSTMENT, 100, None, ""),
            (EntryKind.PAYMENT, 100, 1, ""),
            (EntryKind.REVERSAL, 100, None, ""),
        ]:
            with pytest.raises(PostingError) as caught:
                posted(session, entity, account, kind, minor, on=day(2), side=side, reference=reference)
            assert caught.value.faults[0].pointer == "/0"
        with pytest.raises(EntryNotFoundError):
            reverse(session, 12345, on=day(2), source="test", now=NOW)
    assert open_on(database, 9) == {}


def test_a_discount_has_an_amount_below_the_item_s_and_a_last_day(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = Posting(entity, account, EntryKind.INVOICE, 10_000, "EUR", day(2), reference="A")
        for until, minor in ((day(9), 0), (None, 200), (day(9), 10_000), (day(9), -1)):
            with pytest.raises(PostingError, match="discount for early payment"):
                post(session, [replace(bill, discount_until=until, discount_minor=minor)], now=NOW)
        [kept] = post(session, [replace(bill, discount_until=day(9), discount_minor=200)], now=NOW)
        item = session.get(OpenItem, kept)
        assert item is not None
        assert (item.discount_until, item.discount_minor) == (day(9), 200)


def test_the_steps_of_a_balance_are_what_each_day_had_open(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 10_000, on=day(2), due=day(20))
        other = invoice(session, entity, account, 700, on=day(3), reference="INV-2")
        paid = posted(session, entity, account, EntryKind.PAYMENT, 6_000, on=day(2))
        [first] = allocate(session, [Share(bill, paid, 1_000)], on=day(2), source="test", now=NOW)
        [second, _] = allocate(
            session, [Share(bill, paid, 2_000), Share(bill, paid, 500)], on=day(6), source="test", now=NOW
        )
        deallocate(session, [second], on=day(6), source="test", now=NOW)
        deallocate(session, [first], on=day(10), source="test", now=NOW)
        steps = balance_steps(session, [bill, other, paid])
    assert steps == {
        bill: [(day(2), 9_000), (day(6), 9_500 - 1_000), (day(10), 9_500)],
        other: [(day(3), 700)],
        paid: [(day(2), 5_000), (day(6), 4_500), (day(10), 5_500)],
    }
    for on, minor in steps[bill]:
        assert open_on(database, on.day)[bill] == minor


def test_contested_amount_stays_within_the_item(database: Database) -> None:
    with database.transaction() as session:
        bill = invoice(session, seller(session), customer(session), 10_000, on=day(2))
        for change in (10_001, -1):
            with pytest.raises(DisputeAmountError):
                mark_disputed(session, bill, change, on=day(3), source="test")
        mark_disputed(session, bill, 10_000, on=day(3), source="test")
        mark_disputed(session, bill, -4_000, on=day(7), source="test")
    with database.reading() as session:
        told = {n: [i.disputed_minor for i in open_items(session, as_of=day(n))] for n in (2, 3, 6, 7)}
    assert told == {2: [0], 3: [10_000], 6: [10_000], 7: [6_000]}
