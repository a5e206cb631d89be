"""Giving money back: written first, asked of the gateway after, booked when it is done."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.cash.apply import facts_of, learn, locked_payment, peek
from ar.cash.gateway import GatewayRefusedError, GatewaySilentError
from ar.cash.gateway_amounts import to_gateway
from ar.cash.gateways import open_gateway
from ar.cash.models import PaymentRefund, RefundState
from ar.cash.news import take
from ar.cash.online.gateway import OnlineGateway
from ar.cash.payment_states import Facts, PaymentState
from ar.cash.receive import PaymentError, PaymentKeyReusedError, new_public_id
from ar.core.audit import Act, record
from ar.core.kernel import Kernel

RETRY_MINUTES = 5


def refund(
    kernel: Kernel, payment_id: int, *, amount_minor: int, note: str, key: str, by: str, now: datetime
) -> PaymentRefund:
    """Give back part of a settled payment, or all of it: the refund, done, or unknown while the gateway is silent.

    What the payment had settled is open again as far as its unapplied part does not cover it. A payment that came by
    hand is refunded by hand: this books it. Raises PaymentNotFoundError, PaymentError, PaymentKeyReusedError,
    GatewayRefusedError.
    """
    gateway = open_gateway(kernel.settings)
    with kernel.database.transaction() as session:
        given = _intend(session, payment_id, amount_minor, note=note, key=key, by=by, gateway=gateway.name, now=now)
        if given.state is not RefundState.INTENDED:
            return given
    assert given.id is not None
    return _give(kernel, gateway, given.id, now=now)


def finish_refunds(kernel: Kernel, gateway: OnlineGateway, *, now: datetime) -> int:
    """Ask again for refunds whose fate is not known, each under its own key: how many have ended."""
    query = select(PaymentRefund.id).where(
        col(PaymentRefund.state).in_((RefundState.INTENDED, RefundState.UNKNOWN)),
        PaymentRefund.updated_at <= now - timedelta(minutes=RETRY_MINUTES),
    )
    with kernel.database.reading() as session:
        waiting = [refund_id for refund_id in session.exec(query.limit(200)) if refund_id is not None]
    ended = 0
    for refund_id in waiting:
        try:
            ended += _give(kernel, gateway, refund_id, now=now).state is not RefundState.UNKNOWN
        except GatewayRefusedError:
            ended += 1
    return ended


def _intend(
    session: Session,
    payment_id: int,
    amount_minor: int,
    *,
    note: str,
    key: str,
    by: str,
    gateway: str,
    now: datetime,
) -> PaymentRefund:
    payment = locked_payment(session, payment_id)
    known = session.exec(select(PaymentRefund).where(PaymentRefund.idempotency_key == key)).first()
    if known is not None:
        if (known.payment_id, known.amount_minor) != (payment_id, amount_minor):
            raise PaymentKeyReusedError("This key gave another refund: use a new key for a new one")
        return known
    if payment.state is not PaymentState.SETTLED:
        raise PaymentError(f"Only a settled payment can be refunded; this one is {payment.state.value}")
    asked = select(func.coalesce(func.sum(PaymentRefund.amount_minor), 0)).where(
        PaymentRefund.payment_id == payment_id,
        col(PaymentRefund.state).in_((RefundState.INTENDED, RefundState.UNKNOWN)),
    )
    left = payment.received_minor - payment.refunded_minor - int(session.exec(asked).one())
    if not 0 < amount_minor <= left:
        raise PaymentError(f"A refund must be above zero and at most what is left of the payment ({left} minor units)")
    online = payment.gateway_intent is not None
    if online:
        to_gateway(amount_minor, payment.currency)
        if payment.gateway != gateway:
            raise PaymentError(f"This payment came by the gateway {payment.gateway}, which is not connected any more")
    given = PaymentRefund(
        public_id=new_public_id("ref"),
        payment_id=payment_id,
        amount_minor=amount_minor,
        state=RefundState.INTENDED if online else RefundState.DONE,
        note=note,
        idempotency_key=key,
        requested_by=by,
        created_at=now,
        updated_at=now,
    )
    session.add(given)
    change = {"amount_minor": amount_minor, "currency": payment.currency, "note": note}
    record(session, [Act(by, "payment.refund_asked", f"payment:{payment_id}", change)], now=now)
    if not online:
        total = facts_of(payment).refunded_minor + amount_minor
        learn(session, payment, Facts(refunded_minor=total), by=by, said=note, now=now)
    session.flush()
    return given


def _give(kernel: Kernel, gateway: OnlineGateway, refund_id: int, *, now: datetime) -> PaymentRefund:
    """Ask the gateway for a refund under its own key, and write down what came of it."""
    with kernel.database.reading() as session:
        given = session.exec(select(PaymentRefund).where(PaymentRefund.id == refund_id)).one()
        session.expunge(given)
    payment = peek(kernel.database, given.payment_id)
    assert payment.gateway_intent is not None
    try:
        number = gateway.refund(
            intent=payment.gateway_intent,
            amount_minor=given.amount_minor,
            currency=payment.currency,
            key=given.public_id,
        )
        if payment.gateway_session is not None:
            news = gateway.fetch(payment.gateway_session)
        else:
            news = gateway.fetch_intent(payment.gateway_intent).news
    except GatewaySilentError as silent:
        return _note(kernel, refund_id, RefundState.UNKNOWN, str(silent), now=now)
    except GatewayRefusedError as refused:
        _note(kernel, refund_id, RefundState.FAILED, str(refused), now=now)
        raise
    with kernel.database.transaction() as session:
        locked = locked_payment(session, given.payment_id)
        take(session, locked, news, by=given.requested_by, now=now)
        given = session.exec(select(PaymentRefund).where(PaymentRefund.id == refund_id)).one()
        given.state, given.gateway_refund, given.updated_at = RefundState.DONE, number, now
        session.add(given)
    return given


def _note(kernel: Kernel, refund_id: int, state: RefundState, outcome: str, *, now: datetime) -> PaymentRefund:
    with kernel.database.transaction() as session:
        given = session.exec(select(PaymentRefund).where(PaymentRefund.id == refund_id)).one()
        given.state, given.outcome, given.updated_at = state, outcome[:400], now
        session.add(given)
    return given
