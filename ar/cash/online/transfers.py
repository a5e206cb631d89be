"""Bank transfers to an account number of the customer's own: awaited, and taken when they come."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.apply import learn, locked_payment, peek
from ar.cash.checkout import clear_the_way
from ar.cash.gateway import GatewayRefusedError, GatewaySilentError
from ar.cash.gateway_amounts import NotPayableOnlineError
from ar.cash.gateways import open_gateway
from ar.cash.imputation import legal_order
from ar.cash.models import Flow, Method, Payment
from ar.cash.online.absorb import absorb
from ar.cash.online.customers import customer_number, known_number
from ar.cash.online.gateway import OnlineGateway, TransferRequest
from ar.cash.online.models import VirtualAccount
from ar.cash.online.parameters import TRANSFER_COUNTRIES
from ar.cash.payment_states import Facts, PaymentState
from ar.cash.receive import Target, new_public_id, put_targets
from ar.cash.wishes import Wish, check_free, describe, in_flight, locked_wish, unfinished
from ar.core.kernel import Kernel
from ar.customers.entities import entity
from ar.ledger.items import open_items

SPEND_JOB = "spend-cash-balance"
TRANSFER_DAYS = 7
"""How long a transfer is awaited, unless the customer pays otherwise meanwhile."""


def start_transfer(kernel: Kernel, wish: Wish, *, by: str, now: datetime) -> int:
    """Await a bank transfer for what a customer wishes to pay: the payment, whose `instructions` say where it goes.

    The same wish again is the same payment. What has arrived before without a purpose is taken at once. Raises
    AlreadyPayingError, PaymentError, OverAllocationError, ItemNotFoundError, NotPayableOnlineError (euros only),
    GatewayRefusedError, GatewaySilentError.
    """
    with kernel.database.reading() as session:
        for known, targets in unfinished(session, wish.account_id):
            if known.flow is Flow.TRANSFER and known.id is not None and wish.is_of(known, targets):
                return known.id
    gateway = open_gateway(kernel.settings)
    clear_the_way(kernel, wish, now=now)
    customer = customer_number(kernel, gateway, wish.account_id, now=now)
    with kernel.database.transaction() as session:
        payment_id = _intend(session, wish, customer, gateway=gateway.name, by=by, now=now)
    _ask(kernel, gateway, payment_id, now=now)
    return payment_id


def _intend(session: Session, wish: Wish, customer: str, *, gateway: str, by: str, now: datetime) -> int:
    checked = locked_wish(session, wish)
    if checked.currency != "EUR":
        raise NotPayableOnlineError("An account number of your own takes euros only: please pay another way")
    check_free(session, wish)
    seller = entity(session, checked.entity_id)
    public_id = new_public_id()
    request = TransferRequest(
        key=public_id,
        customer=customer,
        currency=checked.currency,
        amount_minor=checked.amount_minor,
        country=seller.country if seller.country in TRANSFER_COUNTRIES else "FR",
        description=describe(checked.lines, seller.name),
    )
    payment = Payment(
        public_id=public_id,
        entity_id=checked.entity_id,
        account_id=wish.account_id,
        amount_minor=checked.amount_minor,
        currency=checked.currency,
        method=Method.BANK_TRANSFER,
        state=PaymentState.INTENDED,
        recorded_by=by,
        gateway=gateway,
        flow=Flow.TRANSFER,
        request=request.stored(),
        expires_at=now + timedelta(days=TRANSFER_DAYS),
        created_at=now,
        updated_at=now,
    )
    session.add(payment)
    session.flush()
    put_targets(session, payment, wish.targets)
    assert payment.id is not None
    return payment.id


def _ask(kernel: Kernel, gateway: OnlineGateway, payment_id: int, *, now: datetime) -> None:
    payment = peek(kernel.database, payment_id)
    assert payment.request is not None
    by = f"gateway:{gateway.name}"
    try:
        asked = gateway.expect_transfer(TransferRequest.restored(payment.request))
    except GatewayRefusedError as refused:
        with kernel.database.transaction() as session:
            refusal = Facts(failed_at=now, failure="gateway_refused")
            learn(session, locked_payment(session, payment_id), refusal, by=by, said=str(refused), now=now)
        raise
    except GatewaySilentError as silent:
        with kernel.database.transaction() as session:
            learn(session, locked_payment(session, payment_id), Facts(uncertain=True), by=by, said=str(silent), now=now)
        raise
    with kernel.database.transaction() as session:
        absorb(session, locked_payment(session, payment_id), asked, by=by, now=now)


def virtual_accounts(session: Session, account_id: int) -> list[VirtualAccount]:
    """The account numbers that a customer was given to transfer to."""
    query = select(VirtualAccount).where(VirtualAccount.account_id == account_id)
    return list(session.exec(query.order_by(col(VirtualAccount.id))))


def awaited(session: Session, account_id: int) -> list[Payment]:
    """Transfers that an account began and that have not come in full, the oldest first."""
    return [payment for payment, _ in unfinished(session, account_id) if payment.flow is Flow.TRANSFER]


def spend_balance(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: money came to a customer's account number and no awaited transfer took it: pay what is due with it, in the
    law's order. What is left stays in its balance there, and is shown. Raises GatewaySilentError.
    """
    account_id, currency = arguments["account_id"], arguments["currency"]
    gateway = open_gateway(kernel.settings)
    with kernel.database.reading() as session:
        number = known_number(session, gateway.name, account_id)
    if number is None:
        return "the gateway does not know the customer"
    balance = gateway.cash_balance(number).get(currency, 0)
    with kernel.database.transaction() as session:
        note_balance(session, account_id, gateway.name, currency, balance, at=now)
        wishes = _wishes(session, account_id, currency, balance, today=now.date())
    for wish in wishes:
        start_transfer(kernel, wish, by="system", now=now)
    return f"{len(wishes)} payments from a balance of {balance} minor units"


def note_balance(
    session: Session, account_id: int, gateway: str, currency: str, balance_minor: int, *, at: datetime
) -> None:
    """Keep what the gateway said last of a customer's balance; older news change nothing."""
    query = select(VirtualAccount).where(
        VirtualAccount.account_id == account_id, VirtualAccount.gateway == gateway, VirtualAccount.currency == currency
    )
    known = session.exec(query.with_for_update()).first()
    if known is None or (known.balance_at is not None and known.balance_at > at):
        return
    if known.balance_at == at:  # two moves in one second: what came and went at once is gone, whichever is told last
        balance_minor = min(balance_minor, known.balance_minor)
    known.balance_minor, known.balance_at = balance_minor, at
    session.add(known)


def _wishes(session: Session, account_id: int, currency: str, balance: int, *, today: date) -> list[Wish]:
    """What a balance pays: one wish for each seller, the oldest debts first."""
    flying = in_flight(session, [account_id])
    items = [
        item
        for item in open_items(session, account_ids=[account_id], as_of=date.max)
        if item.currency == currency and item.entry_id not in flying
    ]
    sellers = {item.entry_id: item.entity_id for item in items}
    by_seller: dict[int, list[Target]] = defaultdict(list)
    for entry_id, minor in legal_order(items, balance, today=today):
        by_seller[sellers[entry_id]].append(Target(entry_id, minor))
    return [Wish(account_id, targets) for _, targets in sorted(by_seller.items())]
