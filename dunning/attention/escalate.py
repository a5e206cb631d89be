"""Customers handed on: to a manager, to who sells to them, to a collection agency, to counsel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.access.models import Role, User
from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import ConflictError, DomainError, NotFoundError
from ar.customers.accounts import account
from ar.customers.models import Account
from dunning.attention.models import Escalation, EscalationKind
from dunning.holds import reconsider
from dunning.worklist.models import Collector


class EscalationError(DomainError):
    """There is nobody to hand the customer on to."""

    code = "bad-escalation"


class EscalationNotFoundError(NotFoundError):
    code = "escalation-not-found"


class EscalationStandsError(ConflictError):
    """The customer is handed on there already."""

    code = "escalation-stands"


class EscalationOverError(ConflictError):
    code = "escalation-over"


def escalate(
    session: Session, account_id: int, kind: EscalationKind, *, reason: str, by: str, now: datetime
) -> Escalation:
    """The customer handed on. With an agency or counsel, nothing goes out to it by itself any more.

    A manager is that of the customer's collector, or else the first credit manager. Raises AccountNotFoundError,
    EscalationError where there is no such person, EscalationStandsError.
    """
    customer = account(session, account_id)
    if session.exec(search(kind, account_id, open_only=True).with_for_update()).first() is not None:
        raise EscalationStandsError(f"Account {account_id} is with {kind.value} already")
    made = Escalation(
        account_id=account_id,
        kind=kind,
        to_id=_to(session, customer, kind),
        reason=reason[:400],
        made_by=by,
        made_at=now,
    )
    session.add(made)
    session.flush()
    reconsider(session, account_id)
    change = {"escalation": made.id, "to": kind.value, "user": made.to_id, "reason": reason}
    record(session, [Act(by, "escalation.made", f"account:{account_id}", change)], now=now)
    return made


def _to(session: Session, customer: Account, kind: EscalationKind) -> int | None:
    if kind is EscalationKind.SALES:
        if customer.sales_owner_id is None:
            raise EscalationError("Nobody is known to sell to this customer: set its sales owner first")
        return customer.sales_owner_id
    if kind is not EscalationKind.MANAGER:
        return None
    collector = session.get(Collector, customer.owner_id) if customer.owner_id is not None else None
    if collector is not None and collector.manager_id is not None:
        return collector.manager_id
    query = select(User.id).where(User.role == Role.CREDIT_MANAGER, col(User.active)).order_by(col(User.id))
    found = session.exec(query).first()
    if found is None:
        raise EscalationError("There is no credit manager to hand the customer on to")
    return found


def end_escalation(session: Session, escalation_id: int, *, why: str, by: str, now: datetime) -> Escalation:
    """Take the customer back. Raises EscalationNotFoundError, EscalationOverError."""
    found = escalation(session, escalation_id, lock=True)
    if found.ended_at is not None:
        raise EscalationOverError(f"Escalation {escalation_id} has ended already")
    found.ended_at, found.ended_by, found.ended_for = now, by, why[:400]
    session.add(found)
    session.flush()
    reconsider(session, found.account_id)
    change = {"escalation": found.id, "why": why}
    record(session, [Act(by, "escalation.ended", f"account:{found.account_id}", change)], now=now)
    return found


def escalation(session: Session, escalation_id: int, *, lock: bool = False) -> Escalation:
    """Raises EscalationNotFoundError."""
    found = session.get(Escalation, escalation_id, with_for_update=lock or None)
    if found is None:
        raise EscalationNotFoundError(f"There is no escalation {escalation_id}")
    return found


def search(
    kind: EscalationKind | None = None,
    account_id: int | None = None,
    to_id: int | None = None,
    *,
    open_only: bool = False,
) -> SelectOfScalar[Escalation]:
    """A query for the escalations of that kind, account and colleague, where given."""
    query = select(Escalation)
    if kind is not None:
        query = query.where(col(Escalation.kind) == kind)
    if account_id is not None:
        query = query.where(col(Escalation.account_id) == account_id)
    if to_id is not None:
        query = query.where(col(Escalation.to_id) == to_id)
    if open_only:
        query = query.where(col(Escalation.ended_at).is_(None))
    return query


def open_escalations(session: Session, account_ids: Sequence[int]) -> dict[int, list[Escalation]]:
    """Where each of these accounts is handed on to now."""
    query = search(open_only=True).where(among(session, col(Escalation.account_id), account_ids))
    found: dict[int, list[Escalation]] = {}
    for one in session.exec(query.order_by(col(Escalation.id))):
        found.setdefault(one.account_id, []).append(one)
    return found
