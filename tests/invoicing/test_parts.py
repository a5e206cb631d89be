"""Parts of an invoice: whatever the gross amount, net and tax add up to it, to one unit left over at most."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from invoicing.models import TaxCategory
from invoicing.parts import part_of
from invoicing.totals import Tax, half_up

RATES = st.sampled_from([0, 210, 550, 1000, 1900, 2000, 2550, 9999])


@st.composite
def breakdowns(draw: st.DrawFn) -> list[Tax]:
    rates = draw(st.lists(RATES, min_size=1, max_size=4, unique=True))
    nets = [draw(st.integers(-500, 10**9)) for _ in rates]
    return [
        Tax(TaxCategory.STANDARD if rate else TaxCategory.ZERO, rate, net, half_up(net * rate, 10_000))
        for rate, net in zip(rates, nets, strict=True)
    ]


@given(breakdowns(), st.integers(1, 10**10))
def test_parts_add_up(taxes: list[Tax], gross: int) -> None:
    parts, left = part_of(gross, taxes)
    assert sum(part.net_minor + part.tax_minor for part in parts) + left == gross
    assert all(part.tax_minor == half_up(part.net_minor * part.rate_bp, 10_000) for part in parts)
    assert all(part.net_minor > 0 for part in parts)
    owed = [tax for tax in taxes if tax.net_minor + tax.tax_minor > 0]
    assert left in (0, 1) if owed else left == gross
    if any(tax.rate_bp == 0 for tax in owed):
        assert left == 0
    total = sum(tax.net_minor + tax.tax_minor for tax in owed)
    for tax in owed:
        found = sum(part.net_minor + part.tax_minor for part in parts if part.rate_bp == tax.rate_bp)
        assert abs(found - gross * (tax.net_minor + tax.tax_minor) / total) <= 3


def test_all_of_it_is_its_own_breakdown() -> None:
    taxes = [Tax(TaxCategory.STANDARD, 2000, 9_000, 1_800), Tax(TaxCategory.STANDARD, 550, 3_000, 165)]
    assert part_of(13_965, taxes) == (taxes, 0)


def test_three_cents_at_twenty_percent_leave_one() -> None:
    taxes = [Tax(TaxCategory.STANDARD, 2000, 9_000, 1_800)]
    assert part_of(3, taxes) == ([Tax(TaxCategory.STANDARD, 2000, 2, 0)], 1)
    assert part_of(1, []) == ([], 1)
