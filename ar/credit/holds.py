"""Holds: a person stops a customer's credit, and a person lets it go on. Both are events that stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among
from ar.core.errors import ConflictError, DomainError, NotFoundError
from ar.credit.decision import Held
from ar.credit.models import CreditHoldEvent, HoldReason
from ar.customers.accounts import account


class CreditHoldError(DomainError):
    """The hold lacks its reason in words."""

    code = "bad-credit-hold"


class CreditHoldNotFoundError(NotFoundError):
    code = "credit-hold-not-found"


class CreditHoldLiftedError(ConflictError):
    code = "credit-hold-lifted"


def place_hold(
    session: Session, account_id: int, *, reason: HoldReason, words: str, by: str, now: datetime
) -> CreditHoldEvent:
    """The hold just placed: no order of the account is granted until it is lifted, but by an exception.

    Raises AccountNotFoundError, or CreditHoldError for words that are missing.
    """
    account(session, account_id)
    row = _event(session, account_id, reason=reason, words=words, by=by, now=now)
    change = {"hold": row.id, "reason": reason.value, "words": row.words}
    record(session, [Act(by, "credit.held", f"account:{account_id}", change)], now=now)
    return row


def lift_hold(
    session: Session, hold_id: int, *, words: str, by: str, now: datetime, account_id: int | None = None
) -> CreditHoldEvent:
    """The event that lifts the hold of that id, of `account_id` where one is given, with why.

    Raises CreditHoldNotFoundError, CreditHoldLiftedError, or CreditHoldError for words that are missing.
    """
    placed = session.exec(
        select(CreditHoldEvent).where(col(CreditHoldEvent.id) == hold_id).with_for_update()
    ).one_or_none()
    if placed is None or placed.lifts_id is not None or account_id not in (None, placed.account_id):
        raise CreditHoldNotFoundError(f"There is no credit hold {hold_id}")
    if session.exec(select(CreditHoldEvent.id).where(col(CreditHoldEvent.lifts_id) == hold_id)).first() is not None:
        raise CreditHoldLiftedError(f"Credit hold {hold_id} was lifted already")
    row = _event(session, placed.account_id, reason=placed.reason, words=words, by=by, now=now, lifts_id=hold_id)
    change = {"hold": hold_id, "words": row.words}
    record(session, [Act(by, "credit.hold_lifted", f"account:{placed.account_id}", change)], now=now)
    return row


def _event(
    session: Session,
    account_id: int,
    *,
    reason: HoldReason,
    words: str,
    by: str,
    now: datetime,
    lifts_id: int | None = None,
) -> CreditHoldEvent:
    if not 1 <= len(words.strip()) <= 400:
        raise CreditHoldError("Say why, in at most 400 characters: colleagues read it")
    row = CreditHoldEvent(
        account_id=account_id, lifts_id=lifts_id, reason=reason, words=words.strip(), made_by=by, made_at=now
    )
    session.add(row)
    session.flush()
    return row


def standing_holds(session: Session, account_ids: Sequence[int]) -> dict[int, list[Held]]:
    """The holds of these accounts that nobody lifted, the oldest first. The day of one is that of UTC."""
    lifted = aliased(CreditHoldEvent)
    query = (
        select(CreditHoldEvent)
        .outerjoin(lifted, col(lifted.lifts_id) == col(CreditHoldEvent.id))
        .where(
            among(session, col(CreditHoldEvent.account_id), account_ids),
            col(CreditHoldEvent.lifts_id).is_(None),
            col(lifted.id).is_(None),
        )
        .order_by(col(CreditHoldEvent.id))
    )
    found: dict[int, list[Held]] = defaultdict(list)
    for row in session.exec(query):
        assert row.id is not None
        found[row.account_id].append(Held(row.id, row.reason, row.words, local_date(row.made_at, "UTC")))
    return dict(found)


def hold_events(session: Session, account_id: int, *, limit: int) -> list[CreditHoldEvent]:
    """The last holds placed and lifted on an account, the newest first."""
    query = select(CreditHoldEvent).where(col(CreditHoldEvent.account_id) == account_id)
    return list(session.exec(query.order_by(col(CreditHoldEvent.id).desc()).limit(limit)))
