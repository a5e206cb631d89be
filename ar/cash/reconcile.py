"""Asking the gateway what became of payments: by a job until each has ended or is parked, and on a payer's return."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from ar.cash.apply import PaymentNotFoundError, learn, locked_payment, peek
from ar.cash.gateway import CheckoutRequest, GatewayRefusedError, GatewaySilentError
from ar.cash.gateways import gateway_name, open_gateway
from ar.cash.models import Flow, Payment
from ar.cash.news import take
from ar.cash.online.absorb import absorb
from ar.cash.online.gateway import OnlineGateway
from ar.cash.online.setups import finish_open_setups
from ar.cash.payment_states import UNFINISHED, Facts, PaymentState
from ar.cash.refunds import finish_refunds
from ar.core.errors import DomainError
from ar.core.kernel import Kernel

POLL_MINUTES = 10
"""How old the last word on a payment is before the gateway is asked again."""

SILENT_DAYS = 3
PENDING_DAYS = 30
"""After so long a payment of unknown fate, or a debit without an answer, is parked for a person."""

_ARRIVED = timedelta(minutes=2)
"""After so long a call has arrived at the gateway, or never will."""

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
    finish_open_setups(kernel, gateway, now=now)
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


def look_into(kernel: Kernel, gateway: OnlineGateway, payment_id: int, *, now: datetime) -> PaymentState:
    """Ask the gateway about a payment and write its answer down: the state. Raises GatewaySilentError.

    A page whose call was never answered is asked for again under its key: the page that was made is found, or one
    is made; nobody has its address, so it is closed. A charge is never asked for again: see `find`.
    """
    payment = peek(kernel.database, payment_id)
    if payment.flow in (Flow.CHARGE, Flow.TRANSFER):
        return _look_into_intent(kernel, gateway, payment, now=now)
    if payment.gateway_session is None:
        return close(kernel, gateway, payment_id, now=now)
    try:
        news = gateway.fetch(payment.gateway_session)
    except GatewayRefusedError as refused:
        return _unknown_there(kernel, payment_id, refused, gateway, now=now)
    with kernel.database.transaction() as session:
        payment = locked_payment(session, payment_id)
        state = take(session, payment, news, by=f"gateway:{gateway.name}", now=now)
        return _looked_into(session, payment, state, now=now)


def _look_into_intent(kernel: Kernel, gateway: OnlineGateway, payment: Payment, *, now: datetime) -> PaymentState:
    assert payment.id is not None
    if payment.gateway_intent is None:
        return find(kernel, gateway, payment, now=now)
    try:
        asked = gateway.fetch_intent(payment.gateway_intent)
        waits = payment.expires_at is not None and payment.expires_at <= now and not asked.news.facts.funded_minor
        if waits and payment.state is PaymentState.STARTED:
            with suppress(GatewayRefusedError):  # paid meanwhile: what it says now tells so
                gateway.cancel(payment.gateway_intent)
            asked = gateway.fetch_intent(payment.gateway_intent)
    except GatewayRefusedError as refused:
        return _unknown_there(kernel, payment.id, refused, gateway, now=now)
    with kernel.database.transaction() as session:
        payment = locked_payment(session, payment.id or 0)
        state = absorb(session, payment, asked, by=f"gateway:{gateway.name}", now=now)
        return _looked_into(session, payment, state, now=now)


def find(kernel: Kernel, gateway: OnlineGateway, payment: Payment, *, now: datetime) -> PaymentState:
    """A charge whose answer was lost is looked for at the gateway, and never asked for again: the invoice may have
    been paid otherwise since. One that never arrived there has failed as of just before it was asked, so that it is
    believed at once should it turn up after all. Raises GatewaySilentError.
    """
    assert payment.id is not None
    assert payment.request is not None
    if now - payment.updated_at < _ARRIVED:
        return payment.state
    since = payment.created_at - _days(1)
    asked = gateway.find_intent(customer=payment.request["customer"], key=payment.public_id, since=since)
    with kernel.database.transaction() as session:
        payment = locked_payment(session, payment.id)
        by = f"gateway:{gateway.name}"
        if asked is not None:
            return absorb(session, payment, asked, by=by, now=now)
        payment.polled_at = now
        lost = Facts(failed_at=payment.created_at - timedelta(minutes=5), failure="never_arrived")
        return learn(session, payment, lost, by=by, said="the gateway never got it", now=now)


def _looked_into(session: Session, payment: Payment, state: PaymentState, *, now: datetime) -> PaymentState:
    payment.polled_at = now
    if payment.processing_at and state is PaymentState.PENDING and now - payment.processing_at > _days(PENDING_DAYS):
        doubts = frozenset({f"no answer from the bank for {PENDING_DAYS} days"})
        return learn(session, payment, Facts(doubts=doubts), by="system", said="parked", now=now)
    return state


def _unknown_there(
    kernel: Kernel, payment_id: int, refused: GatewayRefusedError, gateway: OnlineGateway, *, now: datetime
) -> PaymentState:
    doubts = frozenset({f"the gateway does not know the payment: {refused}"[:300]})
    return _learn(kernel, payment_id, Facts(doubts=doubts), gateway, said=str(refused), now=now)


def close(kernel: Kernel, gateway: OnlineGateway, payment_id: int, *, now: datetime) -> PaymentState:
    """Have nobody pay on a payment's page, or by its charge or transfer, any more, and learn how it ended: the state.

    Raises GatewaySilentError.
    """
    payment = peek(kernel.database, payment_id)
    if payment.flow in (Flow.CHARGE, Flow.TRANSFER):
        if payment.gateway_intent is not None:
            with suppress(GatewayRefusedError):  # paid, or closed already
                gateway.cancel(payment.gateway_intent)
        return look_into(kernel, gateway, payment_id, now=now)
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


def look_again(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: ask the gateway about one payment of which its news told too little."""
    return look_into(kernel, open_gateway(kernel.settings), arguments["payment_id"], now=now).value


def _learn(
    kernel: Kernel, payment_id: int, news: Facts, gateway: OnlineGateway, *, said: str, now: datetime
) -> PaymentState:
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


def returned_charge(kernel: Kernel, *, account_id: int, now: datetime) -> PaymentState:
    """A customer is back from its bank, which asked it about a charge: how its newest charge stands, asked now.

    Raises PaymentNotFoundError when there is none.
    """
    with kernel.database.reading() as session:
        query = select(Payment.id).where(Payment.account_id == account_id, Payment.flow == Flow.CHARGE)
        payment_id = session.exec(query.order_by(col(Payment.id).desc()).limit(1)).first()
    if payment_id is None:
        raise PaymentNotFoundError("There is no such payment")
    payment = peek(kernel.database, payment_id)
    if payment.state not in UNFINISHED:
        return payment.state
    try:
        return look_into(kernel, open_gateway(kernel.settings), payment_id, now=now)
    except DomainError:
        return payment.state
