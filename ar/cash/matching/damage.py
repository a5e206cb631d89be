"""References as people mistype them, scanners misread them and banks cut them: how far a text still says them. Pure.

Only looked for among the items of customers that may have paid: numbers run on, so that of all the items there are,
some is always one digit away.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from rapidfuzz.distance import OSA

from ar.cash.matching.facts import Item
from ar.cash.matching.tokens import folded, strength
from ar.ledger.references import reference_key

COMPARED = 6_000
"""How many pairs of token and reference are compared at most."""

_RUN = re.compile(r"[0-9A-Z]+")
_TAIL = re.compile(r"[0-9]+$")
_DIGITS = re.compile(r"[0-9]")
_MISREAD = str.maketrans("OQDILSBZG", "000115826")

_GLUED, _MISREAD_AS, _LONG_TAIL, _TYPO, _SHORT_TAIL, _CUT = 0.95, 0.9, 0.85, 0.75, 0.6, 0.5


def resembling(
    texts: Sequence[str], tokens: Collection[str], told: Collection[str], items: Iterable[Item]
) -> dict[int, float]:
    """Per item (entry_id) whose reference the texts say in a damaged form: how well, from 0 to 1.

    `tokens` are what quoted() found; a reference that is among them is not damaged and not answered here. What makes
    up the references `told` is no slip of another one.
    """
    squashed = [reference_key(text) for text in texts]
    misread = [text.translate(_MISREAD) for text in squashed]
    runs = {run for text in texts for run in _RUN.findall(folded(text)) if _DIGITS.search(run)}
    numbers = {run.lstrip("0"): len(run) for run in runs if run.isdigit()}
    typed = sorted({t for t in (*tokens, *runs) if 5 <= len(t) <= 35 and sum(c.isdigit() for c in t) >= 4})
    typed = [token for token in typed if not any(token in key or key in token for key in told)]
    read = [(token, token.translate(_MISREAD)) for token in typed]
    found: dict[int, float] = {}
    left = COMPARED
    for item in items:
        key = item.reference_key
        if len(key) < 4 or key in tokens or strength(key) < 0.4:
            continue
        quality = _within(key, squashed, misread) or _tail(item, squashed, numbers)
        if quality < _TYPO and left > 0 and len(key) >= 6:
            left -= len(read)
            quality = max(quality, _mistyped(key, read))
        if quality:
            found[item.entry_id] = quality
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


def _tail(item: Item, squashed: Sequence[str], numbers: dict[str, int]) -> float:
    """Whether the reference's end is quoted alone: '000123', '123' or '26-000123' for FR-2026-000123."""
    tail = _TAIL.search(item.reference_key)
    if tail is None:
        return 0.0
    digits = tail.group()
    last = _TAIL.search(item.reference)
    number = (last.group() if last else digits).lstrip("0")
    if len(digits) >= 8 and any(_stands(digits[-size:], text) for size in (len(digits) - 2,) for text in squashed):
        return _LONG_TAIL
    if number in numbers and len(number) >= 3:
        return _SHORT_TAIL + min(0.2, 0.05 * (max(len(number), numbers[number]) - 3)) - (0.2 if len(number) < 4 else 0)
    return 0.0


def _mistyped(key: str, read: Sequence[tuple[str, str]]) -> float:
    """Whether a token is the reference but for one slip, or for its cut end."""
    size, plain, best = len(key), key.translate(_MISREAD), 0.0
    for token, folded_token in read:
        if abs(len(token) - size) <= 1 and OSA.distance(folded_token, plain, score_cutoff=1) <= 1:
            return _TYPO
        if size - 2 <= len(token) < size and len(token) >= 7 and key.startswith(token):
            best = _CUT
    return best
