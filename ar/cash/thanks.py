"""The word of thanks for a payment that came in: what it settled, and what of that is still open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.models import Payment
from ar.core.db import among
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from ar.customers.notes import write_note
from ar.ledger.allocate import live_allocations
from ar.ledger.models import EntryKind, OpenItem

JOB = "thank-for-payment"
_TIMELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Received:
    """A payment, as the message tells of it; its amount in minor units."""

    amount_minor: int
    currency: str
    received_on: date


@dataclass(frozen=True, slots=True)
class SettledItem:
    """What the payment paid of one item, and what of it is open today, in minor units."""

    reference: str
    amount_minor: int
    open_minor: int


def want_thanks(session: Session, payment: Payment, *, now: datetime) -> None:
    """Have the customer thanked once for `payment`, however often its money comes and goes."""
    enqueue(session, JOB, {"payment_id": payment.id}, dedup_key=f"{JOB}:{payment.public_id}", now=now)


def thank(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Write the thanks into the outbox, unless the money went back or came more than a week ago."""
    with kernel.database.transaction() as session:
        payment = session.get(Payment, arguments["payment_id"])
        if payment is None or payment.entry_id is None:
            return "the money is not ours"
        received_on = session.exec(select(OpenItem).where(OpenItem.entry_id == payment.entry_id)).one().effective_on
        if now.date() - received_on > _TIMELY:
            return "received too long ago"
        written = write_note(
            session,
            kernel,
            "payment_thanks",
            account_id=payment.account_id,
            entity_id=payment.entity_id,
            about=f"payment:{payment.id}",
            now=now,
            payment=Received(payment.received_minor, payment.currency, received_on),
            invoices=_settled(session, payment.entry_id),
        )
    return "thanked" if written else "nobody to write to"


def _settled(session: Session, entry_id: int) -> list[SettledItem]:
    paid: dict[int, int] = {}
    for allocation in live_allocations(session, entry_id):
        paid[allocation.debit_id] = paid.get(allocation.debit_id, 0) + allocation.amount_minor
    query = (
        select(OpenItem.entry_id, OpenItem.reference, OpenItem.open_minor)
        .where(among(session, col(OpenItem.entry_id), list(paid)), OpenItem.kind != EntryKind.REFUND)
        .order_by(col(OpenItem.due_on), col(OpenItem.entry_id))
    )
    return [SettledItem(reference, paid[item_id], left) for item_id, reference, left in session.exec(query)]
