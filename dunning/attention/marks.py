"""Marks of attention: those that stand, and what people do with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among
from ar.core.errors import ConflictError, DomainError, NotFoundError
from ar.customers.accounts import account
from dunning.attention.models import AttentionMark, MarkKind
from dunning.holds import reconsider


class MarkNotFoundError(NotFoundError):
    code = "attention-mark-not-found"


class MarkStandsError(ConflictError):
    """The customer has that mark already."""

    code = "attention-mark-stands"


class MarkOverError(ConflictError):
    code = "attention-mark-over"


class DismissalError(DomainError):
    code = "bad-dismissal"


def standing_marks(session: Session, account_ids: Sequence[int]) -> dict[int, list[AttentionMark]]:
    """The marks that stand on each of these accounts, dismissed ones too, the oldest first."""
    query = select(AttentionMark).where(
        among(session, col(AttentionMark.account_id), account_ids), col(AttentionMark.until).is_(None)
    )
    found: dict[int, list[AttentionMark]] = {}
    for mark in session.exec(query.order_by(col(AttentionMark.id))):
        found.setdefault(mark.account_id, []).append(mark)
    return found


def search(
    kind: MarkKind | None = None, account_id: int | None = None, *, standing: bool = True
) -> SelectOfScalar[AttentionMark]:
    """A query for the marks of that kind and account, where given; with `standing` False those that are over too."""
    query = select(AttentionMark)
    if kind is not None:
        query = query.where(col(AttentionMark.kind) == kind)
    if account_id is not None:
        query = query.where(col(AttentionMark.account_id) == account_id)
    if standing:
        query = query.where(col(AttentionMark.until).is_(None))
    return query


def mark_by_hand(
    session: Session, account_id: int, kind: MarkKind, *, words: str, by: str, now: datetime
) -> AttentionMark:
    """A mark that a person sets and the daily judgement leaves alone. Raises AccountNotFoundError, MarkStandsError."""
    customer = account(session, account_id)
    standing = search(kind, account_id)
    if session.exec(standing.with_for_update()).first() is not None:
        raise MarkStandsError(f"Account {account_id} is marked so already")
    made = AttentionMark(
        account_id=account_id,
        kind=kind,
        reasons=[{"code": "by_hand", "words": words}],
        since=local_date(now, customer.time_zone),
        made_by=by,
        made_at=now,
    )
    session.add(made)
    session.flush()
    reconsider(session, account_id)
    record(session, [Act(by, "attention.marked", f"account:{account_id}", {"kind": kind.value, "why": words})], now=now)
    return made


def dismiss(session: Session, mark_id: int, *, until: date, why: str, by: str, now: datetime) -> AttentionMark:
    """Let a mark count for nothing to the end of `until`. Raises MarkNotFoundError, MarkOverError, DismissalError."""
    found = _standing(session, mark_id)
    today = local_date(now, "UTC")
    if not today <= until <= date(today.year + 2, 1, 1):
        raise DismissalError(f"A dismissal is until a day from {today} to the end of next year")
    found.dismissed_until, found.dismissed_for, found.dismissed_by = until, why[:400], by
    return _changed(session, found, "attention.dismissed", {"until": until.isoformat(), "why": why}, by=by, now=now)


def end_mark(session: Session, mark_id: int, *, why: str, by: str, now: datetime) -> AttentionMark:
    """End a mark; the next judgement may set it anew. Raises MarkNotFoundError, MarkOverError."""
    found = _standing(session, mark_id)
    found.until = local_date(now, "UTC")
    return _changed(session, found, "attention.ended", {"why": why}, by=by, now=now)


def _standing(session: Session, mark_id: int) -> AttentionMark:
    found = session.get(AttentionMark, mark_id, with_for_update=True)
    if found is None:
        raise MarkNotFoundError(f"There is no mark {mark_id}")
    if found.until is not None:
        raise MarkOverError(f"Mark {mark_id} is over")
    return found


def _changed(
    session: Session, found: AttentionMark, action: str, change: dict[str, str], *, by: str, now: datetime
) -> AttentionMark:
    session.add(found)
    session.flush()
    reconsider(session, found.account_id)
    record(session, [Act(by, action, f"account:{found.account_id}", change | {"kind": found.kind.value})], now=now)
    return found
