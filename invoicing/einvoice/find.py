"""The files made of issued documents, to list and to hand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import ConflictError, NotFoundError
from ar.core.files import StoredFile
from invoicing.documents import InvoiceNotFoundError, document_of
from invoicing.einvoice.want import want_again
from invoicing.models import FileFormat, Invoice, InvoiceFile, InvoiceInstalment


class NoDocumentError(NotFoundError):
    """The invoice was imported: whoever issued it has its document."""

    code = "no-document"


class BeingMadeError(ConflictError):
    code = "document-being-made"

    def __init__(self) -> None:
        super().__init__("This document is being made. Try again in a moment.")


class FailedError(ConflictError):
    """The document does not meet its standard, so it is not given out."""

    code = "document-failed"


class NothingFailedError(ConflictError):
    """Only what failed is made again: what may have been sent never changes."""

    code = "nothing-failed"


@dataclass(frozen=True)
class DocumentFile:
    """A file made of a document and, where it is valid, what is stored."""

    made: InvoiceFile
    stored: StoredFile | None


def files_of(session: Session, entry_id: int) -> list[DocumentFile]:
    """What was made of the document of a ledger entry; empty while it is being made. Raises NoDocumentError."""
    return list_files(session, _document(session, entry_id))


def list_files(session: Session, document: Invoice) -> list[DocumentFile]:
    """What was made of a document: the page first."""
    query = (
        select(InvoiceFile, StoredFile)
        .join(StoredFile, col(StoredFile.id) == col(InvoiceFile.file_id), isouter=True)
        .where(col(InvoiceFile.invoice_id) == document.id)
    )
    order = list(FileFormat)
    found = [DocumentFile(made, stored) for made, stored in session.exec(query)]
    return sorted(found, key=lambda one: order.index(one.made.format))


def file_of(session: Session, entry_id: int, wanted: FileFormat, *, account_id: int | None = None) -> StoredFile:
    """The stored file of a document; with `account_id`, for that customer, who is told of no failure.

    Raises NoDocumentError, for another account's document InvoiceNotFoundError, BeingMadeError or FailedError.
    """
    document = _document(session, entry_id, account_id=account_id)
    there = list_files(session, document)
    found = next((one for one in there if one.made.format is wanted), None)
    if found is None and there:
        raise NoDocumentError(f"{document.number} was made elsewhere and came without a {wanted.value.upper()}")
    if found is None:
        raise BeingMadeError
    if found.stored is None and account_id is not None:
        raise NoDocumentError("There is no such document of this invoice")
    if found.stored is None:
        rules = ", ".join(failure["rule"] for failure in found.made.failures or ())
        raise FailedError(
            f"The {wanted.value.upper()} of {document.number} is not given out: it fails {rules}. "
            "Mend what is missing, such as a VAT number, and have it made again"
        )
    return found.stored


def again(session: Session, entry_id: int, *, by: str, now: datetime) -> None:
    """Have the files of a document made: once more after what failed was mended, or for one older than this feature.

    Raises NoDocumentError, BeingMadeError or NothingFailedError.
    """
    document = _document(session, entry_id)
    assert document.id is not None
    found = list_files(session, document)
    if found and not any(one.made.failures for one in found):
        raise NothingFailedError(f"Nothing failed of {document.number}: its files stay as they were made")
    wanted = want_again(session, document.id, instead_of=found[0].made.made_at if found else None, now=now)
    if not wanted and not found:
        raise BeingMadeError
    if wanted:
        act = Act(
            by, f"{document.kind.value}.files_asked", f"account:{document.account_id}", {"number": document.number}
        )
        record(session, [act], now=now)


def with_page(session: Session, entry_ids: Sequence[int]) -> set[int]:
    """Those of the ledger entries whose printed page can be had."""
    part = InvoiceInstalment
    query = (
        select(part.entry_id)
        .join(InvoiceFile, col(InvoiceFile.invoice_id) == col(part.invoice_id))
        .where(
            among(session, col(part.entry_id), entry_ids),
            col(InvoiceFile.format) == FileFormat.PDF,
            col(InvoiceFile.file_id).is_not(None),
        )
    )
    return set(session.exec(query))


def _document(session: Session, entry_id: int, *, account_id: int | None = None) -> Invoice:
    found = document_of(session, entry_id)
    if account_id is not None and (found is None or found.account_id != account_id):
        raise InvoiceNotFoundError("There is no such invoice of yours")
    if found is None:
        raise NoDocumentError(f"There is no document of invoice {entry_id}: it was imported, or there is none")
    return found
