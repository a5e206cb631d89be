from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.money import (
    MAX_MINOR,
    AmountError,
    CurrencyError,
    Money,
    by_babel,
    convert,
    currencies,
    exponent,
    localized,
    parse_minor,
    plain,
    split,
)


def test_exponents_are_those_of_iso_4217() -> None:
    assert {code: exponent(code) for code in ("EUR", "JPY", "KWD", "HUF", "CLF")} == {
        "EUR": 2,
        "JPY": 0,
        "KWD": 3,
        "HUF": 2,
        "CLF": 4,
    }
    for unknown in ("XXX", "XAU", "eur", "", "E\0R"):
        with pytest.raises(CurrencyError):
            exponent(unknown)


@given(st.sampled_from(currencies()), st.integers(-MAX_MINOR, MAX_MINOR))
def test_plain_text_and_minor_units_are_the_same_amount(currency: str, minor: int) -> None:
    assert parse_minor(plain(minor, currency), currency) == minor


@pytest.mark.parametrize(
    "text",
    ["", "1e400", "NaN", "Infinity", "1,5", "0x10", "1_000", " 1", "1.", ".5", "٣", "1\0", "9" * 40, "1.005", "--1"],
)
def test_hostile_numerals_are_refused_before_conversion(text: str) -> None:
    with pytest.raises(AmountError):
        parse_minor(text, "EUR")


def test_digits_below_the_minor_unit_pass_only_as_zeros() -> None:
    assert parse_minor("12.5000", "EUR") == 1250
    assert parse_minor("-0.01", "EUR") == -1
    for text, currency in [("0.5", "JPY"), ("1.001", "EUR"), ("1.0001", "KWD")]:
        with pytest.raises(AmountError):
            parse_minor(text, currency)


def test_amounts_are_written_as_readers_write_them() -> None:
    assert localized(123450, "EUR", "fr") == "1\u202f234,50\xa0€"
    assert localized(123450, "EUR", "en") == "€1,234.50"
    assert localized(1234, "JPY", "en") == "¥1,234"
    assert localized(-5, "EUR", "xx") == "-€0.05"


@given(
    st.integers(-MAX_MINOR, MAX_MINOR),
    st.sampled_from(["EUR", "USD", "GBP", "CHF", "JPY", "KWD", "SEK", "MAD", "INR"]),
    st.sampled_from(["en", "fr", "de", "es", "it", "nl", "pl", "pt", "sv", "de-CH", "hi", "ar", "fr-CA"]),
)
def test_amounts_are_written_as_babel_writes_them(minor: int, currency: str, language: str) -> None:
    assert localized(minor, currency, language) == by_babel(minor, currency, language)


def test_two_currencies_do_not_mix() -> None:
    assert Money(150, "EUR") + Money(50, "EUR") == Money(200, "EUR")
    assert -Money(150, "EUR") - Money(50, "EUR") == Money(-200, "EUR")
    assert Money(1, "EUR") < Money(2, "EUR") <= Money(2, "EUR")
    assert str(Money.parse("1.5", "KWD")) == "1.500 KWD"
    with pytest.raises(CurrencyError):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(CurrencyError):
        assert Money(1, "EUR") < Money(1, "USD")


def test_conversion_rounds_half_to_even_between_exponents() -> None:
    assert convert(10_000, source="EUR", target="JPY", rate=Decimal("163.455")) == 16_346
    assert convert(250, source="EUR", target="JPY", rate=Decimal(1)) == 2
    assert convert(350, source="EUR", target="JPY", rate=Decimal(1)) == 4
    assert convert(1, source="JPY", target="KWD", rate=Decimal("0.0021")) == 2


def test_split_refuses_what_it_cannot_share() -> None:
    assert split(-100, [1, 1, 1]) == [-34, -33, -33]
    for weights in ([], [0, 0], [1, -1]):
        with pytest.raises(ValueError, match="weights"):
            split(100, weights)
