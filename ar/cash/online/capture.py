"""Money that is authorised: captured, all of it or a part, or released."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from ar.cash.apply import locked_payment
from ar.cash.gateways import open_gateway
from ar.cash.models import Payment
from ar.cash.news import take
from ar.cash.payment_states import PaymentState
from ar.cash.receive import PaymentError
from ar.cash.reconcile import look_into
from ar.core.audit import Act, record
from ar.core.kernel import Kernel


def capture(kernel: Kernel, payment_id: int, *, amount_minor: int, by: str, now: datetime) -> PaymentState:
    """Take that much of what is authorised, once; the rest is released to the customer: the state.

    The same capture asked again is one capture. Raises PaymentNotFoundError, PaymentError, NotPayableOnlineError,
    GatewayRefusedError, GatewaySilentError (the reconciler then finds out).
    """
    gateway = open_gateway(kernel.settings)
    with kernel.database.transaction() as session:
        payment = _authorised(session, payment_id, gateway.name)
        if not 0 < amount_minor <= payment.amount_minor:
            raise PaymentError(f"A capture must be above zero and at most what is authorised ({payment.amount_minor})")
        intent, currency, public_id = payment.gateway_intent or "", payment.currency, payment.public_id
        change = {"amount_minor": amount_minor, "currency": currency}
        record(session, [Act(by, "payment.capture_asked", f"payment:{payment_id}", change)], now=now)
    key = f"{public_id}-capture-{amount_minor}"
    news = gateway.capture(intent=intent, amount_minor=amount_minor, currency=currency, key=key)
    with kernel.database.transaction() as session:
        return take(session, locked_payment(session, payment_id), news, by=by, now=now)


def release(kernel: Kernel, payment_id: int, *, why: str, by: str, now: datetime) -> PaymentState:
    """Take nothing of what is authorised: the state.

    Raises PaymentNotFoundError, PaymentError, GatewayRefusedError, GatewaySilentError.
    """
    gateway = open_gateway(kernel.settings)
    with kernel.database.transaction() as session:
        payment = _authorised(session, payment_id, gateway.name)
        intent = payment.gateway_intent or ""
        record(session, [Act(by, "payment.release_asked", f"payment:{payment_id}", {"why": why})], now=now)
    gateway.cancel(intent)
    return look_into(kernel, gateway, payment_id, now=now)


def _authorised(session: Session, payment_id: int, gateway: str) -> Payment:
    payment = locked_payment(session, payment_id)
    if payment.authorised_at is None or payment.state is not PaymentState.PENDING or payment.gateway_intent is None:
        raise PaymentError(f"Nothing is authorised by this payment: it is {payment.state.value}")
    if payment.gateway != gateway:
        raise PaymentError(f"This payment came by the gateway {payment.gateway}, which is not connected any more")
    return payment
