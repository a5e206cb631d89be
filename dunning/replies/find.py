"""Replies, to list and to show; and everything that was written to and by a customer, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.outbox import OutboxMessage
from dunning.replies.kinds import ReplyKind, ReplyState
from dunning.replies.models import Reply


def search(
    state: ReplyState | None = None,
    kind: ReplyKind | None = None,
    account_id: int | None = None,
    *,
    unassigned: bool = False,
) -> SelectOfScalar[Reply]:
    """A query for the replies in that state, of that kind, of that account, or of none, where given."""
    query = select(Reply)
    if state is not None:
        query = query.where(col(Reply.state) == state)
    if kind is not None:
        query = query.where(col(Reply.kind) == kind)
    if account_id is not None:
        query = query.where(col(Reply.account_id) == account_id)
    if unassigned:
        query = query.where(col(Reply.account_id).is_(None), col(Reply.human))
    return query


def order_of() -> tuple[Any, ...]:
    """The newest first."""
    return (col(Reply.id).desc(),)


@dataclass(frozen=True)
class Exchanged:
    """One thing that went out (`message`) or came in (`reply`) at the instant `at`."""

    at: datetime
    message: OutboxMessage | None = None
    reply: Reply | None = None


def exchange_of(session: Session, account_id: int, *, limit: int) -> list[Exchanged]:
    """What was written to and by the account over all channels, the newest first."""
    out = session.exec(
        select(OutboxMessage)
        .where(col(OutboxMessage.account_id) == account_id)
        .order_by(col(OutboxMessage.id).desc())
        .limit(limit)
    )
    came = session.exec(
        select(Reply).where(col(Reply.account_id) == account_id).order_by(col(Reply.id).desc()).limit(limit)
    )
    both = [Exchanged(one.ended_at or one.queued_at, message=one) for one in out]
    both += [Exchanged(one.received_at, reply=one) for one in came]
    return sorted(both, key=lambda one: one.at, reverse=True)[:limit]


def quoted(reply: Reply, *, most: int = 200) -> str:
    """The beginning of what was said, on one line."""
    words = " ".join((reply.text or reply.subject).split())
    return words if len(words) <= most else f"{words[: most - 1]}…"
