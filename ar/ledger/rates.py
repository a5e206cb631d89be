"""Exchange rates by day, and amounts told in one currency.

Rates are units of a currency for one euro, as the European Central Bank publishes them; two other currencies
convert through the euro. A day without a rate (a weekend) takes the last one before it; none within
MAX_AGE_DAYS is an error that says so, never a silent guess.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from operator import itemgetter

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.core.errors import DomainError
from ar.core.money import convert
from ar.ledger.models import ExchangeRate

MAX_AGE_DAYS = 31
EURO = "EUR"


class RateMissingError(DomainError):
    """No rate for a currency on or shortly before a day."""

    code = "rate-missing"


@dataclass(frozen=True)
class Rates:
    """The rates that hold on a day: for each currency the units per euro, and the day they were published."""

    on: date
    per_euro: dict[str, tuple[Decimal, date]]

    def known(self, currency: str) -> bool:
        return currency == EURO or currency in self.per_euro

    def convert(self, minor: int, source: str, target: str) -> int:
        """`minor` of `source` in minor units of `target`. Raises RateMissingError."""
        if source == target:
            return minor
        return convert(minor, source=source, target=target, rate=self._per_euro(target) / self._per_euro(source))

    def dates(self, currencies: Iterable[str]) -> dict[str, date]:
        """The day each currency's rate was published, for those that needed one."""
        return {currency: self.per_euro[currency][1] for currency in sorted(currencies) if currency in self.per_euro}

    def _per_euro(self, currency: str) -> Decimal:
        if currency == EURO:
            return Decimal(1)
        if currency not in self.per_euro:
            raise RateMissingError(
                f"There is no exchange rate for {currency} in the {MAX_AGE_DAYS} days up to {self.on}: "
                "import the European Central Bank's file with `amiable import rates FILE`"
            )
        return self.per_euro[currency][0]


def rates_on(session: Session, on: date) -> Rates:
    """The last rate of each currency published on or before `on`, at most MAX_AGE_DAYS old."""
    last = (
        select(col(ExchangeRate.currency), func.max(col(ExchangeRate.rate_on)).label("rate_on"))
        .where(col(ExchangeRate.rate_on) <= on, col(ExchangeRate.rate_on) > on - timedelta(days=MAX_AGE_DAYS))
        .group_by(col(ExchangeRate.currency))
        .subquery()
    )
    query = select(col(ExchangeRate.currency), col(ExchangeRate.per_euro), col(ExchangeRate.rate_on)).join(
        last,
        (last.c.currency == col(ExchangeRate.currency)) & (last.c.rate_on == col(ExchangeRate.rate_on)),
    )
    return Rates(on, {row.currency: (row.per_euro, row.rate_on) for row in session.connection().execute(query)})


def rates_over(session: Session, first: date, last: date) -> Callable[[date], Rates]:
    """What rates_on() says for each day from `first` to `last`, from one query."""
    query = (
        select(col(ExchangeRate.currency), col(ExchangeRate.rate_on), col(ExchangeRate.per_euro))
        .where(col(ExchangeRate.rate_on) > first - timedelta(days=MAX_AGE_DAYS), col(ExchangeRate.rate_on) <= last)
        .order_by(col(ExchangeRate.rate_on))
    )
    published: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for currency, rate_on, per_euro in session.connection().execute(query):
        published[currency].append((rate_on, per_euro))

    def on(day: date) -> Rates:
        found = {}
        for currency, rates in published.items():
            at = bisect_right(rates, day, key=itemgetter(0)) - 1
            if at >= 0 and rates[at][0] > day - timedelta(days=MAX_AGE_DAYS):
                found[currency] = (rates[at][1], rates[at][0])
        return Rates(day, found)

    return on
