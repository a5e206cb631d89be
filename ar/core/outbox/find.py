"""Messages looked up: those of a state, of a customer, and those that wait for a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.db import among
from ar.core.errors import NotFoundError
from ar.core.outbox.models import Arrival, MessageChannel, MessageState, OutboxMessage

FOR_A_PERSON = (MessageState.UNCERTAIN, MessageState.FAILED)
"""States that nothing but a person's decision leads out of."""

_OURS = re.compile(r"<?([0-9a-f]{40})@[^\s<>]{1,255}>?", re.ASCII)


class MessageNotFoundError(NotFoundError):
    code = "message-not-found"


def message(session: Session, message_id: int) -> OutboxMessage:
    """Raises MessageNotFoundError."""
    found = session.get(OutboxMessage, message_id)
    if found is None:
        raise MessageNotFoundError(f"There is no message {message_id}")
    return found


def known_as(session: Session, message_ids: Sequence[str]) -> dict[str, OutboxMessage]:
    """The messages of the outbox that have those Message-IDs, as In-Reply-To and References give them; others are
    left out."""
    digests = {name: match[1] for name in message_ids if (match := _OURS.fullmatch(name.strip()))}
    query = select(OutboxMessage).where(among(session, col(OutboxMessage.digest), sorted(set(digests.values()))))
    found = {one.digest: one for one in session.exec(query)}
    return {name: found[digest] for name, digest in digests.items() if digest in found}


def search(
    state: MessageState | None = None,
    purpose: str = "",
    account_id: int | None = None,
    *,
    channel: MessageChannel | None = None,
    arrival: Arrival | None = None,
) -> SelectOfScalar[OutboxMessage]:
    """A query for the messages in that state, of that purpose, to that account, by that channel, and of which that
    came back, where given."""
    query = select(OutboxMessage)
    if channel is not None:
        query = query.where(col(OutboxMessage.channel) == channel)
    if arrival is not None:
        query = query.where(col(OutboxMessage.arrival) == arrival)
    if state is not None:
        query = query.where(col(OutboxMessage.state) == state)
    if purpose:
        query = query.where(col(OutboxMessage.purpose) == purpose)
    if account_id is not None:
        query = query.where(col(OutboxMessage.account_id) == account_id)
    return query


def order_of(state: MessageState | None) -> tuple[Any, ...]:
    """The order of a list, the newest first: in one state by the day to be sent, as that state's index has it."""
    if state is None:
        return (col(OutboxMessage.id).desc(),)
    return col(OutboxMessage.send_after).desc(), col(OutboxMessage.id).desc()


def for_a_person(session: Session, *, limit: int) -> list[OutboxMessage]:
    """Messages whose fate is unknown or that could not be sent, those of unknown fate first, the oldest first."""
    found: list[OutboxMessage] = []
    for state in FOR_A_PERSON:
        query = search(state).order_by(col(OutboxMessage.send_after), col(OutboxMessage.id))
        found += session.exec(query.limit(limit - len(found))).all()
    return found
