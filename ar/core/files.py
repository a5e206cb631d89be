"""Stored documents: named by the digest of their content, in a local folder or any store that fsspec reaches.

What a file is comes from its content, never from its name. Nothing that a browser would run is taken (HTML, SVG),
and every file goes out as an attachment that no browser may guess about.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import filetype
import fsspec
from sqlmodel import Field, Session, SQLModel, col, select

from ar.core.db import BigId, UtcDateTime, among
from ar.core.errors import DomainError, Fault

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BINARY = frozenset({"application/pdf", "image/png", "image/jpeg", XLSX})
"""Types known by their first bytes."""

TEXT = frozenset({"text/plain", "text/csv", "application/xml", "application/json"})
"""Types without such bytes: their content must be text, and none that a browser would run."""

_SAME = {"text/xml": "application/xml", "application/csv": "text/csv", "image/jpg": "image/jpeg"}
_RUNNABLE = re.compile(
    rb"<\s*(?:[a-z_][\w.-]*:)?(?:!doctype\s+html|html|head|body|script|iframe|svg)[\s>/:]"
    rb"|w3\.org/2000/svg|w3\.org/1999/xhtml|<\?xml-stylesheet",
    re.IGNORECASE,
)
_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\"\\/:*?<>|]+")


class FileRefusedError(DomainError):
    """The file is of a type that is not taken, or not what it says it is."""

    status = 415
    code = "file-refused"


class FileTooLargeError(DomainError):
    """The file is above the size that is taken."""

    status = 413
    code = "file-too-large"


class FileDamagedError(DomainError):
    """What the store gives back is not what was put there: restore it from a backup."""

    status = 500
    code = "file-damaged"


class StoredFile(SQLModel, table=True):
    """A document, and what it belongs to (`subject_ref`, such as 'dispute:7'). Equal contents are stored once."""

    __tablename__ = "stored_file"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    sha256: str = Field(max_length=64, index=True)
    size: int = Field(sa_type=BigId)
    name: str = Field(max_length=200)
    media_type: str = Field(max_length=100)
    subject_ref: str = Field(max_length=80, index=True)
    stored_by: str = Field(max_length=80)
    stored_at: datetime = Field(sa_type=UtcDateTime)


def store(
    session: Session,
    files_url: str,
    *,
    name: str,
    content: bytes,
    media_type: str,
    subject_ref: str,
    stored_by: str,
    max_bytes: int,
    now: datetime,
) -> StoredFile:
    """Keep `content` under `files_url` (an fsspec URL) and remember it. `media_type` is what the sender calls it.

    Raises FileTooLargeError or FileRefusedError. After a rollback the content may stay behind in the store, unused.
    """
    if len(content) > max_bytes:
        raise FileTooLargeError(f"the file has {len(content):,} bytes; at most {max_bytes:,} are taken")
    found = checked_type(content, media_type)
    return _kept(
        session,
        files_url,
        name=name,
        content=content,
        media_type=found,
        subject_ref=subject_ref,
        stored_by=stored_by,
        now=now,
    )


def store_unlooked(
    session: Session,
    files_url: str,
    *,
    name: str,
    content: bytes,
    subject_ref: str,
    stored_by: str,
    now: datetime,
) -> StoredFile:
    """Keep an e-mail as it came, whatever is in it. Nothing of it is ever shown: it goes out to be saved, as bytes."""
    return _kept(
        session,
        files_url,
        name=name,
        content=content,
        media_type="application/octet-stream",
        subject_ref=subject_ref,
        stored_by=stored_by,
        now=now,
    )


def _kept(
    session: Session,
    files_url: str,
    *,
    name: str,
    content: bytes,
    media_type: str,
    subject_ref: str,
    stored_by: str,
    now: datetime,
) -> StoredFile:
    digest = hashlib.sha256(content).hexdigest()
    _put(files_url, digest, content)
    stored = StoredFile(
        sha256=digest,
        size=len(content),
        name=safe_name(name),
        media_type=media_type,
        subject_ref=subject_ref,
        stored_by=stored_by,
        stored_at=now,
    )
    session.add(stored)
    session.flush()
    return stored


def remove_unnamed(session: Session, files_url: str, digests: Sequence[str]) -> int:
    """Delete from the store the contents that no stored file names any more: how many. Call it in a transaction of
    its own, after the one that deleted the files: what is deleted here does not come back by a rollback."""
    named = set(session.exec(select(StoredFile.sha256).where(among(session, col(StoredFile.sha256), list(digests)))))
    gone = 0
    for digest in sorted(set(digests) - named):
        store_, path = _place(files_url, digest)
        if store_.exists(path):
            store_.rm_file(path)
            gone += 1
    return gone


def read(stored: StoredFile, files_url: str) -> bytes:
    """The content, as it was stored. Raises FileDamagedError when the store has lost or altered it."""
    store_, path = _place(files_url, stored.sha256)
    try:
        content = bytes(store_.cat_file(path))
    except FileNotFoundError:
        raise FileDamagedError(f"file {stored.id} is missing from the store") from None
    if hashlib.sha256(content).hexdigest() != stored.sha256:
        raise FileDamagedError(f"file {stored.id} was altered in the store")
    return content


def headers_of(stored: StoredFile) -> dict[str, str]:
    """The response headers to serve it with."""
    return download_headers(stored.name, stored.media_type)


def download_headers(name: str, media_type: str) -> dict[str, str]:
    """The response headers of a file: saved, never shown, its type not guessed, and kept by no shared cache."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "Content-Type": media_type,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }


def checked_type(content: bytes, media_type: str) -> str:
    """The media type of `content`. Raises FileRefusedError when it is not taken, or not the `media_type` stated."""
    stated = media_type.split(";")[0].strip().lower()
    stated = _SAME.get(stated, stated)
    if stated not in BINARY | TEXT:
        raise _refused(
            f"files of type {stated[:80]!a} are not taken; send PDF, PNG, JPEG, XLSX, CSV, XML or plain text"
        )
    if not content:
        raise _refused("the file is empty")
    guessed = filetype.guess(content)
    found = None if guessed is None else str(guessed.mime)
    if stated in BINARY:
        if found != stated:
            raise _refused(f"the content is not what it is said to be ({stated})")
        return stated
    if found in BINARY or not _is_text(content):
        raise _refused(f"the content is not what it is said to be ({stated})")
    if _RUNNABLE.search(content):
        raise _refused("the file holds HTML or SVG, which are not taken")
    return stated


def _is_text(content: bytes) -> bool:
    if b"\x00" in content:
        return False
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            content.decode("cp1252")
        except UnicodeDecodeError:
            return False
    return True


def safe_name(name: str) -> str:
    """`name` without folders, control characters and what file systems choke on; at most 150 characters."""
    base = re.split(r"[\\/]", name)[-1]
    cleaned = _UNSAFE_NAME.sub("_", base).strip(" ._")
    stem, dot, ending = cleaned.rpartition(".")
    if not dot:
        return cleaned[:150] or "file"
    return f"{stem[: 150 - len(ending[:10]) - 1]}.{ending[:10]}"


def _refused(message: str) -> FileRefusedError:
    return FileRefusedError(message, faults=[Fault("/file", message)])


def _place(files_url: str, digest: str) -> tuple[Any, str]:
    store_, root = fsspec.core.url_to_fs(files_url)
    return store_, f"{root.rstrip('/')}/{digest[:2]}/{digest}"


def _put(files_url: str, digest: str, content: bytes) -> None:
    """Under a passing name first, so that a reader never meets half a file."""
    store_, path = _place(files_url, digest)
    if store_.exists(path) and store_.size(path) == len(content):
        return
    store_.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    draft = f"{path}.{secrets.token_hex(4)}"
    store_.pipe_file(draft, content)
    store_.mv(draft, path)
