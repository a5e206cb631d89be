"""Payment terms as a small language: when an invoice of a day falls due. Pure.

    net 30                      30 days after the invoice
    end of month + 45           the end of the invoice's month, then 45 days
    45 days end of month        45 days after the invoice, then the end of that month

The last two are the two French ways of counting "45 jours fin de mois"; they differ by up to a month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from ar.core.calendars import month_end
from ar.core.errors import DomainError

MAX_DAYS = 365


class TermsError(DomainError):
    """The text is not payment terms that are understood."""

    code = "bad-terms"


class Counting(StrEnum):
    NET = "net"
    MONTH_END_THEN_DAYS = "end of month + days"
    DAYS_THEN_MONTH_END = "days, end of month"


@dataclass(frozen=True)
class Terms:
    """`days`, counted in one of three ways."""

    counting: Counting
    days: int

    def due_on(self, issue_on: date) -> date:
        """The day an invoice of `issue_on` falls due."""
        if self.counting is Counting.NET:
            return issue_on + timedelta(days=self.days)
        if self.counting is Counting.MONTH_END_THEN_DAYS:
            return month_end(issue_on) + timedelta(days=self.days)
        return month_end(issue_on + timedelta(days=self.days))

    def __str__(self) -> str:
        if self.counting is Counting.NET:
            return f"net {self.days}"
        if self.counting is Counting.MONTH_END_THEN_DAYS:
            return f"end of month + {self.days}"
        return f"{self.days} days end of month"


_FORMS = (
    (Counting.NET, re.compile(r"net (\d{1,3})", re.ASCII)),
    (Counting.MONTH_END_THEN_DAYS, re.compile(r"end of month(?: ?\+ ?(\d{1,3}))?", re.ASCII)),
    (Counting.DAYS_THEN_MONTH_END, re.compile(r"(\d{1,3}) days end of month", re.ASCII)),
)


def parse(text: str) -> Terms:
    """The terms that `text` writes. Raises TermsError."""
    plain = " ".join(text[:100].casefold().split())
    for counting, form in _FORMS:
        found = form.fullmatch(plain)
        if found and int(found[1] or 0) <= MAX_DAYS:
            return Terms(counting, int(found[1] or 0))
    raise TermsError(
        f"{text[:60]!r} is not payment terms: write 'net 30', 'end of month + 45' or '45 days end of month', "
        f"with at most {MAX_DAYS} days"
    )
