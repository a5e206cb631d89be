"""Letters for the printer: an address page before each document, all merged into one PDF, and a list of what is where.

The document itself is printed as it was issued; the address page carries the address in the window of a DL envelope, on
the right as France has it, on the left elsewhere (DIN 5008). Content reaches Typst as data, never as markup.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO, StringIO
from typing import Any

from babel import Locale

from ar.core.render import template_folder
from ar.core.tabular import write_csv

RIGHT_MM, LEFT_MM = 108, 25
COLUMNS = (
    "position",
    "first_page",
    "pages",
    "number",
    "recipient",
    "line_1",
    "line_2",
    "line_3",
    "country",
    "sha256",
)
_compiling = threading.Lock()


@dataclass(frozen=True)
class Letter:
    """One document to print: whose, where to, and its PDF. `words` is the line under the address."""

    delivery_id: int
    number: str
    sender: str
    seller_country: str
    recipient: str
    street: str
    place: str
    country: str
    language: str
    words: str
    sha256: str
    content: bytes

    def lines(self) -> list[str]:
        """The address as it is written on the envelope; the country in the sender's language, when it is another."""
        abroad = str(Locale("fr" if self.seller_country == "FR" else "en").territories.get(self.country, self.country))
        country = abroad.upper() if self.country != self.seller_country else ""
        return [one for one in (self.recipient, self.street, self.place, country) if one]


@dataclass(frozen=True)
class Merged:
    """The letters as one PDF, and (first page, pages) of each."""

    content: bytes
    places: Sequence[tuple[int, int]]

    @property
    def pages(self) -> int:
        return sum(pages for _first, pages in self.places)


def merge(letters: Sequence[Letter], *, title: str, made_at: datetime) -> Merged:
    """One PDF of all letters, in their order, each with its address page before it."""
    import pikepdf

    addresses = _address_pages(letters, title=title, made_at=made_at)
    places, first = [], 1
    with pikepdf.open(BytesIO(addresses)) as covers, pikepdf.new() as merged:
        for at, letter in enumerate(letters):
            merged.pages.append(covers.pages[at])
            with pikepdf.open(BytesIO(letter.content)) as document:
                pages = len(document.pages) + 1
                merged.pages.extend(document.pages)
            places.append((first, pages))
            first += pages
        written = BytesIO()
        merged.save(written, deterministic_id=True)
    return Merged(written.getvalue(), places)


def manifest(letters: Sequence[Letter], places: Iterable[tuple[int, int]]) -> bytes:
    """The list for the printer as CSV: where each letter is in the PDF, to whom it goes, and the document's SHA-256."""
    rows = []
    for position, (letter, (first, pages)) in enumerate(zip(letters, places, strict=True), start=1):
        lines = [*letter.lines()[1:], "", "", ""][:3]
        where = [str(position), str(first), str(pages)]
        rows.append([*where, letter.number, letter.recipient, *lines, letter.country, letter.sha256])
    text = StringIO(newline="")
    write_csv(text, COLUMNS, rows)
    return text.getvalue().encode()


@cache
def _compiler() -> Any:
    import typst

    folder = template_folder() / "documents"
    return typst.Compiler(str(folder / "address.typ"), root=str(folder), font_paths=typst.Fonts())


def _address_pages(letters: Sequence[Letter], *, title: str, made_at: datetime) -> bytes:
    told = {
        "title": title,
        "language": letters[0].language,
        "letters": [
            {
                "sender": letter.sender,
                "left": RIGHT_MM if letter.seller_country == "FR" else LEFT_MM,
                "lines": letter.lines(),
                "words": letter.words,
            }
            for letter in letters
        ],
    }
    with _compiling:
        made = _compiler().compile(
            format="pdf", sys_inputs={"letters": json.dumps(told)}, timestamp=int(made_at.timestamp())
        )
    return bytes(made)
