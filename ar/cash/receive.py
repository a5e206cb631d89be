"""Payments recorded by a person (or read from a bank file): booked at once, and applied to what they are for."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.cash.apply import facts_of, learn, locked_payment
from ar.cash.imputation import legal_order
from ar.cash.models import Method, Payment, PaymentTarget
from ar.cash.payment_states import Facts, PaymentState, open_doubts
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import bulk_insert, is_postgres, reserve_ids, table
from ar.core.errors import ConflictError, DomainError, Fault
from ar.core.money import MAX_MINOR, exponent
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.ledger.allocate import OverAllocationError, locked_items
from ar.ledger.items import open_items


class PaymentError(DomainError):
    """The payment cannot be what it is said to be; the faults say where."""

    code = "bad-payment"


class PaymentKeyReusedError(ConflictError):
    """The key was used for another payment."""

    code = "payment-key-reused"


@dataclass(frozen=True)
class Target:
    """Part of a payment, and the open item that it is meant for."""

    entry_id: int
    amount_minor: int


@dataclass(frozen=True)
class Receipt:
    """Money that came in. `targets`: what the payer means it for; None: the law's order; empty: on account.

    `received_on` is the accounting day. `key` makes the record unique: the same again is the same payment.
    """

    entity_id: int
    account_id: int
    amount_minor: int
    currency: str
    method: Method
    received_on: date
    targets: Sequence[Target] | None = None
    reference: str = ""
    note: str = ""
    key: str | None = None
    gateway: str = field(default="manual", kw_only=True)


def new_public_id(prefix: str = "pay") -> str:
    """A name for the outside that tells nothing and cannot be guessed."""
    return f"{prefix}_{secrets.token_hex(16)}"


def record_payment(session: Session, receipt: Receipt, *, by: str, now: datetime) -> Payment:
    """Book a payment that has been received, and apply it: settled.

    Raises PaymentError for what does not fit, OverAllocationError when a target has less open than is meant for it,
    AccountNotFoundError, EntityNotFoundError, ItemNotFoundError, PaymentKeyReusedError.
    """
    account(session, receipt.account_id)
    seller = entity(session, receipt.entity_id)
    _check(receipt, today=local_date(now, seller.time_zone))
    payment = _inserted(session, receipt, by=by, now=now)
    if payment is None:
        return _same_again(session, receipt)
    targets = _targets(session, receipt)
    put_targets(session, payment, targets)
    noon = datetime.combine(receipt.received_on, time(12), ZoneInfo(seller.time_zone))
    learn(session, payment, Facts(succeeded_at=noon), by=by, said="recorded by hand", now=now)
    return payment


def _check(receipt: Receipt, *, today: date) -> None:
    exponent(receipt.currency)
    faults = []
    if not 0 < receipt.amount_minor <= MAX_MINOR:
        faults.append(Fault("/amount_minor", "must be above zero and within range"))
    if receipt.received_on > today:
        faults.append(Fault("/received_on", f"is after today ({today}): record money when it is there"))
    if receipt.received_on.year < 1990:
        faults.append(Fault("/received_on", "is before 1990"))
    if receipt.method is Method.ONLINE:
        faults.append(Fault("/method", "online payments come by the gateway: say how this one came"))
    targets = receipt.targets or []
    if len({target.entry_id for target in targets}) != len(targets):
        faults.append(Fault("/targets", "names an item twice"))
    if any(target.amount_minor <= 0 for target in targets):
        faults.append(Fault("/targets", "needs amounts above zero"))
    if sum(target.amount_minor for target in targets) > receipt.amount_minor:
        faults.append(Fault("/targets", "adds up to more than the payment"))
    if faults:
        raise PaymentError(f"The payment was not recorded: {faults[0].message}", faults=faults)


def _inserted(session: Session, receipt: Receipt, *, by: str, now: datetime) -> Payment | None:
    """The new payment's row, or None when its key is known. A twin at work at once waits here for the first."""
    values = {
        "public_id": new_public_id(),
        "entity_id": receipt.entity_id,
        "account_id": receipt.account_id,
        "amount_minor": receipt.amount_minor,
        "currency": receipt.currency,
        "method": receipt.method,
        "state": PaymentState.INTENDED,
        "reason": "",
        "note": receipt.note,
        "reference": receipt.reference,
        "recorded_by": by,
        "idempotency_key": receipt.key,
        "gateway": receipt.gateway,
        "disputes": {},
        "doubts": [],
        "cleared": [],
        "created_at": now,
        "updated_at": now,
    }
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(table(Payment)).values(**values).on_conflict_do_nothing(index_elements=["idempotency_key"])
    made = session.connection().execute(statement.returning(col(Payment.id))).scalar_one_or_none()
    return None if made is None else locked_payment(session, made)


def _of_key(session: Session, key: str) -> Payment | None:
    return session.exec(select(Payment).where(Payment.idempotency_key == key)).first()


def _same_again(session: Session, receipt: Receipt) -> Payment:
    """The payment that this key recorded. Raises PaymentKeyReusedError when it says another thing."""
    assert receipt.key is not None
    payment = _of_key(session, receipt.key)
    assert payment is not None
    names = ("entity_id", "account_id", "amount_minor", "currency", "method", "reference", "note", "gateway")
    if any(getattr(payment, name) != getattr(receipt, name) for name in names):
        raise PaymentKeyReusedError("This key recorded another payment: use a new key for a new payment")
    return payment


def _targets(session: Session, receipt: Receipt) -> list[Target]:
    """What the payment is for, its items locked and checked."""
    if receipt.targets is not None:
        return list(checked_targets(session, receipt.account_id, receipt.entity_id, receipt.currency, receipt.targets))
    items = open_items(session, account_ids=[receipt.account_id], as_of=date.max)
    own = [item for item in items if item.entity_id == receipt.entity_id and item.currency == receipt.currency]
    shares = legal_order(own, receipt.amount_minor, today=receipt.received_on)
    return [Target(entry_id, minor) for entry_id, minor in shares]


def checked_targets(
    session: Session,
    account_id: int,
    entity_id: int,
    currency: str,
    targets: Sequence[Target],
) -> Sequence[Target]:
    """`targets`, their items locked, each owed by this account to this seller in this currency, and open enough."""
    items = locked_items(session, sorted({target.entry_id for target in targets}))
    faults = []
    for n, target in enumerate(targets):
        item = items[target.entry_id]
        if item["account_id"] != account_id or item["side"] != 1:
            faults.append(Fault(f"/targets/{n}/entry_id", "is nothing that this customer owes"))
        elif item["entity_id"] != entity_id or item["currency"] != currency:
            faults.append(Fault(f"/targets/{n}/entry_id", "is owed to another legal entity, or in another currency"))
        elif item["open_minor"] < target.amount_minor:
            raise OverAllocationError(
                f"Item {target.entry_id} has less open than is meant for it: look at it again, "
                "it may have been paid meanwhile"
            )
    if faults:
        raise PaymentError(f"The payment does not fit: {faults[0].message}", faults=faults)
    return targets


def put_targets(session: Session, payment: Payment, targets: Sequence[Target]) -> None:
    """Keep what the payment is meant for."""
    rows = [
        {"payment_id": payment.id, "entry_id": target.entry_id, "amount_minor": target.amount_minor}
        for target in targets
    ]
    ids = reserve_ids(session, PaymentTarget, len(rows))
    bulk_insert(session, PaymentTarget, [{"id": number, **row} for number, row in zip(ids, rows, strict=True)])


def take_back(session: Session, payment_id: int, *, why: str, by: str, now: datetime) -> Payment:
    """Undo a payment recorded by hand (a bounced cheque, a slip): reversed in the ledger, what it settled is open.

    Raises PaymentNotFoundError, PaymentError for one that came by a gateway (refund it) or the bank
    (undo its application), or is not settled.
    """
    payment = locked_payment(session, payment_id)
    if payment.gateway_session is not None or payment.gateway_intent is not None:
        raise PaymentError("This payment came by a gateway: refund it instead")
    if payment.bank_line_id is not None:
        raise PaymentError("The bank booked this payment: undo the application of its bank line instead")
    if payment.state is not PaymentState.SETTLED:
        raise PaymentError(f"Only a settled payment is taken back; this one is {payment.state.value}")
    record(session, [Act(by, "payment.taken_back", f"payment:{payment_id}", {"why": why})], now=now)
    at = max(now, payment.succeeded_at) if payment.succeeded_at else now
    learn(session, payment, Facts(failed_at=at), by=by, said=why, now=now)
    return payment


def clear_doubts(session: Session, payment_id: int, *, why: str, by: str, now: datetime) -> Payment:
    """A person has looked at a parked payment: its doubts are over. Without money of ours it is closed as failed.

    Money that did come for it is recorded as a payment of its own. Raises PaymentError for one that is not parked.
    """
    payment = locked_payment(session, payment_id)
    if not payment.parked:
        raise PaymentError("This payment is not parked: there is nothing to decide")
    facts = facts_of(payment)
    doubts = open_doubts(facts, payment.received_minor)
    record(session, [Act(by, "payment.decided", f"payment:{payment_id}", {"why": why, "doubts": doubts})], now=now)
    looked_into = Facts(failed_at=None if facts.succeeded_at else now, cleared=frozenset(doubts))
    learn(session, payment, looked_into, by=by, said=why, now=now)
    return payment
