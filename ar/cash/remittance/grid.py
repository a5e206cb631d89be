"""Any source as rows of cells: a table's own, or the lines of a text cut where columns are set apart. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ar.core.workbook import Typed

MAX_ROWS = 20_000
MAX_CHARACTERS = 150_000
"""What is looked at of one source: two thousand lines of seventy characters."""

MAX_CELL = 400
_APART = re.compile(r"\t+|\s{2,}|\s*[|;]\s*")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Source:
    """What an advice was written in: rows of cells. `tabular` where the cells are a table's own columns."""

    rows: tuple[tuple[str, ...], ...]
    tabular: bool = False

    @property
    def text(self) -> str:
        return "\n".join("  ".join(row) for row in self.rows)


def clean(text: str) -> str:
    """`text` without control characters and marks that nobody sees, line breaks and tabs kept."""
    return _UNSEEN.sub("", unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))


def of_text(text: str) -> Source:
    """The lines of `text`, each cut into cells at tabs, bars, semicolons and wide gaps."""
    rows = []
    for line in clean(text[:MAX_CHARACTERS]).split("\n")[:MAX_ROWS]:
        cells = tuple(cell.strip()[:MAX_CELL] for cell in _APART.split(line.strip()[:4_000]))
        rows.append(tuple(cell for cell in cells if cell))
    return Source(tuple(rows))


def of_table(rows: Iterable[Iterable[str]]) -> Source:
    """The rows of a table, as they are; what a workbook holds as a number stays known as one."""
    kept: list[tuple[str, ...]] = []
    left = MAX_CHARACTERS
    for row in rows:
        kept.append(tuple(_cell(cell) for cell in row))
        left -= sum(len(cell) for cell in kept[-1])
        if len(kept) >= MAX_ROWS or left < 0:
            break
    return Source(tuple(kept), tabular=True)


def _cell(cell: str) -> str:
    kept = clean(cell).strip()[:MAX_CELL]
    return Typed(kept) if isinstance(cell, Typed) else kept
