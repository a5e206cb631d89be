"""Setting received money against what it is for, by hand; and taking that back, both sides restored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from ar.cash.apply import locked_payment
from ar.cash.cashed import want_cashed
from ar.cash.models import Payment
from ar.cash.receive import PaymentError, Target, checked_targets
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.errors import NotFoundError
from ar.customers.entities import entity
from ar.ledger.allocate import Dated, Share, allocate_late, deallocate, live_allocations, locked_items
from ar.ledger.models import Entry


def apply_payment(session: Session, payment_id: int, targets: Sequence[Target], *, by: str, now: datetime) -> list[int]:
    """Set a payment's unapplied money against items of its customer: the allocations' ids.

    Raises PaymentNotFoundError, PaymentError, ItemNotFoundError, OverAllocationError; nothing is written then.
    """
    payment, entry_id = _booked(session, payment_id)
    if not targets or any(target.amount_minor <= 0 for target in targets):
        raise PaymentError("Say what the payment is for: items, and amounts above zero")
    locked_items(session, sorted({entry_id, *(target.entry_id for target in targets)}))
    checked_targets(session, payment.account_id, payment.entity_id, payment.currency, targets)
    shares = [Share(target.entry_id, entry_id, target.amount_minor) for target in targets]
    received_on = session.exec(select(Entry).where(Entry.id == entry_id)).one().effective_on
    today = local_date(now, entity(session, payment.entity_id).time_zone)
    day, source = max(today, received_on), f"payment:{payment_id}"
    made = allocate_late(session, [Dated(share, day, source) for share in shares], now=now)
    want_cashed(session, [entry_id], key=f"allocation:{made[0]}", now=now)
    change = {"applied": [{"item": target.entry_id, "amount_minor": target.amount_minor} for target in targets]}
    record(session, [Act(by, "payment.applied", f"payment:{payment_id}", change)], now=now)
    return made


def unapply(session: Session, payment_id: int, allocation_id: int, *, why: str, by: str, now: datetime) -> None:
    """Take one allocation of a payment back: the item is open again, the money unapplied.

    Raises PaymentNotFoundError, PaymentError, NotFoundError for an allocation that is not this payment's, or is gone.
    """
    payment, entry_id = _booked(session, payment_id)
    known = {allocation.id: allocation for allocation in live_allocations(session, entry_id)}
    if allocation_id not in known:
        raise NotFoundError(f"Payment {payment_id} has no allocation {allocation_id} that stands")
    today = local_date(now, entity(session, payment.entity_id).time_zone)
    undone = deallocate(session, [allocation_id], on=today, source=f"payment:{payment_id}", now=now)
    want_cashed(session, [entry_id], key=f"allocation:{undone[0]}", now=now)
    taken = known[allocation_id]
    change = {"item": taken.debit_id, "amount_minor": taken.amount_minor, "why": why}
    record(session, [Act(by, "payment.unapplied", f"payment:{payment_id}", change)], now=now)


def _booked(session: Session, payment_id: int) -> tuple[Payment, int]:
    payment = locked_payment(session, payment_id)
    if payment.entry_id is None:
        raise PaymentError(f"The money of this payment is not here: it is {payment.state.value}")
    return payment, payment.entry_id
