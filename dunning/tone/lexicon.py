"""The words that the check of tone knows, read from words/<language>.toml and made into patterns."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ar.core.errors import DomainError
from ar.core.money import currencies

_FOLDER = Path(__file__).parent / "words"
_GAP = r"[\W_]{1,4}"


class LexiconError(DomainError):
    """The check of tone does not read this language."""

    code = "no-lexicon"


@dataclass(frozen=True, slots=True)
class Phrase:
    kind: str
    pattern: re.Pattern[str]
    better: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What offends, what is courteous (`polite`), what opens a door (`offers`); short words that shout in capitals."""

    phrases: tuple[Phrase, ...]
    polite: re.Pattern[str]
    offers: re.Pattern[str]
    stressed: frozenset[str]
    acronyms: frozenset[str]
    calm: str


def languages() -> list[str]:
    """The codes of the languages that the check reads, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of `language`. Raises LexiconError when there is none."""
    if language not in languages():
        raise LexiconError(f"the tone of {language[:12]!r} cannot be checked: only of {', '.join(languages())}")
    read = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return Lexicon(
        phrases=tuple(Phrase(one["kind"], pattern(one["say"]), one["better"]) for one in read["phrases"]),
        polite=pattern(read["polite"]),
        offers=pattern(read["offers"]),
        stressed=frozenset(folded(word)[0] for word in read["stressed"]),
        acronyms=frozenset((_FOLDER / "acronyms.txt").read_text(encoding="utf-8").split()) | frozenset(currencies()),
        calm=read["calm"],
    )


def folded(text: str) -> tuple[str, list[int]]:
    """`text` in small letters without accents, and for each of its letters the place in `text` that it came from."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        plain = "'" if letter in "’‘ʼ" else letter.casefold()
        for part in unicodedata.normalize("NFKD", plain):
            if not unicodedata.combining(part):
                letters.append(part)
                places.append(place)
    return "".join(letters), places


def pattern(phrases: list[str]) -> re.Pattern[str]:
    """One pattern for the phrases of a lexicon, the longest tried first."""
    ordered = sorted({folded(phrase)[0] for phrase in phrases}, key=lambda phrase: (-len(phrase), phrase))
    return re.compile(r"(?<!\w)(?:" + "|".join(_regex(phrase) for phrase in ordered) + r")(?!\w)")


def _regex(phrase: str) -> str:
    written = re.sub(r" \.\. ", "\x00", phrase)
    return "".join(_piece(letter) for letter in written)


def _piece(letter: str) -> str:
    if letter == "\x00":
        return rf"(?:{_GAP}[\w']+){{0,3}}?{_GAP}"
    if letter == "*":
        return r"\w*"
    if letter == " ":
        return _GAP
    return {"(": "(?:", ")": ")", "|": "|", "?": "?"}.get(letter, re.escape(letter))
