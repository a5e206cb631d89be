"""Ageing: what is owed, by how long it has been due, as of any day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import and_, case, select
from sqlmodel import Session, col

from ar.core.db import among
from ar.ledger.items import total
from ar.ledger.models import Allocation, OpenItem

BOUNDS = (0, 30, 60, 90)
"""Last day late of each bucket but the last: not due, 1-30, 31-60, 61-90, 91 and more."""


@dataclass(frozen=True, slots=True)
class AgeingRow:
    """What one account owes one legal entity in one currency, in minor units.

    `buckets` are the debits by days past due; `credits` (zero or negative) is unapplied cash and credit notes.
    """

    account_id: int
    entity_id: int
    currency: str
    buckets: tuple[int, ...]
    credits: int

    @property
    def total(self) -> int:
        return sum(self.buckets) + self.credits

    @property
    def overdue(self) -> int:
        """Debits past their due date, credits not taken off."""
        return sum(self.buckets[1:])


def bucket_names(bounds: Sequence[int] = BOUNDS) -> list[str]:
    """'not_due', '1-30', ..., '91+'."""
    ranges = [f"{low + 1}-{high}" for low, high in pairwise(bounds)]
    return ["not_due", *ranges, f"{bounds[-1] + 1}+"]


def ageing(
    session: Session,
    *,
    as_of: date,
    entity_id: int | None = None,
    account_ids: Sequence[int] | None = None,
    bounds: Sequence[int] = BOUNDS,
) -> list[AgeingRow]:
    """The ageing of every account with an open item at the end of `as_of`, by account, legal entity and currency.

    What is open now is summed in one pass; what was allocated after that day is summed apart and put back.
    """
    edges = [as_of - timedelta(days=days) for days in bounds]
    due = col(OpenItem.due_on)
    within = [due >= edges[0], *(and_(due < newer, due >= older) for newer, older in pairwise(edges)), due < edges[-1]]
    cells = [col(OpenItem.side) == -1, *(and_(col(OpenItem.side) == 1, condition) for condition in within)]
    keys = (col(OpenItem.account_id), col(OpenItem.entity_id), col(OpenItem.currency))
    wanted = [col(OpenItem.effective_on) <= as_of]
    if entity_id is not None:
        wanted.append(col(OpenItem.entity_id) == entity_id)
    if account_ids is not None:
        wanted.append(among(session, col(OpenItem.account_id), account_ids))

    def summed(minor: Any) -> Any:
        sums = (total(case((cell, minor), else_=0)) for cell in cells)
        return select(*keys, *sums).where(*wanted).group_by(*keys)

    still = summed(col(OpenItem.open_minor)).where(col(OpenItem.open_minor) > 0)
    found = {row[:3]: row[3:] for row in session.connection().execute(still)}
    for leg in (col(Allocation.debit_id), col(Allocation.credit_id)):
        settled_later = (
            summed(col(Allocation.amount_minor))
            .join(Allocation, leg == col(OpenItem.entry_id))
            .where(col(Allocation.allocated_on) > as_of)
        )
        for row in session.connection().execute(settled_later):
            before = found.get(row[:3], (0,) * len(cells))
            found[row[:3]] = tuple(a + b for a, b in zip(before, row[3:], strict=True))
    return [
        AgeingRow(account, entity, currency, tuple(sums[1:]), -sums[0])
        for (account, entity, currency), sums in found.items()
        if any(sums)
    ]


def totals(rows: Iterable[AgeingRow]) -> dict[str, AgeingRow]:
    """The rows summed by currency; account and legal entity are 0, for all."""
    summed: dict[str, AgeingRow] = {}
    for row in rows:
        before = summed.get(row.currency)
        if before is None:
            summed[row.currency] = AgeingRow(0, 0, row.currency, row.buckets, row.credits)
        else:
            buckets = tuple(a + b for a, b in zip(before.buckets, row.buckets, strict=True))
            summed[row.currency] = AgeingRow(0, 0, row.currency, buckets, before.credits + row.credits)
    return summed
