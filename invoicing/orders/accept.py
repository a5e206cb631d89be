"""Accepting orders: credit is asked, and what it refuses is held with its reasons until a person lets it through."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime

from sqlmodel import Session

from ar.core.audit import Act, record
from ar.core.errors import ConflictError
from ar.core.jobs import enqueue
from ar.credit.consult import Asked, CreditAnswer, consult_all, group_of, lock
from ar.credit.override import override
from invoicing.orders.find import locked_order, order, unbilled_of
from invoicing.orders.models import OrderState, SalesOrder

ANNOUNCE_JOB = "announce-first-invoice"
"""The job that has a customer told, once, when its first invoice comes."""

UNDECIDED = frozenset({OrderState.ENTERED, OrderState.HELD})


class OrderStateError(ConflictError):
    """The order stands where this cannot be done with it."""

    code = "order-state"


def accept(session: Session, order_id: int, *, by: str, today: date, now: datetime) -> SalesOrder:
    """The order, accepted when credit covers it as of `today`, else held with the reasons against it.

    Orders that are accepted at once wait for each other, so that two do not pass a limit that only one fits. Raises
    OrderNotFoundError, OrderStateError for one that is decided already.
    """
    found, answer = _asked(session, order_id, today=today)
    found.credit_reasons = [asdict(reason) for reason in answer.reasons]
    if not answer.granted:
        found.state = OrderState.HELD
        found.version += 1
        session.flush()
        codes = [reason.code for reason in answer.reasons]
        change = {"order": found.id, "reference": found.reference, "reasons": codes}
        record(session, [Act(by, "order.held", f"account:{found.account_id}", change)], now=now)
        return found
    return _accepted(session, found, by=by, today=today, now=now)


def let_through(session: Session, order_id: int, *, reason: str, by: str, today: date, now: datetime) -> SalesOrder:
    """The order, accepted although credit refuses it, for a written `reason` that is kept with the answer.

    Raises OrderNotFoundError, OrderStateError, OverrideNotNeededError, OwnOrderError, OverrideReasonError.
    """
    found, answer = _asked(session, order_id, today=today)
    override(session, answer, subject=f"order:{order_id}", entered_by=found.entered_by, reason=reason, by=by, now=now)
    found.credit_reasons = [asdict(one) for one in answer.reasons]
    found.override_reason, found.override_by = reason.strip()[:1000], by
    return _accepted(session, found, by=by, today=today, now=now)


def _asked(session: Session, order_id: int, *, today: date) -> tuple[SalesOrder, CreditAnswer]:
    """The order, held until the transaction ends, and what credit says of it beside what else is accepted."""
    account_id = order(session, order_id).account_id
    lock(session, [account_id])
    found = locked_order(session, order_id)
    if found.state not in UNDECIDED:
        raise OrderStateError(f"Order {found.reference} is {found.state.value.replace('_', ' ')} already")
    unbilled = unbilled_of(session, group_of(session, [account_id], today=today))
    asked = Asked(account_id, found.total_minor, found.currency, found.entity_id)
    [answer] = consult_all(session, [asked], unbilled=unbilled, today=today)
    return found, answer


def _accepted(session: Session, found: SalesOrder, *, by: str, today: date, now: datetime) -> SalesOrder:
    found.state, found.accepted_on, found.accepted_by = OrderState.ACCEPTED, today, by
    found.version += 1
    session.flush()
    change = {"order": found.id, "reference": found.reference, "total_minor": found.total_minor}
    record(session, [Act(by, "order.accepted", f"account:{found.account_id}", change)], now=now)
    dedup_key = f"{ANNOUNCE_JOB}/{found.account_id}"
    enqueue(session, ANNOUNCE_JOB, {"order_id": found.id}, dedup_key=dedup_key, now=now)
    return found
