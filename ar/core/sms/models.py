"""What is known of phone numbers, and the text messages that came in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime


class SmsNumber(SQLModel, table=True):
    """A number (E.164) that no text message goes to: its owner said STOP, or it cannot be reached by any."""

    __tablename__ = "sms_number"

    number: str = Field(primary_key=True, max_length=20)
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    words: str = Field(max_length=200)


class SmsReceived(SQLModel, table=True):
    """A text message that somebody wrote to us. `message_id` is the last one of ours that had gone to that number."""

    __tablename__ = "sms_received"
    __table_args__ = (Index("ix_sms_received_sender", "sender", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    provider_ref: str = Field(max_length=64, unique=True)
    sender: str = Field(max_length=20)
    recipient: str = Field(max_length=40)
    text: str = Field(max_length=1600)
    received_at: datetime = Field(sa_type=UtcDateTime)
    message_id: int | None = Field(default=None, sa_type=BigId)
