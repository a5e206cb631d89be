"""TARGET days: the days on which euros move between banks. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=64)
def _closed(year: int) -> frozenset[date]:
    import holidays  # heavy: loaded by the first question

    return frozenset(holidays.financial_holidays("XECB", years=year))


def is_target_day(day: date) -> bool:
    """Whether TARGET is open: Monday to Friday but for its own six holidays."""
    return day.weekday() < 5 and day not in _closed(day.year)


def next_target_day(day: date) -> date:
    """`day` itself when TARGET is open then, else the first day after it when it is."""
    while not is_target_day(day):
        day += timedelta(days=1)
    return day


def add_target_days(day: date, count: int) -> date:
    """The TARGET day that is `count` of them after `day`, or before it when negative; `day` itself is not counted."""
    step = timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_target_day(day)
    return day


def noon(day: date, zone: str) -> datetime:
    """The middle of a banking day in `zone`, in UTC: what a statement says of a day is taken to be then."""
    return datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)
