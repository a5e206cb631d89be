"""What counts against a limit: what is owed as of a day, and what callers say is ordered and not billed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select
from sqlmodel import Session

from ar.core.db import among
from ar.credit.decision import Late, late_of
from ar.ledger.items import balances, marks_after, total
from ar.ledger.rates import Rates


@dataclass(frozen=True)
class Unbilled:
    """What an account has ordered and was not billed yet, VAT included. Without a seller it counts for each."""

    account_id: int
    entity_id: int | None
    currency: str
    amount_minor: int


@dataclass(frozen=True)
class Owed:
    """What one account owes one seller in one currency by due date; `side` is -1 for what it has in credit."""

    account_id: int
    entity_id: int
    currency: str
    side: int
    due_on: date
    open_minor: int
    uncontested_minor: int


def owed(session: Session, account_ids: Sequence[int], *, today: date) -> list[Owed]:
    """What is open at the end of `today` of these accounts, summed by seller, currency, side and due date."""
    found, marks = balances(today), marks_after(today)
    contested = found.c.disputed_minor - func.coalesce(marks.c.minor, 0)
    uncontested = case((found.c.open_minor > contested, found.c.open_minor - contested), else_=0)
    keys = (found.c.account_id, found.c.entity_id, found.c.currency, found.c.side, found.c.due_on)
    query = (
        select(*keys, total(found.c.open_minor), total(uncontested))
        .select_from(found)
        .outerjoin(marks, marks.c.entry_id == found.c.entry_id)
        .where(among(session, found.c.account_id, account_ids))
        .group_by(*keys)
    )
    return [Owed(*row) for row in session.connection().execute(query)]


@dataclass(frozen=True)
class Counted:
    """What counts against one limit, in its currency; what could not be converted is left out and named."""

    owed_minor: int
    ordered_minor: int
    rates_missing: frozenset[str]

    @property
    def exposure_minor(self) -> int:
        return self.owed_minor + self.ordered_minor


class Book:
    """What the accounts owe and have ordered, summed up in any currency."""

    def __init__(self, owed: Iterable[Owed], unbilled: Iterable[Unbilled], rates: Rates) -> None:
        self._owed: dict[int, list[Owed]] = defaultdict(list)
        self._unbilled: dict[int, list[Unbilled]] = defaultdict(list)
        self._rates = rates
        for row in owed:
            self._owed[row.account_id].append(row)
        for order in unbilled:
            self._unbilled[order.account_id].append(order)

    def counted(self, account_ids: Iterable[int], entity_id: int | None, currency: str) -> Counted:
        """What is owed and ordered by these accounts together, with one seller or with all, in `currency`."""
        owing: dict[str, int] = defaultdict(int)
        ordered: dict[str, int] = defaultdict(int)
        for account_id in account_ids:
            for row in self._owed.get(account_id, ()):
                if entity_id in (None, row.entity_id):
                    owing[row.currency] += row.side * row.open_minor
            for order in self._unbilled.get(account_id, ()):
                if entity_id is None or order.entity_id in (None, entity_id):
                    ordered[order.currency] += order.amount_minor
        missing = self.unknown({*owing, *ordered}, currency)
        return Counted(self._told(owing, currency), self._told(ordered, currency), missing)

    def late(self, account_id: int, currency: str, *, today: date) -> Late:
        """What of an account is overdue and uncontested in `currency`, its credits set against the oldest of it."""
        rows = [row for row in self._owed.get(account_id, ()) if self._known(row.currency, currency)]
        credit = sum(self.converted(row.open_minor, row.currency, currency) for row in rows if row.side < 0)
        overdue = [
            (row.due_on, self.converted(row.uncontested_minor, row.currency, currency))
            for row in rows
            if row.side > 0 and row.due_on < today
        ]
        minor, since = late_of(overdue, credit)
        return Late(minor, currency, since)

    def unknown(self, used: Iterable[str], currency: str) -> frozenset[str]:
        """The currencies that lack a rate, of those in use and of the one that they are told in."""
        others = {code for code in used if code != currency}
        return frozenset(code for code in {*others, *([currency] if others else [])} if not self._rates.known(code))

    def converted(self, minor: int, source: str, target: str) -> int:
        """`minor` of `source` in `target`; nothing where a rate is missing, which unknown() tells."""
        return self._rates.convert(minor, source, target) if self._known(source, target) else 0

    def _told(self, sums: Mapping[str, int], currency: str) -> int:
        return sum(self.converted(minor, code, currency) for code, minor in sums.items())

    def _known(self, source: str, target: str) -> bool:
        return source == target or (self._rates.known(source) and self._rates.known(target))
