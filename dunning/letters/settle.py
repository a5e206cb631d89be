"""What became of the paper: printed, posted, or discarded before any of it left the house."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, NotFoundError
from ar.core.files import StoredFile, read
from ar.core.outbox import MessageState, OutboxMessage
from dunning.letters.make import reference
from dunning.letters.models import BatchState, LetterBatch


class BatchNotFoundError(NotFoundError):
    code = "letter-batch-not-found"


class BatchStateError(ConflictError):
    """The batch is in a state that this does not fit."""

    code = "letter-batch-state"


def search_batches(state: BatchState | None = None, entity_id: int | None = None) -> SelectOfScalar[LetterBatch]:
    """A query for the batches in that state, of that seller, where given."""
    query = select(LetterBatch)
    if state is not None:
        query = query.where(LetterBatch.state == state)
    if entity_id is not None:
        query = query.where(LetterBatch.entity_id == entity_id)
    return query


def batch_of(session: Session, batch_id: int, *, lock: bool = False) -> LetterBatch:
    """Raises BatchNotFoundError."""
    found = session.get(LetterBatch, batch_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise BatchNotFoundError(f"There is no batch of letters {batch_id}")
    return found


def file_of(session: Session, batch_id: int, files_url: str) -> tuple[StoredFile, bytes]:
    """The PDF of a batch. Raises BatchNotFoundError, or FileDamagedError when the store has lost or altered it."""
    stored = session.get_one(StoredFile, batch_of(session, batch_id).file_id)
    return stored, read(stored, files_url)


def mark_printed(session: Session, batch_id: int, *, by: str, now: datetime) -> LetterBatch:
    """Note that the paper is there. Raises BatchNotFoundError, BatchStateError."""
    batch = _in(session, batch_id, {BatchState.MADE}, "printed")
    batch.state, batch.printed_at = BatchState.PRINTED, now
    return _noted(session, batch, "letters.printed", by=by, now=now)


def mark_posted(session: Session, batch_id: int, *, by: str, now: datetime) -> LetterBatch:
    """The letters are in the post: their messages are sent. Raises BatchNotFoundError, BatchStateError."""
    batch = _in(session, batch_id, {BatchState.MADE, BatchState.PRINTED}, "posted")
    _move(session, batch, {"state": MessageState.SENT, "ended_at": now})
    batch.state, batch.ended_at, batch.ended_by = BatchState.POSTED, now, by
    return _noted(session, batch, "letters.posted", by=by, now=now)


def discard(session: Session, batch_id: int, *, by: str, now: datetime) -> LetterBatch:
    """None of it left the house: its letters wait again for a batch, where their guards are asked anew.

    Raises BatchNotFoundError, BatchStateError.
    """
    batch = _in(session, batch_id, {BatchState.MADE, BatchState.PRINTED}, "discarded")
    given_back = {"state": MessageState.QUEUED, "claimed_at": None, "claimed_by": None, "carrier_ref": None}
    _move(session, batch, given_back | {"send_after": now, "outcome": f"batch of letters {batch.id} was discarded"})
    batch.state, batch.ended_at, batch.ended_by = BatchState.DISCARDED, now, by
    return _noted(session, batch, "letters.discarded", by=by, now=now)


def _in(session: Session, batch_id: int, states: set[BatchState], word: str) -> LetterBatch:
    batch = batch_of(session, batch_id, lock=True)
    if batch.state not in states:
        raise BatchStateError(f"this batch is {batch.state}: it cannot be {word}")
    return batch


def _move(session: Session, batch: LetterBatch, change: dict[str, Any]) -> None:
    session.connection().execute(
        update(OutboxMessage)
        .where(
            col(OutboxMessage.carrier_ref) == reference(batch),
            col(OutboxMessage.state) == MessageState.CLAIMED,
        )
        .values(**change)
    )


def _noted(session: Session, batch: LetterBatch, action: str, *, by: str, now: datetime) -> LetterBatch:
    session.flush()
    record(session, [Act(by, action, f"letter_batch:{batch.id}", {"letters": batch.letters})], now=now)
    return batch
