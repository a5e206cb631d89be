"""References as people mistype them, scanners misread them and banks cut them: how far a text still says them. Pure.

Only looked for among the items of customers that may have paid: numbers run on, so that of all the items there are,
some is always one digit away.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from rapidfuzz.distance import OSA

from ar.cash.matching.facts import Item
from ar.cash.matching.tokens import folded, strength
from ar.ledger.references import reference_key

COMPARED = 6_000
"""How many pairs of token and reference are compared at most."""

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
    typed = _typed({*tokens, *runs}, told)
    found: dict[int, float] = {}
    left = COMPARED
    for item in items:
        key = item.reference_key
        digits = _NUMBER.findall(item.reference)
        if not digits or len(key) < 4 or key in tokens or strength(key) < 0.4:
            continue
        number = digits[-1].lstrip("0")
        quality = 0.0
        if number in said:
            quality = _within(key, squashed, misread) or _tail(key, number, squashed, numbers)
        near = typed.get(len(key))
        if near and quality < _TYPO and left > 0 and len(key) >= 6:
            left -= len(near)
            quality = max(quality, _mistyped(key, near))
        if quality:
            found[item.entry_id] = quality
    return found


def _typed(tokens: Collection[str], told: Collection[str]) -> dict[int, list[tuple[str, str]]]:
    """Per size of a reference, the tokens that may be one mistyped or cut, as they are and as if misread."""
    found: dict[int, list[tuple[str, str]]] = {}
    for token in sorted(tokens):
        size = len(token)
        if not 5 <= size <= 36 or len(_DIGITS.findall(token)) < 4:
            continue
        if any(token in key or key in token for key in told):
            continue
        plain = token.translate(_MISREAD)
        for wanted in range(size - 1, size + 3):
            found.setdefault(wanted, []).append((token, plain))
    return found


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


def _mistyped(key: str, near: Sequence[tuple[str, str]]) -> float:
    """Whether a token is the reference but for one slip, or for its cut end."""
    size, plain, best = len(key), key.translate(_MISREAD), 0.0
    for token, read in near:
        if len(token) >= size - 1 and OSA.distance(read, plain, score_cutoff=1) <= 1:
            return _TYPO
        if 7 <= len(token) < size and key.startswith(token):
            best = _CUT
    return best
