"""Payments: money a customer means to pay, is paying, or has paid, and what it is meant for.

A payment's row holds facts, each true for ever once known (the gateway's word, a person's word); its state is
worked out from them by `payment_states`, so that it does not matter in which order they were learnt.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.cash.payment_states import PaymentState
from ar.core.db import BigId, Json, UtcDateTime, enum_type


class Method(StrEnum):
    """How the money comes. ONLINE leaves the choice to the customer, on the gateway's page."""

    ONLINE = "online"
    CARD = "card"
    SEPA_DEBIT = "sepa_debit"
    BANK_TRANSFER = "bank_transfer"
    CHEQUE = "cheque"
    CASH = "cash"
    OTHER = "other"


class Flow(StrEnum):
    """How a gateway is asked for a payment: on its PAGE, by a CHARGE of a saved method, by a bank TRANSFER."""

    PAGE = "page"
    CHARGE = "charge"
    TRANSFER = "transfer"


class Payment(SQLModel, table=True):
    """One payment of one customer to one legal entity in one currency.

    `public_id` is what the outside knows it by, and the gateway's idempotency key. `entry_id` is its ledger entry
    while the money is ours. `postings` counts the entries ever posted for it. `bank_line_id` is the bank line that
    brought it. `flow` is None for what did not come by a gateway of ours. `instructions` say where to transfer to.
    `amount_minor` is what was asked; `received_minor` what comes in. Amounts are in minor units.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded_within"),
        CheckConstraint("captured_minor BETWEEN 0 AND amount_minor", name="captured_within"),
        Index("ix_payment_account", "account_id", "id"),
        Index("ix_payment_state", "state", "id"),
        Index("ix_payment_intent", "gateway_intent"),
        Index(
            "ix_payment_unfinished",
            "account_id",
            "state",
            sqlite_where=text("state IN ('intended', 'started', 'pending', 'unknown')"),
            postgresql_where=text("state IN ('intended', 'started', 'pending', 'unknown')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    public_id: str = Field(max_length=40, unique=True)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    currency: str = Field(max_length=3)
    method: Method = Field(sa_type=enum_type(Method))
    state: PaymentState = Field(sa_type=enum_type(PaymentState))
    reason: str = Field(default="", max_length=400)
    note: str = Field(default="", max_length=400)
    reference: str = Field(default="", max_length=60)
    recorded_by: str = Field(max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=200, unique=True)
    gateway: str = Field(default="", max_length=20)
    flow: Flow | None = Field(default=None, sa_type=enum_type(Flow))
    saved_method_id: int | None = Field(default=None, foreign_key="saved_method.id", index=True, sa_type=BigId)
    gateway_session: str | None = Field(default=None, max_length=255, unique=True)
    gateway_intent: str | None = Field(default=None, max_length=255)
    checkout_url: str | None = None
    request: dict[str, Any] | None = Field(default=None, sa_type=Json)
    instructions: dict[str, Any] | None = Field(default=None, sa_type=Json)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    uncertain: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    processing_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failure: str = Field(default="", max_length=60, sa_column_kwargs={"server_default": ""})
    authorised_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    captured_minor: int | None = Field(default=None, sa_type=BigId)
    funded_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    refunded_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    refund_booked_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    disputes: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    parked: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    doubts: list[str] = Field(default_factory=list, sa_type=Json)
    cleared: list[str] = Field(default_factory=list, sa_type=Json)
    entry_id: int | None = Field(default=None, foreign_key="ledger_entry.id", unique=True, sa_type=BigId)
    bank_line_id: int | None = Field(default=None, foreign_key="bank_line.id", index=True, sa_type=BigId)
    polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    postings: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def received_minor(self) -> int:
        """What comes in of it: all that was asked, or the part that was captured."""
        return self.amount_minor if self.captured_minor is None else self.captured_minor


class PaymentTarget(SQLModel, table=True):
    """What part of a payment is meant for which open item: the payer's own designation."""

    __tablename__ = "payment_target"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        UniqueConstraint("payment_id", "entry_id"),
        Index("ix_payment_target_entry", "entry_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    payment_id: int = Field(foreign_key="payment.id", sa_type=BigId)
    entry_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)


class RefundState(StrEnum):
    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PaymentRefund(SQLModel, table=True):
    """Money given back out of a payment, written before it is asked of the gateway."""

    __tablename__ = "payment_refund"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_payment_refund_payment", "payment_id"),
        Index("ix_payment_refund_state", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    public_id: str = Field(max_length=40, unique=True)
    payment_id: int = Field(foreign_key="payment.id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    state: RefundState = Field(sa_type=enum_type(RefundState))
    note: str = Field(default="", max_length=400)
    outcome: str = Field(default="", max_length=400)
    gateway_refund: str | None = Field(default=None, max_length=255)
    idempotency_key: str | None = Field(default=None, max_length=200, unique=True)
    requested_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class WebhookEvent(SQLModel, table=True):
    """What a gateway told us, as it told it: kept once, applied in the transaction that keeps it.

    `applied_at` stays empty while the payment it speaks of is not known yet; `gateway_intent` finds it later.
    """

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("gateway", "event_id"),
        Index("ix_webhook_event_payment", "payment_id", "id"),
        Index(
            "ix_webhook_event_waiting",
            "gateway_intent",
            sqlite_where=text("applied_at IS NULL"),
            postgresql_where=text("applied_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    gateway: str = Field(max_length=20)
    event_id: str = Field(max_length=255)
    type: str = Field(max_length=120)
    created_at: datetime = Field(sa_type=UtcDateTime)
    payload: str
    gateway_intent: str | None = Field(default=None, max_length=255)
    payment_id: int | None = Field(default=None, foreign_key="payment.id", sa_type=BigId)
    received_at: datetime = Field(sa_type=UtcDateTime)
    applied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str = Field(default="", max_length=400)
