"""Days as forms send them."""

from __future__ import annotations

from datetime import date

from ar.core.errors import DomainError


class DayError(DomainError):
    """A date field holds no day."""

    code = "bad-day"


def day_of(text: str) -> date | None:
    """The day of a date field; None when it is empty. Raises DayError."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DayError(f"{text[:10]!a} is not a day: write it as 2026-05-31") from None
