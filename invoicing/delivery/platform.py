"""Approved platforms of electronic invoicing: what one has to do, and one that works by files in a folder.

The folder has `out/`, where documents and our own statuses are put for the platform, and `in/`, where it puts its
statuses. Each document goes with an envelope in JSON, which is written last: who finds it finds the document, too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ar.core.settings import Settings
from invoicing.delivery.states import Status, StatusError, check_status

MAX_STATUS_BYTES = 256 * 1024
_KNOWN = re.compile(r"(?P<delivery>[1-9]\d{0,17})", re.ASCII)
_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")


@dataclass(frozen=True)
class Deposit:
    """A document for the platform. `key` is the delivery's number: the same key is always the same document."""

    key: int
    envelope: Mapping[str, Any]
    name: str
    content: bytes


@dataclass(frozen=True)
class Told:
    """A file with statuses, as the platform left it; `place` is the platform's own name for it."""

    place: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Platform(Protocol):
    """What takes documents to the customer's platform and tells what became of them.

    `deposit` and `report` may be called again for the same key, after a crash: a platform takes each key once.
    """

    def deposit(self, deposit: Deposit) -> str:
        """Hand over a document; where it went, in a few words. Raises OSError when it could not be."""
        ...

    def report(self, key: str, status: Mapping[str, Any]) -> str:
        """Hand over a status of ours. Raises OSError when it could not be."""
        ...

    def unread(self) -> list[Told]:
        """What the platform told and nobody has settled, the oldest first."""
        ...

    def settle(self, told: Told, wrong: str) -> None:
        """Put away what was read; aside, with the reason, what could not be."""
        ...


@dataclass(frozen=True)
class FolderPlatform:
    """Files in a folder that a platform's agent empties and fills."""

    folder: Path

    def deposit(self, deposit: Deposit) -> str:
        name = f"{deposit.key}-{deposit.name}"
        _put(self.folder / "out" / name, deposit.content)
        envelope = {**deposit.envelope, "file": name, "sha256": hashlib.sha256(deposit.content).hexdigest()}
        _put(self.folder / "out" / f"{deposit.key}.json", _json(envelope))
        return f"out/{deposit.key}.json"

    def report(self, key: str, status: Mapping[str, Any]) -> str:
        _put(self.folder / "out" / f"status-{key}.json", _json(status))
        return f"out/status-{key}.json"

    def unread(self) -> list[Told]:
        folder = self.folder / "in"
        if not folder.is_dir():
            return []
        found = sorted((one.stat().st_mtime_ns, one) for one in folder.iterdir() if _is_told(one))
        return [Told(path.name, _beginning(path)) for _written, path in found]

    def settle(self, told: Told, wrong: str) -> None:
        path = self.folder / "in" / told.place
        away = self.folder / ("bad" if wrong else "read")
        away.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another reader has put it away
            os.replace(path, away / f"{told.sha256[:12]}-{told.place}")
        if wrong:
            _put(away / f"{told.sha256[:12]}-{told.place}.reason.txt", f"{wrong}\n".encode())


def _is_told(path: Path) -> bool:
    """Files that begin with a dot are still being written."""
    return path.is_file() and not path.name.startswith(".")


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_STATUS_BYTES + 1)


def _put(path: Path, content: bytes) -> None:
    """Under a passing name first, so that nobody meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.write_bytes(content)
    os.replace(draft, path)


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"


def platform_of(settings: Settings) -> Platform:
    """The platform of an installation: the folder that the settings name, or `platform` under var_dir."""
    return FolderPlatform(settings.platform_folder or settings.var_dir / "platform")


def read_status(content: bytes) -> tuple[int, Status]:
    """The delivery's number and the status that a file tells of it. Raises StatusError saying what is wrong.

    {"id": "...", "delivery": 12, "code": "210", "at": "2026-03-16T09:00:00Z", "reason_code": "...", "reason": "..."}
    """
    if len(content) > MAX_STATUS_BYTES:
        raise StatusError(f"the file has more than {MAX_STATUS_BYTES:,} bytes")
    try:
        told = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise StatusError("the file is not JSON in UTF-8") from None
    if not isinstance(told, dict):
        raise StatusError("the file is not one JSON object")
    number = _KNOWN.fullmatch(str(told.get("delivery", "")))
    if number is None:
        raise StatusError("`delivery` is not the number of a delivery")
    try:
        at = datetime.fromisoformat(_line(told, "at", 40))
    except ValueError:
        raise StatusError("`at` is not an instant such as 2026-03-16T09:00:00Z") from None
    if at.tzinfo is None:
        raise StatusError("`at` has no time zone: write it as 2026-03-16T09:00:00Z")
    status = Status(
        code=_line(told, "code", 3),
        happened_at=at,
        reason_code=_line(told, "reason_code", 40),
        reason=_line(told, "reason", 400),
        outside_id=_line(told, "id", 100),
    )
    if not status.outside_id:
        raise StatusError("`id` is missing: the platform's own name for the status")
    check_status(status)
    return int(number["delivery"]), status


def _line(told: Mapping[str, Any], name: str, longest: int) -> str:
    value = told.get(name, "")
    text = str(value) if isinstance(value, str | int) else None
    if text is None or len(text) > longest or not _TEXT.fullmatch(text):
        raise StatusError(f"`{name}` is not a line of at most {longest} characters")
    return text.strip()
