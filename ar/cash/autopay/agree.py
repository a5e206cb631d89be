"""A customer turns autopay on and off; it is off for good reasons too: a method removed, charges that failed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from ar.cash.autopay.decide import NOTICE_DAYS
from ar.cash.autopay.models import Autopay, AutopayItem, AutopayState
from ar.cash.gateways import gateway_name
from ar.cash.online.methods import check_usable, own_method
from ar.cash.online.methods import remove as remove_method
from ar.cash.online.models import MethodKind
from ar.cash.wishes import lock_account
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import table
from ar.core.errors import DomainError, Fault, NotFoundError
from ar.core.kernel import Kernel
from ar.core.money import MAX_MINOR, exponent
from ar.customers.accounts import account

LEAST_SEPA_NOTICE_DAYS = 2
"""The shortest pre-notice that may be agreed: the debit must be with the bank the day before."""


class AutopayError(DomainError):
    """Autopay cannot be as it is asked for; the faults say where."""

    code = "bad-autopay"


class AutopayNotFoundError(NotFoundError):
    code = "autopay-not-found"


def turn_on(
    session: Session,
    kernel: Kernel,
    *,
    account_id: int,
    method_id: int,
    currency: str,
    limit_minor: int,
    offset_days: int,
    notice_days: int | None,
    by: str,
    now: datetime,
) -> Autopay:
    """Have an account's invoices of one currency paid by a saved method; what was agreed before ends.

    `notice_days` None: the usual notice of the method. Raises AutopayError, MethodNotFoundError, MethodUnusableError,
    CurrencyError, AccountNotFoundError.
    """
    exponent(currency)
    lock_account(session, account_id)
    method = own_method(session, account_id, method_id)
    check_usable(method, gateway_name(kernel.settings), today=local_date(now, account(session, account_id).time_zone))
    days = NOTICE_DAYS[method.kind] if notice_days is None else notice_days
    least = LEAST_SEPA_NOTICE_DAYS if method.kind is MethodKind.SEPA_DEBIT else 1
    faults = []
    if not 0 < limit_minor <= MAX_MINOR:
        faults.append(Fault("/limit_minor", "must be above zero and within range"))
    if not -30 <= offset_days <= 30:
        faults.append(Fault("/offset_days", "must be from -30 to 30 days after the due date"))
    if not least <= days <= 60:
        faults.append(Fault("/notice_days", f"must be from {least} to 60 days"))
    if method.kind is MethodKind.SEPA_DEBIT and currency != "EUR":
        faults.append(Fault("/currency", "SEPA direct debit takes euros only"))
    if faults:
        raise AutopayError(f"Autopay was not turned on: {faults[0].message}", faults=faults)
    known = current(session, account_id, currency)
    if known is not None:
        end(session, known, why="replaced", by=by, now=now)
    made = Autopay(
        account_id=account_id,
        saved_method_id=method_id,
        currency=currency,
        limit_minor=limit_minor,
        offset_days=offset_days,
        notice_days=days,
        started_by=by,
        started_at=now,
    )
    session.add(made)
    session.flush()
    change = {"autopay": made.id, "method": method_id, "currency": currency, "limit_minor": limit_minor}
    change |= {"offset_days": offset_days, "notice_days": days}
    record(session, [Act(by, "autopay.on", f"account:{account_id}", change)], now=now)
    return made


def turn_off(session: Session, account_id: int, autopay_id: int, *, by: str, now: datetime) -> Autopay:
    """Pay nothing by it any more, from now on. Raises AutopayNotFoundError, also for another account's."""
    lock_account(session, account_id)
    query = select(Autopay).where(Autopay.id == autopay_id, Autopay.account_id == account_id).with_for_update()
    found = session.exec(query).first()
    if found is None:
        raise AutopayNotFoundError(f"There is no autopay {autopay_id}")
    if found.ended_at is None:
        end(session, found, why="turned_off", by=by, now=now)
    return found


def end(session: Session, autopay: Autopay, *, why: str, by: str, now: datetime) -> None:
    """Autopay is off: what was announced is not paid by it."""
    autopay.ended_at, autopay.ended_by, autopay.ended_why = now, by, why
    session.add(autopay)
    session.flush()
    items = table(AutopayItem)
    session.connection().execute(
        update(items)
        .where(items.c.autopay_id == autopay.id, items.c.state == AutopayState.ANNOUNCED)
        .values(state=AutopayState.SKIPPED, why="autopay_off", updated_at=now)
    )
    change = {"autopay": autopay.id, "why": why}
    record(session, [Act(by, "autopay.off", f"account:{autopay.account_id}", change)], now=now)


def remove_with_autopay(session: Session, account_id: int, method_id: int, *, by: str, now: datetime) -> None:
    """Remove a saved method, and end what was to be paid by it. Raises MethodNotFoundError."""
    lock_account(session, account_id)
    remove_method(session, account_id, method_id, by=by, now=now)
    for autopay in on_method(session, method_id):
        end(session, autopay, why="method_removed", by=by, now=now)


def on_method(session: Session, method_id: int) -> list[Autopay]:
    """What is on by this method."""
    query = select(Autopay).where(Autopay.saved_method_id == method_id, col(Autopay.ended_at).is_(None))
    return list(session.exec(query.with_for_update()))


def current(session: Session, account_id: int, currency: str) -> Autopay | None:
    """What is on for an account's invoices of this currency."""
    query = select(Autopay).where(
        Autopay.account_id == account_id, Autopay.currency == currency, col(Autopay.ended_at).is_(None)
    )
    return session.exec(query).first()


def autopays_of(session: Session, account_id: int) -> list[Autopay]:
    """All that an account agreed to, what is on first, then the newest."""
    query = select(Autopay).where(Autopay.account_id == account_id)
    return sorted(session.exec(query), key=lambda one: (one.ended_at is not None, -(one.id or 0)))


def items_of(session: Session, account_id: int, *, limit: int = 50) -> list[AutopayItem]:
    """What autopay is to pay, paid, or did not pay for an account, the newest first."""
    query = select(AutopayItem).where(AutopayItem.account_id == account_id).order_by(col(AutopayItem.id).desc())
    return list(session.exec(query.limit(limit)))
