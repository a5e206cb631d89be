"""Batches of letters."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime, enum_type


class BatchState(StrEnum):
    """`posted` sends its messages; `discarded` gives them back, for none of its letters left the house."""

    MADE = "made"
    PRINTED = "printed"
    POSTED = "posted"
    DISCARDED = "discarded"


class LetterBatch(SQLModel, table=True):
    """The letters of one seller that were ready on `day`, as one PDF. Its messages carry its name as carrier_ref."""

    __tablename__ = "letter_batch"
    __table_args__ = (
        Index("ix_letter_batch_entity", "entity_id", "id"),
        Index("ix_letter_batch_state", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    day: date
    state: BatchState = Field(default=BatchState.MADE, sa_type=enum_type(BatchState))
    letters: int
    pages: int
    duplex: bool
    file_id: int = Field(foreign_key="stored_file.id", sa_type=BigId)
    checksum: str = Field(max_length=64)
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str = Field(max_length=80)
    printed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str | None = Field(default=None, max_length=80)
