"""Who is told of events, and each telling."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class DeliveryState(StrEnum):
    """`pending` waits for its next attempt; `failed` was given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookSubscription(SQLModel, table=True):
    """An address that is told of events. Its secret is derived from `salt`, so that none is stored; the one of
    `previous_salt` signs beside it until `previous_until`. Events after `after_entry` are told."""

    __tablename__ = "webhook_subscription"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    url: str = Field(max_length=500)
    description: str = Field(default="", max_length=200)
    event_types: list[str] = Field(default_factory=list, sa_type=Json)
    include_change: bool = Field(default=False)
    salt: str = Field(max_length=32)
    previous_salt: str | None = Field(default=None, max_length=32)
    previous_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    active: bool = Field(default=True)
    disabled_why: str | None = Field(default=None, max_length=200)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    after_entry: int = Field(default=0, sa_type=BigId)
    created_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class WebhookDelivery(SQLModel, table=True):
    """The telling of one event, which is the entry `entry_id` of the audit trail, to one subscription."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("subscription_id", "entry_id"),
        Index("ix_webhook_delivery_due", "state", "next_at", "id"),
        Index("ix_webhook_delivery_list", "subscription_id", "state", "entry_id"),
        Index("ix_webhook_delivery_queued", "queued_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    subscription_id: int = Field(foreign_key="webhook_subscription.id", sa_type=BigId)
    entry_id: int = Field(sa_type=BigId)
    event_type: str = Field(max_length=80)
    state: DeliveryState = Field(default=DeliveryState.PENDING, sa_type=enum_type(DeliveryState))
    queued_at: datetime = Field(sa_type=UtcDateTime)
    next_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status: int | None = Field(default=None)
    answer: str | None = Field(default=None, max_length=300)


class WebhookCursor(SQLModel, table=True):
    """One row: the last entry of the audit trail of which deliveries were made."""

    __tablename__ = "webhook_cursor"

    id: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    entry_id: int = Field(sa_type=BigId)
