"""What goes along with a reminder: copies of the invoices it asks for, or a statement; or links to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import among
from ar.core.files import StoredFile, store
from ar.core.kernel import Kernel
from ar.core.mail import MAX_ATTACHED_BYTES
from invoicing.models import FileFormat, Invoice, InvoiceFile
from invoicing.statements.facts import Show
from invoicing.statements.make import StatementFormat, make_statement

STATEMENT_DAYS = 180
"""How far back a statement that goes along with a reminder looks."""


def copies_for(session: Session, messages: Sequence[Sequence[int]]) -> list[dict[int, int]]:
    """For each message, given the entries it asks for, the printed copies that fit in it: {entry_id: file_id}.

    One query for all. The entries that come first are attached first, as many as MAX_ATTACHED_BYTES holds; imported
    invoices and those being made have no copy. What is left out can be linked, by `links_for`.
    """
    wanted = sorted({entry_id for entries in messages for entry_id in entries})
    query = (
        select(col(Invoice.entry_id), col(InvoiceFile.file_id), col(StoredFile.size))
        .join(InvoiceFile, col(InvoiceFile.invoice_id) == col(Invoice.id))
        .join(StoredFile, col(StoredFile.id) == col(InvoiceFile.file_id))
        .where(among(session, col(Invoice.entry_id), wanted), col(InvoiceFile.format) == FileFormat.PDF)
    )
    rows = session.connection().execute(query) if wanted else ()
    known = {entry_id: (file_id, size) for entry_id, file_id, size in rows if entry_id and file_id}
    return [_that_fit(entries, known) for entries in messages]


def _that_fit(entries: Iterable[int], known: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    chosen: dict[int, int] = {}
    files: set[int] = set()
    total = 0
    for entry_id in entries:
        file_id, size = known.get(entry_id, (0, 0))
        if not file_id or (file_id not in files and total + size > MAX_ATTACHED_BYTES):
            continue
        total += 0 if file_id in files else size
        files.add(file_id)
        chosen[entry_id] = file_id
    return chosen


def links_for(link: str, references: Mapping[int, str]) -> dict[str, str]:
    """The addresses of each invoice's own page, by reference, from the customer's `link` and {entry_id: reference}."""
    return {reference: f"{link}?document={entry_id}" for entry_id, reference in references.items() if reference}


def statements_for(kernel: Kernel, account_ids: Sequence[int], *, until: date, now: datetime) -> dict[int, int]:
    """A statement of what is open for each account, made and stored: {account_id: file_id}.

    Called before the transaction that writes the messages: printing takes some 20 ms each. Raises what
    `make_statement` raises.
    """
    since = until - timedelta(days=STATEMENT_DAYS)
    made = {
        account_id: make_statement(
            kernel, account_id, since=since, until=until, show=Show.OPEN, form=StatementFormat.PDF, now=now
        )
        for account_id in account_ids
    }
    with kernel.database.transaction() as session:
        stored = {
            account_id: store(
                session,
                kernel.settings.files,
                name=file.name,
                content=file.content,
                media_type=file.media_type,
                subject_ref=f"account:{account_id}",
                stored_by="system",
                max_bytes=MAX_ATTACHED_BYTES,
                now=now,
            )
            for account_id, file in made.items()
        }
        return {account_id: file.id for account_id, file in stored.items() if file.id is not None}
