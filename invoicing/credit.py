"""Credit notes: the only way that an issued invoice is corrected, in full or in part, each with its reason."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.core.db import among
from ar.core.errors import ConflictError, Fault
from ar.core.money import plain
from ar.ledger.allocate import Share, allocate, locked_items
from ar.ledger.models import Entry, EntryKind
from invoicing.credited import Credited, whole
from invoicing.documents import document_of, entry_ids_of
from invoicing.draft import Header, InvoiceError, Prepared
from invoicing.issue import issue_correction
from invoicing.models import DocumentKind, Invoice, InvoiceState
from invoicing.totals import totals

CREDIT_SERIES = "CN"


class OverCreditedError(ConflictError):
    """More than the invoice was for."""

    code = "over-credited"


def credit(
    session: Session,
    entry_id: int,
    *,
    reason: str,
    part: Credited | None = None,
    by: str,
    today: date,
    now: datetime,
) -> Invoice:
    """The credit note just issued against the invoice of ledger entry `entry_id`; without `part`, for all of it.

    What is still open of the invoice is settled by it: of one in instalments the one named first, then the others as
    they fall due. The rest stays in the customer's credit. Raises ItemNotFoundError, InvoiceError, TotalsError,
    OverCreditedError, or ConflictError for a reversed invoice.
    """
    corrected = document_of(session, entry_id)
    entry_ids = entry_ids_of(session, corrected) if corrected else [entry_id]
    items = locked_items(session, entry_ids)
    item = items[entry_id]
    if item["kind"] is not EntryKind.INVOICE:
        raise InvoiceError(f"Ledger entry {entry_id} is not an invoice: only an invoice is credited")
    number = str(corrected.number if corrected else item["reference"])
    taken_back = select(col(Entry.id)).where(among(session, col(Entry.reverses_id), entry_ids))
    if session.connection().execute(taken_back).first() is not None:
        raise ConflictError(f"Invoice {number} was reversed: there is nothing left to credit")
    credited = credited_minor(session, entry_ids[0])
    part = part or _whole(session, corrected, number, credited)
    sums = totals(part.lines, item["currency"], part.adjustments)
    left = sum(one["amount_minor"] for one in items.values()) - credited
    if sums.total_minor > left:
        told = plain(left, item["currency"])
        raise OverCreditedError(
            f"{told} {item['currency']} of invoice {number} can still be credited, less than the lines make"
        )
    day = max(today, item["effective_on"])
    header = Header(
        entity_id=item["entity_id"],
        account_id=item["account_id"],
        kind=DocumentKind.CREDIT_NOTE,
        series=CREDIT_SERIES,
        issue_on=day,
        due_on=day,
        supplied_on=corrected.supplied_on if corrected else None,
        currency=item["currency"],
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        total_minor=sums.total_minor,
        buyer_reference=corrected.buyer_reference if corrected else "",
        purchase_order=corrected.purchase_order if corrected else "",
        order_reference=corrected.order_reference if corrected else "",
        note=reason,
        corrects_entry_id=entry_ids[0],
        created_at=now,
        created_by=by,
    )
    prepared = Prepared(header, part.lines, sums)
    issued = issue_correction(session, prepared, rate_on=item["effective_on"], by=by, now=now)
    assert issued.entry_id is not None
    shares, rest = [], issued.total_minor
    for debit_id in sorted(entry_ids, key=lambda one: one != entry_id):
        settles = min(items[debit_id]["open_minor"], rest)
        if settles:
            shares.append(Share(debit_id, issued.entry_id, settles))
            rest -= settles
    allocate(session, shares, on=day, source=f"invoice:{issued.id}", now=now)
    return issued


def credited_minor(session: Session, entry_id: int) -> int:
    """What credit notes have taken off the invoice whose first ledger entry is `entry_id` so far."""
    query = select(func.coalesce(func.sum(col(Invoice.total_minor)), 0)).where(
        col(Invoice.corrects_entry_id) == entry_id, col(Invoice.state) == InvoiceState.ISSUED
    )
    return int(session.connection().execute(query).scalar_one())


def _whole(session: Session, document: Invoice | None, number: str, credited: int) -> Credited:
    if credited:
        message = "part of the invoice was credited before: say which lines, or how much, to credit"
        raise InvoiceError(f"Invoice {number} was not credited: {message}", faults=[Fault("/lines", message)])
    if document is None:
        message = "it was imported without its lines: give the lines to credit"
        raise InvoiceError(f"Invoice {number} was not credited: {message}", faults=[Fault("/lines", message)])
    return whole(session, document)
