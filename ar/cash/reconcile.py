"""Asking the gateway what became of payments: by a job until each has ended or is parked, and on a payer's return."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_
from sqlmodel import col, select

from ar.cash.apply import PaymentNotFoundError, learn, locked_payment, peek
from ar.cash.gateway import CheckoutRequest, Gateway, GatewayRefusedError, GatewaySilentError
from ar.cash.gateways import gateway_name, open_gateway
from ar.cash.models import Payment
from ar.cash.news import take
from ar.cash.payment_states import UNFINISHED, Facts, PaymentState
from ar.cash.refunds import finish_refunds
from ar.core.errors import DomainError
from ar.core.kernel import Kernel

POLL_MINUTES = 10
"""How old the last word on a payment is before the gateway is asked again."""

SILENT_DAYS = 3
PENDING_DAYS = 30
"""After so long a payment of unknown fate, or a debit without an answer, is parked for a person."""

_CHUNK = 200


def reconcile_payments(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Job: look into every payment that has not ended and has not been heard of lately: what was done, in words."""
    gateway = open_gateway(kernel.settings)
    looked, ended, silent = 0, 0, 0
    for payment_id in _due(kernel, now=now):
        try:
            state = look_into(kernel, gateway, payment_id, now=now)
        except GatewaySilentError:
            silent += 1
            state = _park_if_old(kernel, payment_id, now=now)
        looked += 1
        ended += state not in UNFINISHED
    refunds = finish_refunds(kernel, gateway, now=now)
    return f"{looked} payments looked into, {ended} ended, {silent} without an answer; {refunds} refunds finished"


def returned(kernel: Kernel, *, account_id: int, session_id: str, now: datetime) -> PaymentState:
    """A customer is back from a payment page: how its payment stands, asked now, so that no webhook need be awaited.

    Raises PaymentNotFoundError for a page that is not this customer's.
    """
    with kernel.database.reading() as session:
        query = select(Payment.id).where(Payment.gateway_session == session_id, Payment.account_id == account_id)
        payment_id = session.exec(query).first()
    if payment_id is None:
        raise PaymentNotFoundError("There is no such payment")
    payment = peek(kernel.database, payment_id)
    if payment.state not in UNFINISHED:
        return payment.state
    try:
        return look_into(kernel, open_gateway(kernel.settings), payment_id, now=now)
    except DomainError:
        return payment.state


def look_into(kernel: Kernel, gateway: Gateway, payment_id: int, *, now: datetime) -> PaymentState:
    """Ask the gateway about a payment and write its answer down: the state. Raises GatewaySilentError.

    A payment whose call was never answered is asked again under its key: the page that was made is found, or one
    is made; nobody has its address, so it is closed.
    """
    payment = peek(kernel.database, payment_id)
    if payment.gateway_session is None:
        return close_page(kernel, gateway, payment_id, now=now)
    try:
        news = gateway.fetch(payment.gateway_session)
    except GatewayRefusedError as refused:
        doubts = frozenset({f"the gateway does not know the payment: {refused}"[:300]})
        return _learn(kernel, payment_id, Facts(doubts=doubts), gateway, said=str(refused), now=now)
    with kernel.database.transaction() as session:
        payment = locked_payment(session, payment_id)
        state = take(session, payment, news, by=f"gateway:{gateway.name}", now=now)
        payment.polled_at = now
        if (
            payment.processing_at
            and state is PaymentState.PENDING
            and now - payment.processing_at > _days(PENDING_DAYS)
        ):
            doubts = frozenset({f"no answer from the bank for {PENDING_DAYS} days"})
            state = learn(session, payment, Facts(doubts=doubts), by="system", said="parked", now=now)
    return state


def close_page(kernel: Kernel, gateway: Gateway, payment_id: int, *, now: datetime) -> PaymentState:
    """Close a payment's page, so that nobody can pay on it any more, and learn how it ended: the state.

    Raises GatewaySilentError.
    """
    payment = peek(kernel.database, payment_id)
    page = payment.gateway_session
    if page is None:
        assert payment.request is not None
        try:
            made = gateway.create_checkout(CheckoutRequest.restored(payment.request))
        except GatewayRefusedError as refused:
            return _learn(kernel, payment_id, Facts(failed_at=now), gateway, said=str(refused), now=now)
        page = made.session
        with kernel.database.transaction() as session:
            payment = locked_payment(session, payment_id)
            payment.gateway_session = page
            learn(session, payment, Facts(asked=True), by=f"gateway:{gateway.name}", said="found again", now=now)
    with suppress(GatewayRefusedError):  # paid on, or closed already: what it says now tells which
        gateway.expire(page)
    return look_into(kernel, gateway, payment_id, now=now)


def _learn(kernel: Kernel, payment_id: int, news: Facts, gateway: Gateway, *, said: str, now: datetime) -> PaymentState:
    with kernel.database.transaction() as session:
        payment = locked_payment(session, payment_id)
        payment.polled_at = now
        return learn(session, payment, news, by=f"gateway:{gateway.name}", said=said, now=now)


def _due(kernel: Kernel, *, now: datetime) -> list[int]:
    """Unfinished payments of this gateway that were not heard of lately, the longest silent first; parked ones rest."""
    before = now - timedelta(minutes=POLL_MINUTES)
    query = (
        select(Payment.id)
        .where(
            col(Payment.state).in_(UNFINISHED),
            Payment.gateway == gateway_name(kernel.settings),
            Payment.updated_at <= before,
            or_(col(Payment.polled_at).is_(None), col(Payment.polled_at) <= before),
            col(Payment.parked).is_(False),
        )
        .order_by(col(Payment.polled_at).nulls_first(), col(Payment.id))
        .limit(_CHUNK)
    )
    with kernel.database.reading() as session:
        return [payment_id for payment_id in session.exec(query) if payment_id is not None]


def _park_if_old(kernel: Kernel, payment_id: int, *, now: datetime) -> PaymentState:
    with kernel.database.transaction() as session:
        payment = locked_payment(session, payment_id)
        payment.polled_at = now
        if payment.state is PaymentState.PENDING or now - payment.created_at <= _days(SILENT_DAYS):
            return payment.state
        doubts = frozenset({f"the gateway has not answered for {SILENT_DAYS} days"})
        return learn(session, payment, Facts(doubts=doubts), by="system", said="parked", now=now)


def _days(count: int) -> timedelta:
    return timedelta(days=count)
