"""What payment terms are, and what they make of an invoice: due dates, amounts, discount windows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from ar.core.calendars import month_end
from ar.core.errors import DomainError
from ar.core.money import split
from invoicing.totals import decimal_text, half_up

MAX_DAYS = 365
MAX_PARTS = 12
MAX_DISCOUNTS = 3
MAX_TEXT = 200
"""The longest canonical text: what a document's column of terms holds."""

WHOLE = 10_000
"""All of an invoice, in hundredths of a percent."""


class TermsError(DomainError):
    """The text is not payment terms that are understood."""

    code = "bad-terms"


class Counting(StrEnum):
    NET = "net"
    MONTH_END_THEN_DAYS = "end of month + days"
    DAYS_THEN_MONTH_END = "days, end of month"
    WITH_ORDER = "cash with order"


AT_MONTH_END = frozenset({Counting.MONTH_END_THEN_DAYS, Counting.DAYS_THEN_MONTH_END})


@dataclass(frozen=True)
class Due:
    """`days`, counted in one of four ways, and then, with `on_day`, on to that day of a month (its last if shorter)."""

    counting: Counting
    days: int = 0
    on_day: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.days <= MAX_DAYS:
            raise TermsError(f"at most {MAX_DAYS} days are counted")
        if self.on_day is not None and not 1 <= self.on_day <= 31:
            raise TermsError("the day of the month is from the 1st to the 31st")
        if self.counting is Counting.WITH_ORDER and (self.days or self.on_day is not None):
            raise TermsError("cash with order counts no days")

    def due_on(self, issue_on: date) -> date:
        """The day an invoice of `issue_on` falls due; never before `issue_on`."""
        if self.counting is Counting.MONTH_END_THEN_DAYS:
            day = month_end(issue_on) + timedelta(days=self.days)
        elif self.counting is Counting.DAYS_THEN_MONTH_END:
            day = month_end(issue_on + timedelta(days=self.days))
        else:
            day = issue_on + timedelta(days=self.days)
        return day if self.on_day is None else _next(day, self.on_day)

    def __str__(self) -> str:
        counted = {
            Counting.NET: f"net {self.days}",
            Counting.MONTH_END_THEN_DAYS: f"end of month + {self.days}",
            Counting.DAYS_THEN_MONTH_END: f"{self.days} days end of month",
            Counting.WITH_ORDER: "cash with order",
        }[self.counting]
        return counted if self.on_day is None else f"{counted} on the {_ordinal(self.on_day)}"


@dataclass(frozen=True)
class Part:
    """An instalment: a share of the invoice, in hundredths of a percent, and when it falls due."""

    share_bp: int
    due: Due


@dataclass(frozen=True)
class Discount:
    """So many hundredths of a percent less when the invoice is paid within so many days of its issue."""

    percent_bp: int
    days: int


class Instalment(NamedTuple):
    """What falls due of an invoice on a day, in minor units."""

    due_on: date
    amount_minor: int


class DiscountWindow(NamedTuple):
    """Until when an early payer may take off `amount_minor`, which is `percent_bp` hundredths of a percent."""

    until: date
    percent_bp: int
    amount_minor: int


@dataclass(frozen=True)
class Terms:
    """One due date, which may have discounts before it, or several instalments. Raises TermsError."""

    parts: tuple[Part, ...]
    discounts: tuple[Discount, ...] = ()

    def __post_init__(self) -> None:
        if fault := _fault(self):
            raise TermsError(fault)

    @classmethod
    def single(cls, due: Due, *discounts: Discount) -> Terms:
        """All of the invoice on one day."""
        return cls((Part(WHOLE, due),), discounts)

    def due_on(self, issue_on: date) -> date:
        """The day by which all of an invoice of `issue_on` is due."""
        return max(part.due.due_on(issue_on) for part in self.parts)

    def __str__(self) -> str:
        """The canonical text, which parses back to the same terms."""
        if len(self.parts) > 1:
            return "; ".join(f"{decimal_text(part.share_bp, 2)}% {part.due}" for part in self.parts)
        steps = ", ".join(f"{decimal_text(step.percent_bp, 2)}/{step.days}" for step in self.discounts)
        return f"{steps} {self.parts[0].due}".lstrip()


def schedule(terms: Terms, issue_on: date, total_minor: int) -> tuple[Instalment, ...]:
    """What falls due when of an invoice of `total_minor`, the first due date first; the amounts sum to it exactly.

    A share too small for one minor unit is left out.
    """
    amounts = split(total_minor, [part.share_bp for part in terms.parts])
    found = [Instalment(part.due.due_on(issue_on), minor) for part, minor in zip(terms.parts, amounts, strict=True)]
    return tuple(sorted((one for one in found if one.amount_minor), key=lambda one: one.due_on))


def discount_windows(terms: Terms, issue_on: date, total_minor: int) -> tuple[DiscountWindow, ...]:
    """The windows of an invoice of `total_minor`, tax included, the first to end first, none after the due date.

    Amounts are rounded half up; one that comes to nothing, or to all, is left out. So is a step that the due date cuts
    down to the day of a better one.
    """
    last = terms.due_on(issue_on)
    found: dict[date, DiscountWindow] = {}
    for step in terms.discounts:
        until = min(issue_on + timedelta(days=step.days), last)
        found.setdefault(until, DiscountWindow(until, step.percent_bp, half_up(total_minor * step.percent_bp, WHOLE)))
    return tuple(window for window in found.values() if 0 < window.amount_minor < total_minor)


def _fault(terms: Terms) -> str | None:
    parts, steps = terms.parts, terms.discounts
    total = sum(part.share_bp for part in parts)
    if not 0 < len(parts) <= MAX_PARTS:
        return f"an invoice is due in 1 to {MAX_PARTS} instalments"
    if min(part.share_bp for part in parts) <= 0 or total != WHOLE:
        return f"the instalments make {decimal_text(total, 2)} %: write shares above zero that make 100"
    if len({part.due for part in parts}) < len(parts):
        return "two instalments fall due alike: write them as one"
    if steps and len(parts) > 1:
        return "a discount goes with one due date: write it without instalments"
    if len(str(terms)) > MAX_TEXT:
        return f"the text is longer than {MAX_TEXT} characters: write fewer instalments"
    return _discount_fault(steps, parts[0].due)


def _discount_fault(steps: tuple[Discount, ...], due: Due) -> str | None:
    if not steps:
        return None
    if len(steps) > MAX_DISCOUNTS:
        return f"there are at most {MAX_DISCOUNTS} discount steps"
    if not all(0 < step.percent_bp < WHOLE and 0 <= step.days <= MAX_DAYS for step in steps):
        return f"a discount is above 0 and below 100 %, within at most {MAX_DAYS} days"
    if any(two.days <= one.days or two.percent_bp >= one.percent_bp for one, two in pairwise(steps)):
        return "each discount step is later and smaller than the one before it, such as 3/8, 2/14 net 30"
    if due.counting is Counting.WITH_ORDER:
        return "cash with order leaves no time for a discount"
    if due.counting is Counting.NET and due.on_day is None and steps[-1].days > due.days:
        return f"a discount within {steps[-1].days} days ends after the due date: write at most {due.days}"
    return None


def _next(day: date, wanted: int) -> date:
    """The first day on or after `day` that is the `wanted`th of a month, or its last where the month is shorter."""
    end = month_end(day)
    here = end.replace(day=min(wanted, end.day))
    if here >= day:
        return here
    end = month_end(end + timedelta(days=1))
    return end.replace(day=min(wanted, end.day))


def _ordinal(number: int) -> str:
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
