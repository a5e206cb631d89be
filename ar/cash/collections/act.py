"""What people do with a collection: approve it, cancel it or a line of it, note that a customer was told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.collections.models import Collection, CollectionLine, CollectionState, LineState
from ar.cash.collections.payments import learn_unbooked, locked_payments
from ar.cash.payment_states import Facts
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import bulk_update
from ar.core.errors import ConflictError, DomainError, Fault, ForbiddenError, NotFoundError
from ar.core.jobs import enqueue
from ar.customers.entities import entity

TELL_JOB = "tell-collection"


class CollectionNotFoundError(NotFoundError):
    code = "collection-not-found"


class CollectionStateError(ConflictError):
    """The collection, or its line, is in no state for that."""

    code = "collection-state"


class SelfApprovalError(ForbiddenError):
    """Whoever proposed a collection does not approve it."""

    code = "self-approval"


class NoticeError(DomainError):
    """The day on which a customer was told cannot be that one."""

    code = "bad-notice"


def locked_collection(session: Session, collection_id: int) -> Collection:
    """The collection, locked until this transaction ends. Raises CollectionNotFoundError."""
    query = select(Collection).where(Collection.id == collection_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise CollectionNotFoundError(f"There is no collection {collection_id}")
    return found


def collection_by_id(session: Session, collection_id: int) -> Collection:
    """Raises CollectionNotFoundError."""
    found = session.get(Collection, collection_id)
    if found is None:
        raise CollectionNotFoundError(f"There is no collection {collection_id}")
    return found


def waiting_lines(session: Session, collection_id: int) -> list[CollectionLine]:
    """The lines that are to be collected, by id."""
    query = select(CollectionLine).where(
        CollectionLine.collection_id == collection_id, CollectionLine.state == LineState.WAITING
    )
    return list(session.exec(query.order_by(col(CollectionLine.id)).execution_options(populate_existing=True)))


def approve(session: Session, collection_id: int, *, by: str, now: datetime) -> Collection:
    """Let the collection be announced to its customers, and its file be made.

    Raises CollectionNotFoundError, CollectionStateError, SelfApprovalError.
    """
    found = locked_collection(session, collection_id)
    if found.state is not CollectionState.PROPOSED:
        raise CollectionStateError(f"Collection {found.message_id} is {found.state.value}: it cannot be approved")
    if found.proposed_by == by:
        raise SelfApprovalError("Whoever proposed a collection does not approve it: ask another person")
    found.state, found.approved_by, found.approved_at = CollectionState.APPROVED, by, now
    _say(session, found, "collection.approved", {}, by=by, now=now)
    enqueue(session, TELL_JOB, {"collection_id": found.id}, dedup_key=f"{TELL_JOB}:{found.message_id}", now=now)
    return found


def cancel_collection(session: Session, collection_id: int, *, why: str, by: str, now: datetime) -> Collection:
    """Give a collection up before its file is made: its items are free again.

    Raises CollectionNotFoundError, CollectionStateError.
    """
    found = locked_collection(session, collection_id)
    _require_open(found)
    leave_out(session, [(line, why) for line in waiting_lines(session, collection_id)], by=by, now=now)
    found.state, found.problem = CollectionState.CANCELLED, ""
    _say(session, found, "collection.cancelled", {"why": why}, by=by, now=now)
    return found


def cancel_line(
    session: Session, collection_id: int, line_id: int, *, why: str, by: str, now: datetime
) -> CollectionLine:
    """Take one customer out before the file is made: its items are free again. A file that could not be made is tried
    again without it. Raises CollectionNotFoundError, CollectionStateError, NotFoundError.
    """
    found, line = _line(session, collection_id, line_id)
    leave_out(session, [(line, why)], by=by, now=now)
    found.problem = ""
    _say(session, found, "collection.line_cancelled", {"line": line_id, "why": why}, by=by, now=now)
    return line


def note_told(
    session: Session, collection_id: int, line_id: int, *, on: date, by: str, now: datetime
) -> CollectionLine:
    """A person has told the customer of the debit otherwise than by message, on that day.

    Raises CollectionNotFoundError, CollectionStateError, NotFoundError, NoticeError.
    """
    found, line = _line(session, collection_id, line_id)
    today = local_date(now, entity(session, found.entity_id).time_zone)
    if not local_date(found.proposed_at, "UTC") <= on <= today:
        message = "is not between the proposal and today"
        raise NoticeError(f"The day {message}", faults=[Fault("/on", message)])
    line.told_on, line.told_by, line.reason = on, by, ""
    _say(session, found, "collection.told", {"line": line_id, "on": on}, by=by, now=now)
    return line


def leave_out(session: Session, lines: Sequence[tuple[CollectionLine, str]], *, by: str, now: datetime) -> None:
    """Leave waiting lines out, each for its reason: their payments have ended without money."""
    payments = locked_payments(session, [line.payment_id for line, _ in lines])
    rows = [{"id": line.id, "state": LineState.LEFT_OUT, "reason": why[:400]} for line, why in lines]
    bulk_update(session, CollectionLine, rows)
    for line, _ in lines:
        session.expire(line)
    learn_unbooked(session, list(payments.values()), Facts(failed_at=now), by=by, said="not collected", now=now)


def _line(session: Session, collection_id: int, line_id: int) -> tuple[Collection, CollectionLine]:
    """An open collection, locked, and a line of it that waits."""
    found = locked_collection(session, collection_id)
    _require_open(found)
    line = session.get(CollectionLine, line_id, populate_existing=True)
    if line is None or line.collection_id != collection_id:
        raise NotFoundError(f"Collection {collection_id} has no line {line_id}")
    if line.state is not LineState.WAITING:
        raise CollectionStateError(f"Line {line_id} is left out already")
    return found, line


def _require_open(found: Collection) -> None:
    if found.state not in (CollectionState.PROPOSED, CollectionState.APPROVED):
        raise CollectionStateError(
            f"Collection {found.message_id} is {found.state.value}: it cannot be changed any more"
        )


def _say(session: Session, found: Collection, action: str, change: dict[str, Any], *, by: str, now: datetime) -> None:
    session.add(found)
    session.flush()
    record(session, [Act(by, action, f"collection:{found.id}", change)], now=now)
