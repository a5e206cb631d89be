"""The watched folder: bank files put there are taken in, then moved to `done`, or to `refused` with the reason."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from ar.cash.bank.profiles import shipped
from ar.cash.bank.take import take_file
from ar.core.errors import DomainError
from ar.core.kernel import Kernel
from ar.core.settings import Settings

JOB = "read-bank-folder"
BY_FOLDER = "bank-folder"
QUIET = timedelta(seconds=30)
"""A file that was written to so lately may still be written."""

_HALVES = (".part", ".tmp", ".filepart", ".crdownload")
_MB = 1024 * 1024
_log = structlog.get_logger()


def folder_of(settings: Settings) -> Path:
    """Where bank files are put: the folder that the settings name, or `bank` under var_dir."""
    return settings.bank_folder or settings.var_dir / "bank"


def read_folder(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """The rota's job: take every file that is whole, each in a transaction of its own, the oldest first."""
    folder = folder_of(kernel.settings)
    done = wrong = 0
    for path in _waiting(folder, now):
        why = _take(kernel, path, now=now)
        _put_away(path, folder / ("refused" if why else "done"), why, now)
        done, wrong = done + (not why), wrong + bool(why)
    return f"{done} bank files taken, {wrong} refused"


def _waiting(folder: Path, now: datetime) -> Iterator[Path]:
    """Files that nobody writes any more. What begins with a dot, or ends like an upload under way, is left alone."""
    if not folder.is_dir():
        return
    found = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another reader has put it away
            half = path.name.startswith(".") or path.name.lower().endswith(_HALVES)
            written = path.stat().st_mtime
            if path.is_file() and not half and now.timestamp() - written >= QUIET.total_seconds():
                found.append((written, path))
    yield from (path for _, path in sorted(found))


def _take(kernel: Kernel, path: Path, *, now: datetime) -> str:
    """Why the file was refused; nothing when it was taken."""
    most = kernel.settings.max_upload_mb * _MB
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
        with kernel.database.transaction() as session:
            take_file(
                session,
                kernel.settings.files,
                content,
                name=path.name.encode("utf-8", "replace").decode(),
                by=BY_FOLDER,
                now=now,
                profiles=shipped(),
                max_bytes=most,
            )
    except FileNotFoundError:
        return ""
    except (DomainError, IntegrityError) as error:
        why = error.message if isinstance(error, DomainError) else "the same file was taken by another process"
        _log.warning("a bank file was refused", name=path.name, reason=why)
        return why
    return ""


def _put_away(path: Path, away: Path, why: str, now: datetime) -> None:
    """Under a name of its own, so that a file of the same name before it stays."""
    away.mkdir(parents=True, exist_ok=True)
    target = away / f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}-{path.name[-150:]}"
    with suppress(FileNotFoundError):
        os.replace(path, target)
    if why:
        target.with_name(f"{target.name}.txt").write_text(f"{why}\n", encoding="utf-8")
