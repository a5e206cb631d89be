"""Amounts and days as bank files write them, checked by pattern and length before they are converted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime

from ar.cash.bank.readers.facts import refused
from ar.core.errors import DomainError
from ar.core.money import MAX_MINOR, exponent, parse_minor

EARLIEST, LATEST = date(1970, 1, 1), date(2100, 1, 1)
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ].{0,30}|Z|[+-]\d\d:\d\d)?", re.ASCII)
_DECIMAL = re.compile(r"(\d{1,16})(?:\.(\d{0,6}))?", re.ASCII)


def places_of(currency: str, where: str) -> int:
    """Decimal places of `currency`. Raises BankFileError at `where` for one that is not in ISO 4217."""
    try:
        return exponent(currency)
    except DomainError as error:
        raise refused(where, error.message) from None


def minor_of(text: str, currency: str, where: str) -> int:
    """Minor units of an amount without sign and with a decimal point, such as '1234.5' or '7.'. Raises BankFileError.

    Digits below the minor unit pass only when they are zeros.
    """
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise refused(where, f"{text[:40]!r} is not an amount: digits with a decimal sign are expected")
    whole, part = found[1], found[2] or ""
    places = _places(currency, where)
    if len(part) > places:
        if part[places:].strip("0"):
            raise refused(where, f"{text} has more decimals than {currency} has ({places})")
        part = part[:places]
    minor = int(whole + part.ljust(places, "0"))
    if minor > MAX_MINOR:
        raise refused(where, f"{text} is above the largest amount accepted")
    return minor


_known: dict[str, int] = {}


def _places(currency: str, where: str) -> int:
    places = _known.get(currency)
    if places is None:
        places = _known[currency] = places_of(currency, where)
    return places


def signed_minor(text: str, currency: str, where: str) -> int:
    """The same for an amount that may carry a sign before it."""
    try:
        return parse_minor(text.rstrip("."), currency)
    except DomainError as error:
        raise refused(where, error.message) from None


def day_of(text: str, where: str) -> date:
    """The day of an ISO date, or of an ISO instant as it is written, in its own time zone. Raises BankFileError."""
    found = _DAY.fullmatch(text)
    if found is None:
        raise refused(where, f"{text[:40]!r} is not a date: it is written like 2026-12-31")
    return _day(int(found[1]), int(found[2]), int(found[3]), where)


def _day(year: int, month: int, day: int, where: str) -> date:
    try:
        made = date(year, month, day)
    except ValueError:
        raise refused(where, f"{year:04}-{month:02}-{day:02} is not a day of the calendar") from None
    if not EARLIEST <= made < LATEST:
        raise refused(where, f"{made} lies outside {EARLIEST.year} to {LATEST.year}")
    return made


def short_day(text: str, order: str, where: str) -> date:
    """The day of six digits, `order` being 'ymd' or 'dmy'; years are of 1970 to 2069. Raises BankFileError."""
    if len(text) != 6 or not text.isascii() or not text.isdigit():
        raise refused(where, f"{text[:20]!r} is not a date of six digits")
    first, month, last = int(text[:2]), int(text[2:4]), int(text[4:])
    year, day = (first, last) if order == "ymd" else (last, first)
    return _day(2000 + year if year < 70 else 1900 + year, month, day, where)


def compact_day(text: str, where: str) -> date:
    """The day of eight digits, year first, whatever follows them. Raises BankFileError."""
    if not re.match(r"\d{8}", text, re.ASCII):
        raise refused(where, f"{text[:40]!r} is not a date: it is written like 20261231")
    return _day(int(text[:4]), int(text[4:6]), int(text[6:8]), where)


def typed_day(text: str, pattern: str) -> date | None:
    """The day of `text` by a strptime pattern, or None."""
    try:
        return datetime.strptime(text, pattern).date()  # noqa: DTZ007
    except ValueError:
        return None


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text, one by one: a list of them all would be as large as the file, and more."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end].rstrip("\r")
        start = end + 1


def text_of(content: bytes) -> str:
    """The text, in UTF-8 or else Windows-1252; bytes that mean nothing there are replaced."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
