"""The only reader of the system clock. Everything else is told `now` or `today`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def local_date(instant: datetime, zone: str) -> date:
    """The calendar day of `instant` in the IANA time zone `zone`."""
    return instant.astimezone(ZoneInfo(zone)).date()


def today(zone: str = "UTC") -> date:
    """The current calendar day in `zone`."""
    return local_date(now(), zone)


def stopwatch() -> Callable[[], float]:
    """A function that tells the seconds gone since this call, by a clock that no one can set."""
    start = time.monotonic()
    return lambda: time.monotonic() - start
