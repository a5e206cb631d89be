"""Business days, public holidays and a customer's local time. Pure: no clock, every day and instant is given.

Countries are ISO 3166 alpha-2 codes. Holidays are those of the whole country, from the holidays package; a country
that it does not know has none. Zones are IANA names.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ar.core.errors import DomainError

_CAPITAL = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "FM": "Pacific/Pohnpei",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
"""Countries whose first zone in the tz database is not the one where most of their business is done."""

_SUBDIVISION = {"GB": "ENG"}
"""Countries without one common list of bank holidays: the part that stands for the whole."""


class ZoneError(DomainError):
    """No such time zone."""

    code = "bad-time-zone"


@lru_cache(maxsize=512)
def zone_info(zone: str) -> ZoneInfo:
    """The time zone named `zone`. Raises ZoneError when the tz database has none of that name."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{zone[:64]!a} is not an IANA time zone, such as Europe/Paris or UTC"
        raise ZoneError(message) from None


@lru_cache(maxsize=2048)
def holidays_of(country: str, year: int) -> frozenset[date]:
    """The public holidays of `country` in `year`, as observed; empty for a country unknown to the holidays package."""
    import holidays  # heavy, and its country modules more so: loaded by the first question

    try:
        found = holidays.country_holidays(country, subdiv=_SUBDIVISION.get(country), years=year)
    except NotImplementedError:
        return frozenset()
    return frozenset(day for day in found if day.year == year)


def is_business_day(day: date, country: str) -> bool:
    """Whether `day` is a Monday to Friday and not a public holiday of `country`."""
    return day.weekday() < 5 and day not in holidays_of(country, day.year)


def next_business_day(day: date, country: str) -> date:
    """`day` itself when it is a business day of `country`, else the first one after it."""
    while not is_business_day(day, country):
        day += timedelta(days=1)
    return day


def add_business_days(day: date, count: int, country: str) -> date:
    """The business day of `country` that is `count` business days after `day`, or before it when negative.

    `day` itself is not counted; 0 gives `day` back, whatever day it is.
    """
    step = timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_business_day(day, country)
    return day


def business_days_between(first: date, last: date, country: str) -> int:
    """How many business days of `country` lie after `first`, up to `last`; 0 when `last` is not after it."""
    days = (last - first).days
    return sum(is_business_day(first + timedelta(days=n), country) for n in range(1, days + 1))


def within_hours(instant: datetime, zone: str, *, first: int = 9, last: int = 18) -> bool:
    """Whether the local time of `instant` in `zone` is from `first`:00, included, to `last`:00, excluded."""
    return first <= instant.astimezone(zone_info(zone)).hour < last


def local_day_start(day: date, zone: str, *, hour: int = 9) -> datetime:
    """The instant, in UTC, at which clocks in `zone` show `hour`:00 on `day`.

    When clocks show it twice, the earlier; when they jump over it, the instant of the jump.
    """
    local = datetime.combine(day, time(hour), tzinfo=zone_info(zone))
    instant = local.astimezone(UTC)
    if instant.astimezone(zone_info(zone)).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    jump, after = instant - timedelta(days=1), instant
    while after - jump > timedelta(seconds=1):  # local clocks are behind the hour at `jump`, past it at `after`
        middle = jump + (after - jump) / 2
        if middle.astimezone(zone_info(zone)).replace(tzinfo=None) < local.replace(tzinfo=None):
            jump = middle
        else:
            after = middle
    return after.replace(microsecond=0)


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    listed = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    first: dict[str, str] = {}
    for line in listed.splitlines():
        if not line.startswith("#"):
            country, _coordinates, zone = line.split("\t")[:3]
            first.setdefault(country, zone)
    return first | _CAPITAL


def zone_of(country: str) -> str:
    """A sensible time zone for a customer of `country` who has stated none; UTC for an unknown country."""
    return _zones().get(country, "UTC")


def month_end(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])
