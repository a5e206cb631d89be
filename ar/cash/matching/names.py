"""Names as banks write them, and which customers they are nearest to. Pure.

Banks write capitals, cut at 27, 35 or 70 characters, put titles before and leave out accents and legal forms.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.process import cdist

from ar.cash.matching.tokens import folded

CUTS = (27, 35, 70)
"""Lengths at which banks cut names."""

_WORD = re.compile(r"[0-9A-Z]+")
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}[A-Z]?\b\.?")
_FORMS = frozenset(
    """
    SA SAS SASU SARL EURL SCI SCP SELARL SNC SCOP SCA GIE EI EIRL ETS ETABLISSEMENTS STE SOCIETE ASSOCIATION ASSOC
    GMBH AG KG OHG UG MBH CO EK EV GBR KGAA SE EG
    LTD LIMITED LLC LLP PLC INC INCORPORATED CORP CORPORATION COMPANY
    BV NV VOF CV BVBA SPRL SRL SPA SNC SAPA SAGL
    SL SLU OY OYJ AB AS ASA APS KS DOO SRO SP ZOO KFT RT
    M MR MRS MS MME MLLE MONSIEUR MADAME HERR FRAU DR OU ET AND UND EN
    VIR VIREMENT INST SEPA DE DU LA LE LES DES THE FROM VON EMETTEUR PAYER DONNEUR ORDRE
    """.split()  # noqa: SIM905 - a list of words is read better as words
)
"""Legal forms, titles and what banks put before names: none tells one customer from another."""

_COMMON = 400
"""A word shared by more customers than this picks nobody out."""
_COMPARED = 120
"""How many customers are compared with a name at most."""
_LEAST = 60
"""How like a name is at least, of 100, for its customer to be near."""


@lru_cache(maxsize=65_536)
def plain_name(name: str) -> str:
    """`name` in capitals without accents, punctuation, titles and legal forms; all its words where no other is left."""
    text = _INITIALS.sub(lambda found: found.group().replace(".", ""), folded(name))
    words = _WORD.findall(text.replace("'", " "))
    kept = [word for word in words if word not in _FORMS]
    return " ".join(kept or words)


def alias_key(name: str) -> str:
    """What a payer's name is remembered by: its plain words in alphabetical order; empty for a name without any."""
    return " ".join(sorted(plain_name(name).split()))[:200]


def likeness(payer_name: str, customer_name: str) -> float:
    """How alike two names are, from 0 to 1, whatever the order of words, and where a bank may have cut the payer's."""
    ours = plain_name(customer_name)
    theirs = plain_name(payer_name)
    if not ours or not theirs:
        return 0.0
    return _alike(theirs, ours, cut=len(payer_name.strip()) in CUTS)


def _alike(theirs: str, ours: str, *, cut: bool) -> float:
    if theirs == ours:
        return 1.0
    best = fuzz.token_sort_ratio(theirs, ours)
    if cut and len(ours) > len(theirs) >= 12:
        best = max(best, fuzz.ratio(theirs, ours[: len(theirs)]) - 2)
    return min(best, 99.0) / 100


class NameIndex:
    """Customers by the words of their names, in memory."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._plain = {number: plain_name(name) for number, name in names.items()}
        self._words_of = {number: " ".join(sorted(plain.split())) for number, plain in self._plain.items()}
        words: dict[str, array[int]] = {}
        same: dict[str, list[int]] = {}
        for number, plain in self._plain.items():
            parts = set(plain.split())
            same.setdefault(" ".join(sorted(parts)), []).append(number)
            for word in parts:
                held = words.get(word)
                if held is None:
                    words[word] = held = array("q")
                held.append(number)
        self._words = words
        self._sorted = sorted(words)
        self._same = same

    def nearest(self, payer_name: str, limit: int = 4) -> list[tuple[int, float]]:
        """At most `limit` customers whose names are like the payer's, with how alike (0 to 1), the likest first.

        Equal names come in the order of their numbers. Customers named by other words altogether are not found.
        """
        theirs = plain_name(payer_name)
        if not theirs:
            return []
        cut = len(payer_name.strip()) in CUTS
        same = self._same.get(" ".join(sorted(set(theirs.split()))), [])
        if len(same) >= limit or (same and not cut):
            return [(number, 1.0) for number in sorted(same)[:limit]]
        likest = self._likest(theirs, self._sharing(theirs, cut), limit, cut=cut)
        scored = [(number, _alike(theirs, self._plain[number], cut=cut)) for number in likest]
        scored.sort(key=lambda one: (-one[1], one[0]))
        return [one for one in scored[:limit] if one[1] >= _LEAST / 100]

    def _likest(self, theirs: str, numbers: Sequence[int], limit: int, *, cut: bool) -> Sequence[int]:
        """Those of these customers that may be among the `limit` likest by _alike(): all are compared in one call."""
        if len(numbers) <= limit:
            return numbers
        words = [self._words_of[number] for number in numbers]
        alike = cdist([" ".join(sorted(theirs.split()))], words, scorer=fuzz.ratio, score_cutoff=_LEAST)[0]
        size = len(theirs)
        if cut and size >= 12:
            plain = [self._plain[number] for number in numbers]
            starts = [name[:size] if len(name) > size else "" for name in plain]
            alike = np.maximum(alike, cdist([theirs], starts, scorer=fuzz.ratio, score_cutoff=_LEAST)[0] - 2)
        least = max(_LEAST - 1, np.partition(alike, -limit)[-limit] - 1.1)
        return [numbers[place] for place in (alike >= least).nonzero()[0]]

    def _sharing(self, theirs: str, cut: bool) -> list[int]:
        """Customers that share the rarest words of a name, or both of its two rarest where each is common."""
        parts = theirs.split()
        lists = [held for word in dict.fromkeys(parts) if (held := self._words.get(word)) is not None]
        for word in parts if not lists else parts[-1:] if cut else ():
            lists += self._beginning(word)
        lists.sort(key=len)
        found: dict[int, None] = {}
        for held in lists:
            if len(held) > _COMMON:
                break
            found.update(dict.fromkeys(held))
            if len(found) >= _COMPARED:
                break
        if not found and len(lists) >= 2:
            second = set(lists[1])
            found.update(dict.fromkeys(number for number in lists[0] if number in second))
        if not found and lists:
            found.update(dict.fromkeys(lists[0][:_COMPARED]))
        return list(islice(found, 4 * _COMPARED))

    def _beginning(self, word: str) -> Iterator[array[int]]:
        """Customers by words that begin like `word`, which may be cut or misspelt towards its end."""
        start = word[: max(4, len(word) - 2)] if len(word) >= 4 else word
        at = bisect_left(self._sorted, start)
        for known in islice(self._sorted, at, at + 12):
            if not known.startswith(start):
                return
            yield self._words[known]
