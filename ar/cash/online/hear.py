"""What a gateway tells of customers' methods, mandates and cash balances, taken in with its event's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.online.customers import account_of
from ar.cash.online.methods import mark_removed
from ar.cash.online.models import SavedMethod
from ar.cash.online.read import CashMoved, MandateEnded, MethodChanged, MethodGone, SetupEnded, Told, read_told
from ar.cash.online.setups import SETUP_JOB, setup_of
from ar.cash.online.transfers import SPEND_JOB, note_balance
from ar.core.audit import Act, record
from ar.core.jobs import enqueue


def hear(session: Session, gateway: str, event: Mapping[str, Any], *, now: datetime) -> str | None:
    """What came of an event, in words; None when it tells nothing of these. Raises EventError."""
    told = read_told(event)
    return None if told is None else _taken(session, gateway, told, now=now)


def _taken(session: Session, gateway: str, told: Told, *, now: datetime) -> str:
    match told:
        case SetupEnded(number):
            if setup_of(session, number) is None:
                return "a page that is not ours"
            enqueue(session, SETUP_JOB, {"session": number}, dedup_key=f"{SETUP_JOB}:{number}", now=now)
            return "what was left is being asked for"
        case MandateEnded(mandate):
            return _mandate_ended(session, gateway, mandate, now=now)
        case MethodGone(number):
            gone = _method(session, gateway, number)
            if gone is None or gone.removed_at is not None:
                return "no method of ours"
            mark_removed(session, gone, by=f"gateway:{gateway}", now=now)
            return "the method is gone"
        case MethodChanged(method):
            known = _method(session, gateway, method.number)
            if known is None:
                return "no method of ours"
            known.brand, known.last4 = method.brand, method.last4
            known.exp_month, known.exp_year = method.exp_month, method.exp_year
            session.add(known)
            return "the bank renewed the card"
        case CashMoved():
            return _cash_moved(session, gateway, told, now=now)


def _mandate_ended(session: Session, gateway: str, mandate: str, *, now: datetime) -> str:
    query = select(SavedMethod).where(SavedMethod.gateway == gateway, SavedMethod.mandate == mandate)
    found = session.exec(query.with_for_update()).first()
    if found is None or found.unusable:
        return "no mandate of ours, or known already"
    found.unusable = "mandate_inactive"
    session.add(found)
    acts = [Act(f"gateway:{gateway}", "payment_method.unusable", f"account:{found.account_id}", {"method": found.id})]
    record(session, acts, now=now)
    return "the mandate ended"


def _cash_moved(session: Session, gateway: str, told: CashMoved, *, now: datetime) -> str:
    account_id = account_of(session, gateway, told.customer)
    if account_id is None:
        return "no customer of ours"
    note_balance(session, account_id, gateway, told.currency, told.balance_minor, at=told.at)
    if told.funded:
        arguments = {"account_id": account_id, "currency": told.currency}
        key = f"{SPEND_JOB}:{account_id}:{told.currency}:{told.at.isoformat()}"
        enqueue(session, SPEND_JOB, arguments, dedup_key=key, now=now)
    return "the customer's balance changed"


def _method(session: Session, gateway: str, number: str) -> SavedMethod | None:
    query = select(SavedMethod).where(col(SavedMethod.gateway) == gateway, SavedMethod.gateway_method == number)
    return session.exec(query.with_for_update()).first()
