"""A customer pays online: the intent is written, then the gateway is asked, then its answer is written.

Three steps, for no call to the outside is made inside a transaction; the middle one may be made again at will,
the payment's public id being the gateway's idempotency key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func
from sqlmodel import Session, col, select

from ar.cash.apply import learn, locked_payment, peek
from ar.cash.gateway import CheckoutRequest, Gateway, GatewayRefusedError, GatewaySilentError, Line
from ar.cash.gateway_amounts import to_gateway
from ar.cash.gateways import open_gateway
from ar.cash.models import Method, Payment, PaymentTarget
from ar.cash.payment_states import UNFINISHED, Facts, PaymentState
from ar.cash.receive import PaymentError, Target, checked_targets, new_public_id, put_targets
from ar.cash.reconcile import close_page
from ar.core.db import among
from ar.core.errors import ConflictError
from ar.core.kernel import Kernel
from ar.ledger.allocate import locked_items

PAGE_MINUTES = 60
"""How long a payment page stays open: what is being paid on it is spoken for so long."""

MAX_LINES = 100
_SAME_PAGE_MINUTES = 10
_METHODS = {
    Method.ONLINE: ("card", "sepa_debit"),
    Method.CARD: ("card",),
    Method.SEPA_DEBIT: ("sepa_debit",),
}


class AlreadyPayingError(ConflictError):
    """A payment of the same items is under way: paying again would pay twice."""

    code = "already-paying"


@dataclass(frozen=True)
class _Wish:
    """What the customer wants to pay, and how."""

    account_id: int
    targets: Sequence[Target]
    method: Method
    language: str
    success_url: str
    cancel_url: str


def start(
    kernel: Kernel,
    *,
    account_id: int,
    targets: Sequence[Target],
    method: Method,
    language: str,
    success_url: str,
    cancel_url: str,
    now: datetime,
) -> str:
    """Open a payment page for open items of one customer: its address.

    Pressing twice gives the same page; another wish for the same items closes the page before it. `success_url` may
    hold {CHECKOUT_SESSION_ID}. Raises AlreadyPayingError, PaymentError, OverAllocationError, ItemNotFoundError,
    NotPayableOnlineError, GatewayRefusedError, GatewaySilentError (the payment is then `unknown`, and looked into).
    """
    gateway = open_gateway(kernel.settings)
    wish = _Wish(account_id, targets, method, language, success_url, cancel_url)
    with kernel.database.transaction() as session:
        stale = _pages_in_the_way(session, wish, now=now)
    for payment_id in stale:
        close_page(kernel, gateway, payment_id, now=now)
    with kernel.database.transaction() as session:
        payment_id = _intend(session, gateway, wish, now=now)
    return _ask(kernel, gateway, payment_id, now=now)


def in_flight(session: Session, account_ids: Sequence[int]) -> dict[int, int]:
    """What payments that have not ended mean for each open item of these accounts: entry id -> minor units."""
    if len(account_ids) == 1:
        rows = session.connection().execute(_FLYING_OF_ONE, {"account_id": account_ids[0]})
    else:
        rows = session.connection().execute(_flying(among(session, col(Payment.account_id), account_ids)))
    return {entry_id: int(minor) for entry_id, minor in rows}


def _flying(whose: ColumnElement[bool]) -> Any:
    return (
        select(PaymentTarget.entry_id, func.sum(col(PaymentTarget.amount_minor)))
        .join(Payment, col(Payment.id) == col(PaymentTarget.payment_id))
        .where(whose, col(Payment.state).in_(UNFINISHED), col(Payment.entry_id).is_(None))
        .group_by(col(PaymentTarget.entry_id))
    )


_FLYING_OF_ONE = _flying(col(Payment.account_id) == bindparam("account_id"))
"""Made once: the customer's page asks for it at every visit."""


def _pages_in_the_way(session: Session, wish: _Wish, *, now: datetime) -> list[int]:
    """Pages of this customer for some of the same items that are open for another wish, or nearly over."""
    wanted = {target.entry_id for target in wish.targets}
    return [
        payment.id
        for payment, targets in _unfinished(session, wish.account_id)
        if payment.id is not None
        and payment.state is not PaymentState.PENDING
        and wanted & {target.entry_id for target in targets}
        and not _is_same(payment, targets, wish, now=now)
    ]


def _unfinished(session: Session, account_id: int) -> list[tuple[Payment, list[PaymentTarget]]]:
    query = (
        select(Payment, PaymentTarget)
        .join(PaymentTarget, col(PaymentTarget.payment_id) == col(Payment.id))
        .where(
            Payment.account_id == account_id,
            col(Payment.state).in_(UNFINISHED),
            col(Payment.request).is_not(None),
            col(Payment.parked).is_(False),
        )
        .order_by(col(Payment.id), col(PaymentTarget.id))
    )
    found: dict[int | None, tuple[Payment, list[PaymentTarget]]] = {}
    for payment, target in session.exec(query):
        found.setdefault(payment.id, (payment, []))[1].append(target)
    return list(found.values())


def _is_same(payment: Payment, targets: Sequence[PaymentTarget], wish: _Wish, *, now: datetime) -> bool:
    return (
        payment.method is wish.method
        and payment.expires_at is not None
        and payment.expires_at - now >= timedelta(minutes=_SAME_PAGE_MINUTES)
        and {(t.entry_id, t.amount_minor) for t in targets} == {(t.entry_id, t.amount_minor) for t in wish.targets}
    )


def _intend(session: Session, gateway: Gateway, wish: _Wish, *, now: datetime) -> int:
    """The payment that says what is about to be asked: the one open for the same wish, or a new one."""
    targets = wish.targets
    if not 0 < len(targets) <= MAX_LINES or len({target.entry_id for target in targets}) != len(targets):
        raise PaymentError(f"Choose from 1 to {MAX_LINES} items to pay, each once")
    if any(target.amount_minor <= 0 for target in targets):
        raise PaymentError("The amounts to pay must be above zero")
    items = locked_items(session, sorted(target.entry_id for target in targets))
    first = items[targets[0].entry_id]
    checked_targets(session, wish.account_id, first["entity_id"], first["currency"], targets)
    for payment, known in _unfinished(session, wish.account_id):
        if payment.state is not PaymentState.PENDING and _is_same(payment, known, wish, now=now):
            assert payment.id is not None
            return payment.id
    flying = in_flight(session, [wish.account_id])
    for target in targets:
        if items[target.entry_id]["open_minor"] - flying.get(target.entry_id, 0) < target.amount_minor:
            raise AlreadyPayingError(
                "A payment of this is under way already: please wait until it is through, so that nothing is paid twice"
            )
    payment = _new_payment(gateway, wish, first["entity_id"], first["currency"], now=now)
    payment.request = _request(
        payment, wish, {target.entry_id: items[target.entry_id]["reference"] for target in targets}
    )
    session.add(payment)
    session.flush()
    put_targets(session, payment, targets)
    assert payment.id is not None
    return payment.id


def _new_payment(gateway: Gateway, wish: _Wish, entity_id: int, currency: str, *, now: datetime) -> Payment:
    return Payment(
        public_id=new_public_id(),
        entity_id=entity_id,
        account_id=wish.account_id,
        amount_minor=sum(target.amount_minor for target in wish.targets),
        currency=currency,
        method=wish.method,
        state=PaymentState.INTENDED,
        recorded_by=f"customer:{wish.account_id}",
        gateway=gateway.name,
        expires_at=now + timedelta(minutes=PAGE_MINUTES),
        created_at=now,
        updated_at=now,
    )


def _request(payment: Payment, wish: _Wish, references: dict[int, str]) -> dict[str, object]:
    offered = _METHODS.get(wish.method)
    if offered is None:
        raise PaymentError(f"{wish.method.value} is not a way to pay online")
    if payment.currency != "EUR":
        offered = tuple(way for way in offered if way != "sepa_debit")
    if not offered:
        raise PaymentError("SEPA direct debit takes euros only")
    for target in wish.targets:
        to_gateway(target.amount_minor, payment.currency)
    assert payment.expires_at is not None
    return CheckoutRequest(
        key=payment.public_id,
        currency=payment.currency,
        lines=[Line(references[t.entry_id] or f"#{t.entry_id}", t.amount_minor) for t in wish.targets],
        methods=list(offered),
        language=wish.language,
        success_url=wish.success_url,
        cancel_url=wish.cancel_url,
        expires_at=int(payment.expires_at.timestamp()),
    ).stored()


def _ask(kernel: Kernel, gateway: Gateway, payment_id: int, *, now: datetime) -> str:
    """Ask the gateway for the payment's page, outside any transaction, and write down what came of it: its address."""
    payment = peek(kernel.database, payment_id)
    if payment.checkout_url is not None:
        return payment.checkout_url
    assert payment.request is not None
    by = f"gateway:{gateway.name}"
    try:
        made = gateway.create_checkout(CheckoutRequest.restored(payment.request))
    except GatewayRefusedError as refused:
        with kernel.database.transaction() as session:
            learn(session, locked_payment(session, payment_id), Facts(failed_at=now), by=by, said=str(refused), now=now)
        raise
    except GatewaySilentError as silent:
        with kernel.database.transaction() as session:
            learn(session, locked_payment(session, payment_id), Facts(uncertain=True), by=by, said=str(silent), now=now)
        raise
    with kernel.database.transaction() as session:
        payment = locked_payment(session, payment_id)
        payment.gateway_session, payment.checkout_url = made.session, made.url
        learn(session, payment, Facts(asked=True), by=by, said="the payment page is open", now=now)
    return made.url
