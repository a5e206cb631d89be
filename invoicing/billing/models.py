"""How each customer is billed, the plans that bill again and again, and what became of each run."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type
from invoicing.models import SupplyKind, TaxCategory


class Grouping(StrEnum):
    """What goes on one invoice."""

    ORDER = "order"
    PURCHASE_ORDER = "purchase_order"
    SITE = "site"
    FAMILY = "family"
    MONTH = "month"
    LINE = "line"


class Basis(StrEnum):
    """What makes a line billable."""

    ACCEPTANCE = "acceptance"
    DELIVERY = "delivery"


class Cadence(StrEnum):
    """When what is billable is billed."""

    AT_ONCE = "at_once"
    MONTH_DAY = "month_day"
    MONTH_END = "month_end"


class Every(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Alignment(StrEnum):
    """Periods of a plan follow the calendar, a first part period billed by days, or the day on which it starts."""

    CALENDAR = "calendar"
    ANNIVERSARY = "anniversary"


class BillingRule(SQLModel, table=True):
    """How an account is billed: by all sellers, or by one, whose own rule comes before the general one."""

    __tablename__ = "billing_rule"
    __table_args__ = (
        UniqueConstraint("account_id", "entity_id"),
        CheckConstraint("(cadence = 'month_day') = (month_day IS NOT NULL)", name="month_day_given"),
        CheckConstraint("month_day BETWEEN 1 AND 31", name="month_day"),
        CheckConstraint("minimum_minor >= 0", name="minimum_positive"),
        Index(
            "uq_billing_rule_general",
            "account_id",
            unique=True,
            sqlite_where=text("entity_id IS NULL"),
            postgresql_where=text("entity_id IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entity_id: int | None = Field(default=None, foreign_key="legal_entity.id", sa_type=BigId)
    grouping: Grouping = Field(sa_type=enum_type(Grouping))
    consolidated: bool
    basis: Basis = Field(sa_type=enum_type(Basis))
    cadence: Cadence = Field(sa_type=enum_type(Cadence))
    month_day: int | None = None
    needs_purchase_order: bool
    needs_buyer_reference: bool
    needs_site: bool
    minimum_minor: int = Field(sa_type=BigId)
    approval: bool
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    changed_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: str = Field(max_length=80)


class BillingPlan(SQLModel, table=True):
    """A subscription: its lines are billed for each period, once. `next_on` is the day its next invoice is due for."""

    __tablename__ = "billing_plan"
    __table_args__ = (
        UniqueConstraint("entity_id", "reference"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_after"),
        Index("ix_billing_plan_account", "account_id", "id"),
        Index("ix_billing_plan_next", "next_on"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    reference: str = Field(max_length=60)
    digest: str = Field(max_length=64)
    every: Every = Field(sa_type=enum_type(Every))
    alignment: Alignment = Field(sa_type=enum_type(Alignment))
    in_advance: bool
    starts_on: date
    ends_on: date | None = None
    next_on: date | None = None
    currency: str = Field(max_length=3)
    terms: str = Field(default="", max_length=200)
    purchase_order: str = Field(default="", max_length=60)
    buyer_reference: str = Field(default="", max_length=60)
    note: str = Field(default="", max_length=2000)
    entered_by: str = Field(max_length=80)
    entered_at: datetime = Field(sa_type=UtcDateTime)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class BillingPlanLine(SQLModel, table=True):
    """What a plan bills for each whole period."""

    __tablename__ = "billing_plan_line"
    __table_args__ = (UniqueConstraint("plan_id", "position"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    plan_id: int = Field(foreign_key="billing_plan.id", sa_type=BigId)
    position: int
    supply: SupplyKind = Field(sa_type=enum_type(SupplyKind))
    description: str = Field(max_length=1000)
    item_code: str = Field(default="", max_length=60)
    quantity_millionths: int = Field(sa_type=BigId)
    unit: str = Field(max_length=3)
    tax_category: TaxCategory = Field(sa_type=enum_type(TaxCategory))
    tax_rate_bp: int
    exemption: str = Field(default="", max_length=30)


class BillingPlanPrice(SQLModel, table=True):
    """The unit price of a plan's line for a whole period, from a day on. Rows are added and never changed."""

    __tablename__ = "billing_plan_price"

    line_id: int = Field(primary_key=True, foreign_key="billing_plan_line.id", sa_type=BigId)
    valid_from: date = Field(primary_key=True)
    unit_price_millionths: int = Field(sa_type=BigId)


class BillingPlanPeriod(SQLModel, table=True):
    """A period of a plan that an invoice bills: its key lets no second one bill it."""

    __tablename__ = "billing_plan_period"
    __table_args__ = (
        CheckConstraint("period_to >= period_from", name="period"),
        Index("ix_billing_plan_period_invoice", "invoice_id"),
    )

    plan_id: int = Field(primary_key=True, foreign_key="billing_plan.id", sa_type=BigId)
    period_from: date = Field(primary_key=True)
    period_to: date
    invoice_id: int = Field(foreign_key="invoice.id", sa_type=BigId)


class BillingRun(SQLModel, table=True):
    """One run of billing: when, by whom, and what came of it."""

    __tablename__ = "billing_run"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    started_at: datetime = Field(sa_type=UtcDateTime)
    started_by: str = Field(max_length=80)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    issued: int = 0
    drafted: int = 0
    held: int = 0
    waiting: int = 0
    parked: int = 0


class BillingDocument(SQLModel, table=True):
    """An invoice or draft that a run made, and whether the customer's rule wants it approved."""

    __tablename__ = "billing_document"
    __table_args__ = (Index("ix_billing_document_run", "run_id"),)

    invoice_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)
    run_id: int = Field(foreign_key="billing_run.id", sa_type=BigId)
    approval: bool


class BillingHold(SQLModel, table=True):
    """What cannot be billed as it is ('order:12', 'plan:3'), and why; replaced by each run that sees the customer."""

    __tablename__ = "billing_hold"
    __table_args__ = (Index("ix_billing_hold_account", "account_id"),)

    subject: str = Field(primary_key=True, max_length=40)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    reasons: list[dict[str, Any]] = Field(sa_type=Json)
    held_at: datetime = Field(sa_type=UtcDateTime)


class BillingParked(SQLModel, table=True):
    """A customer whose billing failed: set aside for a person to see, and tried again alone at each run."""

    __tablename__ = "billing_parked"

    account_id: int = Field(primary_key=True, foreign_key="account.id", sa_type=BigId)
    error: str = Field(max_length=1000)
    parked_at: datetime = Field(sa_type=UtcDateTime)
