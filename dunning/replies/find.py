"""Replies, to list and to show; and everything that was written to and by a customer, in the order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.db import among
from ar.core.outbox import OutboxMessage
from ar.ledger.models import OpenItem
from dunning.replies.kinds import ReplyKind, ReplyState
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.take import proposals_of


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


@dataclass(frozen=True)
class Shown:
    """A proposal as a page shows it: its sentence, its days as days, and the references of the invoices it names."""

    id: int
    kind: str
    state: str
    sureness: int
    quote: str
    data: dict[str, Any]
    references: list[str]


def shown_of(session: Session, replies: Sequence[Reply]) -> dict[int, list[Shown]]:
    """The proposals of each of these replies, to show."""
    found = proposals_of(session, [one.id for one in replies if one.id is not None])
    ids = sorted({number for some in found.values() for one in some for number in one.data.get("entry_ids") or ()})
    query = select(OpenItem.entry_id, OpenItem.reference).where(among(session, col(OpenItem.entry_id), ids))
    references = {entry_id: reference for entry_id, reference in session.exec(query) if reference}
    texts = {one.id: one.text for one in replies}
    return {number: [_shown(one, texts.get(number, ""), references) for one in some] for number, some in found.items()}


def _shown(one: ReplyProposal, text: str, references: Mapping[int, str]) -> Shown:
    days = {name: date.fromisoformat(one.data[name]) for name in ("due_on", "until", "paid_on") if one.data.get(name)}
    named = [references[number] for number in one.data.get("entry_ids") or () if number in references]
    quote = text[one.quote_start : one.quote_end]
    return Shown(one.id or 0, one.kind.value, one.state.value, one.sureness, quote, {**one.data, **days}, named)
