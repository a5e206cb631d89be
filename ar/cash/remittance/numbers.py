"""Amounts as people write them: 1,234.56 and 1.234,56 and 1 234,56 and 1'234.56-. Pure.

Which mark is the decimal one is not guessed from one number: a reader takes all numbers of a text with one mark, and
the mark with which they are numbers, and add up, is the writer's.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ar.core.money import MAX_MINOR, currencies

MARKS = (".", ",")
_GAP = " \u00a0\u202f'\u2019"
_FORM = rf"\d{{1,3}}(?:[{_GAP}]\d{{3}})+(?:[.,]\d{{1,3}})?|\d{{1,3}}(?:[.,]\d{{2,3}})+|\d+(?:[.,]\d{{1,3}})?"
FOUND = re.compile(
    rf"(?<![\w.,/-])(?P<minus>[-−–]\ ?)?(?P<body>{_FORM})(?P<after>-(?![\w-]))?(?![\w/]|[.,-]\d|\ ?%)", re.ASCII
)
"""A number, with what makes it negative."""

_LONGEST = 24
_GROUPED = {
    mark: re.compile(
        rf"\d+|\d{{1,3}}(?:([{re.escape(group)}{_GAP}])\d{{3}})(?:\1\d{{3}})*|\d{{1,2}}(?:,\d{{2}})*,\d{{3}}", re.ASCII
    )
    for mark, group in ((".", ","), (",", "."))
}
SYMBOLS = {"€": "EUR", "£": "GBP", "¥": "JPY", "US$": "USD", "$": "USD"}


@lru_cache(maxsize=1)
def _codes() -> str:
    return "|".join(currencies())


@lru_cache(maxsize=1)
def _glued() -> re.Pattern[str]:
    return re.compile(rf"\b({_codes()})(?=[-\d])|(?<=\d)({_codes()})\b")


@lru_cache(maxsize=1)
def _code() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_codes()})\b")


def spaced(text: str) -> str:
    """`text` with its currencies as codes, each set apart from the number beside it."""
    for symbol, code in SYMBOLS.items():
        if symbol in text:
            text = text.replace(symbol, f" {code} ")
    return _glued().sub(lambda found: f" {found[0]} ", text)


def currencies_in(text: str) -> list[str]:
    """The currency codes that stand in `text` (as spaced() gives it) beside a number, in order."""
    found = []
    for code in _code().finditer(text):
        beside = text[max(0, code.start() - 3) : code.start()] + text[code.end() : code.end() + 3]
        if any(character.isdigit() for character in beside):
            found.append(code[0])
    return found


def is_money(found: re.Match[str], text: str) -> bool:
    """Whether a number of `text` is an amount by its form: it has decimals or groups, or a currency beside it."""
    if re.search(r"\d[.,]\d", found["body"]) or (re.search(rf"[{_GAP}]", found["body"])):
        return True
    before, after = text[max(0, found.start() - 5) : found.start()], text[found.end() : found.end() + 5]
    return bool(_code().search(before.strip()[-3:]) or _code().match(after.strip()[:3]))


def minor_of(found: re.Match[str], mark: str, places: int) -> int | None:
    """The minor units of a number that FOUND found, `mark` being the decimal one; None when it is then no number."""
    minor = parse(found["body"], mark, places)
    return -minor if minor is not None and (found["minus"] or found["after"]) else minor


def in_brackets(cell: str) -> bool:
    """Whether a cell is one number in brackets: below zero, as accountants write it."""
    return cell.startswith("(") and cell.endswith(")")


def parse(body: str, mark: str, places: int) -> int | None:
    """As minor_of, of digits and separators alone. No hostile numeral: its length is checked first."""
    if len(body) > _LONGEST:
        return None
    whole, dot, part = body.partition(mark)
    if dot and (
        not (part.isascii() and part.isdecimal()) or len(part) > (places or 2) or (not places and part.strip("0"))
    ):
        return None
    if not _GROUPED[mark].fullmatch(whole):
        return None
    digits = re.sub(r"\D", "", whole, flags=re.ASCII)
    minor = int(digits) * 10**places + (int(part.ljust(places, "0")) if part and places else 0)
    return minor if minor <= MAX_MINOR else None
