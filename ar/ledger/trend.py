"""How DSO and ADD moved: at each of the last month-ends, for all of them in a few queries.

Amounts of every month are converted at the rates of the last day told, so that the line shows payments, not rates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from sqlalchemy import Date, case, func, literal, select, union_all
from sqlmodel import Session, col

from ar.ledger.items import total
from ar.ledger.kpis import PERIOD_DAYS, dso_simple
from ar.ledger.models import Allocation, Book, Entry, EntryKind, OpenItem
from ar.ledger.rates import rates_on

Told = Callable[[int, str], int]


@dataclass(frozen=True, slots=True)
class Point:
    """Days, to two decimals; None where there were no sales."""

    day: date
    dso_simple: Decimal | None
    dso_best_possible: Decimal | None

    @property
    def add(self) -> Decimal | None:
        if self.dso_simple is None or self.dso_best_possible is None:
            return None
        return self.dso_simple - self.dso_best_possible


def month_ends(as_of: date, months: int) -> list[date]:
    """The last `months` month-ends before `as_of`, and `as_of` itself, oldest first."""
    days = [as_of]
    for _ in range(months):
        days.append(days[-1].replace(day=1) - timedelta(days=1))
    return days[::-1]


def trend(
    session: Session, *, as_of: date, currency: str, entity_id: int | None = None, months: int = 12
) -> list[Point]:
    """DSO and best-possible DSO at each of the last `months` month-ends and on `as_of`, oldest first.

    Told in `currency`, what has no rate to it left out.
    """
    rates = rates_on(session, as_of)

    def told(minor: int, source: str) -> int:
        known = source == currency or (rates.known(source) and rates.known(currency))
        return rates.convert(minor, source, currency) if known else 0

    flows = _daily(session, as_of, entity_id, told)
    current = _not_due(session, month_ends(as_of, months), entity_id, told)
    moved, owed = list(flows), [0, *accumulate(change for change, _ in flows.values())]
    points = []
    for day in month_ends(as_of, months):
        receivables = owed[bisect_right(moved, day)]
        since = day - timedelta(days=PERIOD_DAYS - 1)
        sales = sum(sold for d, (_, sold) in flows.items() if since <= d <= day)
        points.append(
            Point(
                day,
                dso_simple(receivables, sales, PERIOD_DAYS),
                dso_simple(current.get(day, 0), sales, PERIOD_DAYS),
            )
        )
    return points


def _daily(session: Session, as_of: date, entity_id: int | None, told: Told) -> dict[date, tuple[int, int]]:
    """By day, oldest first: how receivables changed, and net credit sales."""
    owed = case((col(Entry.debit) == Book.RECEIVABLE, col(Entry.amount_minor)), else_=-col(Entry.amount_minor))
    nature = func.coalesce(col(Entry.reversed_kind), col(Entry.kind))
    sold = case((nature.in_([EntryKind.INVOICE, EntryKind.CREDIT_NOTE]), owed), else_=0)
    query = (
        select(col(Entry.effective_on), col(Entry.currency), total(owed), total(sold))
        .where(col(Entry.effective_on) <= as_of)
        .group_by(col(Entry.effective_on), col(Entry.currency))
        .order_by(col(Entry.effective_on))
    )
    if entity_id is not None:
        query = query.where(col(Entry.entity_id) == entity_id)
    days: dict[date, tuple[int, int]] = {}
    for day, currency, change, sales in session.connection().execute(query):
        before = days.get(day, (0, 0))
        days[day] = (before[0] + told(change, currency), before[1] + told(sales, currency))
    return days


def _not_due(session: Session, days: Iterable[date], entity_id: int | None, told: Told) -> dict[date, int]:
    """By day: what was owed and not yet due at its end."""
    asked = union_all(*(select(literal(day, Date).label("day")) for day in days)).subquery("asked")
    items = (
        (col(OpenItem.side) == 1) & (col(OpenItem.effective_on) <= asked.c.day) & (col(OpenItem.due_on) >= asked.c.day)
    )
    if entity_id is not None:
        items &= col(OpenItem.entity_id) == entity_id
    keys = (asked.c.day, col(OpenItem.currency))
    posted = select(*keys, total(col(OpenItem.amount_minor))).select_from(asked).join(OpenItem, items).group_by(*keys)
    settled = (
        select(*keys, -total(col(Allocation.amount_minor)))
        .select_from(asked)
        .join(OpenItem, items)
        .join(
            Allocation,
            (col(Allocation.debit_id) == col(OpenItem.entry_id)) & (col(Allocation.allocated_on) <= asked.c.day),
        )
        .group_by(*keys)
    )
    found: dict[date, int] = defaultdict(int)
    for query in (posted, settled):
        for day, currency, minor in session.connection().execute(query):
            found[day] += told(minor, currency)
    return found
