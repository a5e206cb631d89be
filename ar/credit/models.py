"""How much each customer may owe, who was stopped and why, the rules of segments, and the exceptions granted.

All four tables only grow: a trigger refuses UPDATE and DELETE, so that who let what through, and on what ground, can
always be told again.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class HoldReason(StrEnum):
    """Why a person stops a customer's credit."""

    OVERDUE = "overdue"
    INSOLVENCY = "insolvency"
    PAYMENT_RETURNED = "payment_returned"
    REVIEW = "review"
    OTHER = "other"


class WithoutLimit(StrEnum):
    """What becomes of an order of a customer for whom no limit is set."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class CreditLimit(SQLModel, table=True):
    """How much may be owed and ordered from a day on. Without an amount it takes back the limit before it.

    One for all sellers, or for one; with `covers_group` over the account and all below it together.
    """

    __tablename__ = "credit_limit"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        CheckConstraint("valid_to >= valid_from", name="period"),
        Index("ix_credit_limit_account", "account_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entity_id: int | None = Field(default=None, foreign_key="legal_entity.id", sa_type=BigId)
    covers_group: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    currency: str = Field(max_length=3)
    amount_minor: int | None = Field(default=None, sa_type=BigId)
    valid_from: date
    valid_to: date | None = None
    reason: str = Field(max_length=400)
    set_by: str = Field(max_length=80)
    set_at: datetime = Field(sa_type=UtcDateTime)


class CreditHoldEvent(SQLModel, table=True):
    """A hold placed on an account, or, with `lifts_id`, the one of that id lifted."""

    __tablename__ = "credit_hold_event"
    __table_args__ = (Index("ix_credit_hold_event_account", "account_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    lifts_id: int | None = Field(default=None, foreign_key="credit_hold_event.id", unique=True, sa_type=BigId)
    reason: HoldReason = Field(sa_type=enum_type(HoldReason))
    words: str = Field(max_length=400)
    made_by: str = Field(max_length=80)
    made_at: datetime = Field(sa_type=UtcDateTime)


class CreditRule(SQLModel, table=True):
    """What holds for the customers of a segment (without one: of every other) until a newer row says otherwise."""

    __tablename__ = "credit_rule"
    __table_args__ = (
        CheckConstraint("overdue_days >= 0", name="days_not_negative"),
        CheckConstraint("overdue_minor >= 0", name="overdue_not_negative"),
        CheckConstraint("(overdue_minor IS NULL) = (currency IS NULL)", name="currency_given"),
        Index("ix_credit_rule_segment", "segment", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    segment: str | None = Field(default=None, max_length=60)
    without_limit: WithoutLimit = Field(sa_type=enum_type(WithoutLimit))
    overdue_days: int | None = None
    overdue_minor: int | None = Field(default=None, sa_type=BigId)
    currency: str | None = Field(default=None, max_length=3)
    set_by: str = Field(max_length=80)
    set_at: datetime = Field(sa_type=UtcDateTime)


class CreditOverride(SQLModel, table=True):
    """An exception granted to one subject, such as 'order:12', with the answer as it stood."""

    __tablename__ = "credit_override"
    __table_args__ = (
        Index("ix_credit_override_subject", "subject", "id"),
        Index("ix_credit_override_account", "account_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    subject: str = Field(max_length=120)
    answer: dict[str, Any] = Field(sa_type=Json)
    reason: str = Field(max_length=4000)
    granted_by: str = Field(max_length=80)
    granted_at: datetime = Field(sa_type=UtcDateTime)
