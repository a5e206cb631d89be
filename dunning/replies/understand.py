"""What a person's letter says: each sentence by the phrases and by the model, together. Pure.

A strong rule counts three, a weak one one, the model one: a meaning is sure to (probability + weight) / (1 + weight).
Without a rule the model stands alone. What stays below SURE is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dunning.replies.days import said_days
from dunning.replies.kinds import MEANINGS, ReplyKind
from dunning.replies.letter import sentences
from dunning.replies.rules import plain, rules_found

SURE = 0.60
_SHORTEST = 2

Likely = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]
"""The probabilities of the meanings of each sentence, by the name of the meaning."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A meaning of the sentence from `start` to `end` of the text; `sureness` in percent."""

    kind: ReplyKind
    sureness: int
    start: int
    end: int


@dataclass(frozen=True)
class Understood:
    """What a letter says first of all, how surely in percent, and all that was found."""

    kind: ReplyKind
    sureness: int
    findings: tuple[Finding, ...] = ()


def nobody_says(asked: Sequence[str]) -> Sequence[Mapping[str, float]]:
    """A model that knows nothing: the phrases stand alone."""
    return [{} for _ in asked]


def understand(text: str, *, on: date, likely: Likely, country: str = "FR") -> Understood:
    """The meanings of `text`, written on the day `on` by a customer in `country`."""
    spans = [(start, end) for start, end in sentences(text) if len(text[start:end].split()) >= _SHORTEST]
    if not spans:
        return Understood(ReplyKind.OTHER, 0)
    told = likely([text[start:end] for start, end in spans])
    findings: list[Finding] = []
    best_other = 0.0
    for (start, end), chances in zip(spans, told, strict=True):
        sentence = text[start:end]
        day = bool(said_days(sentence, on=on, country=country))
        weights = rules_found(plain(sentence), day=day)
        meant = _meant(weights, chances)
        best_other = max(best_other, meant.pop(ReplyKind.OTHER, 0.0))
        if any(kind is not ReplyKind.QUESTION for kind in meant):
            meant.pop(ReplyKind.QUESTION, None)
        findings += [Finding(kind, round(100 * sure), start, end) for kind, sure in meant.items()]
    if not findings:
        return Understood(ReplyKind.OTHER, round(100 * best_other))
    order: dict[ReplyKind, int] = {kind: place for place, kind in enumerate(MEANINGS)}
    first = min(findings, key=lambda one: (order[one.kind], -one.sureness))
    return Understood(first.kind, first.sureness, tuple(findings))


def _meant(weights: Mapping[ReplyKind, int], chances: Mapping[str, float]) -> dict[ReplyKind, float]:
    """The meanings of one sentence that are sure enough, the surest first."""
    sure = {kind: (chances.get(kind, 0.0) + weight) / (1 + weight) for kind, weight in weights.items()}
    if chances:
        likeliest = max(chances, key=lambda name: chances[name])
        sure.setdefault(ReplyKind(likeliest), chances[likeliest])
    found = {kind: value for kind, value in sure.items() if value >= SURE}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
