"""What customers contest, why, and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as literal
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime, enum_type


class Reason(StrEnum):
    PRICE = "price"
    QUANTITY = "quantity"
    QUALITY = "quality"
    DELIVERY = "delivery"
    NOT_ORDERED = "not_ordered"
    ALREADY_PAID = "already_paid"
    REFERENCE = "reference"
    OTHER = "other"


class DisputeState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    PARTLY = "partly"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Dispute(SQLModel, table=True):
    """One claim on one item. `amount_minor` is contested; `accepted_minor` what was granted in the end."""

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("accepted_minor BETWEEN 0 AND amount_minor", name="accepted_within"),
        CheckConstraint("(state = 'resolved') = (outcome IS NOT NULL)", name="resolved_with_outcome"),
        Index("ix_dispute_state", "state", "opened_at", "id"),
        Index("ix_dispute_account", "account_id", "id"),
        Index("ix_dispute_entry", "entry_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entry_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    reference: str = Field(default="", max_length=60)
    currency: str = Field(max_length=3)
    amount_minor: int = Field(sa_type=BigId)
    reason: Reason = Field(sa_type=enum_type(Reason))
    text: str = Field(default="", max_length=4000)
    state: DisputeState = Field(default=DisputeState.OPEN, sa_type=enum_type(DisputeState))
    opened_at: datetime = Field(sa_type=UtcDateTime)
    opened_on: date
    opened_by: str = Field(max_length=80)
    outcome: Outcome | None = Field(default=None, sa_type=enum_type(Outcome))
    accepted_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": literal("0")})
    answer: str = Field(default="", max_length=4000)
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resolved_on: date | None = None
    resolved_by: str | None = Field(default=None, max_length=80)
    version: int = Field(default=1, sa_column_kwargs={"server_default": literal("1")})
