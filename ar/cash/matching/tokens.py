"""What of a payment's texts may be a reference: whole tokens, written as reference_key() writes references. Pure.

Banks and payers change case, separators and spaces, pad numbers with zeros, glue words to them and wrap them in
structured references. A token is always whole: "12" is no part of "2012".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from stdnum import iso11649
from stdnum.be import ogm_vcs
from stdnum.ch import esr

MOST = 40
"""How many tokens of one payment are looked up at most: the most selective ones."""

_LONGEST = 35
_JOINED = 5
"""How many neighbouring runs a reference is put together from at most."""

_RUN = re.compile(r"[0-9A-Z]+")
_PIECE = re.compile(r"[0-9]+|[A-Z]+")
_RF = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")
_TIGHT = frozenset("-/._:#\\")
_STRUCTURED, _STRONG, _LONG, _SPACED, _SHORT, _SHORTEST = range(6)


def folded(text: str) -> str:
    """`text` in capitals without accents, its separators as they are."""
    if text.isascii():
        return text.upper()
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).upper()


def quoted(texts: Iterable[str]) -> tuple[str, ...]:
    """The tokens of `texts` that may be references, as reference keys: at most MOST, the most selective first.

    Runs of letters and digits, neighbours joined, with leading zeros and without, freed of words glued to them; what
    an RF creditor reference, a Swiss QR reference or a Belgian OGM carries.
    """
    return _quoted(tuple(texts))


@lru_cache(maxsize=8_192)
def _quoted(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Remembered for a while: a payment's texts are read when its candidates are looked up, and when it is decided."""
    found: dict[str, int] = {}
    for text in texts:
        plain = folded(text)
        runs = [(one.group(), one.start(), one.end()) for one in _RUN.finditer(plain)]
        if len(runs) > 60:
            runs = runs[:60]
        _structured(plain, runs, found)
        for first, (run, _, end) in enumerate(runs):
            _single(run, found)
            if len(run) <= 8 or run.isdigit():
                _joins(plain, runs, first, run, end, found)
    if len(found) <= MOST:
        return tuple(found)
    return tuple(sorted(found, key=found.__getitem__)[:MOST])


def _add(found: dict[str, int], token: str, rank: int) -> None:
    if len(token) <= _LONGEST and found.get(token, 9) > rank:
        found[token] = rank


def _single(run: str, found: dict[str, int]) -> None:
    """A run as it is, without leading zeros, and freed of what is glued to it."""
    if run.isdigit():
        size = len(run)
        if size >= 2:
            _add(found, run, _LONG if size >= 6 else _SHORT if size >= 4 else _SHORTEST)
        if run[0] == "0" and size >= 3:
            bare = run.lstrip("0")
            if len(bare) >= 2:
                _add(found, bare, _SHORT)
        return
    if run.isalpha():
        return
    _add(found, run, _STRONG if len(run) >= 5 else _SHORT)
    pieces = _PIECE.findall(run)
    for at, piece in enumerate(pieces):
        if len(piece) < 4 or not piece.isdigit():
            continue
        before = "".join(pieces[:at])
        rest = piece
        if at + 1 < len(pieces):
            _add(found, before + piece, _STRONG)
        if before:
            _add(found, rest, _LONG if len(rest) >= 6 else _SHORT)
            for letters in range(1, 5) if before[-1:].isalpha() and len(before) > 4 else ():
                _add(found, before[-letters:] + piece, _SPACED)
        if piece[0] == "0":
            _add(found, before + piece.lstrip("0"), _SPACED)


def _joins(plain: str, runs: list[tuple[str, int, int]], first: int, run: str, end: int, found: dict[str, int]) -> None:
    """Neighbours put together, while what is between them is one separator or space."""
    joined, tight, digits = run, True, any(c.isdigit() for c in run)
    for part, start, stop in runs[first + 1 : first + _JOINED]:
        gap = plain[end:start]
        if len(gap) > 3 or (len(gap) > 1 and not gap.isspace() and gap.strip() not in _TIGHT):
            return
        if gap not in _TIGHT:
            tight = False
        numeral = any(c.isdigit() for c in part)
        if not tight and not numeral and digits:
            return
        joined += part
        end = stop
        digits = digits or numeral
        if len(joined) > _LONGEST:
            return
        if numeral and len(joined) >= 4:
            _add(found, joined, _STRONG if tight and len(joined) >= 6 else _SPACED)
            if part[0] == "0" and part.isdigit() and len(part) > 1:
                _add(found, joined[: -len(part)] + part.lstrip("0"), _SPACED)


def _structured(plain: str, runs: list[tuple[str, int, int]], found: dict[str, int]) -> None:
    """What structured references carry: RF, 27 digits of a Swiss QR bill, 12 of a Belgian OGM."""
    if "RF" in plain:
        for first, (run, _, _) in enumerate(runs):
            if not run.startswith("RF"):
                continue
            joined = ""
            for part, _, _ in runs[first : first + 8]:
                joined += part
                if _RF.fullmatch(joined) and iso11649.is_valid(joined):
                    _carried(joined[4:], found)
    digits = ""
    for run, _, _ in (*runs, ("", 0, 0)):
        if run.isdigit():
            digits += run
            if len(digits) == 27 and esr.is_valid(digits):
                _carried(digits[:-1], found)
                _carried(digits[6:-1], found)
                digits = ""
            elif len(digits) == 12 and ogm_vcs.is_valid(digits):
                _add(found, digits, _STRUCTURED)
                _carried(digits[:-2], found)
        else:
            digits = ""


def _carried(reference: str, found: dict[str, int]) -> None:
    _add(found, reference, _STRUCTURED)
    bare = reference.lstrip("0")
    if len(bare) >= 2:
        _add(found, bare, _STRUCTURED)


def strength(key: str) -> float:
    """How much it says that `key` was quoted, from 0 to 1: little for what may as well be a year, a day or a count."""
    size = len(key)
    if not key.isdigit():
        return (0.0, 0.05, 0.1, 0.15, 0.4, 0.7, 0.9, 0.95)[size] if size < 8 else 1.0
    if size < 6:
        year = size == 4 and key[:2] in ("19", "20")
        return 0.1 if year else (0.0, 0.02, 0.05, 0.1, 0.25, 0.55)[size]
    if size in (6, 8) and like_a_day(key):
        return 0.3
    return (0.8, 0.9, 0.95)[size - 6] if size < 9 else 1.0


def like_a_day(digits: str) -> bool:
    """Whether six or eight digits may be a day: 12032026, 20260312, 120326."""
    orders = ((0, 2, 4), (6, 4, 0)) if len(digits) == 8 else ((0, 2, 4), (4, 2, 0))
    width = 4 if len(digits) == 8 else 2
    for day, month, year in orders:
        number = int(digits[year : year + width])
        try:
            date(number if width == 4 else 2000 + number, int(digits[month : month + 2]), int(digits[day : day + 2]))
        except ValueError:
            continue
        if width == 2 or 1990 <= number <= 2089:
            return True
    return False
