"""What a person decides about a message: it arrived, it shall go again, it shall not go at all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from ar.core.audit import Act, record
from ar.core.errors import ConflictError
from ar.core.outbox.find import MessageNotFoundError
from ar.core.outbox.models import MessageState, OutboxMessage


class Decision(StrEnum):
    """What a person decides about a message that the machine cannot bring to an end."""

    ARRIVED = "arrived"
    SEND_AGAIN = "send_again"
    CANCEL = "cancel"


class MessageStateError(ConflictError):
    """The message is in a state that this decision does not fit."""

    code = "message-state"


def decide(session: Session, message_id: int, decision: Decision, *, reason: str, actor: str, now: datetime) -> None:
    """Raises MessageNotFoundError, or MessageStateError for a decision that the message's state does not allow."""
    if decision is Decision.ARRIVED:
        mark_arrived(session, message_id, actor=actor, now=now)
    elif decision is Decision.SEND_AGAIN:
        send_again(session, message_id, actor=actor, now=now)
    else:
        cancel(session, message_id, reason=reason or "cancelled by a person", actor=actor, now=now)


def mark_arrived(session: Session, message_id: int, *, actor: str, now: datetime) -> None:
    """A person has learned that an uncertain message did arrive. Raises MessageNotFoundError or MessageStateError."""
    change = {"state": MessageState.SENT, "ended_at": now}
    _move(session, message_id, {MessageState.UNCERTAIN}, change, "message.arrived", actor, now)


def send_again(session: Session, message_id: int, *, actor: str, now: datetime) -> None:
    """Queue an uncertain or failed message once more, under the same Message-ID; its guard is asked again.

    Raises MessageNotFoundError or MessageStateError.
    """
    change = {
        "state": MessageState.QUEUED,
        "send_after": now,
        "attempts": 0,
        "ended_at": None,
        "claimed_at": None,
        "claimed_by": None,
        "carrier_ref": None,
    }
    states = {MessageState.UNCERTAIN, MessageState.FAILED}
    _move(session, message_id, states, change, "message.sent-again", actor, now)


def cancel(session: Session, message_id: int, *, reason: str, actor: str, now: datetime) -> None:
    """Keep a message that has not gone out from ever going. Raises MessageNotFoundError or MessageStateError."""
    change = {"state": MessageState.CANCELLED, "ended_at": now, "outcome": reason[:400]}
    states = {MessageState.QUEUED, MessageState.UNCERTAIN, MessageState.FAILED}
    _move(session, message_id, states, change, "message.cancelled", actor, now)


def _move(
    session: Session,
    message_id: int,
    states: Collection[MessageState],
    change: dict[str, Any],
    action: str,
    actor: str,
    now: datetime,
) -> None:
    message = session.get(OutboxMessage, message_id, populate_existing=True, with_for_update=True)
    if message is None:
        raise MessageNotFoundError(f"There is no message {message_id}")
    if message.state not in states:
        wanted = " or ".join(sorted(states))
        raise MessageStateError(f"this message is {message.state}; this can be decided only while it is {wanted}")
    before = message.state
    for name, value in change.items():
        setattr(message, name, value)
    acted = {"before": before, "after": change["state"], "reason": change.get("outcome")}
    record(session, [Act(actor, action, f"message:{message_id}", acted)], now=now)
