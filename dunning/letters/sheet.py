"""A batch of letters as Typst takes it: the cover sheet and each letter, in the words of its language. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ar.core import i18n
from ar.core.i18n import marked as _
from invoicing.delivery.letters import LEFT_MM, RIGHT_MM
from invoicing.einvoice.facts import Party
from invoicing.typeset import breakable

_BLANK = re.compile(r"\n[ \t]*\n+")
Say = Callable[..., str]


@dataclass(frozen=True)
class LetterFacts:
    """One letter: the lines of the address, the language that it is printed in, and what it says."""

    digest: str
    lines: Sequence[str]
    language: str
    subject: str
    text: str


@dataclass(frozen=True)
class BatchFacts:
    """The letters of `seller`, dated `day`. `say` gives the words of a language; `logo` is as the templates take it."""

    seller: Party
    seller_language: str
    logo: dict[str, Any] | None
    day: date
    duplex: bool
    letters: Sequence[LetterFacts]


def checksum(letters: Sequence[LetterFacts]) -> str:
    """SHA-256 over the address and text of every letter in its order: what the cover sheet shows of the content."""
    said = hashlib.sha256()
    for letter in letters:
        for part in (letter.digest, "\n".join(letter.lines), letter.subject, letter.text):
            said.update(f"{len(part.encode())}:".encode() + part.encode())
    return said.hexdigest()


def sheet(facts: BatchFacts, say: Callable[[str], Say]) -> dict[str, Any]:
    """What the template prints."""
    ours = say(facts.seller_language)
    title = ours(_("Letters to print"))
    return {
        "title": f"{title} {facts.day.isoformat()}",
        "author": facts.seller.name,
        "language": facts.seller_language,
        "made": [facts.day.year, facts.day.month, facts.day.day],
        "kind": title,
        "code": i18n.short_day(facts.day, language=facts.seller_language),
        "logo": facts.logo,
        "seller": {"name": breakable(facts.seller.name), "lines": _seller_lines(facts.seller)},
        "sender": breakable(_sender(facts.seller)),
        "left": RIGHT_MM if facts.seller.country == "FR" else LEFT_MM,
        "duplex": facts.duplex,
        "cover": [
            [ours(_("Letters")), str(len(facts.letters))],
            [ours(_("Printed on both sides")), ours(_("yes")) if facts.duplex else ours(_("no"))],
            [ours(_("Checksum")), _grouped(checksum(facts.letters))],
        ],
        "columns": [ours(_("No.")), ours(_("Recipient")), ours(_("Subject"))],
        "note": ours(_("Count the letters, put each into its envelope, then mark the batch as posted.")),
        "footer": " · ".join(part for part in (facts.seller.name, facts.seller.vat_number) if part),
        "letters": [_letter(letter, facts, say(letter.language)) for letter in facts.letters],
    }


def _letter(letter: LetterFacts, facts: BatchFacts, say: Say) -> dict[str, Any]:
    day = i18n.long_day(facts.day, language=letter.language)
    return {
        "language": letter.language,
        "lines": [breakable(line) for line in letter.lines],
        "date": f"{facts.seller.city}, {day}" if facts.seller.city else day,
        "subject": breakable(letter.subject),
        "paragraphs": [[breakable(line) for line in paragraph.split("\n")] for paragraph in paragraphs(letter.text)],
        "page": say(_("Page %(n)s of %(of)s"), n="{n}", of="{of}"),
    }


def paragraphs(text: str) -> list[str]:
    """`text` cut at its blank lines."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return [part.strip("\n") for part in _BLANK.split(plain) if part.strip()]


def _grouped(digits: str) -> str:
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


def _sender(party: Party) -> str:
    place = " ".join(part for part in (party.postcode, party.city) if part)
    return " · ".join(part for part in (party.name, party.street, place) if part)


def _seller_lines(party: Party) -> list[str]:
    place = " ".join(part for part in (party.postcode, party.city) if part)
    return [breakable(line) for line in (party.street, place, party.phone, party.email) if line]
