"""What goes along with a reminder: copies of the invoices it asks for, or links to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import among
from ar.core.files import StoredFile
from ar.core.mail import MAX_ATTACHED_BYTES
from invoicing.models import FileFormat, Invoice, InvoiceFile


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
