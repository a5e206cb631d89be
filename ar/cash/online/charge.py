"""Charging a saved method: the intent is written, the gateway asked once under its key, and its answer written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from ar.cash.apply import learn, locked_payment, peek
from ar.cash.checkout import clear_the_way
from ar.cash.gateway import GatewayRefusedError, GatewaySilentError
from ar.cash.gateways import gateway_name, open_gateway
from ar.cash.models import Flow, Method, Payment
from ar.cash.online.absorb import absorb
from ar.cash.online.gateway import ChargeRequest, OnlineGateway
from ar.cash.online.methods import check_usable, own_method
from ar.cash.online.models import MethodKind, SavedMethod
from ar.cash.payment_states import Facts, PaymentState
from ar.cash.receive import PaymentError, PaymentKeyReusedError, new_public_id, put_targets
from ar.cash.wishes import Checked, Wish, check_free, describe, lock_account, locked_wish
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.kernel import Kernel
from ar.customers.entities import entity

CONFIRM_MINUTES = 60
"""How long a customer has to confirm a charge at its bank."""

_METHODS = {MethodKind.CARD: Method.CARD, MethodKind.SEPA_DEBIT: Method.SEPA_DEBIT}


@dataclass(frozen=True)
class ChargeWish:
    """What is to be charged to which method, and who asks for it.

    `return_url`: where the customer comes back to when its bank asks it to confirm; None when it is not there to be
    asked. `hold`: authorise only, to capture later. `key` makes the charge unique: the same again is the same charge.
    """

    wish: Wish
    method_id: int
    by: str
    return_url: str | None = None
    hold: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Charged:
    """What came of a charge; `url` is where the customer must confirm it, if it must."""

    payment_id: int
    state: PaymentState
    failure: str
    url: str


def charge_saved(kernel: Kernel, wanted: ChargeWish, *, now: datetime) -> Charged:
    """Charge a saved method for items, parts of them, or an amount on account: what came of it.

    A decline is an answer, not an error. Raises MethodNotFoundError, MethodUnusableError, AlreadyPayingError,
    PaymentError, OverAllocationError, ItemNotFoundError, NotPayableOnlineError, PaymentKeyReusedError,
    GatewayRefusedError, GatewaySilentError (the payment is then `unknown`, looked for, and never charged again).
    """
    clear_the_way(kernel, wanted.wish, now=now)
    with kernel.database.transaction() as session:
        payment_id, fresh = intend_charge(session, wanted, gateway=gateway_name(kernel.settings), now=now)
    if not fresh:
        return _outcome(peek(kernel.database, payment_id))
    return ask_charge(kernel, open_gateway(kernel.settings), payment_id, now=now)


def intend_charge(session: Session, wanted: ChargeWish, *, gateway: str, now: datetime) -> tuple[int, bool]:
    """Write what is about to be charged: the payment, and whether it is new. Raises as `charge_saved` does."""
    lock_account(session, wanted.wish.account_id)
    if wanted.key is not None:
        known = session.exec(select(Payment).where(Payment.idempotency_key == wanted.key)).first()
        if known is not None and known.id is not None:
            if (known.amount_minor, known.saved_method_id) != (wanted.wish.amount_minor, wanted.method_id):
                raise PaymentKeyReusedError("This key charged something else: use a new key for a new charge")
            return known.id, False
    checked = locked_wish(session, wanted.wish)
    seller = entity(session, checked.entity_id)
    method = own_method(session, wanted.wish.account_id, wanted.method_id)
    check_usable(method, gateway, today=local_date(now, seller.time_zone))
    if method.kind is MethodKind.SEPA_DEBIT and checked.currency != "EUR":
        raise PaymentError("SEPA direct debit takes euros only")
    if method.kind is MethodKind.SEPA_DEBIT and wanted.hold:
        raise PaymentError("A direct debit cannot be held to be captured later")
    check_free(session, wanted.wish)
    payment = _payment(wanted, method, checked, seller.name, gateway=gateway, now=now)
    session.add(payment)
    session.flush()
    put_targets(session, payment, wanted.wish.targets)
    assert payment.id is not None
    change = {"amount_minor": checked.amount_minor, "currency": checked.currency, "method": method.id}
    record(session, [Act(wanted.by, "payment.charge_asked", f"payment:{payment.id}", change)], now=now)
    return payment.id, True


def _payment(
    wanted: ChargeWish, method: SavedMethod, checked: Checked, seller: str, *, gateway: str, now: datetime
) -> Payment:
    public_id = new_public_id()
    request = ChargeRequest(
        key=public_id,
        customer=method.gateway_customer,
        method=method.gateway_method,
        kind=method.kind.value,
        mandate=method.mandate or "",
        currency=checked.currency,
        amount_minor=checked.amount_minor,
        description=describe(checked.lines, seller),
        absent=wanted.return_url is None,
        return_url=wanted.return_url or "",
        hold=wanted.hold,
    )
    return Payment(
        public_id=public_id,
        entity_id=checked.entity_id,
        account_id=wanted.wish.account_id,
        amount_minor=checked.amount_minor,
        currency=checked.currency,
        method=_METHODS[method.kind],
        state=PaymentState.INTENDED,
        recorded_by=wanted.by,
        idempotency_key=wanted.key,
        gateway=gateway,
        flow=Flow.CHARGE,
        saved_method_id=method.id,
        request=request.stored(),
        expires_at=now + timedelta(minutes=CONFIRM_MINUTES),
        created_at=now,
        updated_at=now,
    )


def ask_charge(kernel: Kernel, gateway: OnlineGateway, payment_id: int, *, now: datetime) -> Charged:
    """Ask the gateway for a charge that was written, outside any transaction, and write down what came of it.

    Raises GatewayRefusedError, GatewaySilentError.
    """
    payment = peek(kernel.database, payment_id)
    assert payment.request is not None
    by = f"gateway:{gateway.name}"
    try:
        asked = gateway.charge(ChargeRequest.restored(payment.request))
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
        payment = locked_payment(session, payment_id)
        absorb(session, payment, asked, by=by, now=now)
        session.expunge(payment)
    return _outcome(payment)


def _outcome(payment: Payment) -> Charged:
    assert payment.id is not None
    url = payment.checkout_url if payment.state is PaymentState.STARTED else None
    return Charged(payment.id, payment.state, payment.failure, url or "")
