"""Holds: a person orders that a customer be left in peace, for a while or until further notice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among
from ar.core.errors import DomainError, NotFoundError
from ar.customers.models import Account
from dunning.models import DunningDecision, DunningHold, HoldKind


class HoldError(DomainError):
    """The hold cannot be ordered as asked."""

    code = "bad-hold"


class HoldNotFoundError(NotFoundError):
    code = "hold-not-found"


class AccountNotFoundError(NotFoundError):
    code = "account-not-found"


def hold(
    session: Session,
    account_id: int,
    *,
    until: date | None,
    reason: str,
    by: str,
    now: datetime,
    kind: HoldKind = HoldKind.PERSON,
) -> DunningHold:
    """Write no reminder to the customer until the end of `until`, its local day, or until the hold is lifted.

    Raises AccountNotFoundError, or HoldError for a day that is over or a reason that is empty.
    """
    account = session.get(Account, account_id)
    if account is None:
        raise AccountNotFoundError(f"there is no customer {account_id}")
    if until is not None and until < local_date(now, account.time_zone):
        raise HoldError(f"{until} is over: give a day to come, or none for a hold without end")
    if not reason.strip():
        raise HoldError("say why: the reason is shown to colleagues")
    row = DunningHold(
        account_id=account_id, until=until, reason=reason.strip()[:400], kind=kind, made_by=by, created_at=now
    )
    session.add(row)
    session.flush()
    change = {"until": until.isoformat() if until else None, "reason": row.reason, "kind": kind.value, "hold": row.id}
    record(session, [Act(by, "dunning.held", f"account:{account_id}", change)], now=now)
    return row


def lift(session: Session, hold_id: int, *, by: str, now: datetime) -> DunningHold:
    """End a hold; lifting one that was lifted changes nothing. The next run looks at the customer afresh.

    Raises HoldNotFoundError.
    """
    row = session.get(DunningHold, hold_id, with_for_update=True)
    if row is None:
        raise HoldNotFoundError(f"there is no hold {hold_id}")
    if row.lifted_at is None:
        row.lifted_at, row.lifted_by = now, by
        reconsider(session, row.account_id)
        record(session, [Act(by, "dunning.lifted", f"account:{row.account_id}", {"hold": row.id})], now=now)
    return row


def insolvent(session: Session, account_ids: Sequence[int]) -> set[int]:
    """Who of these customers is held for an insolvency."""
    query = select(col(DunningHold.account_id)).where(
        among(session, col(DunningHold.account_id), account_ids),
        col(DunningHold.lifted_at).is_(None),
        col(DunningHold.kind) == HoldKind.INSOLVENCY,
    )
    return set(session.connection().execute(query).scalars())


def reconsider(session: Session, account_id: int) -> None:
    """Forget the decision of the day, so that the next run decides anew; caps still see what was written."""
    session.connection().execute(delete(DunningDecision).where(col(DunningDecision.account_id) == account_id))
