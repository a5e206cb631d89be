"""Invoices as they stand: the ledger's claims, with the document of each where one was issued here.

An invoice is named by its ledger entry's id, whether it was issued here or imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.db import among
from ar.core.errors import NotFoundError
from ar.ledger.models import Entry, EntryKind, OpenItem
from invoicing.models import Invoice, InvoiceLine, InvoiceTax

KINDS = (EntryKind.INVOICE, EntryKind.CREDIT_NOTE)


class Standing(StrEnum):
    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"


class InvoiceNotFoundError(NotFoundError):
    code = "invoice-not-found"


@dataclass(frozen=True)
class Detail:
    """One invoice or credit note. `document` and its parts are there when it was issued here.

    `credit_notes` are those that correct it; `source` says where the ledger's entry came from.
    """

    item: OpenItem
    source: str
    document: Invoice | None
    lines: Sequence[InvoiceLine]
    taxes: Sequence[InvoiceTax]
    credit_notes: Sequence[Invoice]


def standing(item: OpenItem, *, today: date) -> Standing:
    """Whether the item is paid, open or, its due date being past, overdue, as of `today`."""
    if item.open_minor == 0:
        return Standing.PAID
    return Standing.OVERDUE if item.due_on < today and item.side == 1 else Standing.OPEN


def search(
    *,
    today: date,
    kind: EntryKind = EntryKind.INVOICE,
    account_id: int | None = None,
    entity_id: int | None = None,
    state: Standing | None = None,
    due_from: date | None = None,
    due_to: date | None = None,
    number: str = "",
) -> SelectOfScalar[OpenItem]:
    """Invoices, or credit notes, that meet every condition given; `number` is the whole number."""
    query = select(OpenItem).where(col(OpenItem.kind) == kind)
    if account_id is not None:
        query = query.where(col(OpenItem.account_id) == account_id)
    if entity_id is not None:
        query = query.where(col(OpenItem.entity_id) == entity_id)
    if state is Standing.PAID:
        query = query.where(col(OpenItem.open_minor) == 0)
    elif state is not None:
        query = query.where(col(OpenItem.open_minor) > 0)
    if state is Standing.OVERDUE:
        query = query.where(col(OpenItem.due_on) < today)
    if due_from is not None:
        query = query.where(col(OpenItem.due_on) >= due_from)
    if due_to is not None:
        query = query.where(col(OpenItem.due_on) <= due_to)
    if number:
        query = query.where(col(OpenItem.reference) == number)
    return query


def issued_here(session: Session, items: Sequence[OpenItem]) -> set[int]:
    """The entry ids of those `items` that have a document."""
    query = select(Invoice.entry_id).where(among(session, col(Invoice.entry_id), [item.entry_id for item in items]))
    return {entry_id for entry_id in session.exec(query) if entry_id is not None}


def detail(session: Session, entry_id: int) -> Detail:
    """The invoice or credit note of a ledger entry, whole. Raises InvoiceNotFoundError."""
    item = session.get(OpenItem, entry_id)
    if item is None or item.kind not in KINDS:
        raise InvoiceNotFoundError(f"There is no invoice {entry_id}")
    source = session.exec(select(Entry.source).where(col(Entry.id) == entry_id)).one()
    document = session.exec(select(Invoice).where(col(Invoice.entry_id) == entry_id)).first()
    lines: Sequence[InvoiceLine] = ()
    taxes: Sequence[InvoiceTax] = ()
    if document is not None:
        of_it = col(InvoiceLine.invoice_id) == document.id
        lines = session.exec(select(InvoiceLine).where(of_it).order_by(col(InvoiceLine.position))).all()
        taxes = session.exec(select(InvoiceTax).where(col(InvoiceTax.invoice_id) == document.id)).all()
    notes = select(Invoice).where(col(Invoice.corrects_entry_id) == entry_id).order_by(col(Invoice.id))
    return Detail(item, source, document, lines, taxes, session.exec(notes).all())
