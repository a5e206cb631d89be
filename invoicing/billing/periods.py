"""The periods of a subscription, and what each comes to. Pure.

Periods follow each other from the first day of the plan to its last, without a gap and without an overlap. A part of a
period is billed by days: the price times the days of the part, divided by the days of the whole period.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from ar.core.i18n import long_day
from ar.core.i18n import marked as _
from invoicing.billing.facts import Proposed, Rule
from invoicing.billing.models import Alignment, Every
from invoicing.draft import InvoiceDraft
from invoicing.models import SupplyKind, TaxCategory
from invoicing.terms.words import Say
from invoicing.totals import Line, half_up

MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """What is billed at once: `first` to `last`, both included, of the whole period `whole_first` to `whole_last`."""

    first: date
    last: date
    whole_first: date
    whole_last: date

    @property
    def whole_days(self) -> int:
        return (self.whole_last - self.whole_first).days + 1


@dataclass(frozen=True)
class PlanLine:
    """What is billed for a whole period; `prices` are (valid from, millionths), the first first."""

    description: str
    quantity: int
    unit: str
    category: TaxCategory
    rate_bp: int
    prices: tuple[tuple[date, int], ...]
    supply: SupplyKind = SupplyKind.SERVICES
    item_code: str = ""
    exemption: str = ""


@dataclass(frozen=True)
class PlanFacts:
    """A subscription, and the first days of the periods that are billed already."""

    id: int
    entity_id: int
    account_id: int
    reference: str
    currency: str
    language: str
    every: Every
    alignment: Alignment
    in_advance: bool
    starts_on: date
    ends_on: date | None
    lines: Sequence[PlanLine]
    billed: frozenset[date]
    rule: Rule
    terms: str = ""
    purchase_order: str = ""
    buyer_reference: str = ""
    note: str = ""


def add_months(day: date, months: int) -> date:
    """The same day of a later month; its last day where that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def periods(every: Every, alignment: Alignment, starts_on: date, ends_on: date | None) -> Iterator[Period]:
    """The periods of a plan in order, without end when it has none.

    By the calendar they are months, quarters and years as they stand there, the first one cut to its start. Else they
    are counted from the day of the start, each from that day itself: one that begins on the 31st does not drift.
    """
    months = MONTHS[every]
    anchor = starts_on
    if alignment is Alignment.CALENDAR:
        anchor = date(starts_on.year, (starts_on.month - 1) // months * months + 1, 1)
    for n in count():
        whole_first = add_months(anchor, n * months)
        whole_last = add_months(anchor, (n + 1) * months) - _DAY
        first = max(whole_first, starts_on)
        if ends_on is not None and first > ends_on:
            return
        yield Period(first, whole_last if ends_on is None else min(whole_last, ends_on), whole_first, whole_last)


def bill_on(period: Period, *, in_advance: bool) -> date:
    """The day from which a period is billed."""
    return period.first if in_advance else period.last


def due_periods(plan: PlanFacts, *, today: date) -> list[Period]:
    """The periods to bill by `today`, the oldest first: those due that no invoice bills."""
    found = []
    for period in periods(plan.every, plan.alignment, plan.starts_on, plan.ends_on):
        if bill_on(period, in_advance=plan.in_advance) > today:
            break
        if period.first not in plan.billed:
            found.append(period)
    return found


def next_on(plan: PlanFacts) -> date | None:
    """The day from which the first period without an invoice is billed; None when the plan ended."""
    for period in periods(plan.every, plan.alignment, plan.starts_on, plan.ends_on):
        if period.first not in plan.billed:
            return bill_on(period, in_advance=plan.in_advance)
    return None


def charges(plan: PlanFacts, period: Period, *, say: Say) -> list[Line]:
    """The lines of a period: each at the price that held, by days where it changed or only a part is billed."""
    return [
        _charge(plan, line, period, first, last, price, say)
        for line in plan.lines
        for first, last, price in _stretches(line, period)
        if price
    ]


def _stretches(line: PlanLine, period: Period) -> Iterator[tuple[date, date, int]]:
    starts = sorted({period.first, *(day for day, _ in line.prices if period.first < day <= period.last)})
    for start, following in zip(starts, [*starts[1:], period.last + _DAY], strict=True):
        price = next((price for day, price in reversed(line.prices) if day <= start), line.prices[0][1])
        yield start, following - _DAY, price


def _charge(plan: PlanFacts, line: PlanLine, period: Period, first: date, last: date, price: int, say: Say) -> Line:
    days, whole = (last - first).days + 1, period.whole_days
    span = {"first": long_day(first, language=plan.language), "last": long_day(last, language=plan.language)}
    told = {"description": line.description[:850], **span}
    if days == whole:
        words = say(_("%(description)s, from %(first)s to %(last)s"), language=plan.language, **told)
    else:
        sentence = _("%(description)s, from %(first)s to %(last)s: %(days)s of %(whole)s days")
        words = say(sentence, language=plan.language, **told, days=days, whole=whole)
    return Line(
        words,
        line.quantity,
        price if days == whole else half_up(price * days, whole),
        line.category,
        line.rate_bp,
        unit=line.unit,
        item_code=line.item_code,
        period_from=first,
        period_to=last,
        exemption=line.exemption,
        supply=line.supply,
    )


def proposed(plan: PlanFacts, *, today: date, say: Say) -> list[Proposed]:
    """An invoice for each period to bill by `today`; one that was missed has its own."""
    return [
        Proposed(
            InvoiceDraft(
                entity_id=plan.entity_id,
                account_id=plan.account_id,
                lines=charges(plan, period, say=say),
                currency=plan.currency,
                terms=plan.terms,
                period_from=period.first,
                period_to=period.last,
                buyer_reference=plan.buyer_reference,
                purchase_order=plan.purchase_order,
                order_reference=plan.reference,
                note=plan.note,
            ),
            plan.rule.approval,
            plan_id=plan.id,
            period=(period.first, period.last),
        )
        for period in due_periods(plan, today=today)
    ]
