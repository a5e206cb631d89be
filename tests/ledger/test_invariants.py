"""The ledger under any sequence of acts: balances as stored, as recomputed, and as a plain model has them.

Guarantees 1 (books balance, stored equals recomputed), 2 (never over-allocate), 3 (splits sum exactly).
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from ar.core.db import Database
from ar.core.money import split
from ar.ledger.allocate import AllocationError, OverAllocationError, Share, allocate, deallocate
from ar.ledger.items import open_items
from ar.ledger.models import EntryKind
from ar.ledger.post import AlreadyReversedError, reverse
from tests.databases import Postgres, postgres_database, sqlite_database
from tests.ledger.make import NOW, customer, posted, seller

START = date(2026, 1, 1)
DEBITS = [EntryKind.INVOICE, EntryKind.REFUND, EntryKind.LATE_CHARGE]
PARTS = 10
"""Databases that share the steps of the quick form: a question of a day reads all that a database ever held."""
CREDITS = [EntryKind.PAYMENT, EntryKind.CREDIT_NOTE, EntryKind.WRITE_OFF]

RECOMPUTED = """
SELECT i.entry_id, i.open_minor, i.amount_minor
  - coalesce((SELECT sum(amount_minor) FROM allocation WHERE debit_id = i.entry_id OR credit_id = i.entry_id), 0)
FROM open_item i WHERE i.entity_id = :entity
"""
BOOKS = """
SELECT currency, sum(minor) FROM (
  SELECT currency, amount_minor AS minor, debit AS book FROM ledger_entry WHERE entity_id = :entity
  UNION ALL SELECT currency, -amount_minor, credit FROM ledger_entry WHERE entity_id = :entity
) lines {where} GROUP BY currency
"""


class LedgerMachine(RuleBasedStateMachine):
    """The services of the ledger beside a dictionary that says what they should leave open."""

    database: Database
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.day = START
        self.open: dict[int, int] = {}
        self.side: dict[int, int] = {}
        self.currency: dict[int, str] = {}
        self.live: dict[int, Share] = {}
        self.reversed: set[int] = set()
        self.history: dict[date, dict[int, int]] = {}
        self.number = 0

    @initialize()
    def company(self) -> None:
        with self.database.transaction() as session:
            self.number = session.connection().execute(text("SELECT count(*) FROM legal_entity")).scalar_one()
            self.entity = seller(session, f"S{self.number}")
            self.account = customer(session, f"C{self.number}")

    @rule(
        kind=st.sampled_from(DEBITS + CREDITS), minor=st.integers(1, 10**12), currency=st.sampled_from(["EUR", "JPY"])
    )
    def post(self, kind: EntryKind, minor: int, currency: str) -> None:
        with self.database.transaction() as session:
            reference = f"{self.number}-{len(self.open)}"
            entry = posted(
                session, self.entity, self.account, kind, minor, on=self.day, reference=reference, currency=currency
            )
        self.open[entry], self.side[entry], self.currency[entry] = minor, 1 if kind in DEBITS else -1, currency

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def allocate(self, data: st.DataObject) -> None:
        debit, credit = data.draw(st.sampled_from(sorted(self.open))), data.draw(st.sampled_from(sorted(self.open)))
        minor = data.draw(st.integers(1, 2 * max(1, min(self.open[debit], self.open[credit]))))
        fits = (
            self.side[debit] == 1
            and self.side[credit] == -1
            and self.currency[debit] == self.currency[credit]
            and minor <= min(self.open[debit], self.open[credit])
        )
        share = Share(debit, credit, minor)
        if not fits:
            with pytest.raises((AllocationError, OverAllocationError)), self.database.transaction() as session:
                allocate(session, [share], on=self.day, source="test", now=NOW)
            return
        with self.database.transaction() as session:
            [allocation] = allocate(session, [share], on=self.day, source="test", now=NOW)
        self.live[allocation] = share
        self._move(share, -minor)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        allocation = data.draw(st.sampled_from(sorted(self.live)))
        with self.database.transaction() as session:
            deallocate(session, [allocation], on=self.day, source="test", now=NOW)
        share = self.live.pop(allocation)
        self._move(share, share.amount_minor)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(sorted(self.open)))
        if entry in self.reversed:
            with pytest.raises(AlreadyReversedError), self.database.transaction() as session:
                reverse(session, entry, on=self.day, source="test", now=NOW)
            return
        with self.database.transaction() as session:
            reverse(session, entry, on=self.day, source="test", now=NOW)
        self.reversed.add(entry)
        for allocation, share in list(self.live.items()):
            if entry in (share.debit_id, share.credit_id):
                self._move(self.live.pop(allocation), share.amount_minor)
        self.open[entry] = 0

    @rule(days=st.integers(1, 40))
    def sleep(self, days: int) -> None:
        self.history[self.day] = dict(self.open)
        self.day += timedelta(days=days)

    def _move(self, share: Share, minor: int) -> None:
        self.open[share.debit_id] += minor
        self.open[share.credit_id] += minor

    @invariant()
    def books_balance_and_balances_are_true(self) -> None:
        type(self).steps += 1
        with self.database.reading() as session:
            connection = session.connection()
            mine = {"entity": self.entity}
            told = connection.execute(text(RECOMPUTED), mine).all()
            assert [row for row in told if row[1] != row[2]] == []
            assert {entry: stored for entry, stored, _ in told if entry in self.open} == self.open
            assert {total for _, total in connection.execute(text(BOOKS.format(where="")), mine)} <= {0}
            lines = connection.execute(text(BOOKS.format(where="WHERE book = 'receivable'")), mine)
            receivable = {currency: minor for currency, minor in lines if minor}
            owed: dict[str, int] = defaultdict(int)
            for item in open_items(session, account_ids=[self.account], as_of=self.day):
                owed[item.currency] += item.side * item.open_minor
            assert receivable == {code: minor for code, minor in owed.items() if minor}

    def teardown(self) -> None:
        """Every past day is told as it was seen then."""
        with self.database.reading() as session:
            for day, seen in list(self.history.items())[-5:]:
                told = {i.entry_id: i.open_minor for i in open_items(session, account_ids=[self.account], as_of=day)}
                assert told == {entry: minor for entry, minor in seen.items() if minor}


def run(database: Database, *, examples: int, steps: int, number: int) -> int:
    """How many steps were taken, the books checked after each; `number` is the seed."""
    machine: Any = seed(number)(type("Machine", (LedgerMachine,), {"database": database}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return int(machine.steps)


@pytest.mark.parametrize("number", range(PARTS))
def test_any_sequence_of_acts_leaves_the_books_true(database: Database, number: int) -> None:
    assert run(database, examples=40, steps=50, number=number) * PARTS >= 15_000


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_any_long_sequence_of_acts_leaves_the_books_true(kind: str, request: pytest.FixtureRequest) -> None:
    for number in range(100):
        with ExitStack() as stack:
            if kind == "sqlite":
                folder = Path(stack.enter_context(TemporaryDirectory()))
                database = stack.enter_context(sqlite_database(folder))
            else:
                server: Postgres = request.getfixturevalue("postgres")
                database = stack.enter_context(postgres_database(server))
            run(database, examples=40, steps=60, number=number)


def test_one_item_is_paid_in_full_once_however_many_try(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        rounds = []
        for n in range(50):
            bill = posted(session, entity, account, EntryKind.INVOICE, 10_000, on=START, reference=f"I{n}")
            payments = [posted(session, entity, account, EntryKind.PAYMENT, 10_000, on=START) for _ in range(10)]
            rounds.append((bill, payments))

    def pay(share: Share) -> bool:
        try:
            with database.transaction() as session:
                allocate(session, [share], on=START, source="test", now=NOW)
        except OverAllocationError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        for bill, payments in rounds:
            assert sum(pool.map(pay, [Share(bill, payment, 10_000) for payment in payments])) == 1


def test_splits_sum_exactly_and_fairly() -> None:
    dice = Random(20260301)
    for _ in range(100_000):
        minor = dice.randint(-(10**15), 10**15)
        weights = [dice.choice((0, 1, dice.randint(0, 10**6))) for _ in range(dice.randint(1, 12))]
        weights[dice.randrange(len(weights))] += 1
        parts, whole = split(minor, weights), sum(weights)
        assert sum(parts) == minor, (minor, weights)
        assert all(abs(part * whole - minor * weight) < whole for part, weight in zip(parts, weights, strict=True))
