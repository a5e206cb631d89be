"""The receivables figures of a company as of a day: formulas, and the facts they need. ar.ledger.figures gathers them.

Formulas and names are those of docs/kpis.md. Every amount is gross of VAT, net of credit notes and unapplied
cash, contested items included (their share is told beside), and all currencies are converted at the rate of the
day as of which the figure is told, so that a move of the exchange rate is not taken for a move of payments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

PERIOD_DAYS = 90
"""Days of sales that a figure looks back over, its own day included: a quarter."""

PERIOD_MONTHS = 3
COUNTBACK_MONTHS = 24


@dataclass(frozen=True)
class MonthSales:
    """Credit sales of a calendar month, or of its part up to the day told, and how many days that is."""

    minor: int
    days: int


def ratio(part: int, whole: int, times: int = 1) -> Decimal | None:
    """part / whole x times, to two decimals; None where there is nothing to divide by."""
    if whole <= 0:
        return None
    return (Decimal(part) * times / whole).quantize(Decimal("0.01"))


def dso_simple(receivables: int, sales: int, days: int) -> Decimal | None:
    """Days: ending receivables / credit sales of the period x days in the period."""
    return ratio(receivables, sales, days)


def dso_countback(receivables: int, months: Sequence[MonthSales]) -> Decimal | None:
    """Days: each month's sales taken off ending receivables, newest first; the last month counts in proportion.

    None when there are no sales, or when the months given do not use the receivables up.
    """
    days, left = Decimal(0), receivables
    if left <= 0:
        return Decimal("0.00")
    for month in months:
        if month.minor >= left:
            return (days + Decimal(left) / month.minor * month.days).quantize(Decimal("0.01"))
        days += month.days
        left -= max(month.minor, 0)
    return None


def cei(opening: int, sales: int, closing: int, closing_current: int, months: int) -> Decimal | None:
    """Collection effectiveness index, per cent, over a period of `months` (credit sales / months)."""
    monthly = Decimal(sales) / months
    collectable = opening + monthly - closing_current
    if collectable <= 0:
        return None
    return ((opening + monthly - closing) / collectable * 100).quantize(Decimal("0.01"))


def turnover(sales: int, opening: int, closing: int) -> Decimal | None:
    """Times: net credit sales / average of opening and closing receivables."""
    return ratio(2 * sales, opening + closing)


def bad_debt(write_offs: int, sales: int) -> Decimal | None:
    """Per cent: write-offs net of recoveries / credit sales x 100."""
    return ratio(write_offs, sales, 100)


@dataclass(frozen=True)
class Facts:
    """What the figures of one day need, in minor units of one currency."""

    closing: int
    closing_current: int
    opening: int
    disputed: int
    sales: int
    write_offs: int
    months: tuple[MonthSales, ...]
    days_in_period: int = PERIOD_DAYS


@dataclass(frozen=True)
class Aged:
    """The ageing summed up, in minor units of `currency`; `credits` is zero or negative."""

    currency: str
    buckets: dict[str, int]
    credits: int

    @property
    def total(self) -> int:
        return sum(self.buckets.values()) + self.credits


@dataclass(frozen=True)
class Basis:
    """How the figures were made: said with each of them."""

    as_of: date
    period_from: date
    currency: str
    rate_dates: dict[str, date]
    left_out: tuple[str, ...]
    receivables_minor: int
    disputed_minor: int
    sales_minor: int
    gross_of_vat: bool = True
    net_of_credit_notes: bool = True
    disputed_included: bool = True


@dataclass(frozen=True)
class Figures:
    """The figures as of a day. Days and per cents to two decimals; None where they have no meaning."""

    dso_simple: Decimal | None
    dso_countback: Decimal | None
    dso_best_possible: Decimal | None
    add: Decimal | None
    cei: Decimal | None
    ar_turnover: Decimal | None
    bad_debt_ratio: Decimal | None
    ageing: Aged
    basis: Basis

    def as_json(self) -> dict[str, object]:
        """The figures as numbers, amounts in minor units, days as ISO text."""
        names = ("dso_simple", "dso_countback", "dso_best_possible", "add", "cei", "ar_turnover", "bad_debt_ratio")
        told: dict[str, object] = {
            name: None if (value := getattr(self, name)) is None else float(value) for name in names
        }
        told["ageing"] = {
            "currency": self.ageing.currency,
            "unit": "minor",
            **self.ageing.buckets,
            "credits": self.ageing.credits,
            "total": self.ageing.total,
        }
        basis = self.basis
        told["basis"] = {
            "as_of": basis.as_of.isoformat(),
            "period_from": basis.period_from.isoformat(),
            "period_days": (basis.as_of - basis.period_from).days + 1,
            "currency": basis.currency,
            "conversion_dates": {code: day.isoformat() for code, day in basis.rate_dates.items()},
            "currencies_left_out_for_want_of_a_rate": list(basis.left_out),
            "receivables_minor": basis.receivables_minor,
            "disputed_minor": basis.disputed_minor,
            "credit_sales_minor": basis.sales_minor,
            "gross_of_vat": basis.gross_of_vat,
            "net_of_credit_notes": basis.net_of_credit_notes,
            "disputed_items": "included",
        }
        return told


def compute(facts: Facts, aged: Aged, basis: Basis) -> Figures:
    """All figures of one day from its facts. ADD is DSO less best-possible DSO (not the days late of paid invoices)."""
    simple = dso_simple(facts.closing, facts.sales, facts.days_in_period)
    best = dso_simple(facts.closing_current, facts.sales, facts.days_in_period)
    return Figures(
        dso_simple=simple,
        dso_countback=dso_countback(facts.closing, facts.months),
        dso_best_possible=best,
        add=None if simple is None or best is None else simple - best,
        cei=cei(facts.opening, facts.sales, facts.closing, facts.closing_current, PERIOD_MONTHS),
        ar_turnover=turnover(facts.sales, facts.opening, facts.closing),
        bad_debt_ratio=bad_debt(facts.write_offs, facts.sales),
        ageing=aged,
        basis=basis,
    )
