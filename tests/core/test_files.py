"""Stored documents: what is taken, how it comes back, how it is served."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlmodel import select

from ar.core.db import Database
from ar.core.errors import DomainError
from ar.core.files import (
    XLSX,
    FileDamagedError,
    FileRefusedError,
    FileTooLargeError,
    StoredFile,
    checked_type,
    headers_of,
    read,
    safe_name,
    store,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 32


def keep(database: Database, url: str, content: bytes = PDF, **other: Any) -> StoredFile:
    fields: dict[str, Any] = {
        "name": "proof.pdf",
        "media_type": "application/pdf",
        "subject_ref": "dispute:1",
        "stored_by": "customer:1",
        "max_bytes": 1000,
        "now": NOW,
    }
    with database.transaction() as session:
        return store(session, url, content=content, **(fields | other))


def test_file_comes_back_as_it_went_in(database: Database, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/files"
    stored = keep(database, url)
    with database.reading() as session:
        found = session.exec(select(StoredFile)).one()
        assert (found.size, found.name, found.media_type) == (len(PDF), "proof.pdf", "application/pdf")
        assert read(found, url) == PDF
    keep(database, url, name="again.pdf")
    assert [path.name for path in (tmp_path / "files").rglob("*") if path.is_file()] == [stored.sha256]


def test_any_fsspec_store_will_do(database: Database) -> None:
    stored = keep(database, "memory://documents")
    assert read(stored, "memory://documents") == PDF


def test_damage_and_loss_show(database: Database, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/files"
    stored = keep(database, url)
    (path,) = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    path.write_bytes(PDF.replace(b"1", b"2"))
    with pytest.raises(FileDamagedError, match="altered"):
        read(stored, url)
    path.unlink()
    with pytest.raises(FileDamagedError, match="missing"):
        read(stored, url)


def test_size_is_capped_and_a_refusal_stores_nothing(database: Database, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/files"
    with pytest.raises(FileTooLargeError):
        keep(database, url, PDF + b"x" * 1000)
    with pytest.raises(FileRefusedError):
        keep(database, url, b"<html><script>alert(1)</script>")
    with database.reading() as session:
        assert session.exec(select(StoredFile)).all() == []
    assert not (tmp_path / "files").exists()


def workbook() -> bytes:
    target = BytesIO()
    Workbook().save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "stated", "found"),
    [
        (PDF, "application/pdf", "application/pdf"),
        (PNG, "image/png", "image/png"),
        (JPEG, "image/jpg", "image/jpeg"),
        (workbook(), XLSX, XLSX),
        (b"a;b\n1;2\n", "text/csv; charset=utf-8", "text/csv"),
        ("montant;échéance\n".encode("cp1252"), "text/csv", "text/csv"),
        (b"<?xml version='1.0'?><Document xmlns='urn:iso:std:iso:20022'/>", "text/xml", "application/xml"),
        (b"We never got the goods: 3 < 4 and 5 > 4", "text/plain", "text/plain"),
    ],
)
def test_type_follows_the_content(content: bytes, stated: str, found: str) -> None:
    assert checked_type(content, stated) == found


@pytest.mark.parametrize(
    ("content", "stated"),
    [
        (b"", "text/plain"),
        (PDF, "image/png"),
        (PDF, "text/plain"),
        (b"just words", "application/pdf"),
        (b"MZ\x90\x00", "application/x-msdownload"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "application/xml"),
        (b"<?xml version='1.0'?><s:svg xmlns:s='http://www.w3.org/2000/svg'/>", "application/xml"),
        (b"<h:html xmlns:h='http://www.w3.org/1999/xhtml'><h:script/></h:html>", "application/xml"),
        (b"<?xml-stylesheet href='x.xsl'?><a/>", "application/xml"),
        (b"a,b\n<SCRIPT>alert(1)</SCRIPT>,2\n", "text/csv"),
        (b"<!DOCTYPE html><p>hello", "text/plain"),
        (b"\xff\xfe<\x00s\x00v\x00g\x00>\x00", "text/plain"),
        (b"\x81\x8d\x8f", "text/plain"),
        (b"PK\x03\x04" + b"\x00" * 40, XLSX),
        (b"x", "text/html"),
        (b"x", "\ud800"),
    ],
)
def test_what_a_browser_would_run_or_is_mislabelled_is_refused(content: bytes, stated: str) -> None:
    with pytest.raises(DomainError) as error:
        checked_type(content, stated)
    assert error.value.status == 415
    error.value.message.encode()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("proof.pdf", "proof.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\réclamation n° 1.pdf", "réclamation n° 1.pdf"),
        ('a"\r\nSet-Cookie: x=1.pdf', "a_Set-Cookie_ x=1.pdf"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("\ud800\x00", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("a." + "y" * 300, "a.yyyyyyyyyy"),
    ],
)
def test_names_are_harmless(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_served_as_an_attachment_that_no_browser_guesses_about(database: Database) -> None:
    stored = keep(database, "memory://documents", name="réclamation; n° 1.pdf")
    headers = headers_of(stored)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"r_clamation; n_ 1.pdf\"; filename*=UTF-8''r%C3%A9clamation%3B%20n%C2%B0%201.pdf"
    )
    assert all(value.isascii() and "\n" not in value for value in headers.values())
