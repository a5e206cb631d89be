"""`amiable import invoices`: what it prints, and what it writes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from ar.core.kernel import Kernel
from ar.core.tabular import FileError
from ar.customers.entities import entities
from invoicing.imports.command import run
from invoicing.imports.profiles import FIELDS
from tests.invoicing.make import seller

ROWS = [
    ",".join(FIELDS),
    "C7,Moulin [bold],,fr,FR,EUR,F-1,2026-01-05,2026-02-04,1234.50,,",
    "C7,,,,,,F-2,2026-01-05,[red]\x1b[31m,10,,",
]


def told(kernel: Kernel, file: Path, *, refused: Path | None = None, as_json: bool = False) -> str:
    out = Console(file=io.StringIO(), width=200)
    err = Console(file=io.StringIO(), force_terminal=True)
    run(kernel, file, profile=None, entity=None, refused=refused, as_json=as_json, out=out, err=err)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_report_in_words_and_as_json(kernel: Kernel, tmp_path: Path) -> None:
    with kernel.database.transaction() as session:
        seller(session)
    file, refused = tmp_path / "may.csv", tmp_path / "refused.csv"
    file.write_text("\n".join(ROWS))
    words = told(kernel, file, refused=refused)
    assert "1 accepted, 1 refused, 0 unchanged." in words
    assert "[red]·[31m" in words
    assert "is not a date" in words
    assert str(refused) in words
    assert refused.read_text(encoding="utf-8-sig").count("\n") == 2
    assert told(kernel, file, as_json=True) == json.dumps({"accepted": 0, "refused": 1, "unchanged": 1}) + "\n"


def test_nothing_is_imported_when_the_report_cannot_be_written(kernel: Kernel, tmp_path: Path) -> None:
    with kernel.database.transaction() as session:
        seller(session)
    file = tmp_path / "may.csv"
    file.write_text("\n".join(ROWS))
    with pytest.raises(FileError, match="cannot be written"):
        told(kernel, file, refused=tmp_path / "no" / "folder.csv")
    assert "1 accepted" in told(kernel, file)


def test_the_first_import_founds_a_first_seller(kernel: Kernel, tmp_path: Path) -> None:
    file = tmp_path / "may.csv"
    file.write_bytes(b"%PDF")
    with pytest.raises(FileError):
        told(kernel, file)
    with kernel.database.reading() as session:
        assert entities(session) == []
    file.write_text("\n".join(ROWS))
    assert "1 accepted" in told(kernel, file)
    with kernel.database.reading() as session:
        assert [one.code for one in entities(session)] == ["MAIN"]
