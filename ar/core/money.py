"""Amounts of money: integer minor units with an ISO 4217 currency. No float ever comes near them.

The exponent of a currency (2 for EUR, 0 for JPY, 3 for KWD) comes from the ISO 4217 list as the iso4217
package carries it; Babel, whose figures follow the habits of shops, only writes amounts for readers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Self

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, parse_pattern
from iso4217 import Currency

from ar.core.errors import DomainError

MAX_MINOR = 10**15
"""The largest amount accepted, in minor units: far above any receivable, far below 2**63."""

_SPACES = str.maketrans("", "", " \u00a0\u202f'")
_DIGITS = re.compile(r"(\D*?)(1\D234\D567(?:\D0+)?)(\D*)", re.ASCII)
_AMOUNT = re.compile(r"[+-]?\d{1,16}(\.\d{1,6})?", re.ASCII)


class AmountError(DomainError):
    """The text is not an amount that this currency can hold."""

    code = "bad-amount"


class CurrencyError(DomainError):
    """No such currency, or two different ones where one is needed."""

    code = "bad-currency"


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Decimal places of `currency` (ISO 4217). Raises CurrencyError for an unknown code, or one without them (gold)."""
    try:
        places = Currency(currency).exponent
    except ValueError:
        places = None
    if places is None:
        raise CurrencyError(f"{currency[:10]!r} is not an ISO 4217 currency code, such as EUR, USD or JPY")
    return places


def currencies() -> list[str]:
    """Every currency code in use, in alphabetical order."""
    return sorted(entry.code for entry in Currency if entry.exponent is not None)


def parse_minor(text: str, currency: str) -> int:
    """Minor units of a plain decimal such as '1234.50'. Raises AmountError, with the reason.

    The text is checked by pattern and length before any conversion, so no hostile numeral gets through;
    digits below the minor unit are accepted only when they are zeros.
    """
    places = exponent(currency)
    if not _AMOUNT.fullmatch(text):
        raise AmountError(f"{text[:40]!r} is not an amount: write digits with a decimal point, such as 1234.50")
    scaled = Decimal(text).scaleb(places)
    minor = int(scaled)
    if minor != scaled:
        raise AmountError(f"{text} has more decimals than {currency} has ({places})")
    if abs(minor) > MAX_MINOR:
        raise AmountError(f"{text} is above the largest amount accepted")
    return minor


def typed_plain(text: str) -> str:
    """A number as people type it, '1 234,50', with a decimal point and without spaces: '1234.50'. Checks nothing."""
    plain = text.strip().translate(_SPACES)
    return plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain


def typed_minor(text: str, currency: str) -> int:
    """Minor units of an amount as people type it: '1234.50', '1 234,50'. Raises AmountError."""
    return parse_minor(typed_plain(text), currency)


def to_decimal(minor: int, currency: str) -> Decimal:
    """The amount in major units, exact."""
    return Decimal(minor).scaleb(-exponent(currency))


def plain(minor: int, currency: str) -> str:
    """The amount as a plain decimal with the currency's places, such as '1234.50': for files and APIs."""
    return f"{to_decimal(minor, currency):.{exponent(currency)}f}"


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """Babel's locale of a language code; English for one it does not know."""
    try:
        return Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@lru_cache(maxsize=512)
def _pattern(currency: str, language: str) -> NumberPattern:
    """The language's way to write `currency`, with as many decimals as ISO 4217 gives it."""
    locale = locale_of(language)
    places = exponent(currency)
    written = re.sub(r"\.0+", "." + "0" * places if places else "", locale.currency_formats["standard"].pattern)
    if locale.currency_symbols.get(currency, currency)[-1].isalpha():
        written = re.sub(r"¤(?=[#0])", "¤\u00a0", written)
    return parse_pattern(written)


def localized(minor: int, currency: str, language: str) -> str:
    """The amount as a reader of `language` writes it, such as '1 234,50 €'.

    As Babel writes it, but by what Babel writes around the digits, read off once: a page or a run of reminders
    writes thousands, and Babel's own way takes twenty times as long.
    """
    shape = _shape(currency, language)
    if shape is None:
        return by_babel(minor, currency, language)
    whole, part = divmod(abs(minor), 10**shape.places)
    digits = f"{whole:,}".replace(",", shape.group)
    if shape.places:
        digits = f"{digits}{shape.point}{part:0{shape.places}}"
    before, after = shape.around[minor < 0]
    return f"{before}{digits}{after}"


def by_babel(minor: int, currency: str, language: str) -> str:
    """The same, by Babel alone."""
    pattern, locale = _pattern(currency, language), locale_of(language)
    return str(pattern.apply(to_decimal(minor, currency), locale, currency=currency, currency_digits=False))


@dataclass(frozen=True)
class _Shape:
    """What stands around the digits of an amount, above zero and below, and between them."""

    places: int
    group: str
    point: str
    around: tuple[tuple[str, str], tuple[str, str]]


@lru_cache(maxsize=512)
def _shape(currency: str, language: str) -> _Shape | None:
    """Read off what Babel writes; None where digits are not grouped by threes or are not 0 to 9."""
    places = exponent(currency)
    sample = 1234567 * 10**places
    written = [_DIGITS.fullmatch(by_babel(sign * sample, currency, language)) for sign in (1, -1)]
    if None in written or _pattern(currency, language).grouping != (3, 3):
        return None
    (before, digits, after), (minus_before, _, minus_after) = (found.groups() for found in written if found)
    group = digits[1]
    return _Shape(places, group, digits[9] if places else "", ((before, after), (minus_before, minus_after)))


def split(minor: int, weights: Sequence[int]) -> list[int]:
    """`minor` shared out by `weights`; the parts sum to it exactly, each within one unit of its true share.

    Largest remainders get the units left over, the earlier part first among equals. Raises ValueError
    for no weights, a negative weight, or weights that are all zero.
    """
    total = sum(weights)
    if not weights or total <= 0 or min(weights) < 0:
        raise ValueError("split needs weights of zero or more that do not all vanish")
    sign = -1 if minor < 0 else 1
    shares = [divmod(abs(minor) * weight, total) for weight in weights]
    left = abs(minor) - sum(share for share, _ in shares)
    largest = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))[:left]
    parts = [share for share, _ in shares]
    for i in largest:
        parts[i] += 1
    return [sign * part for part in parts]


def convert(minor: int, *, source: str, target: str, rate: Decimal) -> int:
    """Minor units of `target` for `minor` of `source`, `rate` being units of target per unit of source.

    Rounded half to even, so that many conversions do not drift.
    """
    major = to_decimal(minor, source) * rate
    return int(major.scaleb(exponent(target)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, order=False)
class Money:
    """An amount in one currency. Arithmetic between two currencies raises CurrencyError."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Raises AmountError or CurrencyError."""
        return cls(parse_minor(text, currency), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __str__(self) -> str:
        return f"{plain(self.minor, self.currency)} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyError(f"{self.currency} and {other.currency} cannot be added or compared")
        return other.minor
