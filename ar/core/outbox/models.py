"""The outbox table, and the states of a message.

A message is `queued` in the transaction that decides it, `claimed` by one sender, and ends `sent`, `failed`,
`cancelled` (no longer wanted at the moment of sending) or `uncertain` (its fate is unknown; a person decides,
it is never blindly sent again).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class MessageState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


class OutboxMessage(SQLModel, table=True):
    """One e-mail. `purpose` names the guard that is asked again, at sending, whether it is still wanted.

    `attachments` are the ids of stored files, which are read when it is sent.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_due", "state", "send_after", "id"),
        Index("ix_outbox_message_account", "account_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    dedup_key: str = Field(max_length=160, unique=True)
    purpose: str = Field(max_length=40)
    account_id: int | None = Field(default=None, sa_type=BigId)
    subject_ref: str = Field(max_length=80)
    recipient: str = Field(max_length=320)
    sender: str = Field(max_length=320)
    language: str = Field(max_length=8)
    subject: str = Field(max_length=400)
    body_text: str
    body_html: str
    headers: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    attachments: list[int] = Field(
        default_factory=list, sa_type=Json, sa_column_kwargs={"server_default": text("'[]'")}
    )
    state: MessageState = Field(default=MessageState.QUEUED, sa_type=enum_type(MessageState))
    queued_at: datetime = Field(sa_type=UtcDateTime)
    send_after: datetime = Field(sa_type=UtcDateTime)
    claimed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    claimed_by: str | None = Field(default=None, max_length=80)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    outcome: str | None = Field(default=None, max_length=400)
