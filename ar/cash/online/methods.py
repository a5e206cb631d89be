"""Saved methods: kept with the customer's consent, listed, made the default, removed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.gateway import GatewayRefusedError
from ar.cash.gateways import open_gateway
from ar.cash.online.gateway import Method
from ar.cash.online.models import MethodKind, SavedMethod
from ar.core.audit import Act, record
from ar.core.errors import ConflictError, NotFoundError
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel

DETACH_JOB = "detach-method"


class MethodNotFoundError(NotFoundError):
    code = "payment-method-not-found"


class MethodUnusableError(ConflictError):
    """The method cannot be charged any more."""

    code = "payment-method-unusable"


def methods_of(session: Session, account_id: int) -> list[SavedMethod]:
    """What an account has left to be charged, its default first; removed ones are not shown."""
    query = (
        select(SavedMethod)
        .where(SavedMethod.account_id == account_id, col(SavedMethod.removed_at).is_(None))
        .order_by(col(SavedMethod.is_default).desc(), col(SavedMethod.id))
    )
    return list(session.exec(query))


def own_method(session: Session, account_id: int, method_id: int, *, lock: bool = False) -> SavedMethod:
    """One of them. Raises MethodNotFoundError, also for another account's or a removed one."""
    query = select(SavedMethod).where(
        SavedMethod.id == method_id, SavedMethod.account_id == account_id, col(SavedMethod.removed_at).is_(None)
    )
    found = session.exec(query.with_for_update() if lock else query).first()
    if found is None:
        raise MethodNotFoundError(f"There is no saved payment method {method_id}")
    return found


def method_by_id(session: Session, method_id: int) -> SavedMethod:
    """A saved method, whoever's, removed or not. Raises MethodNotFoundError."""
    found = session.exec(select(SavedMethod).where(SavedMethod.id == method_id)).first()
    if found is None:
        raise MethodNotFoundError(f"There is no saved payment method {method_id}")
    return found


def check_usable(method: SavedMethod, gateway: str, *, today: date) -> None:
    """Raises MethodUnusableError for a method that the gateway in use cannot charge."""
    if method.removed_at is not None:
        raise MethodUnusableError("This payment method was removed")
    if method.gateway != gateway:
        raise MethodUnusableError(f"This payment method is kept by the gateway {method.gateway}, not connected now")
    if method.unusable:
        raise MethodUnusableError("This payment method cannot be used any more: please add another one")
    if has_expired(method, today=today):
        raise MethodUnusableError("This card has expired: please add another one")


def has_expired(method: SavedMethod, *, today: date) -> bool:
    """Whether it is a card whose last month is over."""
    if method.exp_year is None or method.exp_month is None:
        return False
    return (method.exp_year, method.exp_month) < (today.year, today.month)


def keep(
    session: Session, account_id: int, gateway: str, customer: str, left: Method, *, by: str, now: datetime
) -> SavedMethod:
    """Keep a method that a customer left, once, however often it is told; the first is the default."""
    query = select(SavedMethod).where(SavedMethod.gateway == gateway, SavedMethod.gateway_method == left.number)
    known = session.exec(query.with_for_update()).first()
    if known is not None:
        return known
    made = SavedMethod(
        account_id=account_id,
        gateway=gateway,
        gateway_customer=customer,
        gateway_method=left.number,
        kind=MethodKind(left.kind),
        brand=left.brand,
        last4=left.last4,
        exp_month=left.exp_month,
        exp_year=left.exp_year,
        mandate=left.mandate,
        mandate_reference=left.mandate_reference,
        is_default=not methods_of(session, account_id),
        consented_by=by,
        consented_at=now,
    )
    session.add(made)
    session.flush()
    told = {"kind": left.kind, "brand": left.brand, "last4": left.last4}
    record(session, [Act(by, "payment_method.saved", f"account:{account_id}", told | {"method": made.id})], now=now)
    return made


def make_default(session: Session, account_id: int, method_id: int, *, by: str, now: datetime) -> SavedMethod:
    """Have this one offered first. Raises MethodNotFoundError."""
    chosen = own_method(session, account_id, method_id, lock=True)
    if chosen.is_default:
        return chosen
    _no_default(session, account_id)
    chosen.is_default = True
    session.add(chosen)
    session.flush()
    record(session, [Act(by, "payment_method.default", f"account:{account_id}", {"method": method_id})], now=now)
    return chosen


def remove(session: Session, account_id: int, method_id: int, *, by: str, now: datetime) -> SavedMethod:
    """Charge a method no more, from now on, and have the gateway forget it. Raises MethodNotFoundError."""
    gone = own_method(session, account_id, method_id, lock=True)
    mark_removed(session, gone, by=by, now=now)
    enqueue(session, DETACH_JOB, {"method_id": method_id}, dedup_key=f"{DETACH_JOB}:{method_id}", now=now)
    return gone


def mark_removed(session: Session, method: SavedMethod, *, by: str, now: datetime) -> None:
    """The method is gone; the oldest of those left becomes the default in its place."""
    method.removed_at = now
    was_default, method.is_default = method.is_default, False
    session.add(method)
    session.flush()
    left = methods_of(session, method.account_id)
    if was_default and left:
        left[0].is_default = True
        session.add(left[0])
        session.flush()
    subject = f"account:{method.account_id}"
    record(session, [Act(by, "payment_method.removed", subject, {"method": method.id})], now=now)


def detach(kernel: Kernel, arguments: dict[str, Any], _now: datetime) -> str:
    """Job: have the gateway forget a removed method. Raises GatewaySilentError, to be tried again."""
    with kernel.database.reading() as session:
        gone = method_by_id(session, arguments["method_id"])
        number, gateway_name = gone.gateway_method, gone.gateway
    gateway = open_gateway(kernel.settings)
    if gateway.name != gateway_name:
        return f"the gateway {gateway_name} is not connected"
    try:
        gateway.detach(number)
    except GatewayRefusedError as refused:
        return f"gone already: {refused}"
    return "forgotten by the gateway"


def _no_default(session: Session, account_id: int) -> None:
    query = select(SavedMethod).where(SavedMethod.account_id == account_id, col(SavedMethod.is_default).is_(True))
    for other in session.exec(query.with_for_update()):
        other.is_default = False
        session.add(other)
    session.flush()
