"""What is learned of messages after they went out: delayed, delivered, come back. In any order, any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.outbox.models import Arrival, MessageState, OutboxMessage

_STRENGTH: dict[Arrival | None, int] = {None: 0} | {one: strength for strength, one in enumerate(Arrival, start=1)}


@dataclass(frozen=True)
class News:
    """What came back about the message of that `digest` (what stands before the @ in its Message-ID). `arrival` None
    says no more than that it did go out."""

    digest: str
    arrival: Arrival | None
    words: str
    carrier_ref: str | None = None


def note_arrivals(session: Session, news: Sequence[News], *, now: datetime) -> list[OutboxMessage]:
    """The messages of which this tells more than was known, as they are now.

    News of an unknown message is left out; so is what says no more than is known. A message of uncertain fate of
    which anything came back did go out: it becomes `sent`.
    """
    told: dict[str, News] = {}
    for one in news:
        before = told.get(one.digest)
        if before is None or _STRENGTH[one.arrival] > _STRENGTH[before.arrival]:
            told[one.digest] = one
    query = (
        select(OutboxMessage)
        .where(among(session, col(OutboxMessage.digest), sorted(told)))
        .order_by(col(OutboxMessage.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    changed = []
    acts = []
    for message in session.exec(query):
        one = told[message.digest]
        went = message.state is MessageState.UNCERTAIN
        stronger = _STRENGTH[one.arrival] > _STRENGTH[message.arrival]
        if not (went or stronger):
            continue
        change: dict[str, Any] = {"reason": one.words[:400]}
        if stronger:
            message.arrival, message.arrival_at, message.arrival_words = one.arrival, now, one.words[:400]
        if went:
            change |= {"before": message.state, "after": MessageState.SENT}
            message.state = MessageState.SENT
        if message.carrier_ref is None and one.carrier_ref is not None and message.state is MessageState.SENT:
            message.carrier_ref = one.carrier_ref
        changed.append(message)
        action = f"message.{one.arrival}" if stronger else "message.gone-out"
        acts.append(Act("system", action, f"message:{message.id}", change))
    session.flush()
    record(session, acts, now=now)
    return changed
