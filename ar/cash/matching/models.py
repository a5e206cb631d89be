"""Proposals, the acts that apply them, and what was learnt about payers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type
from ar.ledger.models import Book


class MatchProposal(SQLModel, table=True):
    """What an open bank line, or a payment with unapplied money, may be for; the likeliest has rank 1.

    `content` is a stored Proposal (see facts.py): its parts, differences, nettings and reasons.
    """

    __tablename__ = "match_proposal"
    __table_args__ = (
        CheckConstraint("(bank_line_id IS NULL) <> (payment_id IS NULL)", name="one_source"),
        UniqueConstraint("bank_line_id", "rank"),
        UniqueConstraint("payment_id", "rank"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    bank_line_id: int | None = Field(default=None, foreign_key="bank_line.id", sa_type=BigId)
    payment_id: int | None = Field(default=None, foreign_key="payment.id", sa_type=BigId)
    rank: int
    probability: float
    content: dict[str, Any] = Field(sa_type=Json)
    why_not: str = Field(default="", max_length=40)
    made_at: datetime = Field(sa_type=UtcDateTime)


class CashApplication(SQLModel, table=True):
    """One act of applying money: a bank line made into payments, or the unapplied money of one payment.

    What it posted says `application:<id>` as its source. Undone as one act, it leaves both sides as they were.
    `probability` is the engine's, None when a person typed the parts.
    """

    __tablename__ = "cash_application"
    __table_args__ = (
        CheckConstraint("(bank_line_id IS NULL) <> (payment_id IS NULL)", name="one_source"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone_by_someone"),
        Index(
            "uq_cash_application_live_line",
            "bank_line_id",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index("ix_cash_application_payment", "payment_id"),
        Index(
            "ix_cash_application_undone",
            "bank_line_id",
            sqlite_where=text("undone_at IS NOT NULL"),
            postgresql_where=text("undone_at IS NOT NULL"),
        ),
        Index("ix_cash_application_made", "made_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    bank_line_id: int | None = Field(default=None, foreign_key="bank_line.id", sa_type=BigId)
    payment_id: int | None = Field(default=None, foreign_key="payment.id", sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    automatic: bool
    probability: float | None = None
    content: dict[str, Any] = Field(sa_type=Json)
    made_by: str = Field(max_length=80)
    made_at: datetime = Field(sa_type=UtcDateTime)
    undone_by: str | None = Field(default=None, max_length=80)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    undone_why: str = Field(default="", max_length=400)


class AliasKind(StrEnum):
    IBAN = "iban"
    NAME = "name"


class PayerAlias(SQLModel, table=True):
    """A number or name that payments for a customer came under: `confirmed` times right, `refused` times wrong."""

    __tablename__ = "payer_alias"
    __table_args__ = (
        UniqueConstraint("kind", "value", "account_id"),
        Index("ix_payer_alias_account", "account_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: AliasKind = Field(sa_type=enum_type(AliasKind))
    value: str = Field(max_length=200)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    confirmed: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    refused: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    seen_at: datetime = Field(sa_type=UtcDateTime)


class CashPolicy(SQLModel, table=True):
    """How a legal entity applies cash. `apply_above` is the probability from which a match is applied untouched.

    A residual is written off to `tolerance_book` up to `tolerance_minor` and `tolerance_bp` of the item, whichever is
    less. Charges of up to `charges_minor` are taken as the bank's. Minor units are of the entity's own currency.
    """

    __tablename__ = "cash_policy"

    entity_id: int = Field(primary_key=True, foreign_key="legal_entity.id", sa_type=BigId)
    apply_above: float
    tolerance_minor: int = Field(sa_type=BigId)
    tolerance_bp: int
    tolerance_book: Book = Field(sa_type=enum_type(Book))
    charges_minor: int = Field(sa_type=BigId)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class MatchModel(SQLModel, table=True):
    """What was learnt from confirmed matches: the weights of the evidence, and the error measured at the threshold."""

    __tablename__ = "match_model"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    trained_at: datetime = Field(sa_type=UtcDateTime)
    matches: int
    content: dict[str, Any] = Field(sa_type=Json)
