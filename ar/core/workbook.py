"""XLSX workbooks, read in a process of their own with hard limits of memory and time.

A workbook is a zip of XML that may unpack to anything, and a sheet with two far-apart cells is a table of billions:
the limits make such a file an error of the file instead of the end of the service. Numbers and dates come out as
plain decimals and ISO dates marked `Typed`, whatever a profile says about the text form of them.
"""

from __future__ import annotations

import io
import json
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from python_calamine import CalamineWorkbook

MAX_UNPACKED = 400_000_000
MAX_ENTRIES = 5_000
MEMORY = 1_500_000_000
SECONDS = 60
_NO_SHEET = 3
_UNREADABLE = 4


class Typed(str):
    """A cell that the workbook holds as a number, date or yes/no, in its canonical text."""

    __slots__ = ()


@contextmanager
def rows_of(
    stream: BinaryIO, *, sheet: str | None, error: type[Exception]
) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """(row number, cells) of one sheet, the first unless named. Raises `error` for what is not a fit workbook."""
    _check_zip(stream, error)
    stream.seek(0)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "ar.core.workbook", sheet or ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            yield _received(child, stream, sheet, error)
        finally:
            child.kill()


def _received(
    child: subprocess.Popen[bytes], stream: BinaryIO, sheet: str | None, error: type[Exception]
) -> Iterator[tuple[int, list[str]]]:
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(BrokenPipeError):  # it has given up: its exit code below says why
        shutil.copyfileobj(stream, child.stdin, 1 << 20)
    with suppress(BrokenPipeError):
        child.stdin.close()
    for line in child.stdout:
        number, cells = json.loads(line)
        yield number, [Typed(cell[0]) if isinstance(cell, list) else cell for cell in cells]
    code = child.wait()
    if code == _NO_SHEET:
        raise error(f"The workbook has no sheet named {sheet!r}: name one that it has in the profile")
    if code == _UNREADABLE:
        raise error("The workbook cannot be read: open it in a spreadsheet program and save it again as XLSX or CSV")
    if code != 0:
        raise error("The workbook is too large to read: remove empty far-away cells and other sheets, or save as CSV")


def _check_zip(stream: BinaryIO, error: type[Exception]) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as reason:
        raise error("The file is a broken zip, not a workbook: save it again as XLSX or CSV") from reason
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise error(f"The workbook unpacks to more than {MAX_UNPACKED // 10**6} MB: save the one sheet as CSV")
    if not any(entry.filename == "xl/workbook.xml" for entry in entries):
        raise error("The file is a zip but not an XLSX workbook: save the table as XLSX or CSV")


def _text(value: Any) -> str | list[str]:
    """The cell as text; in a list when it is typed."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int | float):
        return [f"{Decimal(f'{value:.15g}'):f}"]
    if isinstance(value, datetime):
        return [value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")]
    if isinstance(value, date | time):
        return [value.isoformat()]
    assert isinstance(value, timedelta)
    return [str(value)]


def _child(sheet: str) -> int:
    """Reads a workbook from standard input and writes its rows as JSON lines, within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = io.BytesIO(sys.stdin.buffer.read())
    try:
        book = CalamineWorkbook.from_filelike(content)
        names = book.sheet_names
        if not names or (sheet and sheet not in names):
            return _NO_SHEET
        found = book.get_sheet_by_name(sheet or names[0])
    except MemoryError:
        raise
    except Exception:
        return _UNREADABLE
    for number, row in enumerate(found.iter_rows(), start=1):
        cells = [_text(cell) for cell in row]
        if any(cells):
            sys.stdout.write(json.dumps([number, cells]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_child(sys.argv[1]))
