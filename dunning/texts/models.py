"""The words of reminders that staff wrote in place of the shipped ones."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime, enum_type
from dunning.steps import Tone


class TextState(StrEnum):
    """DRAFT is not sent. LIVE takes the place of the shipped words. RETIRED was live, or was never wanted."""

    DRAFT = "draft"
    LIVE = "live"
    RETIRED = "retired"


class MessageText(SQLModel, table=True):
    """One version of a kind's words in one language, for one seller or for all. Its words never change.

    `failure` tells how it last failed as a message was written; the shipped words went out then.
    """

    __tablename__ = "message_text"
    __table_args__ = (
        UniqueConstraint("kind", "language", "version"),
        Index(
            "ux_message_text_live_company",
            "kind",
            "language",
            unique=True,
            sqlite_where=text("state = 'live' AND entity_id IS NULL"),
            postgresql_where=text("state = 'live' AND entity_id IS NULL"),
        ),
        Index(
            "ux_message_text_live_entity",
            "kind",
            "language",
            "entity_id",
            unique=True,
            sqlite_where=text("state = 'live' AND entity_id IS NOT NULL"),
            postgresql_where=text("state = 'live' AND entity_id IS NOT NULL"),
        ),
        Index("ix_message_text_state", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: str = Field(max_length=40)
    language: str = Field(max_length=5)
    entity_id: int | None = Field(default=None, foreign_key="legal_entity.id", sa_type=BigId)
    version: int
    subject: str = Field(max_length=1000)
    text: str = Field(sa_type=Text)
    html: str = Field(sa_type=Text)
    tone: Tone = Field(sa_type=enum_type(Tone))
    state: TextState = Field(default=TextState.DRAFT, sa_type=enum_type(TextState))
    created_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failure: str | None = Field(default=None, max_length=400)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
