"""`amiable export journal`, and the same file by the API."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from invoicing.exports.command import FormatError, run
from invoicing.exports.write import CSV_COLUMNS
from invoicing.issue import issue
from tests.invoicing.make import NOW, TODAY, customer, draft, seller
from tests.web import client


def furnish(kernel: Kernel) -> int:
    with kernel.database.transaction() as session:
        one, buyer = seller(session), customer(session, currency="USD")
        issue(session, draft(one, buyer, currency="EUR"), by="user:1", today=TODAY, now=NOW)
    return one


def told(kernel: Kernel, file: Path, form: str = "csv") -> str:
    out = Console(file=StringIO(), width=200)
    run(kernel, file, entity=None, first=TODAY, last=TODAY, form=form, accounts=None, out=out)
    assert isinstance(out.file, StringIO)
    return out.file.getvalue()


def test_the_file_is_written_and_is_what_the_api_gives(kernel: Kernel, tmp_path: Path) -> None:
    entity_id = furnish(kernel)
    file = tmp_path / "journal.csv"
    assert f"is in {file}" in told(kernel, file)
    query = {"entity_id": str(entity_id), "first": str(TODAY), "last": str(TODAY)}
    with client(kernel, Role.CFO) as browser:
        answer = browser.get("/api/v1/exports/journal", params=query)
        assert answer.content == file.read_bytes()
        assert answer.headers["content-disposition"] == f'attachment; filename="journal-FR1-{TODAY}.csv"'
        fec = browser.get("/api/v1/exports/journal", params=query | {"format": "fec"})
        assert fec.text.startswith("JournalCode\t")
        turned = browser.get("/api/v1/exports/journal", params=query | {"last": "2026-01-01"})
        assert (turned.status_code, turned.json()["code"]) == (422, "bad-period")
    assert file.read_text().splitlines()[0] == ",".join(CSV_COLUMNS)


def test_a_refusal_leaves_no_file(kernel: Kernel, tmp_path: Path) -> None:
    furnish(kernel)
    with kernel.database.transaction() as session:
        other = customer(session, "C2", currency="USD")
        owed = Posting(1, other, EntryKind.INVOICE, 500, "USD", TODAY, reference="OLD-1")
        post(session, [owed], now=NOW)
    with pytest.raises(FormatError):
        told(kernel, tmp_path / "x", form="xls")
    with pytest.raises(Exception, match="no exchange rate for USD"):
        told(kernel, tmp_path / "x")
    assert list(tmp_path.glob("*x*")) == []
