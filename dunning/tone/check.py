"""How a text sounds: what in it offends, where, and what to say instead; and how polite it is, from 0 to 100. Pure.

What is looked for is in words/<language>.toml. Threats, blame, shouting and familiarity are refused at every tone; an
ultimatum and what belongs to lawyers below the formal tone; orders and haste below the firm one. A denial or a
quotation is no excuse: "there will be no legal action" is read as a menace all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dunning.steps import Tone
from dunning.tone.lexicon import Lexicon, folded, lexicon

LEAST_SCORE = 60
"""Below this a text is not polite enough to be sent."""

_START = 50
_POLITE, _MOST_POLITE = 10, 30
_OFFER, _MOST_OFFERS = 10, 20
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LONG = 4
_MARKS = re.compile(r"[!?¡¿]\s?[!?¡¿]+(?:\s?[!?])*")
_RANKS = {Tone.FRIENDLY: 0, Tone.NEUTRAL: 1, Tone.FIRM: 2, Tone.FORMAL: 3}


class Offence(StrEnum):
    THREAT = "threat"
    BLAME = "blame"
    SHOUTING = "shouting"
    MENACE = "menace"  # of law
    URGENCY = "urgency"  # and orders
    ULTIMATUM = "ultimatum"
    FAMILIARITY = "familiarity"


_FROM: dict[Offence, Tone] = {
    Offence.MENACE: Tone.FORMAL,
    Offence.ULTIMATUM: Tone.FORMAL,
    Offence.URGENCY: Tone.FIRM,
}
"""From which tone on an offence is let pass, though it costs points; the others never are."""

_COST = {
    Offence.THREAT: 60,
    Offence.BLAME: 40,
    Offence.MENACE: 25,
    Offence.ULTIMATUM: 25,
    Offence.SHOUTING: 25,
    Offence.FAMILIARITY: 20,
    Offence.URGENCY: 15,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A phrase that offends: its place in the text (start, end), and a better one. `refused` at the tone asked for."""

    offence: Offence
    start: int
    end: int
    phrase: str
    better: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Points:
    """Why the score is what it is: points added or taken, and for which words."""

    why: str
    points: int
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` is from 0 to 100, the sum of its `points` kept within that."""

    score: int
    points: tuple[Points, ...]
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.findings if found.refused)

    @property
    def passed(self) -> bool:
        """Whether nothing is refused and the text is polite enough."""
        return not self.refused and self.score >= LEAST_SCORE


def check(text: str, *, language: str, tone: Tone, names: Sequence[str] = ()) -> Verdict:
    """The verdict on `text` at `tone`. `names` are what it calls people, companies and things: they are not judged.

    Raises LexiconError for a language that the check does not read.
    """
    words = lexicon(language)
    judged = _without(text, names)
    findings = [*_outermost(_said_ill(judged, words, tone)), *_shouting(judged, words)]
    findings.sort(key=lambda found: (found.start, -found.end))
    points = [Points("start", _START)]
    for why, phrases, each, most in (
        ("polite", words.polite, _POLITE, _MOST_POLITE),
        ("offers", words.offers, _OFFER, _MOST_OFFERS),
    ):
        told = _said(judged, phrases)
        if told:
            points.append(Points(why, min(most, each * len(told)), told))
    points += [Points(found.offence.value, -_COST[found.offence], (found.phrase,)) for found in findings]
    score = max(0, min(100, sum(one.points for one in points)))
    shown = [
        Finding(one.offence, one.start, one.end, text[one.start : one.end], one.better, one.refused) for one in findings
    ]
    return Verdict(score, tuple(points), tuple(shown))


def _without(text: str, names: Sequence[str]) -> str:
    """`text` with the names blanked out, each letter keeping its place."""
    for name in sorted({name for name in names if len(name) > 1}, key=len, reverse=True):
        text = text.replace(name, " " * len(name))
    return re.sub(r"https?://\S+|\S+@\S+", lambda found: " " * len(found[0]), text)


def _said(text: str, phrases: re.Pattern[str]) -> tuple[str, ...]:
    """The different words of courtesy in the text, in order."""
    plain, _ = folded(text)
    return tuple(dict.fromkeys(found[0] for found in phrases.finditer(plain)))


def _said_ill(text: str, words: Lexicon, tone: Tone) -> Iterator[Finding]:
    plain, places = folded(text)
    for phrase in words.phrases:
        offence = Offence(phrase.kind)
        for found in phrase.pattern.finditer(plain):
            start, end = places[found.start()], places[found.end() - 1] + 1
            yield Finding(offence, start, end, text[start:end], phrase.better, _refused(offence, tone))


def _refused(offence: Offence, tone: Tone) -> bool:
    let_pass = _FROM.get(offence)
    return let_pass is None or _RANKS[tone] < _RANKS[let_pass]


def _shouting(text: str, words: Lexicon) -> Iterator[Finding]:
    """Words in capitals that are no acronym, no currency and no part of a reference; marks that are repeated."""
    runs: list[list[re.Match[str]]] = []
    for found in _WORD.finditer(text):
        if not _loud(text, found) or found[0] in words.acronyms:
            continue
        if runs and not text[runs[-1][-1].end() : found.start()].strip():
            runs[-1].append(found)
        else:
            runs.append([found])
    for run in runs:
        if len(run) > 1 or len(run[0][0]) >= _LONG or folded(run[0][0])[0] in words.stressed:
            start, end = run[0].start(), run[-1].end()
            yield Finding(Offence.SHOUTING, start, end, text[start:end], words.calm, True)
    for found in _MARKS.finditer(text):
        yield Finding(Offence.SHOUTING, found.start(), found.end(), found[0], words.calm, True)


def _loud(text: str, found: re.Match[str]) -> bool:
    """Whether the word is in capitals, and not a part of a reference such as INV-204 or of an abbreviation."""
    before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 2]
    part = bool(re.match(r"[\w/#.&-]", before)) or bool(re.match(r"[\d_/&]|[.-]\w", after))
    return len(found[0]) >= 2 and found[0].isupper() and not part


def _outermost(findings: Iterable[Finding]) -> list[Finding]:
    """Without those that lie wholly within another."""
    kept: list[Finding] = []
    for found in sorted(findings, key=lambda one: (one.start, -one.end)):
        if not kept or found.end > kept[-1].end:
            kept.append(found)
    return kept
