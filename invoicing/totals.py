"""The arithmetic of an invoice by EN 16931: rounded lines, tax by category and rate, sums that agree. Pure.

Quantities and unit prices are integers of millionths, rates hundredths of a percent, amounts minor units of the
currency. A line is rounded half up before it is summed (BT-131); tax is computed on the sum of a category and
rate and rounded once (BT-117), never line by line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ar.core.errors import DomainError, Fault
from ar.core.money import MAX_MINOR, exponent
from invoicing.models import TaxCategory

MILLION = 10**6
_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)
_RATE = re.compile(r"\d{1,2}(\.\d{1,2})?", re.ASCII)


class TotalsError(DomainError):
    """The lines cannot make an invoice; the faults name each and why."""

    code = "bad-invoice-lines"


@dataclass(frozen=True)
class Line:
    """What is invoiced. `rate_bp` is hundredths of a percent: 2000 is 20 %."""

    description: str
    quantity_millionths: int
    unit_price_millionths: int
    category: TaxCategory
    rate_bp: int


@dataclass(frozen=True)
class Tax:
    """One row of the breakdown: what a category and rate applies to, and the tax on it."""

    category: TaxCategory
    rate_bp: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True)
class Totals:
    lines: tuple[int, ...]
    taxes: tuple[Tax, ...]
    net_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        return self.net_minor + self.tax_minor


def millionths(text: str) -> int:
    """Millionths of a plain decimal such as '2.5'. Raises ValueError, in words, for anything else."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is not a decimal of at most 9 digits and 6 decimals, such as 2.5")
    return _scaled(text, 6)


def basis_points(text: str) -> int:
    """Hundredths of a percent of a rate such as '5.5'. Raises ValueError, in words."""
    if not _RATE.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is not a rate in percent with at most 2 decimals, such as 20 or 5.5")
    return _scaled(text, 2)


def _scaled(text: str, places: int) -> int:
    whole, _, decimals = text.partition(".")
    return int(whole + decimals.ljust(places, "0"))


def decimal_text(scaled: int, places: int) -> str:
    """The decimal that `scaled` holds, without needless zeros: '2.5' for 2500000 with 6 places."""
    sign, digits = ("-" if scaled < 0 else ""), str(abs(scaled)).rjust(places + 1, "0")
    return (f"{sign}{digits[:-places]}." + digits[-places:]).rstrip("0").rstrip(".")


def half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, a half away from zero."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -rounded if numerator < 0 else rounded


def line_net(quantity_millionths: int, unit_price_millionths: int, currency: str) -> int:
    """Quantity times unit price in minor units, rounded half up."""
    return half_up(quantity_millionths * unit_price_millionths * 10 ** exponent(currency), MILLION * MILLION)


def totals(lines: Sequence[Line], currency: str) -> Totals:
    """Net of each line, tax by category and rate, and the sums. Raises TotalsError naming each fault."""
    if faults := list(_faults(lines)):
        raise TotalsError(f"The invoice cannot be made: {faults[0].message}", faults=faults)
    nets = tuple(line_net(line.quantity_millionths, line.unit_price_millionths, currency) for line in lines)
    bases: dict[tuple[TaxCategory, int], int] = defaultdict(int)
    for line, net in zip(lines, nets, strict=True):
        bases[line.category, line.rate_bp] += net
    taxes = tuple(
        Tax(category, rate, net, half_up(net * rate, 10_000)) for (category, rate), net in sorted(bases.items())
    )
    result = Totals(nets, taxes, sum(nets), sum(tax.tax_minor for tax in taxes))
    if not 0 < result.total_minor <= MAX_MINOR:
        message = "the lines must add up to more than zero, and to no more than the largest amount accepted"
        raise TotalsError(f"The invoice cannot be made: {message}", faults=[Fault("/lines", message)])
    return result


def _faults(lines: Sequence[Line]) -> list[Fault]:
    faults = [] if lines else [Fault("/lines", "an invoice needs at least one line")]
    for n, line in enumerate(lines):
        if line.quantity_millionths == 0:
            faults.append(Fault(f"/lines/{n}/quantity", "a quantity of zero invoices nothing: leave the line out"))
        if line.unit_price_millionths < 0:
            faults.append(Fault(f"/lines/{n}/unit_price", "a price is not negative: make the quantity negative"))
        if line.category is TaxCategory.STANDARD and line.rate_bp <= 0:
            faults.append(Fault(f"/lines/{n}/tax_rate", "category S needs a rate above zero; a zero rate is Z"))
        if line.category is not TaxCategory.STANDARD and line.rate_bp != 0:
            faults.append(Fault(f"/lines/{n}/tax_rate", f"category {line.category.value} has a rate of zero"))
    categories = {line.category for line in lines}
    if TaxCategory.NOT_SUBJECT in categories and len(categories) > 1:
        faults.append(Fault("/lines", "category O does not stand beside others on one invoice (EN 16931 BR-O-11)"))
    return faults
