"""References as people mistype them, scanners misread them and banks cut them: how far a text still says them. Pure.

Only looked for among the items of customers that may have paid: numbers run on, so that of all the items there are,
some is always one digit away.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from ar.cash.matching.facts import Item
from ar.cash.matching.tokens import folded, strength
from ar.ledger.references import reference_key

TYPED = 40
"""How many tokens of one payment are compared with the references at most."""

_RUN = re.compile(r"[0-9A-Z]+")
_TAIL = re.compile(r"[0-9]+$")
_DIGITS = re.compile(r"[0-9]")
_NUMBER = re.compile(r"[0-9]+")
_MISREAD = str.maketrans("OQDILSBZG", "000115826")

_GLUED, _MISREAD_AS, _LONG_TAIL, _TYPO, _SHORT_TAIL, _CUT = 0.95, 0.9, 0.85, 0.75, 0.6, 0.5


def resembling(
    texts: Sequence[str], tokens: Collection[str], told: Collection[str], items: Iterable[Item]
) -> dict[int, float]:
    """Per item (entry_id) whose reference the texts say in a damaged form: how well, from 0 to 1.

    `tokens` are what quoted() found; a reference that is among them is not damaged and not answered here. What makes
    up the references `told` is no slip of another one.
    """
    runs = {run for text in texts for run in _RUN.findall(folded(text)) if _DIGITS.search(run)}
    if not any(len(run) >= 3 for run in runs):
        return {}
    squashed = [reference_key(text) for text in texts]
    misread = [text.translate(_MISREAD) for text in squashed]
    said = " ".join(misread)
    numbers = {run.lstrip("0"): len(run) for run in runs if run.isdigit()}
    told_of = [(item, item.reference_key) for item in items if item.reference_key not in tokens]
    told_of = [(item, key) for item, key in told_of if len(key) >= 4 and strength(key) >= 0.4]
    typed = _typed({*tokens, *runs}, told)
    slips = _slips(typed, [key for _, key in told_of])
    cut = tuple(token for token in typed if len(token) >= 7)
    found: dict[int, float] = {}
    for place, (item, key) in enumerate(told_of):
        number = _number(item.reference)
        quality = 0.0
        if number in said:
            quality = _within(key, squashed, misread) or _tail(key, number, squashed, numbers)
        if place in slips:
            quality = max(quality, _TYPO)
        elif not quality and cut and key.startswith(cut) and any(key[:-size] in typed for size in (1, 2)):
            quality = _CUT
        if quality:
            found[item.entry_id] = quality
    return found


def _number(reference: str) -> str:
    """The last number of a reference, without leading zeros; nothing that a text may hold where it has none."""
    end = reference[len(reference.rstrip("0123456789")) :]
    if not end:
        digits = _NUMBER.findall(reference)
        end = digits[-1] if digits else ""
    return end.lstrip("0") if end else "\0"


def _typed(tokens: Collection[str], told: Collection[str]) -> list[str]:
    """The tokens that may be a reference mistyped or cut, in alphabetical order."""
    return [
        token
        for token in sorted(tokens)
        if 5 <= len(token) <= 36
        and len(_DIGITS.findall(token)) >= 4
        and not any(token in key or key in token for key in told)
    ][:TYPED]


def _slips(typed: Sequence[str], keys: Sequence[str]) -> set[int]:
    """The places of the keys that a token is but for one slip: a letter or digit wrong, missing, too many, swapped."""
    long = [place for place, key in enumerate(keys) if len(key) >= 6]
    if not typed or not long:
        return set()
    distances = cdist(
        [token.translate(_MISREAD) for token in typed],
        [keys[place].translate(_MISREAD) for place in long],
        scorer=OSA.distance,
        score_cutoff=1,
        dtype=np.uint8,
    )
    return {long[column] for column in np.nonzero((distances <= 1).any(axis=0))[0]}


def _within(key: str, squashed: Sequence[str], misread: Sequence[str]) -> float:
    """Whether the reference stands whole in a text, glued to words, or misread."""
    if any(_stands(key, text) for text in squashed):
        return _GLUED
    if len(key) < 6:
        return 0.0
    plain = key.translate(_MISREAD)
    return _MISREAD_AS if any(_stands(plain, text) for text in misread) else 0.0


def _stands(key: str, text: str) -> bool:
    """Whether `key` is in `text` with no further digit running on into it."""
    at = text.find(key)
    while at >= 0:
        end = at + len(key)
        before = at > 0 and text[at - 1].isdigit() and key[0].isdigit()
        after = end < len(text) and text[end].isdigit() and key[-1].isdigit()
        if not before and not after:
            return True
        at = text.find(key, at + 1)
    return False


def _tail(key: str, number: str, squashed: Sequence[str], numbers: Mapping[str, int]) -> float:
    """Whether the reference's end is quoted alone: '000123', '123' or '26-000123' for FR-2026-000123."""
    tail = _TAIL.search(key)
    if tail is None or len(number) < 3:
        return 0.0
    end = tail.group()[2:]
    if len(end) >= 6 and any(_stands(end, text) for text in squashed):
        return _LONG_TAIL
    if number in numbers:
        return _SHORT_TAIL + min(0.2, 0.05 * (max(len(number), numbers[number]) - 3)) - (0.2 if len(number) < 4 else 0)
    return 0.0
