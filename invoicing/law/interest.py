"""Interest on what is paid late, by stretches of one balance and one rate. Pure.

Interest runs from the day after the due date to the day of payment, that day included (directive 2011/7/EU, article 3;
Code de commerce L441-10, II), at simple interest, actual days over 365 (ACT/365, also in leap years). The rate of a
day is that of its half-year. Each segment is rounded half up to the minor unit, once; the total is their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from invoicing.law.rules import Law
from invoicing.models import LawKind
from invoicing.totals import half_up

DAY_COUNT = "ACT/365"
_YEAR = 365
_SCALE = 10_000
"""Rates are held to four decimals of a percent."""


@dataclass(frozen=True)
class Segment:
    """Days, both included, on which one balance was late at one rate, and the interest of them in minor units."""

    first: date
    last: date
    days: int
    balance_minor: int
    percent: Decimal
    source: str
    interest_minor: int


def interest_minor(balance_minor: int, percent: Decimal, days: int) -> int:
    """balance x percent / 100 x days / 365, rounded half up."""
    return half_up(balance_minor * int(percent * _SCALE) * days, 100 * _SCALE * _YEAR)


def segments(law: Law, *, due_on: date, balances: Sequence[tuple[date, int]], as_of: date) -> tuple[Segment, ...]:
    """The late segments of one amount due on `due_on`, up to the day `as_of`, included.

    `balances` are (day, what was open at its end), the first day first; the last one lasts. Raises LawMissingError for
    a day that is late and has no rate.
    """
    first = due_on + timedelta(days=1)
    # A payment counts as in time on its day: that day still bears interest on what was open the evening before.
    changes = {day + timedelta(days=1): minor for day, minor in balances}
    starts = sorted({first, *(day for day in changes if first < day)})
    found = []
    for start, following in zip(starts, [*starts[1:], as_of + timedelta(days=1)], strict=True):
        last = min(following - timedelta(days=1), as_of)
        balance = next((minor for day, minor in sorted(changes.items(), reverse=True) if day <= start), 0)
        if balance <= 0 or last < start:
            continue
        for stretch in law.stretches(LawKind.INTEREST, start, last):
            percent, days = stretch.rule.value, stretch.days
            earned = interest_minor(balance, percent, days)
            found.append(Segment(stretch.first, stretch.last, days, balance, percent, stretch.rule.source, earned))
    return tuple(found)
