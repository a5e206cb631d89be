"""Credit notes: the only way that an issued invoice is corrected, in full or in part, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlmodel import Session, col
from sqlmodel import select as pick

from ar.core.errors import ConflictError, Fault
from ar.core.money import plain
from ar.ledger.allocate import Share, allocate, locked_items
from ar.ledger.models import Entry, EntryKind
from invoicing.issue import InvoiceError, issue_document
from invoicing.models import DocumentKind, Invoice, InvoiceLine, InvoiceState
from invoicing.totals import Line, totals

CREDIT_SERIES = "CN"


class OverCreditedError(ConflictError):
    """More than the invoice was for."""

    code = "over-credited"


def credit(
    session: Session,
    entry_id: int,
    *,
    reason: str,
    lines: Sequence[Line] | None,
    by: str,
    today: date,
    now: datetime,
) -> Invoice:
    """The credit note just issued against the invoice of ledger entry `entry_id`; without `lines`, for all of it.

    What is still open of the invoice is settled by it; the rest stays in the customer's credit. Raises
    ItemNotFoundError, InvoiceError, TotalsError, OverCreditedError, or ConflictError for a reversed invoice.
    """
    item = locked_items(session, [entry_id])[entry_id]
    if item["kind"] is not EntryKind.INVOICE:
        raise InvoiceError(f"Ledger entry {entry_id} is not an invoice: only an invoice is credited")
    taken_back = select(col(Entry.id)).where(col(Entry.reverses_id) == entry_id)
    if session.connection().execute(taken_back).first() is not None:
        raise ConflictError(f"Invoice {item['reference']} was reversed: there is nothing left to credit")
    credited = credited_minor(session, entry_id)
    if lines is None:
        lines = _all_lines(session, entry_id, item["reference"], credited)
    sums = totals(lines, item["currency"])
    if credited + sums.total_minor > item["amount_minor"]:
        left = plain(item["amount_minor"] - credited, item["currency"])
        raise OverCreditedError(
            f"{left} {item['currency']} of invoice {item['reference']} can still be credited, less than the lines make"
        )
    day = max(today, item["effective_on"])
    corrected = session.exec(pick(Invoice).where(col(Invoice.entry_id) == entry_id)).first()
    document = Invoice(
        entity_id=item["entity_id"],
        account_id=item["account_id"],
        kind=DocumentKind.CREDIT_NOTE,
        series=CREDIT_SERIES,
        issue_on=day,
        due_on=day,
        supplied_on=corrected.supplied_on if corrected else None,
        currency=item["currency"],
        net_minor=0,
        tax_minor=0,
        total_minor=0,
        buyer_reference=corrected.buyer_reference if corrected else "",
        purchase_order=corrected.purchase_order if corrected else "",
        note=reason,
        corrects_entry_id=entry_id,
        created_at=now,
    )
    issued = issue_document(session, document, lines, sums, by=by, now=now)
    settles = min(item["open_minor"], issued.total_minor)
    if settles:
        assert issued.entry_id is not None
        source = f"invoice:{issued.id}"
        allocate(session, [Share(entry_id, issued.entry_id, settles)], on=day, source=source, now=now)
    return issued


def credited_minor(session: Session, entry_id: int) -> int:
    """What credit notes have taken off the invoice of ledger entry `entry_id` so far."""
    query = select(func.coalesce(func.sum(col(Invoice.total_minor)), 0)).where(
        col(Invoice.corrects_entry_id) == entry_id, col(Invoice.state) == InvoiceState.ISSUED
    )
    return int(session.connection().execute(query).scalar_one())


def _all_lines(session: Session, entry_id: int, number: str, credited: int) -> list[Line]:
    if credited:
        message = "part of the invoice was credited before: give the lines to credit"
        raise InvoiceError(f"Invoice {number} was not credited: {message}", faults=[Fault("/lines", message)])
    found = session.exec(
        pick(InvoiceLine)
        .join(Invoice, col(Invoice.id) == col(InvoiceLine.invoice_id))
        .where(col(Invoice.entry_id) == entry_id)
        .order_by(col(InvoiceLine.position))
    ).all()
    if not found:
        message = "it was imported without its lines: give the lines to credit"
        raise InvoiceError(f"Invoice {number} was not credited: {message}", faults=[Fault("/lines", message)])
    return [
        Line(
            line.description,
            line.quantity_millionths,
            line.unit_price_millionths,
            line.tax_category,
            line.tax_rate_bp,
        )
        for line in found
    ]
