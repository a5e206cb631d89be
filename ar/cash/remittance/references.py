"""Which documents a text names: whole words and runs of words, compared by the key of references. Pure.

'12' is never found in '2012', and 'INV 2026/17' is found as 'INV-2026-17'.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from ar.ledger.references import reference_key

_WORD = re.compile(r"[^\W_]+(?:[-_/.:#+][^\W_]+)*")
_RUN = 5
_LEAST = 3
MAX_KEYS = 20_000
MAX_KEY = 60


@dataclass(frozen=True, slots=True)
class Named:
    """A reference where it stands in a text."""

    key: str
    start: int
    end: int


def keys_in(lines: Iterable[str]) -> set[str]:
    """Every key that a document named in `lines` could have: of each word with a digit, and of runs of words."""
    keys: set[str] = set()
    for line in lines:
        keys.update(named.key for named in _candidates(line))
        if len(keys) >= MAX_KEYS:
            break
    return keys


def named_in(line: str, known: Container[str]) -> list[Named]:
    """The documents of `known` keys that `line` names, left to right; of those that overlap the longest."""
    found = [named for named in _candidates(line) if named.key in known]
    kept: list[Named] = []
    for named in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if all(named.end <= other.start or other.end <= named.start for other in kept):
            kept.append(named)
    return sorted(kept, key=lambda one: one.start)


def _candidates(line: str) -> Iterable[Named]:
    words = [(found.start(), found.end()) for found in _WORD.finditer(line[:4_000])]
    for first in range(len(words)):
        for last in range(first, min(first + _RUN, len(words))):
            start, end = words[first][0], words[last][1]
            if last > first and len(line[words[last - 1][1] : words[last][0]].strip(" -_/.#:")) > 0:
                break  # something stands between them that no reference holds
            key = reference_key(line[start:end])
            if len(key) > MAX_KEY:
                break
            if len(key) >= _LEAST and any(character.isdigit() for character in key):
                yield Named(key, start, end)
