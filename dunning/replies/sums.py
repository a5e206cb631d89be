"""Amounts as people write them in a letter: 1,200.50 EUR, 1 200,50 €, 500 euros. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ar.cash.remittance.numbers import FOUND, MARKS, currencies_in, is_money, minor_of, spaced
from ar.core.money import exponent

_WORDS = (
    (re.compile(r"(?<=\d)\s?(?:euros?|eur)\b", re.IGNORECASE), " EUR "),
    (re.compile(r"(?<=\d)\s?(?:dollars?)\b", re.IGNORECASE), " USD "),
    (re.compile(r"(?<=\d)\s?(?:pounds?(?: sterling)?|quid|livres(?: sterling)?)\b", re.IGNORECASE), " GBP "),
)


@dataclass(frozen=True, slots=True)
class SaidAmount:
    minor: int
    currency: str


def said_amounts(text: str, *, currency: str) -> list[SaidAmount]:
    """The amounts above zero in `text`, left to right; those that name no currency are in `currency`.

    One that could be two amounts (1,234 of a currency with three decimals) is left out.
    """
    for pattern, code in _WORDS:
        text = pattern.sub(code, text)
    text = spaced(text)
    named = currencies_in(text)
    usual = named[0] if len(set(named)) == 1 else currency
    places = exponent(usual)
    found = []
    for match in FOUND.finditer(text):
        if not is_money(match, text):
            continue
        readings: set[int] = {minor for mark in MARKS if (minor := minor_of(match, mark, places)) is not None}
        if len(readings) == 1 and min(readings) > 0:
            found.append(SaidAmount(min(readings), usual))
    return found
