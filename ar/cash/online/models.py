"""What a gateway keeps for a customer, by the gateway's own numbers: no card or account number in full."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class GatewayCustomer(SQLModel, table=True):
    """An account, as a gateway knows it."""

    __tablename__ = "gateway_customer"
    __table_args__ = (UniqueConstraint("account_id", "gateway"), UniqueConstraint("gateway", "number"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    gateway: str = Field(max_length=20)
    number: str = Field(max_length=255)
    created_at: datetime = Field(sa_type=UtcDateTime)


class MethodKind(StrEnum):
    CARD = "card"
    SEPA_DEBIT = "sepa_debit"


class SavedMethod(SQLModel, table=True):
    """A card or a bank account that a customer allowed to be charged again, until it was removed.

    `mandate` is the gateway's number of the SEPA mandate, `mandate_reference` the one on the customer's bank
    statement. `unusable` says why the gateway takes it no more. One of an account's is its default.
    """

    __tablename__ = "saved_method"
    __table_args__ = (
        CheckConstraint("exp_month BETWEEN 1 AND 12", name="exp_month"),
        UniqueConstraint("gateway", "gateway_method"),
        Index("ix_saved_method_account", "account_id", "id"),
        Index("ix_saved_method_mandate", "gateway", "mandate"),
        Index(
            "uq_saved_method_default",
            "account_id",
            unique=True,
            sqlite_where=text("is_default AND removed_at IS NULL"),
            postgresql_where=text("is_default AND removed_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    gateway: str = Field(max_length=20)
    gateway_customer: str = Field(max_length=255)
    gateway_method: str = Field(max_length=255)
    kind: MethodKind = Field(sa_type=enum_type(MethodKind))
    brand: str = Field(default="", max_length=40)
    last4: str = Field(default="", max_length=4)
    exp_month: int | None = None
    exp_year: int | None = None
    mandate: str | None = Field(default=None, max_length=255)
    mandate_reference: str = Field(default="", max_length=60)
    unusable: str = Field(default="", max_length=60)
    is_default: bool = False
    consented_by: str = Field(max_length=80)
    consented_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SetupState(StrEnum):
    INTENDED = "intended"
    OPEN = "open"
    DONE = "done"
    ENDED = "ended"


class MethodSetup(SQLModel, table=True):
    """A gateway's page on which a customer leaves a method; the customer's consent is its making."""

    __tablename__ = "method_setup"
    __table_args__ = (
        Index("ix_method_setup_account", "account_id", "id"),
        Index(
            "ix_method_setup_open",
            "gateway",
            "created_at",
            sqlite_where=text("state IN ('intended', 'open')"),
            postgresql_where=text("state IN ('intended', 'open')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    public_id: str = Field(max_length=40, unique=True)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    gateway: str = Field(max_length=20)
    state: SetupState = Field(sa_type=enum_type(SetupState))
    request: dict[str, Any] = Field(sa_type=Json)
    gateway_session: str | None = Field(default=None, max_length=255, unique=True)
    saved_method_id: int | None = Field(default=None, foreign_key="saved_method.id", sa_type=BigId)
    outcome: str = Field(default="", max_length=400)
    consented_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class VirtualAccount(SQLModel, table=True):
    """The account number that a gateway gave a customer alone to transfer to.

    `balance_minor` is what arrived and no payment has taken yet, as the gateway said it at `balance_at`.
    """

    __tablename__ = "virtual_account"
    __table_args__ = (UniqueConstraint("account_id", "gateway", "currency"), Index("ix_virtual_account_iban", "iban"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    gateway: str = Field(max_length=20)
    currency: str = Field(max_length=3)
    iban: str = Field(max_length=34)
    bic: str = Field(default="", max_length=11)
    holder: str = Field(default="", max_length=200)
    balance_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    balance_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
