"""Instalment plans: what a customer agreed to pay of which items, in which parts, on which days."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.access.models import Role
from ar.core.db import BigId, UtcDateTime, enum_type


class PlanState(StrEnum):
    """PROPOSED waits for the customer's yes. AGREED holds reminders back. KEPT was paid in full; ENDED closed by a
    person with something left."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    KEPT = "kept"
    BROKEN = "broken"
    ENDED = "ended"
    CANCELLED = "cancelled"


class PlanPolicy(SQLModel, table=True):
    """The plans that a legal entity lets customers ask for, and how missed instalments are taken.

    `min_instalment_minor` is in minor units of the entity's currency. `reminder_days` before an instalment its customer
    is reminded; `grace_days` business days after it, it is missed.
    """

    __tablename__ = "plan_policy"

    entity_id: int = Field(primary_key=True, foreign_key="legal_entity.id", sa_type=BigId)
    offered: bool
    max_months: int
    max_instalments: int
    min_instalment_minor: int = Field(sa_type=BigId)
    reminder_days: int
    grace_days: int


class PaymentPlan(SQLModel, table=True):
    """One plan of one customer with one seller in one currency; `amount_minor` is the sum of its instalments.

    `collected`: the instalments are debited under the customer's mandate on their days.
    """

    __tablename__ = "payment_plan"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_payment_plan_account", "account_id", "id"),
        Index("ix_payment_plan_state", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    currency: str = Field(max_length=3)
    amount_minor: int = Field(sa_type=BigId)
    collected: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    state: PlanState = Field(sa_type=enum_type(PlanState))
    state_reason: str = Field(default="", max_length=400)
    note: str = Field(default="", max_length=400)
    made_by: str = Field(max_length=80)
    made_at: datetime = Field(sa_type=UtcDateTime)
    agreed_by: str | None = Field(default=None, max_length=80)
    agreed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    over_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PlanItem(SQLModel, table=True):
    """What of an open item is in a plan; `open_minor` was open when it was agreed."""

    __tablename__ = "plan_item"
    __table_args__ = (
        CheckConstraint("amount_minor BETWEEN 1 AND open_minor", name="amount_within"),
        UniqueConstraint("plan_id", "entry_id"),
        Index("ix_plan_item_entry", "entry_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    plan_id: int = Field(foreign_key="payment_plan.id", sa_type=BigId)
    entry_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    open_minor: int = Field(sa_type=BigId)


class Instalment(SQLModel, table=True):
    """One part of a plan. `met_at` is when the ledger had it, `missed_at` when its grace was over without."""

    __tablename__ = "plan_instalment"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        UniqueConstraint("plan_id", "number"),
        Index("ix_plan_instalment_due", "due_on", "plan_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    plan_id: int = Field(foreign_key="payment_plan.id", sa_type=BigId)
    number: int
    due_on: date
    amount_minor: int = Field(sa_type=BigId)
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    met_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    missed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PlanLimit(SQLModel, table=True):
    """What the people of a role may grant by themselves for a legal entity, in minor units of its currency.

    None is without limit. What is above it wants another person's approval.
    """

    __tablename__ = "plan_limit"
    __table_args__ = (
        CheckConstraint("max_minor >= 0", name="amount_not_negative"),
        CheckConstraint("max_months BETWEEN 0 AND 60", name="months"),
    )

    entity_id: int = Field(primary_key=True, foreign_key="legal_entity.id", sa_type=BigId)
    role: Role = Field(primary_key=True, sa_type=enum_type(Role))
    max_minor: int | None = Field(default=None, sa_type=BigId)
    max_months: int | None = None


class PlanApproval(SQLModel, table=True):
    """A plan above what who proposed it may grant: nobody is told of it, nor can agree, until another approves."""

    __tablename__ = "plan_approval"
    __table_args__ = (
        Index(
            "ix_plan_approval_waiting",
            "plan_id",
            sqlite_where=text("approved_at IS NULL"),
            postgresql_where=text("approved_at IS NULL"),
        ),
    )

    plan_id: int = Field(primary_key=True, foreign_key="payment_plan.id", sa_type=BigId)
    why: str = Field(max_length=400)
    asked_by: str = Field(max_length=80)
    approved_by: str | None = Field(default=None, max_length=80)
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
