"""Remittance advices as they are kept, and the documents that each names."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class Channel(StrEnum):
    """The way an advice came."""

    UPLOAD = "upload"
    API = "api"
    EMAIL = "email"
    PORTAL = "portal"


class AdviceState(StrEnum):
    """OPEN waits for its payment. PAIRED has it. USED was followed when the payment was applied."""

    OPEN = "open"
    PAIRED = "paired"
    USED = "used"
    REFUSED = "refused"


class RemittanceAdvice(SQLModel, table=True):
    """What a customer says that a payment is for. `account_id` and `entity_id` are empty until they are known.

    `reference` names the payment: an end-to-end id, the number of a transfer or a cheque; `reference_key` is its key.
    `text` is what was written, `doubts` what of it was not understood. It is paired with a bank line or a payment, and
    `paired_why` says by what. `digest` makes the same thing, sent again, the same advice.
    """

    __tablename__ = "remittance_advice"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("bank_line_id IS NULL OR payment_id IS NULL", name="one_partner"),
        CheckConstraint(
            "(state IN ('paired', 'used')) = (bank_line_id IS NOT NULL OR payment_id IS NOT NULL)", name="paired_with"
        ),
        UniqueConstraint("bank_line_id"),
        UniqueConstraint("payment_id"),
        Index("ix_remittance_advice_account", "account_id", "id"),
        Index("ix_remittance_advice_state", "state", "id"),
        Index(
            "ix_remittance_advice_reference",
            "reference_key",
            sqlite_where=text("state = 'open' AND reference_key <> ''"),
            postgresql_where=text("state = 'open' AND reference_key <> ''"),
        ),
        Index(
            "ix_remittance_advice_amount",
            "amount_minor",
            "currency",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    digest: str | None = Field(default=None, max_length=64, unique=True)
    channel: Channel = Field(sa_type=enum_type(Channel))
    state: AdviceState = Field(sa_type=enum_type(AdviceState))
    entity_id: int | None = Field(default=None, foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int | None = Field(default=None, foreign_key="account.id", sa_type=BigId)
    sender: str = Field(default="", max_length=320)
    subject: str = Field(default="", max_length=400)
    message_id: str = Field(default="", max_length=255)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigId)
    payer: str = Field(default="", max_length=200)
    amount_minor: int | None = Field(default=None, sa_type=BigId)
    currency: str = Field(default="", max_length=3)
    paid_on: date | None = None
    reference: str = Field(default="", max_length=80)
    reference_key: str = Field(default="", max_length=80)
    text: str = ""
    doubts: list[str] = Field(default_factory=list, sa_type=Json)
    bank_line_id: int | None = Field(default=None, foreign_key="bank_line.id", sa_type=BigId)
    payment_id: int | None = Field(default=None, foreign_key="payment.id", sa_type=BigId)
    paired_why: str = Field(default="", max_length=400)
    taken_by: str = Field(max_length=80)
    taken_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str = Field(default="", max_length=80)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RemittanceLine(SQLModel, table=True):
    """One document that an advice names. `entry_id` is the open item of that reference, where there is one alone.

    `paid_minor` is below zero for a credit note or a deduction of its own, None where the payer does not say.
    """

    __tablename__ = "remittance_line"
    __table_args__ = (
        UniqueConstraint("advice_id", "position"),
        Index("ix_remittance_line_entry", "entry_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    advice_id: int = Field(foreign_key="remittance_advice.id", sa_type=BigId)
    position: int
    reference: str = Field(default="", max_length=60)
    entry_id: int | None = Field(default=None, foreign_key="open_item.entry_id", sa_type=BigId)
    document_on: date | None = None
    gross_minor: int | None = Field(default=None, sa_type=BigId)
    deduction_minor: int = Field(default=0, sa_type=BigId)
    reason: str = Field(default="", max_length=200)
    paid_minor: int | None = Field(default=None, sa_type=BigId)
    said: str = Field(default="", max_length=400)
