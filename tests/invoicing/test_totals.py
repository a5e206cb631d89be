"""EN 16931 arithmetic: rounded lines, tax on sums, in currencies of 0, 2 and 3 decimals."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from invoicing.models import TaxCategory
from invoicing.totals import (
    Adjustment,
    Line,
    TotalsError,
    basis_points,
    decimal_text,
    half_up,
    line_net,
    millionths,
    totals,
)
from tests.invoicing.make import line

PLACES = {"EUR": 2, "JPY": 0, "KWD": 3}
OFF, EXEMPT = Adjustment("x", 500), line(rate="0", category="E")
LINES = st.builds(
    lambda quantity, price, rate: Line("x", quantity, price, TaxCategory.STANDARD if rate else TaxCategory.ZERO, rate),
    st.integers(-(10**9), 10**10).filter(bool),
    st.integers(0, 10**10),
    st.sampled_from([0, 210, 550, 1000, 2000]),
)


@given(st.lists(LINES, min_size=1, max_size=12), st.sampled_from(sorted(PLACES)))
def test_sums_agree_to_the_cent_with_decimal_arithmetic(lines: list[Line], currency: str) -> None:
    def rounded(amount: Decimal) -> int:
        return int(amount.scaleb(PLACES[currency]).quantize(Decimal(1), ROUND_HALF_UP))

    million = Decimal(10**6)
    nets = [
        rounded(Decimal(o.quantity_millionths) / million * Decimal(o.unit_price_millionths) / million) for o in lines
    ]
    bases: dict[int, int] = {}
    for one, net in zip(lines, nets, strict=True):
        bases[one.rate_bp] = bases.get(one.rate_bp, 0) + net
    tax = sum(int((Decimal(b) * r / 10_000).quantize(Decimal(1), ROUND_HALF_UP)) for r, b in bases.items())
    assume(0 < sum(nets) + tax <= 10**15)
    found = totals(lines, currency)
    assert list(found.lines) == nets
    assert found.net_minor == sum(nets) == sum(t.net_minor for t in found.taxes)
    assert found.tax_minor == tax == sum(t.tax_minor for t in found.taxes)
    assert found.total_minor == sum(nets) + tax


ADJUSTMENTS = st.builds(
    lambda percent, amount, charge: Adjustment("x", percent, None if percent else amount, charge),
    st.none() | st.integers(1, 10_000),
    st.integers(1, 10**6),
    st.booleans(),
)
ADJUSTED = st.builds(
    lambda line, adjustments: replace(line, adjustments=tuple(adjustments)),
    LINES.filter(lambda line: line.quantity_millionths > 0),
    st.lists(ADJUSTMENTS, max_size=3),
)


@given(st.lists(ADJUSTED, min_size=1, max_size=8), st.lists(ADJUSTMENTS, max_size=3), st.sampled_from(sorted(PLACES)))
def test_allowances_and_charges_add_up(lines: list[Line], adjustments: list[Adjustment], currency: str) -> None:
    """EN 16931 (BR-CO-10, 13, 14, 15, BR-S-08): amounts of the document are shared out to the last cent."""
    found = None
    with suppress(TotalsError):  # of lines that add up to nothing
        found = totals(lines, currency, adjustments)
    assume(found is not None)
    assert found is not None
    of_document = [one for one in found.applied if one.line is None]
    for n, given_line in enumerate(lines):
        gross = line_net(given_line.quantity_millionths, given_line.unit_price_millionths, currency)
        assert found.lines[n] == gross + sum(one.change_minor for one in found.applied if one.line == n)
        assert [one.adjustment for one in found.applied if one.line == n] == list(given_line.adjustments)
    assert found.net_minor == sum(found.lines) + sum(one.change_minor for one in of_document)
    assert found.net_minor == sum(tax.net_minor for tax in found.taxes)
    assert found.total_minor == found.net_minor + sum(tax.tax_minor for tax in found.taxes)
    for tax in found.taxes:
        assert tax.tax_minor == half_up(tax.net_minor * tax.rate_bp, 10_000)
    for adjustment in adjustments:
        shares = [one for one in of_document if one.adjustment is adjustment]
        if adjustment.amount_minor is not None and shares:
            assert sum(one.amount_minor for one in shares) == adjustment.amount_minor
        for one in shares:
            if adjustment.percent_bp is not None:
                assert one.amount_minor == half_up(one.base_minor * adjustment.percent_bp, 10_000)


def test_a_discount_on_the_whole_is_shared_out_over_the_rates() -> None:
    found = totals([line("1", "300"), line("1", "100", "5.5")], "EUR", [Adjustment("x", amount_minor=1_01)])
    assert [(one.rate_bp, one.base_minor, one.amount_minor) for one in found.applied] == [
        (550, 100_00, 25),
        (2000, 300_00, 76),
    ]
    assert [(tax.net_minor, tax.tax_minor) for tax in found.taxes] == [(99_75, 5_49), (299_24, 59_85)]


def test_tax_is_rounded_once_for_a_rate_and_not_by_line() -> None:
    found = totals([line("1", "0.03"), line("1", "0.03"), line("1", "0.03", "5.5")], "EUR")
    assert [(t.rate_bp, t.net_minor, t.tax_minor) for t in found.taxes] == [(550, 3, 0), (2000, 6, 1)]


@pytest.mark.parametrize(
    ("quantity", "price", "currency", "minor"),
    [("3", "0.335", "EUR", 101), ("-3", "0.335", "EUR", -101), ("1", "0.005", "EUR", 1), ("2.5", "1", "JPY", 3)],
)
def test_a_half_is_rounded_away_from_zero(quantity: str, price: str, currency: str, minor: int) -> None:
    assert line_net(millionths(quantity), millionths(price), currency) == minor


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([], "at least one line"),
        ([line("0")], "quantity of zero"),
        ([line(price="-1")], "not negative"),
        ([line(rate="0")], "rate above zero"),
        ([line(rate="20", category="AE")], "has a rate of zero"),
        ([line(rate="0", category="O"), line()], "BR-O-11"),
        ([line("-1")], "more than zero"),
        ([line("0.000001", "0.000001")], "more than zero"),
        ([line("999999999", "999999999")], "largest amount"),
        ([replace(line("-1"), adjustments=(OFF,)), line("9")], "takes something off"),
        ([replace(line(), adjustments=(Adjustment(" ", 500),))], "what it is for"),
        ([replace(line(), adjustments=(Adjustment("x"),))], "either a percentage or an amount"),
        ([replace(line(), adjustments=(Adjustment("x", 500, 5),))], "either a percentage or an amount"),
        ([replace(line(), adjustments=(Adjustment("x", 10_001),))], "at most 100"),
        ([replace(line(), adjustments=(Adjustment("x", amount_minor=-5),))], "told from an allowance"),
        ([replace(line(), adjustments=(Adjustment("x", 10_000),))], "more than zero"),
        ([replace(line(), exemption="VATEX-EU-132")], "not a VATEX code"),
        ([replace(line(rate="0", category="E"), exemption="VATEX-XX")], "not a VATEX code"),
        ([replace(EXEMPT, exemption="VATEX-EU-132"), EXEMPT], "one reason"),
        ([replace(line(), period_from=date(2026, 2, 1), period_to=date(2026, 1, 1))], "before it begins"),
    ],
)
def test_lines_that_make_no_invoice(lines: list[Line], word: str) -> None:
    with pytest.raises(TotalsError) as refused:
        totals(lines, "EUR")
    assert any(word in fault.message for fault in refused.value.faults)


@given(st.text(max_size=30) | st.sampled_from(["1e400", "NaN", "9" * 400, "1." + "0" * 7, "١", "--1", "1.", ".5"]))
def test_hostile_numerals_are_refused(text: str) -> None:
    for read, places in ((millionths, 6), (basis_points, 2)):
        with suppress(ValueError):
            assert Decimal(decimal_text(read(text), places)) == Decimal(text)


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_half_up_is_the_nearest(numerator: int, denominator: int) -> None:
    assert abs(half_up(numerator, denominator) * denominator - numerator) * 2 <= denominator
