"""Autopay: what a customer agreed to, and each invoice that is to be paid by it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime, enum_type


class Autopay(SQLModel, table=True):
    """A customer's order to pay its invoices of one currency by a saved method: on until `ended_at`.

    `limit_minor` is the most that one payment may be. `offset_days` is the day of payment, counted from the due date
    (-2: two days before). `notice_days` is how long before a payment the customer is told of it.
    """

    __tablename__ = "autopay"
    __table_args__ = (
        CheckConstraint("limit_minor > 0", name="limit_positive"),
        CheckConstraint("notice_days BETWEEN 1 AND 60", name="notice_days"),
        CheckConstraint("offset_days BETWEEN -30 AND 30", name="offset_days"),
        Index("ix_autopay_account", "account_id", "id"),
        Index("ix_autopay_method", "saved_method_id"),
        Index("ix_autopay_ended", "ended_at", "id"),
        Index(
            "uq_autopay_on",
            "account_id",
            "currency",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    saved_method_id: int = Field(foreign_key="saved_method.id", sa_type=BigId)
    currency: str = Field(max_length=3)
    limit_minor: int = Field(sa_type=BigId)
    offset_days: int
    notice_days: int
    started_by: str = Field(max_length=80)
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str = Field(default="", max_length=80)
    ended_why: str = Field(default="", max_length=60)


class AutopayState(StrEnum):
    """ANNOUNCED waits for its day, PAYING for its payment; the others are ends."""

    ANNOUNCED = "announced"
    PAYING = "paying"
    PAID = "paid"
    SKIPPED = "skipped"
    FAILED = "failed"


class AutopayItem(SQLModel, table=True):
    """One invoice that autopay is to pay: announced to the customer with this amount, for this day or later."""

    __tablename__ = "autopay_item"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        UniqueConstraint("autopay_id", "entry_id"),
        Index("ix_autopay_item_entry", "entry_id"),
        Index("ix_autopay_item_payment", "payment_id"),
        Index("ix_autopay_item_state", "state", "pay_on", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    autopay_id: int = Field(foreign_key="autopay.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", index=True, sa_type=BigId)
    entry_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    pay_on: date
    state: AutopayState = Field(sa_type=enum_type(AutopayState))
    why: str = Field(default="", max_length=60)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    payment_id: int | None = Field(default=None, foreign_key="payment.id", sa_type=BigId)
    announced_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
