"""EN 16931 arithmetic: rounded lines, tax on sums, in currencies of 0, 2 and 3 decimals."""

from __future__ import annotations

from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from invoicing.models import TaxCategory
from invoicing.totals import Line, TotalsError, basis_points, decimal_text, half_up, line_net, millionths, totals
from tests.invoicing.make import line

PLACES = {"EUR": 2, "JPY": 0, "KWD": 3}
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
