"""A customer pays online: the intent is written, then the gateway is asked, then its answer is written.

Three steps, for no call to the outside is made inside a transaction; the middle one may be made again at will,
the payment's public id being the gateway's idempotency key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from ar.cash.apply import learn, locked_payment, peek
from ar.cash.gateway import CheckoutRequest, Gateway, GatewayRefusedError, GatewaySilentError
from ar.cash.gateways import open_gateway
from ar.cash.models import Flow, Method, Payment, PaymentTarget
from ar.cash.online.customers import customer_number
from ar.cash.payment_states import Facts, PaymentState
from ar.cash.receive import PaymentError, Target, new_public_id, put_targets
from ar.cash.reconcile import close
from ar.cash.wishes import (
    ON_ACCOUNT,
    AlreadyPayingError,
    Checked,
    OnAccount,
    Wish,
    check_free,
    in_flight,
    locked_wish,
    unfinished,
)
from ar.core.kernel import Kernel

__all__ = ["PAGE_MINUTES", "AlreadyPayingError", "PageWish", "clear_the_way", "in_flight", "open_page", "start"]

PAGE_MINUTES = 60
"""How long a payment page stays open: what is being paid on it is spoken for so long."""

_SAME_PAGE_MINUTES = 10
_METHODS = {
    Method.ONLINE: ("card", "sepa_debit"),
    Method.CARD: ("card",),
    Method.SEPA_DEBIT: ("sepa_debit",),
}


@dataclass(frozen=True)
class PageWish:
    """What a customer wants to pay on a page, and how. `success_url` may hold {CHECKOUT_SESSION_ID}.

    `save`: the customer agrees that what it pays with is kept and charged later. `hold`: authorise only, to capture
    later. `by` asked for it, where that is not the customer.
    """

    wish: Wish
    method: Method
    language: str
    success_url: str
    cancel_url: str
    save: bool = False
    hold: bool = False
    by: str | None = None

    @property
    def asked_by(self) -> str:
        return self.by or f"customer:{self.wish.account_id}"


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
    on_account: OnAccount | None = None,
    save: bool = False,
) -> str:
    """Open a payment page for open items of one customer, parts of them, or an amount on account: its address.

    Pressing twice gives the same page; another wish for the same items closes the page before it. Raises
    AlreadyPayingError, PaymentError, OverAllocationError, ItemNotFoundError, NotPayableOnlineError,
    GatewayRefusedError, GatewaySilentError (the payment is then `unknown`, and looked into).
    """
    wish = Wish(account_id, targets, on_account)
    return open_page(kernel, PageWish(wish, method, language, success_url, cancel_url, save), now=now)[1]


def open_page(kernel: Kernel, page: PageWish, *, now: datetime) -> tuple[int, str]:
    """The payment that a page was opened for, and the page's address. Raises as `start` does."""
    gateway = open_gateway(kernel.settings)
    clear_the_way(kernel, page.wish, now=now, page=page)
    customer = customer_number(kernel, gateway, page.wish.account_id, now=now) if page.save else ""
    with kernel.database.transaction() as session:
        payment_id = _intend(kernel, session, gateway, page, customer, now=now)
    return payment_id, _ask(kernel, gateway, payment_id, now=now)


def clear_the_way(kernel: Kernel, wish: Wish, *, now: datetime, page: PageWish | None = None) -> None:
    """Close what this customer began for some of the same items and did not finish, but for the same `page`."""
    wanted = {target.entry_id for target in wish.targets}
    with kernel.database.reading() as session:
        stale = [
            payment.id
            for payment, targets in unfinished(session, wish.account_id)
            if payment.id is not None
            and _can_be_closed(payment)
            and wanted & {target.entry_id for target in targets}
            and not (page is not None and _is_same(payment, targets, page, now=now))
        ]
    for payment_id in stale:
        close(kernel, open_gateway(kernel.settings), payment_id, now=now)


def _can_be_closed(payment: Payment) -> bool:
    """Pages can be, whatever became of the asking; charges and transfers only while they wait for the customer."""
    if payment.flow in (Flow.CHARGE, Flow.TRANSFER):
        return payment.state is PaymentState.STARTED
    return payment.state is not PaymentState.PENDING


def _is_same(payment: Payment, targets: Sequence[PaymentTarget], page: PageWish, *, now: datetime) -> bool:
    asked = payment.request or {}
    return (
        payment.flow not in (Flow.CHARGE, Flow.TRANSFER)
        and payment.method is page.method
        and (asked.get("save", False), asked.get("hold", False)) == (page.save, page.hold)
        and payment.expires_at is not None
        and payment.expires_at - now >= timedelta(minutes=_SAME_PAGE_MINUTES)
        and page.wish.is_of(payment, targets)
    )


def _intend(kernel: Kernel, session: Session, gateway: Gateway, page: PageWish, customer: str, *, now: datetime) -> int:
    """The payment that says what is about to be asked: the one open for the same wish, or a new one."""
    wish = page.wish
    checked = locked_wish(session, wish)
    for payment, known in unfinished(session, wish.account_id):
        if payment.state is not PaymentState.PENDING and _is_same(payment, known, page, now=now):
            assert payment.id is not None
            return payment.id
    check_free(session, wish)
    payment = Payment(
        public_id=new_public_id(),
        entity_id=checked.entity_id,
        account_id=wish.account_id,
        amount_minor=checked.amount_minor,
        currency=checked.currency,
        method=page.method,
        state=PaymentState.INTENDED,
        recorded_by=page.asked_by,
        gateway=gateway.name,
        flow=Flow.PAGE,
        expires_at=now + timedelta(minutes=PAGE_MINUTES),
        created_at=now,
        updated_at=now,
    )
    payment.request = _request(kernel, payment, checked, page, customer).stored()
    session.add(payment)
    session.flush()
    put_targets(session, payment, wish.targets)
    assert payment.id is not None
    return payment.id


def _request(kernel: Kernel, payment: Payment, checked: Checked, page: PageWish, customer: str) -> CheckoutRequest:
    offered = _METHODS.get(page.method)
    if offered is None:
        raise PaymentError(f"{page.method.value} is not a way to pay online")
    if checked.currency != "EUR" or page.hold:
        offered = tuple(way for way in offered if way != "sepa_debit")
    if not offered:
        raise PaymentError("SEPA direct debit takes euros only, and cannot be held to be captured later")
    on_account = kernel.renderer.text(ON_ACCOUNT, language=page.language)
    assert payment.expires_at is not None
    return CheckoutRequest(
        key=payment.public_id,
        currency=checked.currency,
        lines=[replace(line, name=on_account) if line.name == ON_ACCOUNT else line for line in checked.lines],
        methods=list(offered),
        language=page.language,
        success_url=page.success_url,
        cancel_url=page.cancel_url,
        expires_at=int(payment.expires_at.timestamp()),
        customer=customer,
        save=page.save,
        hold=page.hold,
    )


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
