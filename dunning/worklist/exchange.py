"""The last exchange with each customer: a reminder that was written, a contact that was logged, a reply that came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, literal, select, union_all
from sqlmodel import Session, col

from ar.core.db import among
from dunning.calls.models import CallOutcome, ContactEvent
from dunning.models import DunningNotice
from dunning.replies.models import Reply

ATTEMPTS = (CallOutcome.LEFT_WORD, CallOutcome.NO_ANSWER, CallOutcome.WRONG_NUMBER)


def last_exchanges(session: Session, account_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Per account the newest: `kind` 'notice' with its step, 'contact' with its outcome and note, or 'reply' with what
    it is and its subject; and when (ISO)."""
    notice, event, reply = DunningNotice, ContactEvent, Reply
    newest_notice = (
        select(func.max(col(notice.id)))
        .where(among(session, col(notice.account_id), account_ids), col(notice.cancelled_at).is_(None))
        .group_by(col(notice.account_id))
    )
    newest_event = (
        select(func.max(col(event.id)))
        .where(among(session, col(event.account_id), account_ids))
        .group_by(col(event.account_id))
    )
    newest_reply = (
        select(func.max(col(reply.id)))
        .where(among(session, col(reply.account_id), account_ids), col(reply.human))
        .group_by(col(reply.account_id))
    )
    parts: list[Any] = [
        select(
            col(notice.account_id), col(notice.written_at).label("at"), literal("notice"), col(notice.step), literal("")
        ).where(col(notice.id).in_(newest_notice)),
        select(
            col(event.account_id), col(event.at), literal("contact"), cast(col(event.outcome), String), col(event.note)
        ).where(col(event.id).in_(newest_event)),
        select(
            col(reply.account_id),
            col(reply.received_at),
            literal("reply"),
            cast(col(reply.kind), String),
            col(reply.subject),
        ).where(col(reply.id).in_(newest_reply)),
    ]
    found: dict[int, tuple[datetime, dict[str, Any]]] = {}
    for account_id, at, kind, what, note in session.connection().execute(union_all(*parts)):
        if account_id not in found or at > found[account_id][0]:
            found[account_id] = (at, {"kind": kind, "what": what, "note": note[:200], "at": at.isoformat()})
    return {account_id: told for account_id, (_, told) in found.items()}


def last_attempts(session: Session, account_ids: Sequence[int], *, since: datetime) -> dict[int, datetime]:
    """When somebody last tried to reach each account in vain, for those where that was since `since`."""
    event = ContactEvent
    query = (
        select(col(event.account_id), func.max(col(event.at)))
        .where(
            among(session, col(event.account_id), account_ids),
            col(event.at) >= since,
            col(event.outcome).in_(ATTEMPTS),
        )
        .group_by(col(event.account_id))
    )
    return dict(session.connection().execute(query).all())
