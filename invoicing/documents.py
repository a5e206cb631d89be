"""Invoices as they stand: the ledger's claims, with the document of each where one was issued here.

An invoice is named by its ledger entry's id, whether it was issued here or imported; one in instalments by that of
any of its entries.
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
from invoicing.models import (
    Invoice,
    InvoiceAdjustment,
    InvoiceInstalment,
    InvoiceLine,
    InvoicePreceding,
    InvoiceState,
    InvoiceTax,
)
from invoicing.terms import DiscountWindow, discount_windows, parse

KINDS = (EntryKind.INVOICE, EntryKind.CREDIT_NOTE)


class Standing(StrEnum):
    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"


class InvoiceNotFoundError(NotFoundError):
    code = "invoice-not-found"


@dataclass(frozen=True)
class Corrected:
    """The invoice that a credit note corrects: its id, number and day."""

    entry_id: int
    number: str
    issue_on: date


@dataclass(frozen=True)
class Detail:
    """One invoice or credit note. `document` and its parts are there when it was issued here.

    `items` are what it is in the ledger: one for each due date, the first one first. `credit_notes` are those that
    correct it and `corrects` what it corrects itself; `preceding` the documents it follows, such as deposits, and
    `following` those that follow it. `source` says where the ledger's entry came from.
    """

    items: Sequence[OpenItem]
    source: str
    document: Invoice | None
    lines: Sequence[InvoiceLine]
    taxes: Sequence[InvoiceTax]
    credit_notes: Sequence[Invoice]
    adjustments: Sequence[InvoiceAdjustment] = ()
    corrects: Corrected | None = None
    preceding: Sequence[Invoice] = ()
    following: Sequence[Invoice] = ()

    @property
    def item(self) -> OpenItem:
        """The first of the items, which has the invoice's id, customer, seller, kind, currency and day."""
        return self.items[0]

    @property
    def side(self) -> int:
        return self.item.side

    @property
    def number(self) -> str:
        return (self.document.number if self.document else None) or self.item.reference

    @property
    def amount_minor(self) -> int:
        return sum(item.amount_minor for item in self.items)

    @property
    def open_minor(self) -> int:
        return sum(item.open_minor for item in self.items)

    @property
    def disputed_minor(self) -> int:
        return sum(item.disputed_minor for item in self.items)

    @property
    def creditable_minor(self) -> int:
        """What credit notes have not taken back of an invoice; nothing of a credit note."""
        if self.item.kind is not EntryKind.INVOICE:
            return 0
        return self.amount_minor - sum(note.total_minor for note in self.credit_notes)

    @property
    def due_on(self) -> date:
        """When the first amount that is still open is due; of a settled invoice, when the last was."""
        return next((item.due_on for item in self.items if item.open_minor), self.items[-1].due_on)

    def standing(self, *, today: date) -> Standing:
        """Paid when all of it is, overdue when any of it is; as of `today`."""
        found = {standing(item, today=today) for item in self.items}
        return next(one for one in (Standing.OVERDUE, Standing.OPEN, Standing.PAID) if one in found)


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
    """Invoices, or credit notes, that meet every condition given; `number` is the whole number.

    An invoice in instalments is found once for each that meets them: their amounts sum to the invoice's.
    """
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
        part = InvoiceInstalment
        parts = select(part.entry_id).join(Invoice, col(Invoice.id) == col(part.invoice_id))
        # One list of ids, made from two indexes: "this or that" would make PostgreSQL read the whole table.
        named = select(OpenItem.entry_id).where(col(OpenItem.reference) == number)
        query = query.where(col(OpenItem.entry_id).in_(named.union(parts.where(col(Invoice.number) == number))))
    return query


def issued_here(session: Session, items: Sequence[OpenItem]) -> set[int]:
    """The entry ids of those `items` that have a document."""
    entry_ids = [item.entry_id for item in items]
    part = InvoiceInstalment
    return set(session.exec(select(part.entry_id).where(among(session, col(part.entry_id), entry_ids))))


def document_of(session: Session, entry_id: int) -> Invoice | None:
    """The document that one of its ledger entries is of; None for an entry that has none, such as an imported one."""
    part = InvoiceInstalment
    query = select(Invoice).join(part, col(part.invoice_id) == col(Invoice.id)).where(col(part.entry_id) == entry_id)
    return session.exec(query).first()


def entry_ids_of(session: Session, document: Invoice) -> list[int]:
    """The ledger entries of a document, in the order in which they fall due."""
    part = InvoiceInstalment
    query = select(part.entry_id).where(col(part.invoice_id) == document.id).order_by(col(part.position))
    return list(session.exec(query))


def discounts_of(document: Invoice | None) -> tuple[DiscountWindow, ...]:
    """What may be taken off a document for early payment, and until when."""
    if document is None or not document.terms:
        return ()
    return discount_windows(parse(document.terms), document.issue_on, document.total_minor)


def corrected(session: Session, document: Invoice) -> Corrected | None:
    """The invoice that a credit note corrects, issued here or imported; None for an invoice."""
    if document.corrects_entry_id is None:
        return None
    entry = session.exec(select(Entry).where(col(Entry.id) == document.corrects_entry_id)).one()
    original = document_of(session, document.corrects_entry_id)
    number = (original.number if original else None) or entry.reference
    return Corrected(document.corrects_entry_id, number, entry.effective_on)


def preceding_of(session: Session, document: Invoice) -> Sequence[Invoice]:
    """The documents that one follows, in the order of their days."""
    before = InvoicePreceding
    query = select(Invoice).join(before, col(before.preceding_id) == col(Invoice.id))
    return session.exec(
        query.where(col(before.invoice_id) == document.id).order_by(col(Invoice.issue_on), col(Invoice.id))
    ).all()


def following(session: Session, document: Invoice) -> Sequence[Invoice]:
    """The issued documents that follow one, such as the final invoice that takes a deposit off."""
    after = InvoicePreceding
    query = select(Invoice).join(after, col(after.invoice_id) == col(Invoice.id))
    of_it = (col(after.preceding_id) == document.id, col(Invoice.state) == InvoiceState.ISSUED)
    return session.exec(query.where(*of_it).order_by(col(Invoice.id))).all()


def adjustments_of(session: Session, document: Invoice) -> Sequence[InvoiceAdjustment]:
    """The allowances and charges of a document and of its lines, in order."""
    of_it = col(InvoiceAdjustment.invoice_id) == document.id
    return session.exec(select(InvoiceAdjustment).where(of_it).order_by(col(InvoiceAdjustment.position))).all()


def lines_of(session: Session, document: Invoice) -> Sequence[InvoiceLine]:
    """The lines of a document, in order."""
    of_it = col(InvoiceLine.invoice_id) == document.id
    return session.exec(select(InvoiceLine).where(of_it).order_by(col(InvoiceLine.position))).all()


def detail(session: Session, entry_id: int) -> Detail:
    """The invoice or credit note that a ledger entry is of, whole. Raises InvoiceNotFoundError."""
    item = session.get(OpenItem, entry_id)
    if item is None or item.kind not in KINDS:
        raise InvoiceNotFoundError(f"There is no invoice {entry_id}")
    source = session.exec(select(Entry.source).where(col(Entry.id) == entry_id)).one()
    document = document_of(session, entry_id)
    items: Sequence[OpenItem] = (item,)
    taxes: Sequence[InvoiceTax] = ()
    if document is not None:
        taxes = session.exec(select(InvoiceTax).where(col(InvoiceTax.invoice_id) == document.id)).all()
        part = InvoiceInstalment
        parts = select(OpenItem).join(part, col(part.entry_id) == col(OpenItem.entry_id))
        items = session.exec(parts.where(col(part.invoice_id) == document.id).order_by(col(part.position))).all()
    notes = select(Invoice).where(col(Invoice.corrects_entry_id) == items[0].entry_id).order_by(col(Invoice.id))
    return Detail(
        items=items,
        source=source,
        document=document,
        lines=lines_of(session, document) if document else (),
        adjustments=adjustments_of(session, document) if document else (),
        taxes=taxes,
        credit_notes=session.exec(notes.where(col(Invoice.state) == InvoiceState.ISSUED)).all(),
        corrects=corrected(session, document) if document else None,
        preceding=preceding_of(session, document) if document else (),
        following=following(session, document) if document else (),
    )
