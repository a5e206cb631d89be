"""Claiming what is due: the guards are asked, what is no longer wanted is cancelled, the rest is marked as taken.

A sender may be killed at any point. What it had claimed and not recorded may or may not have gone out, so it
becomes `uncertain` after a while and is shown to a person; it is never sent again by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, text, true, update
from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from ar.core.db import bulk_update
from ar.core.mail import Fate, FateKind
from ar.core.outbox.models import MessageChannel, MessageState, OutboxMessage
from ar.core.sms.numbers import barred

Guard = Callable[[Session, Sequence[OutboxMessage], datetime], Mapping[int, str]]
"""Told the messages of its purpose about to be sent, gives the ids of those no longer wanted, each with the reason."""

BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
"""How long a message refused for now waits after each attempt; after the last one it has failed."""

UNREACHED_WAIT = timedelta(minutes=1)
LOST_AFTER = timedelta(minutes=10)
"""A claim older than this belongs to a sender that died."""

_NOT_YET = tuple(
    defer(column)  # type: ignore[arg-type]
    for column in (
        OutboxMessage.ended_at,
        OutboxMessage.carrier_ref,
        OutboxMessage.arrival,
        OutboxMessage.arrival_at,
        OutboxMessage.arrival_words,
    )
)
"""What is not read of a message that is to be sent: it comes after."""

Change = tuple[int, dict[str, Any]]
_log = structlog.get_logger()


def always_wanted(_session: Session, _messages: Sequence[OutboxMessage], _now: datetime) -> Mapping[int, str]:
    """The guard of messages that nothing can make unwanted."""
    return {}


def give_up_lost(session: Session, now: datetime) -> int:
    """How many claims of dead senders became `uncertain`. A letter that lies printed in a batch is not lost."""
    statement = (
        update(OutboxMessage)
        .where(
            col(OutboxMessage.state) == MessageState.CLAIMED,
            col(OutboxMessage.claimed_at) < now - LOST_AFTER,
            col(OutboxMessage.carrier_ref).is_(None),
        )
        .values(
            state=MessageState.UNCERTAIN,
            ended_at=now,
            outcome="its sender stopped before it could tell whether this went out",
        )
    )
    return cast(CursorResult[Any], session.connection().execute(statement)).rowcount


def claim(
    session: Session,
    guards: Mapping[str, Guard],
    tally: Counter[str],
    *,
    channel: MessageChannel,
    now: datetime,
    limit: int,
    worker: str,
    sender: str | None = None,
) -> list[OutboxMessage]:
    """The messages of `channel` (and of `sender`, where given) to send now, the oldest first, marked as claimed.

    Those that their guard no longer wants are cancelled instead; `tally` counts what became of these and of those
    whose guard failed.
    """
    due = session.exec(
        select(OutboxMessage)
        .options(*_NOT_YET)
        .where(
            col(OutboxMessage.channel) == channel,
            text("state = 'queued'"),  # as the index has it
            col(OutboxMessage.send_after) <= now,
            true() if sender is None else col(OutboxMessage.sender) == sender,
        )
        .order_by(col(OutboxMessage.send_after), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    session.expunge_all()  # a guard's failure must not take their values along; they are written in bulk below
    by_purpose: dict[str, list[OutboxMessage]] = {}
    for message in due:
        by_purpose.setdefault(message.purpose, []).append(message)
    unwanted: dict[int, str] = {}
    unasked: dict[int, str] = {}
    for purpose, messages in by_purpose.items():
        if purpose in guards:
            _ask(session, guards[purpose], messages, now, unwanted, unasked)
        else:
            unasked |= {id_of(message): f"no guard is known for the purpose {purpose}" for message in messages}
    if channel is MessageChannel.SMS:
        reasons = barred(session, [message.recipient for message in due])
        unwanted |= {id_of(one): reasons[one.recipient] for one in due if one.recipient in reasons}
    claimed = []
    changes: list[Change] = []
    for message in due:
        set_committed_value(message, "attempts", message.attempts + 1)  # an assignment would cost as much as the rest
        if id_of(message) in unwanted:
            change = {"state": MessageState.CANCELLED, "outcome": unwanted[id_of(message)][:400], "ended_at": now}
            tally["cancelled"] += 1
        elif id_of(message) in unasked:
            way, change = outcome(Fate(FateKind.LATER, unasked[id_of(message)]), message.attempts, now)
            tally[way] += 1
        else:
            claimed.append(message)
            continue
        changes.append((id_of(message), {"attempts": message.attempts} | change))
    update_rows(session, changes, {"state": MessageState.QUEUED})
    if claimed:
        session.connection().execute(
            update(OutboxMessage)
            .where(col(OutboxMessage.id).in_([id_of(message) for message in claimed]))
            .values(state=MessageState.CLAIMED, claimed_at=now, claimed_by=worker, attempts=OutboxMessage.attempts + 1)
        )
    return claimed


def update_rows(session: Session, changes: Sequence[Change], still: Mapping[str, Any]) -> None:
    """Write each change onto the row of its id, if that `still` has these values: one statement for each set of
    columns."""
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for message_id, change in changes:
        by_columns.setdefault(tuple(sorted(change)), []).append({"id": message_id} | change)
    for names, rows in by_columns.items():
        ordered = [{name: row[name] for name in ("id", *names)} for row in rows]
        bulk_update(session, OutboxMessage, ordered, still=still)


def _ask(
    session: Session,
    guard: Guard,
    messages: Sequence[OutboxMessage],
    now: datetime,
    unwanted: dict[int, str],
    unasked: dict[int, str],
) -> None:
    """Fills `unwanted`. A guard that fails is asked about halves, until the one bad message is alone in `unasked`."""
    try:
        with session.begin_nested():
            unwanted |= guard(session, messages, now)
    except Exception as error:
        if len(messages) > 1:
            middle = len(messages) // 2
            _ask(session, guard, messages[:middle], now, unwanted, unasked)
            _ask(session, guard, messages[middle:], now, unwanted, unasked)
            return
        _log.exception("outbox guard failed", message_id=messages[0].id, purpose=messages[0].purpose)
        unasked[id_of(messages[0])] = f"its guard failed: {type(error).__name__}"


def id_of(message: OutboxMessage) -> int:
    assert message.id is not None
    return message.id


def outcome(fate: Fate, attempts: int, now: datetime) -> tuple[str, dict[str, Any]]:
    """The word for it in the report, and what changes in the row of a message tried `attempts` times."""
    change: dict[str, Any] = {"outcome": fate.words[:400]}
    match fate.kind:
        case FateKind.SENT:
            if fate.carrier_ref is not None:
                change["carrier_ref"] = fate.carrier_ref
            return "sent", change | {"state": MessageState.SENT, "ended_at": now}
        case FateKind.REFUSED:
            return "failed", change | {"state": MessageState.FAILED, "ended_at": now}
        case FateKind.UNKNOWN:
            return "uncertain", change | {"state": MessageState.UNCERTAIN, "ended_at": now}
    change |= {"state": MessageState.QUEUED, "claimed_at": None, "claimed_by": None}
    if fate.kind is FateKind.UNREACHED:
        return "given_back", change | {"attempts": attempts - 1, "send_after": now + UNREACHED_WAIT}
    if attempts > len(BACKOFF):
        words = f"given up after {attempts} attempts: {fate.words}"[:400]
        return "failed", change | {"state": MessageState.FAILED, "ended_at": now, "outcome": words}
    return "later", change | {"send_after": now + BACKOFF[attempts - 1]}
