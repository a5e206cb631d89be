"""The outbox table, and the states of a message.

A message is `queued` in the transaction that decides it, `claimed` by one sender, and ends `sent`, `failed`,
`cancelled` (no longer wanted at the moment of sending) or `uncertain` (its fate is unknown; a person decides,
it is never blindly sent again). What is learned of one that has gone out is its `arrival`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class MessageChannel(StrEnum):
    """By which way a message goes; each has a carrier of its own."""

    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"
    PORTAL = "portal"


class MessageState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


class Arrival(StrEnum):
    """What came back after a message had gone out. A later word never undoes a stronger one, in this order."""

    DELAYED = "delayed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"


class OutboxMessage(SQLModel, table=True):
    """One message by one channel. `purpose` names the guard that is asked again, at sending, if it is still wanted.

    `recipient` is an address, a phone number (E.164), or the lines of a postal address; `sender` of a letter is the
    code of the legal entity that signs it. `attachments` are the ids of stored files, which are read when it is sent.
    `digest` is the part of its Message-ID before the @, made of the dedup key; `carrier_ref` the carrier's own name
    of it.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_due", "state", "send_after", "id"),
        Index(
            "ix_outbox_message_channel",
            "channel",
            "send_after",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_outbox_message_account", "account_id", "id"),
        Index("ix_outbox_message_digest", "digest"),
        Index(
            "ix_outbox_message_carrier_ref",
            "carrier_ref",
            sqlite_where=text("carrier_ref IS NOT NULL"),
            postgresql_where=text("carrier_ref IS NOT NULL"),
        ),
        Index(
            "ix_outbox_message_number",
            "recipient",
            "id",
            sqlite_where=text("channel = 'sms'"),
            postgresql_where=text("channel = 'sms'"),
        ),
        Index(
            "ix_outbox_message_notice",
            "account_id",
            "id",
            sqlite_where=text("channel = 'portal' AND arrival IS NULL"),
            postgresql_where=text("channel = 'portal' AND arrival IS NULL"),
        ),
        Index(
            "ix_outbox_message_arrival",
            "arrival",
            "id",
            sqlite_where=text("arrival IS NOT NULL"),
            postgresql_where=text("arrival IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    dedup_key: str = Field(max_length=160, unique=True)
    digest: str = Field(default="", max_length=40, sa_column_kwargs={"server_default": ""})
    channel: MessageChannel = Field(
        default=MessageChannel.EMAIL,
        sa_type=enum_type(MessageChannel),
        sa_column_kwargs={"server_default": "email"},
    )
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
    carrier_ref: str | None = Field(default=None, max_length=64)
    arrival: Arrival | None = Field(default=None, sa_type=enum_type(Arrival))
    arrival_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    arrival_words: str | None = Field(default=None, max_length=400)
