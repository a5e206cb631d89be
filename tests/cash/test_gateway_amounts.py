"""Guarantee 4: minor units survive the way to the gateway and back, in every ISO currency, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.cash.gateway_amounts import NotPayableOnlineError, from_gateway, gateway_places, to_gateway
from ar.core.money import currencies, exponent

UNDOCUMENTED = {"CLF", "IQD", "LYD", "UYW"}


@given(st.sampled_from(currencies()), st.integers(1, 10**9))
def test_there_and_back_nothing_is_off(currency: str, minor: int) -> None:
    try:
        amount = to_gateway(minor, currency)
    except NotPayableOnlineError:
        return
    assert from_gateway(amount, currency) == minor


@pytest.mark.parametrize("currency", currencies())
def test_a_round_amount_goes_through_in_every_currency_whose_decimals_are_documented(currency: str) -> None:
    if currency in UNDOCUMENTED:
        with pytest.raises(NotPayableOnlineError):
            gateway_places(currency)
        return
    minor = 7 * 10 ** exponent(currency)
    assert to_gateway(minor, currency) == 7 * 10 ** gateway_places(currency)
    assert from_gateway(to_gateway(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1050, "EUR", 1050),
        (500, "JPY", 500),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (500, "MGA", 5),
        (5120, "KWD", 5120),
        (1045, "HUF", 1045),
    ],
)
def test_the_cases_of_stripes_currencies_page(minor: int, currency: str, amount: int) -> None:
    assert to_gateway(minor, currency) == amount
    assert from_gateway(amount, currency) == minor


@pytest.mark.parametrize(("minor", "currency"), [(5124, "KWD"), (501, "MGA")])
def test_what_cannot_be_said_exactly_is_refused(minor: int, currency: str) -> None:
    with pytest.raises(NotPayableOnlineError):
        to_gateway(minor, currency)


def test_a_fraction_of_a_unit_from_the_gateway_is_refused() -> None:
    with pytest.raises(NotPayableOnlineError):
        from_gateway(550, "ISK")
