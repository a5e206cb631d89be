"""Everything that an installation holds, as one archive that needs this product no more.

One JSON Lines file a table, one line a row, in the order of the key; every stored document under its digest; and
`manifest.json`, which counts and digests each. Dates are ISO 8601, amounts minor units as they are stored. What opens
doors is left out: digests of passwords and keys, and who is signed in.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import MetaData, Table, select
from sqlmodel import Session
from sqlmodel import select as pick

from ar.core.errors import ConflictError
from ar.core.files import StoredFile, read
from ar.core.kernel import Kernel

LEFT_OUT = frozenset({"user_session", "idempotency_record"})
WITHHELD = frozenset({"password_hash", "token_digest", "csrf_token"})
_AT_ONCE = 1_000


class ExportExistsError(ConflictError):
    """The archive is there already: nothing is written over."""

    code = "export-exists"


def export(kernel: Kernel, file: Path, tables: MetaData, *, now: datetime) -> dict[str, int]:
    """Write the archive, for the eyes of its owner only, on one snapshot: how many rows of each table it holds.

    Raises ExportExistsError; FileDamagedError for a document that the store has lost. A half archive is not left.
    """
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ExportExistsError(f"{file} is there already: choose another name") from None
    try:
        with os.fdopen(handle, "wb") as stream, kernel.database.reading() as session:
            return _write(kernel, stream, session, tables, now)
    except BaseException:
        with suppress(FileNotFoundError):
            file.unlink()
        raise


def _write(kernel: Kernel, stream: IO[bytes], session: Session, tables: MetaData, now: datetime) -> dict[str, int]:
    counts: dict[str, int] = {}
    digests: dict[str, str] = {}
    with ZipFile(stream, "w", ZIP_DEFLATED, allowZip64=True) as archive:
        for one in tables.sorted_tables:
            if one.name not in LEFT_OUT:
                name = f"tables/{one.name}.jsonl"
                counts[one.name], digests[name] = _put_table(archive, name, session, one)
        for stored in _documents(session):
            name = f"files/{stored.sha256}"
            if name not in digests:
                archive.writestr(name, read(stored, kernel.settings.files))
                digests[name] = stored.sha256
        manifest = {"exported_at": now.isoformat(), "rows": counts, "sha256": digests, "withheld": sorted(WITHHELD)}
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return counts


def _put_table(archive: ZipFile, name: str, session: Session, one: Table) -> tuple[int, str]:
    columns = [column for column in one.columns if column.name not in WITHHELD]
    query = select(*columns).order_by(*one.primary_key.columns).execution_options(yield_per=_AT_ONCE)
    digest, count = hashlib.sha256(), 0
    with archive.open(name, "w", force_zip64=True) as out:
        for row in session.connection().execute(query):
            told = {column.name: value for column, value in zip(columns, row, strict=True)}
            line = json.dumps(told, ensure_ascii=False, default=_plain).encode("utf-8", "surrogatepass") + b"\n"
            out.write(line)
            digest.update(line)
            count += 1
    return count, digest.hexdigest()


def _documents(session: Session) -> Iterator[StoredFile]:
    yield from session.exec(pick(StoredFile).order_by(StoredFile.id).execution_options(yield_per=_AT_ONCE))  # type: ignore[arg-type]


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in an export")
