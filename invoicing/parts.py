"""A part of an invoice's gross amount as net amounts and tax, in the invoice's own proportions. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ar.core.money import split
from invoicing.totals import Tax, half_up


def part_of(gross_minor: int, taxes: Sequence[Tax]) -> tuple[list[Tax], int]:
    """`gross_minor` shared out over `taxes` by what each has gross, and what is left over: 0 or 1 minor unit.

    Not every gross amount is some net amount plus its rounded tax: at 20 %, 3 cents are not. What one rate cannot
    hold goes to the next, the lowest rate last; only what none of them can hold is left over.
    """
    by_rate = sorted((tax for tax in taxes if tax.net_minor + tax.tax_minor > 0), key=lambda tax: -tax.rate_bp)
    if not by_rate:
        return [], gross_minor
    found: list[Tax] = []
    carried = 0
    shares = split(gross_minor, [tax.net_minor + tax.tax_minor for tax in by_rate])
    for tax, share in zip(by_rate, shares, strict=True):
        net = largest_net(share + carried, tax.rate_bp)
        on_it = half_up(net * tax.rate_bp, 10_000)
        carried += share - net - on_it
        if net:
            found.append(Tax(tax.category, tax.rate_bp, net, on_it))
    return found, carried


def largest_net(gross_minor: int, rate_bp: int) -> int:
    """The largest net amount that with its rounded tax, at hundredths of a percent, is no more than `gross_minor`."""
    net = gross_minor * 10_000 // (10_000 + rate_bp) + 1
    while net + half_up(net * rate_bp, 10_000) > gross_minor:
        net -= 1
    return net
