"""The archive of everything: whole, digested, without what opens doors, and never half."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from ar.core.access.models import Role
from ar.core.db import Database
from ar.core.export import LEFT_OUT, WITHHELD, ExportExistsError, export
from ar.core.files import FileDamagedError, StoredFile, store
from ar.core.kernel import Kernel
from ar.schema import metadata
from tests.ledger.make import NOW, customer, invoice, seller
from tests.web import user_in


def furnish(kernel: Kernel, database: Database) -> StoredFile:
    user_in(kernel, Role.CFO)
    with database.transaction() as session:
        invoice(session, seller(session), customer(session, "Ç <1>"), 12_050, on=NOW.date())
        return store(
            session,
            kernel.settings.files,
            name="proof.txt",
            content=b"two boxes",
            media_type="text/plain",
            subject_ref="dispute:1",
            stored_by="user:1",
            max_bytes=100,
            now=NOW,
        )


def test_all_tables_and_documents_are_there(kernel: Kernel, database: Database, tmp_path: Path) -> None:
    stored = furnish(kernel, database)
    counts = export(kernel, tmp_path / "all.zip", metadata(), now=NOW)
    assert counts["ledger_entry"] == counts["account"] == counts["stored_file"] == 1
    assert set(counts) == set(metadata().tables) - LEFT_OUT
    assert (tmp_path / "all.zip").stat().st_mode & 0o077 == 0
    with ZipFile(tmp_path / "all.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["rows"] == counts
        for name, digest in manifest["sha256"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        assert archive.read(f"files/{stored.sha256}") == b"two boxes"
        [account] = [json.loads(line) for line in archive.read("tables/account.jsonl").splitlines()]
        assert (account["code"], account["created_at"]) == ("Ç <1>", NOW.isoformat())
        [entry] = [json.loads(line) for line in archive.read("tables/ledger_entry.jsonl").splitlines()]
        assert (entry["amount_minor"], entry["kind"], entry["debit"]) == (12_050, "invoice", "receivable")
        [user] = [json.loads(line) for line in archive.read("tables/user_account.jsonl").splitlines()]
        assert not WITHHELD & set(user)


def test_nothing_is_written_over_and_no_half_is_left(kernel: Kernel, database: Database, tmp_path: Path) -> None:
    furnish(kernel, database)
    there = tmp_path / "all.zip"
    there.write_text("mine")
    with pytest.raises(ExportExistsError):
        export(kernel, there, metadata(), now=NOW)
    assert there.read_text() == "mine"
    for path in kernel.settings.var_dir.rglob("*"):
        if path.is_file() and path.read_bytes() == b"two boxes":
            path.unlink()
    with pytest.raises(FileDamagedError):
        export(kernel, tmp_path / "other.zip", metadata(), now=NOW)
    assert not (tmp_path / "other.zip").exists()
