"""The arithmetic of an invoice by EN 16931: rounded lines, tax by category and rate, sums that agree. Pure.

Quantities and unit prices are integers of millionths, rates hundredths of a percent, amounts minor units of the
currency. A line, its allowances and charges rounded half up each, is rounded before it is summed (BT-131); what is
taken off or added to the whole document is shared out over its categories and rates (BG-20, BG-21); tax is computed
on the sum of a category and rate and rounded once (BT-117), never line by line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.core.money import MAX_MINOR, exponent, split
from invoicing.exemptions import EXEMPTIONS
from invoicing.models import SupplyKind, TaxCategory

MILLION = 10**6
ONE = "C62"
"""The unit 'one', of UN/ECE recommendation 20."""

_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)
_RATE = re.compile(r"\d{1,2}(\.\d{1,2})?", re.ASCII)


class TotalsError(DomainError):
    """The lines cannot make an invoice; the faults name each and why."""

    code = "bad-invoice-lines"


@dataclass(frozen=True)
class Adjustment:
    """An allowance, which is taken off, or a charge, which is added: of one line, or of the whole document.

    It is either a percentage (hundredths of a percent of what it adjusts) or an amount (minor units).
    """

    reason: str
    percent_bp: int | None = None
    amount_minor: int | None = None
    charge: bool = False


@dataclass(frozen=True)
class Line:
    """What is invoiced. `rate_bp` is hundredths of a percent: 2000 is 20 %; `unit` a code of UN/ECE recommendation 20.

    `exemption` is the VATEX code of why no VAT is charged, `order_line` the customer's own number of the line, and
    `corrects_position` in a credit note the line of the invoice that this one takes back.
    """

    description: str
    quantity_millionths: int
    unit_price_millionths: int
    category: TaxCategory
    rate_bp: int
    adjustments: tuple[Adjustment, ...] = ()
    unit: str = ONE
    item_code: str = ""
    order_line: str = ""
    period_from: date | None = None
    period_to: date | None = None
    exemption: str = ""
    supply: SupplyKind = SupplyKind.GOODS
    corrects_position: int | None = None


@dataclass(frozen=True)
class Applied:
    """An adjustment as it came out: of the line at index `line`, or of the document in one category and rate.

    A percentage is of `base_minor`; `amount_minor` is above zero unless what it adjusts is below.
    """

    adjustment: Adjustment
    line: int | None
    base_minor: int
    amount_minor: int
    category: TaxCategory
    rate_bp: int

    @property
    def change_minor(self) -> int:
        """What it changes in the sum: below zero for an allowance."""
        return self.amount_minor if self.adjustment.charge else -self.amount_minor


@dataclass(frozen=True)
class Tax:
    """One row of the breakdown: what a category and rate applies to, the tax on it, and why there is none."""

    category: TaxCategory
    rate_bp: int
    net_minor: int
    tax_minor: int
    exemption: str = ""


@dataclass(frozen=True)
class Totals:
    """The net of each line, what was taken off and added, the tax, and the sums they make."""

    lines: tuple[int, ...]
    taxes: tuple[Tax, ...]
    net_minor: int
    tax_minor: int
    applied: tuple[Applied, ...] = ()

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


def totals(lines: Sequence[Line], currency: str, adjustments: Sequence[Adjustment] = ()) -> Totals:
    """Net of each line, tax by category and rate, and the sums; `adjustments` are those of the whole document.

    Raises TotalsError naming each fault.
    """
    if faults := [*_faults(lines), *_adjustment_faults(adjustments, "")]:
        raise TotalsError(f"The invoice cannot be made: {faults[0].message}", faults=faults)
    nets: list[int] = []
    applied: list[Applied] = []
    bases: dict[tuple[TaxCategory, int], int] = defaultdict(int)
    for n, line in enumerate(lines):
        gross = line_net(line.quantity_millionths, line.unit_price_millionths, currency)
        of_line = [Applied(one, n, gross, _amount(one, gross), line.category, line.rate_bp) for one in line.adjustments]
        nets.append(gross + sum(one.change_minor for one in of_line))
        bases[line.category, line.rate_bp] += nets[-1]
        applied += of_line
    of_document = [one for adjustment in adjustments for one in _spread(adjustment, bases)]
    for one in of_document:
        bases[one.category, one.rate_bp] += one.change_minor
    reasons = {(line.category, line.rate_bp): line.exemption for line in lines}
    taxes = tuple(
        Tax(category, rate, net, half_up(net * rate, 10_000), reasons[category, rate])
        for (category, rate), net in sorted(bases.items())
    )
    net_minor = sum(tax.net_minor for tax in taxes)
    result = Totals(tuple(nets), taxes, net_minor, sum(tax.tax_minor for tax in taxes), (*applied, *of_document))
    if not 0 < result.total_minor <= MAX_MINOR:
        message = _("the lines must add up to more than zero, and to no more than the largest amount accepted")
        raise TotalsError(f"The invoice cannot be made: {message}", faults=[Fault("/lines", message)])
    return result


def _amount(adjustment: Adjustment, base_minor: int) -> int:
    if adjustment.amount_minor is not None:
        return adjustment.amount_minor
    assert adjustment.percent_bp is not None
    return half_up(base_minor * adjustment.percent_bp, 10_000)


def _spread(adjustment: Adjustment, bases: Mapping[tuple[TaxCategory, int], int]) -> Iterator[Applied]:
    """A document's adjustment as one of each category and rate: a percentage of each, an amount in proportion."""
    above = sorted((key, base) for key, base in bases.items() if base > 0)
    if adjustment.amount_minor is None:
        shares = [_amount(adjustment, base) for _, base in above]
    else:
        shares = split(adjustment.amount_minor, [base for _, base in above]) if above else []
    for ((category, rate), base), share in zip(above, shares, strict=True):
        if share:
            yield Applied(adjustment, None, base, share, category, rate)


def _faults(lines: Sequence[Line]) -> Iterator[Fault]:
    if not lines:
        yield Fault("/lines", _("an invoice needs at least one line"))
    for n, line in enumerate(lines):
        at = f"/lines/{n}"
        if line.quantity_millionths == 0:
            yield Fault(f"{at}/quantity", _("a quantity of zero invoices nothing: leave the line out"))
        if line.unit_price_millionths < 0:
            yield Fault(f"{at}/unit_price", _("a price is not negative: make the quantity negative"))
        if line.adjustments and line.quantity_millionths < 0:
            yield Fault(f"{at}/adjustments", "a line that takes something off has none: give its price as it is")
        if line.period_from and line.period_to and line.period_to < line.period_from:
            yield Fault(f"{at}/period_to", "a period does not end before it begins")
        yield from _tax_faults(line, at)
        yield from _adjustment_faults(line.adjustments, at)
    categories = {line.category for line in lines}
    if TaxCategory.NOT_SUBJECT in categories and len(categories) > 1:
        yield Fault("/lines", _("category O does not stand beside others on one invoice (EN 16931 BR-O-11)"))
    if len({(line.category, line.exemption) for line in lines}) > len(categories):
        yield Fault("/lines", "lines of one VAT category have one reason for it: put the others on another invoice")


def _tax_faults(line: Line, at: str) -> Iterator[Fault]:
    if line.category is TaxCategory.STANDARD and line.rate_bp <= 0:
        yield Fault(f"{at}/tax_rate", _("category S needs a rate above zero; a zero rate is Z"))
    if line.category is not TaxCategory.STANDARD and line.rate_bp != 0:
        yield Fault(f"{at}/tax_rate", _("every category but S has a rate of zero"))
    if line.exemption and line.category not in EXEMPTIONS.get(line.exemption, ()):
        told = f"{line.exemption[:40]!r} is not a VATEX code for why category {line.category.value} bears no VAT"
        yield Fault(f"{at}/exemption", told)


def _adjustment_faults(adjustments: Sequence[Adjustment], at: str) -> Iterator[Fault]:
    for n, one in enumerate(adjustments):
        place = f"{at}/adjustments/{n}"
        if not one.reason.strip():
            yield Fault(f"{place}/reason", "an allowance or charge says what it is for (EN 16931 BR-33, BR-38)")
        if (one.percent_bp is None) == (one.amount_minor is None):
            yield Fault(place, "an allowance or charge is either a percentage or an amount")
        elif one.percent_bp is not None and not 0 < one.percent_bp <= 10_000:
            yield Fault(f"{place}/percent", _("a percentage is above 0 and at most 100"))
        elif one.amount_minor is not None and not 0 < one.amount_minor <= MAX_MINOR:
            yield Fault(f"{place}/amount_minor", "an amount is above zero: a charge is told from an allowance by kind")
