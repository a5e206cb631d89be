"""The statement of account: what was owed, what happened, what is owed, for one account over a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.ledger.items import balances
from ar.ledger.models import Book, Entry, EntryKind


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: `change_minor` above zero is owed more, below is owed less; `balance_minor` what is owed after it."""

    entry_id: int
    effective_on: date
    kind: EntryKind
    reference: str
    due_on: date | None
    change_minor: int
    balance_minor: int


@dataclass(frozen=True)
class Statement:
    """One account with one legal entity in one currency, from the morning of `since` to the end of `until`."""

    account_id: int
    entity_id: int
    currency: str
    since: date
    until: date
    opening_minor: int
    lines: Sequence[Line]

    @property
    def closing_minor(self) -> int:
        return self.lines[-1].balance_minor if self.lines else self.opening_minor


def statements(session: Session, account_id: int, *, since: date, until: date) -> list[Statement]:
    """The account's statements, one per legal entity and currency that moved or stood open in the period."""
    opening = _balances_by_pair(session, account_id, since - timedelta(days=1))
    query = (
        select(
            col(Entry.id),
            col(Entry.entity_id),
            col(Entry.currency),
            col(Entry.effective_on),
            col(Entry.kind),
            col(Entry.reference),
            col(Entry.due_on),
            col(Entry.debit),
            col(Entry.amount_minor),
        )
        .where(col(Entry.account_id) == account_id, col(Entry.effective_on).between(since, until))
        .order_by(col(Entry.effective_on), col(Entry.id))
    )
    balance = dict(opening)
    lines: dict[tuple[int, str], list[Line]] = defaultdict(list)
    for row in session.connection().execute(query):
        pair = (row.entity_id, row.currency)
        change = row.amount_minor if row.debit is Book.RECEIVABLE else -row.amount_minor
        balance[pair] = balance.get(pair, 0) + change
        lines[pair].append(Line(row.id, row.effective_on, row.kind, row.reference, row.due_on, change, balance[pair]))
    return [
        Statement(account_id, entity_id, currency, since, until, opening.get((entity_id, currency), 0), lines[pair])
        for pair in sorted(balance)
        for entity_id, currency in [pair]
    ]


def _balances_by_pair(session: Session, account_id: int, as_of: date) -> dict[tuple[int, str], int]:
    found = balances(as_of)
    query = (
        select(found.c.entity_id, found.c.currency, func.sum(found.c.side * found.c.open_minor))
        .where(found.c.account_id == account_id)
        .group_by(found.c.entity_id, found.c.currency)
    )
    return {(entity, currency): int(minor) for entity, currency, minor in session.connection().execute(query)}
