"""Tables in files: CSV in any usual encoding and delimiter, and XLSX workbooks, read row by row.

A fault of the file (not a table, wrong encoding, a missing column) raises FileError before or while it is read; a
fault of one row comes back with that row, and the rows after it are read all the same. Nothing here knows what the
columns mean.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import BinaryIO, NamedTuple, TextIO

from ar.core import workbook
from ar.core.errors import DomainError

MAX_CELL = 100_000
MAX_LINE = 1_000_000
MAX_COLUMNS = 500
DELIMITERS = ",;\t|"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_BLOCK = 1 << 20
_NOT_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_NUMERAL = re.compile(r"[+-]?\d[\d., \u00a0\u202f]*", re.ASCII)
_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"Rar!", "a compressed file"),
)


class FileError(DomainError):
    """The file as a whole cannot be read as the table that is wanted; nothing of it was taken."""

    code = "bad-file"


class Row(NamedTuple):
    """One row: where it starts in the file (1 is the first line), its cells, and what is wrong with its form."""

    number: int
    cells: list[str]
    fault: str | None = None


@dataclass(frozen=True)
class Layout:
    """How a file is written. None leaves it to be found out. `skip` lines stand before the headings."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    skip: int = 0


@dataclass(frozen=True)
class Table:
    """A file being read: its headings, its rows once, how far it is (0 to 1, None when unknown), its digest."""

    headings: list[str]
    rows: Iterator[Row]
    sha256: str
    progress: Callable[[], float | None] = field(default=lambda: None)

    def places(self, wanted: Iterable[str]) -> dict[str, int]:
        """Where each wanted heading stands, those found; case, spaces and underscores do not count.

        Raises FileError for a wanted heading that is there twice.
        """
        plain = [_plain(heading) for heading in self.headings]
        found = {}
        for name in wanted:
            if plain.count(_plain(name)) > 1:
                raise FileError(f"The column {name!r} is there twice: rename or remove one of the two")
            if _plain(name) in plain:
                found[name] = plain.index(_plain(name))
        return found


@contextmanager
def opened(stream: BinaryIO, *, layout: Layout, wanted: Sequence[str]) -> Iterator[Table]:
    """The table in `stream`, a seekable file. `wanted` headings help to tell the delimiter. Raises FileError."""
    stream.seek(0)
    start = stream.read(8)
    if not start:
        raise FileError("The file is empty: it needs a first line with the names of the columns")
    for signature, what in _SIGNATURES:
        if start.startswith(signature):
            raise FileError(f"The file is {what}, not a table: save it as CSV (comma separated) or XLSX")
    if start.startswith(b"PK"):
        digest = _digest(stream)
        with workbook.rows_of(stream, sheet=layout.sheet, error=FileError) as found:
            yield _table((Row(number, cells) for number, cells in found), digest, layout, lambda: None)
        return
    digest, encoding = _examine(stream, layout.encoding)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    try:
        rows = _csv_rows(text, layout, wanted)
        yield _table(rows, digest, layout, lambda: stream.tell() / size)
    finally:
        text.detach()


def _table(rows: Iterator[Row], digest: str, layout: Layout, progress: Callable[[], float | None]) -> Table:
    told = (row for row in rows if row.number > layout.skip and (row.fault or any(map(str.strip, row.cells))))
    first = next(told, None)
    if first is None or first.fault:
        raise FileError(
            f"The file has no line of column names: {first.fault}"
            if first
            else "The file holds no rows: it needs a first line with the names of the columns"
        )
    headings = [cell.strip() for cell in first.cells]
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > MAX_COLUMNS:
        raise FileError(f"The file has {len(headings)} columns; at most {MAX_COLUMNS} are read")
    return Table(headings, _squared(told, len(headings)), digest, progress)


def _squared(rows: Iterator[Row], width: int) -> Iterator[Row]:
    """Each row with exactly as many cells as there are headings, or with its fault."""
    for row in rows:
        cells = row.cells
        if len(cells) == width or row.fault:
            yield row
        elif len(cells) < width:
            yield Row(row.number, cells + [""] * (width - len(cells)))
        elif any(cell.strip() for cell in cells[width:]):
            yield Row(
                row.number,
                cells,
                f"{len(cells)} cells where the headings have {width}: quote a value that holds the delimiter",
            )
        else:
            yield Row(row.number, cells[:width])


def _plain(heading: str) -> str:
    return "".join(heading.replace("_", " ").split()).casefold()


def _digest(stream: BinaryIO) -> str:
    stream.seek(0)
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _examine(stream: BinaryIO, given: str | None) -> tuple[str, str]:
    """Digest and encoding, from one pass over all of the file, so that no fault of either shows half-way."""
    stream.seek(0)
    start = stream.read(4)
    if given is None and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        given = "utf-16"
    stream.seek(0)
    digest = hashlib.sha256()
    decoder = _decoder(given or "utf-8-sig")
    broken: str | None = None
    western, line = True, 1
    while block := stream.read(_BLOCK):
        digest.update(block)
        western = western and not _NOT_CP1252.search(block)
        if broken is None:
            try:
                nul = "\0" in decoder.decode(block)
            except UnicodeError:
                broken = f"near line {line}"
                nul = given is None and b"\0" in block
        else:
            nul = given is None and b"\0" in block
        if nul:
            raise FileError(f"The file holds NUL characters near line {line}: it is not text; save it as CSV or XLSX")
        line += block.count(b"\n")
    if broken is None:
        try:
            decoder.decode(b"", final=True)
            return digest.hexdigest(), given or "utf-8-sig"
        except UnicodeError:
            broken = "at its end"
    if given is not None:
        raise FileError(f"The file is not written in {given} ({broken}): name its encoding in the profile")
    if not western:
        raise FileError(f"The file is neither UTF-8 nor Windows-1252 text ({broken}): save it as CSV UTF-8")
    return digest.hexdigest(), "cp1252"


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise FileError(f"There is no text encoding {encoding[:40]!r}: try utf-8, cp1252 or utf-16") from error


def _csv_rows(text: TextIO, layout: Layout, wanted: Sequence[str]) -> Iterator[Row]:
    """The records of a CSV file. A malformed one is returned with its fault, and reading goes on at the next line."""
    source = _Lines(text)
    for _ in range(layout.skip):
        if next(source, None) is None:
            return
    delimiter = layout.delimiter or _sniff(source.peek(), wanted)
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    width: int | None = None
    while True:
        number = source.number + 1
        source.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not source.taken:
                return
            first = source.rewind()
            yield Row(number, _loose(first, delimiter), _explained(error))
            continue
        if len(source.taken) > 1 and width is not None and len(cells) != width:
            first = source.rewind()
            yield Row(number, _loose(first, delimiter), "a quote is opened and not closed on this line")
            continue
        if width is None and any(cells):
            width = len(cells)
        yield Row(number, cells)


def _explained(error: csv.Error) -> str:
    said = str(error)
    if "field limit" in said or "unexpected end" in said:
        return "a quote is opened and never closed"
    if "new-line" in said:
        return "a stray carriage return stands inside the row"
    return "a quote stands inside a value: double it, and quote the whole value"


def _loose(line: str, delimiter: str) -> list[str]:
    """The cells of a malformed line as well as they can be told, for showing."""
    return line.rstrip("\r\n").split(delimiter)[: MAX_COLUMNS + 1]


def _sniff(heading: str, wanted: Sequence[str]) -> str:
    """The delimiter with which most of the wanted headings are found on the first line."""
    names = {_plain(name) for name in wanted}

    def found(delimiter: str) -> tuple[int, int]:
        cells = [_plain(cell.strip().strip('"')) for cell in heading.split(delimiter)]
        return sum(cell in names for cell in cells), len(cells)

    return max(DELIMITERS, key=found)


class _Lines:
    """The lines of a text, numbered, with those of the record being read kept so that it can be read again."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def _read(self) -> str:
        line = self._text.readline(MAX_LINE)
        if len(line) == MAX_LINE:
            raise FileError(f"Line {self.number + 1} is longer than {MAX_LINE:,} characters: this is not a table")
        return line

    def peek(self) -> str:
        """The next line that is not blank, or nothing; it is still to come."""
        while not (line := self._read()).strip() and line:
            self._again.append(line)
        if line:
            self._again.append(line)
        return line

    def rewind(self) -> str:
        """The first line of the record being read; the lines after it are to come again."""
        first, *rest = self.taken
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)
        return first


def restored(cell: str) -> str:
    """The cell without the apostrophe that `neutral` put before it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA_STARTS else cell


def neutral(cell: str) -> str:
    """The cell such that no spreadsheet takes it for a formula; plain numbers stay as they are."""
    if cell.startswith(FORMULA_STARTS) and not _NUMERAL.fullmatch(cell):
        return "'" + cell
    return cell


def write_csv(out: TextIO, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A CSV of `rows` in which no cell is a live formula; a short row is filled up."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutral(heading) for heading in headings])
    for row in rows:
        writer.writerow([neutral(cell) for _, cell in zip_longest(headings, row, fillvalue="")])
