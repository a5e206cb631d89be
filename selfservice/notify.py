"""What the customer is told at once of a promise that it made on its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from ar.core.kernel import Kernel
from ar.customers.notes import write_note
from ar.ledger.models import OpenItem
from dunning.models import Promise, PromiseItem


@dataclass(frozen=True)
class PromisedInvoice:
    reference: str
    amount_minor: int


def acknowledge_promise(session: Session, kernel: Kernel, promise: Promise, *, now: datetime) -> None:
    """Tell the customer what it promised, and until when nobody reminds of it."""
    query = (
        select(OpenItem.reference, PromiseItem.amount_minor)
        .join(OpenItem, col(OpenItem.entry_id) == col(PromiseItem.entry_id))
        .where(col(PromiseItem.promise_id) == promise.id)
        .order_by(col(OpenItem.due_on), col(OpenItem.entry_id))
    )
    write_note(
        session,
        kernel,
        "promise_noted",
        account_id=promise.account_id,
        entity_id=promise.entity_id,
        about=f"promise:{promise.id}",
        now=now,
        promise=promise,
        invoices=[PromisedInvoice(reference, minor) for reference, minor in session.exec(query)],
    )
