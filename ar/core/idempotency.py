"""The same request twice, one effect: the first answer is kept under its key, and given again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import UniqueConstraint, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel, col, select

from ar.core.db import BigId, UtcDateTime, is_postgres
from ar.core.errors import DomainError


class KeyReusedError(DomainError):
    """The key was used before, for another request."""

    code = "idempotency-key-reused"


class IdempotencyRecord(SQLModel, table=True):
    __tablename__ = "idempotency_record"
    __table_args__ = (UniqueConstraint("principal", "path", "key"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    principal: str = Field(max_length=80)
    path: str = Field(max_length=300)
    key: str = Field(max_length=200)
    digest: str = Field(max_length=64)
    status: int | None = None
    body: str | None = None
    location: str | None = Field(default=None, max_length=2000)
    created_at: datetime = Field(index=True, sa_type=UtcDateTime)


@dataclass(frozen=True)
class Answer:
    """What a request was answered: a JSON body, or where the browser was sent."""

    status: int
    body: str | None
    location: str | None = None


@dataclass(frozen=True)
class Claim:
    """Whether this request is the first under its key (`answer` is None), or what the first was answered."""

    record_id: int
    answer: Answer | None


def claim(session: Session, *, principal: str, path: str, key: str, digest: str, now: datetime) -> Claim:
    """Take `key` for this request. Raises KeyReusedError when it was used with another digest.

    The row is written first: a twin under way at the same time waits on it until this transaction ends, on
    PostgreSQL at the unique index, on SQLite for the one writer.
    """
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    row = {"principal": principal, "path": path, "key": key, "digest": digest, "created_at": now}
    statement = (
        insert(IdempotencyRecord)
        .values(**row)
        .on_conflict_do_nothing(index_elements=["principal", "path", "key"])
        .returning(col(IdempotencyRecord.id))
    )
    taken = session.connection().execute(statement).scalar_one_or_none()
    if taken is not None:
        return Claim(taken, None)
    query = select(IdempotencyRecord).where(
        IdempotencyRecord.principal == principal, IdempotencyRecord.path == path, IdempotencyRecord.key == key
    )
    found = session.exec(query).one()
    if found.digest != digest:
        raise KeyReusedError("This Idempotency-Key was used before, with other content: send a new key")
    assert found.id is not None
    assert found.status is not None, "an answer is written in the transaction that takes the key"
    return Claim(found.id, Answer(found.status, found.body, found.location))


def keep(session: Session, record_id: int, answer: Answer) -> None:
    """Keep `answer` under the key that `claim` took."""
    session.flush()
    session.connection().execute(
        update(IdempotencyRecord)
        .where(col(IdempotencyRecord.id) == record_id)
        .values(status=answer.status, body=answer.body, location=answer.location)
    )


def forget(session: Session, *, before: datetime) -> int:
    """Delete the answers kept before that instant; how many they were. A month is long enough for any retry."""
    return (
        session.connection()
        .execute(delete(IdempotencyRecord).where(col(IdempotencyRecord.created_at) < before))
        .rowcount
    )
