"""A customer leaves a card or a bank account on the gateway's page, to be charged later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.apply import peek
from ar.cash.gateway import GatewayRefusedError, GatewaySilentError
from ar.cash.gateways import open_gateway
from ar.cash.online.customers import customer_number
from ar.cash.online.gateway import OnlineGateway, Setup, SetupRequest, SetupStage
from ar.cash.online.methods import keep
from ar.cash.online.models import MethodSetup, SavedMethod, SetupState
from ar.cash.receive import new_public_id
from ar.core.errors import NotFoundError
from ar.core.kernel import Kernel

SETUP_JOB = "finish-setup"
SETUP_MINUTES = 60
_METHODS = ("card", "sepa_debit")
_UNFINISHED = (SetupState.INTENDED, SetupState.OPEN)
_CHUNK = 100


class SetupNotFoundError(NotFoundError):
    code = "setup-not-found"


def start_setup(
    kernel: Kernel,
    *,
    account_id: int,
    language: str,
    success_url: str,
    cancel_url: str,
    by: str,
    now: datetime,
) -> str:
    """Open a page for an account to leave a method on: its address. To ask for it is the customer's consent.

    `success_url` may hold {CHECKOUT_SESSION_ID}. Raises AccountNotFoundError, GatewayRefusedError, GatewaySilentError.
    """
    gateway = open_gateway(kernel.settings)
    customer = customer_number(kernel, gateway, account_id, now=now)
    public_id = new_public_id("setup")
    request = SetupRequest(
        key=public_id,
        customer=customer,
        methods=list(_METHODS),
        language=language,
        success_url=success_url,
        cancel_url=cancel_url,
        expires_at=int((now + timedelta(minutes=SETUP_MINUTES)).timestamp()),
    )
    with kernel.database.transaction() as session:
        setup = MethodSetup(
            public_id=public_id,
            account_id=account_id,
            gateway=gateway.name,
            state=SetupState.INTENDED,
            request=request.stored(),
            consented_by=by,
            created_at=now,
            updated_at=now,
        )
        session.add(setup)
    page = gateway.create_setup(request)
    with kernel.database.transaction() as session:
        setup = session.exec(select(MethodSetup).where(MethodSetup.public_id == public_id).with_for_update()).one()
        setup.gateway_session, setup.state, setup.updated_at = page.session, SetupState.OPEN, now
        session.add(setup)
    return page.url


def returned_setup(kernel: Kernel, *, account_id: int, session_number: str, now: datetime) -> SavedMethod | None:
    """A customer is back from such a page: the method it left, asked for now, if it left one.

    Raises SetupNotFoundError for a page that is not this customer's, GatewaySilentError.
    """
    with kernel.database.reading() as session:
        query = select(MethodSetup.account_id).where(MethodSetup.gateway_session == session_number)
        if session.exec(query).first() != account_id:
            raise SetupNotFoundError("There is no such page of yours")
    return finish(kernel, open_gateway(kernel.settings), session_number, now=now)


def finish_setup(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: a page was left, or its time is over: keep what was left on it. Raises GatewaySilentError."""
    kept = finish(kernel, open_gateway(kernel.settings), arguments["session"], now=now)
    return "nothing was left" if kept is None else f"method {kept.id}"


def finish_open_setups(kernel: Kernel, gateway: OnlineGateway, *, now: datetime) -> int:
    """Look into pages of which nothing was heard: how many have ended."""
    query = (
        select(MethodSetup)
        .where(
            MethodSetup.gateway == gateway.name,
            col(MethodSetup.state).in_(_UNFINISHED),
            MethodSetup.created_at <= now - timedelta(minutes=SETUP_MINUTES),
        )
        .order_by(col(MethodSetup.created_at))
        .limit(_CHUNK)
    )
    with kernel.database.reading() as session:
        waiting = [(one.public_id, one.gateway_session) for one in session.exec(query)]
    ended = 0
    for public_id, number in waiting:
        if number is None:
            _end(kernel, public_id, "the gateway did not answer, so nobody saw its page", now=now)
            ended += 1
            continue
        try:
            finish(kernel, gateway, number, now=now)
        except GatewaySilentError:
            continue
        ended += 1
    return ended


def finish(kernel: Kernel, gateway: OnlineGateway, number: str, *, now: datetime) -> SavedMethod | None:
    """Ask how a page stands and keep what was left on it; the same again changes nothing. Raises GatewaySilentError."""
    try:
        told = gateway.fetch_setup(number)
    except GatewayRefusedError as refused:
        told = Setup(SetupStage.ENDED)
        outcome = str(refused)
    else:
        outcome = "nothing was left"
    with kernel.database.transaction() as session:
        query = select(MethodSetup).where(MethodSetup.gateway_session == number).with_for_update()
        setup = session.exec(query).first()
        if setup is None or told.stage is SetupStage.OPEN:
            return None
        if told.method is None:
            if setup.state in _UNFINISHED:
                setup.state, setup.outcome, setup.updated_at = SetupState.ENDED, outcome[:400], now
                session.add(setup)
            return None
        kept = keep(session, setup.account_id, gateway.name, told.customer, told.method, by=setup.consented_by, now=now)
        setup.state, setup.saved_method_id, setup.updated_at = SetupState.DONE, kept.id, now
        session.add(setup)
        session.flush()
        session.expunge(kept)
        return kept


def keep_paid_method(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: keep what a customer paid with on a page, which it agreed to there. Raises GatewaySilentError."""
    payment = peek(kernel.database, arguments["payment_id"])
    gateway = open_gateway(kernel.settings)
    if payment.gateway_session is None or payment.gateway != gateway.name:
        return "no page of this gateway"
    told = gateway.method_of(payment.gateway_session)
    if told.method is None:
        return "nothing was left"
    with kernel.database.transaction() as session:
        kept = keep(
            session, payment.account_id, gateway.name, told.customer, told.method, by=payment.recorded_by, now=now
        )
        return f"method {kept.id}"


def _end(kernel: Kernel, public_id: str, why: str, *, now: datetime) -> None:
    with kernel.database.transaction() as session:
        setup = session.exec(select(MethodSetup).where(MethodSetup.public_id == public_id).with_for_update()).one()
        setup.state, setup.outcome, setup.updated_at = SetupState.ENDED, why, now
        session.add(setup)


def setup_of(session: Session, number: str) -> MethodSetup | None:
    """The setup that a gateway's page belongs to."""
    return session.exec(select(MethodSetup).where(MethodSetup.gateway_session == number)).first()
