"""A payment told: what it is for, what it settled, and all that was learnt of it, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from ar.cash.apply import PaymentNotFoundError
from ar.cash.models import Payment, PaymentRefund, PaymentTarget, WebhookEvent
from ar.core.audit import AuditEntry
from ar.core.db import among
from ar.ledger.allocate import live_allocations
from ar.ledger.models import OpenItem


@dataclass(frozen=True)
class Applied:
    """Part of a payment set against an item, and the allocation that says so."""

    allocation_id: int
    entry_id: int
    reference: str
    amount_minor: int


@dataclass(frozen=True)
class Happening:
    """One thing learnt or done, in words."""

    at: datetime
    what: str
    by: str
    why: str


@dataclass(frozen=True)
class Story:
    payment: Payment
    targets: Sequence[tuple[PaymentTarget, str]]
    applied: Sequence[Applied]
    unapplied_minor: int
    refunds: Sequence[PaymentRefund]
    happenings: Sequence[Happening]


def payment_by_id(session: Session, payment_id: int) -> Payment:
    """Raises PaymentNotFoundError."""
    found = session.exec(select(Payment).where(Payment.id == payment_id)).first()
    if found is None:
        raise PaymentNotFoundError(f"There is no payment {payment_id}")
    return found


def story(session: Session, payment_id: int) -> Story:
    """Everything about one payment. Raises PaymentNotFoundError."""
    payment = payment_by_id(session, payment_id)
    targets = session.exec(
        select(PaymentTarget, OpenItem.reference)
        .join(OpenItem, col(OpenItem.entry_id) == col(PaymentTarget.entry_id))
        .where(PaymentTarget.payment_id == payment_id)
        .order_by(col(PaymentTarget.id))
    ).all()
    refunds = session.exec(
        select(PaymentRefund).where(PaymentRefund.payment_id == payment_id).order_by(col(PaymentRefund.id))
    ).all()
    applied = applied_of(session, payment)
    return Story(
        payment=payment,
        targets=[(target, reference) for target, reference in targets],
        applied=applied,
        unapplied_minor=unapplied_of(session, payment),
        refunds=refunds,
        happenings=_happenings(session, payment_id),
    )


def unapplied_of(session: Session, payment: Payment) -> int:
    """What of the payment settles nothing yet."""
    if payment.entry_id is None:
        return 0
    return session.exec(select(OpenItem.open_minor).where(OpenItem.entry_id == payment.entry_id)).one()


def applied_of(session: Session, payment: Payment) -> list[Applied]:
    """What the payment settles today."""
    if payment.entry_id is None:
        return []
    live = live_allocations(session, payment.entry_id)
    query = select(OpenItem.entry_id, OpenItem.reference).where(
        among(session, col(OpenItem.entry_id), [allocation.debit_id for allocation in live])
    )
    references = dict(session.exec(query).all())
    return [Applied(one.id, one.debit_id, references[one.debit_id], one.amount_minor) for one in live]


def _happenings(session: Session, payment_id: int) -> list[Happening]:
    """The audit trail's acts on the payment, and the gateway's events, newest first."""
    acts = session.exec(select(AuditEntry).where(AuditEntry.subject == f"payment:{payment_id}")).all()
    events = session.exec(select(WebhookEvent).where(WebhookEvent.payment_id == payment_id)).all()
    told = [
        Happening(
            act.at, act.action, act.actor, str((act.change or {}).get("reason") or (act.change or {}).get("why") or "")
        )
        for act in acts
    ]
    told += [Happening(event.received_at, event.type, event.gateway, event.outcome) for event in events]
    return sorted(told, key=lambda happening: happening.at, reverse=True)
