"""Whether an invoice made elsewhere adds up, in whole minor units; and its sums as those of a document here. Pure.

The invoice was issued as it stands, so its own figures are kept. Sums must agree exactly. Where the standard leaves
room for how a line (2 minor units, as Peppol does) or a tax (1) was rounded, so much is allowed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ar.core.money import MAX_MINOR, plain
from invoicing.einvoice.read.told import ToldInvoice, refused
from invoicing.models import TaxCategory
from invoicing.totals import Applied, Tax, Totals, half_up, line_net

LINE_SLACK, TAX_SLACK = 2, 1


def reckoned(told: ToldInvoice) -> Totals:
    """The sums of the invoice. Raises EInvoiceRefusedError naming each that does not agree."""
    taxes = _merged(told)
    applied = _applied(told)
    if faults := list(_faults(told, taxes, applied)):
        raise refused(*faults)
    sums = told.sums
    return Totals(
        lines=tuple(one.net_minor for one in told.lines),
        taxes=taxes,
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        applied=applied,
    )


def _merged(told: ToldInvoice) -> tuple[Tax, ...]:
    """The VAT breakdown with one row for each category and rate."""
    rows: dict[tuple[TaxCategory, int], Tax] = {}
    for tax in told.taxes:
        before = rows.get((tax.category, tax.rate_bp))
        net, minor = (before.net_minor, before.tax_minor) if before else (0, 0)
        reason = (before.exemption if before else "") or tax.exemption
        merged = Tax(tax.category, tax.rate_bp, net + tax.net_minor, minor + tax.tax_minor, reason)
        rows[tax.category, tax.rate_bp] = merged
    return tuple(rows[key] for key in sorted(rows))


def _applied(told: ToldInvoice) -> tuple[Applied, ...]:
    of_lines = [
        Applied(
            adjustment,
            n,
            line_net(one.line.quantity_millionths, one.line.unit_price_millionths, told.currency),
            adjustment.amount_minor or 0,
            one.line.category,
            one.line.rate_bp,
        )
        for n, one in enumerate(told.lines)
        for adjustment in one.line.adjustments
    ]
    of_document = [
        Applied(
            one.adjustment,
            None,
            one.base_minor,
            one.adjustment.amount_minor or 0,
            one.tax.category,
            one.tax.rate_bp,
        )
        for one in told.adjustments
    ]
    return (*of_lines, *of_document)


def _faults(told: ToldInvoice, taxes: tuple[Tax, ...], applied: tuple[Applied, ...]) -> Iterator[str]:
    sums = told.sums

    def differs(what: str, said: int, found: int) -> str:
        return f"{what} is {plain(said, told.currency)}, and not {plain(found, told.currency)} as its parts make"

    if not told.lines:
        yield "it has no lines: the profiles MINIMUM and BASIC WL of Factur-X are no invoices [BR-16]"
        return
    yield from _line_faults(told)
    nets = sum(one.net_minor for one in told.lines)
    if nets != sums.lines_minor:
        yield differs("the sum of the lines [BT-106]", sums.lines_minor, nets)
    of_document = [one for one in applied if one.line is None]
    changes = sum(one.change_minor for one in of_document)
    if sums.charges_minor - sums.allowances_minor != changes:
        yield differs("what charges add and allowances take off", sums.charges_minor - sums.allowances_minor, changes)
    if sums.net_minor != sums.lines_minor + changes:
        yield differs("the total without VAT [BT-109]", sums.net_minor, sums.lines_minor + changes)
    bases: dict[tuple[TaxCategory, int], int] = defaultdict(int)
    for line in told.lines:
        bases[line.line.category, line.line.rate_bp] += line.net_minor
    for one in of_document:
        bases[one.category, one.rate_bp] += one.change_minor
    if dict(bases) != {(tax.category, tax.rate_bp): tax.net_minor for tax in taxes}:
        yield "the amounts that VAT is reckoned on [BT-116] are not those of the lines of each category and rate"
    for tax in taxes:
        expected = half_up(tax.net_minor * tax.rate_bp, 10_000)
        if abs(tax.tax_minor - expected) > TAX_SLACK:
            yield differs(f"the VAT of category {tax.category.value} [BT-117]", tax.tax_minor, expected)
    if sums.tax_minor != (total := sum(tax.tax_minor for tax in taxes)):
        yield differs("the VAT [BT-110]", sums.tax_minor, total)
    if sums.total_minor != sums.net_minor + sums.tax_minor:
        yield differs("the total with VAT [BT-112]", sums.total_minor, sums.net_minor + sums.tax_minor)
    if sums.prepaid_minor or sums.rounding_minor or sums.payable_minor != sums.total_minor:
        yield (
            "what is to be paid [BT-115] is not the total with VAT [BT-112]: an invoice of which part was paid before, "
            "or that is rounded, is not taken in"
        )
    if not 0 < sums.total_minor <= MAX_MINOR:
        yield "its total is not above zero, or is larger than any that is taken: what is below zero is a credit note"


def _line_faults(told: ToldInvoice) -> Iterator[str]:
    for n, one in enumerate(told.lines, start=1):
        line = one.line
        gross = line_net(line.quantity_millionths, line.unit_price_millionths, told.currency)
        change = sum((a.amount_minor or 0) * (1 if a.charge else -1) for a in line.adjustments)
        if line.unit_price_millionths < 0:
            yield f"line {n} has a price below zero [BR-27]"
        elif abs(one.net_minor - gross - change) > LINE_SLACK:
            said, made = plain(one.net_minor, told.currency), plain(gross + change, told.currency)
            yield f"line {n} [BT-131] is {said}, and not {made} as its quantity and price make"
