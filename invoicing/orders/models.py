"""Orders, their lines, what they are billed in beside the lines, and which invoice billed what.

A line's billed quantity is kept by the database itself: a row of `order_billing` adds to it when it is written and
takes off when a draft is discarded, and a check refuses more than was ordered. Quantities and unit prices are integers
of millionths, percentages hundredths of a percent, amounts minor units of the order's currency.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type
from invoicing.models import SupplyKind, TaxCategory

BILLABLE = "state IN ('accepted', 'delivered', 'partly_billed')"


class OrderState(StrEnum):
    """Where an order stands. `held` is for want of credit; what holds back its billing is kept in `billing_hold`."""

    ENTERED = "entered"
    HELD = "held"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    PARTLY_BILLED = "partly_billed"
    BILLED = "billed"
    CANCELLED = "cancelled"


class StageKind(StrEnum):
    """A milestone is a part of the order's price; a deposit is asked for before, and taken off the final invoice."""

    MILESTONE = "milestone"
    DEPOSIT = "deposit"


class SalesOrder(SQLModel, table=True):
    """What a customer ordered from a seller. `reference` is the name under which it came: once for each seller.

    `unbilled_minor` is what is still to be billed of it, tax included: it counts against the customer's credit once
    the order is accepted. `digest` tells a repetition of the same order from another one under its reference.
    """

    __tablename__ = "sales_order"
    __table_args__ = (
        UniqueConstraint("entity_id", "reference"),
        CheckConstraint("unbilled_minor >= 0", name="unbilled_positive"),
        CheckConstraint("total_minor = net_minor + tax_minor", name="total"),
        Index("ix_sales_order_account", "account_id", "id"),
        Index("ix_sales_order_state", "state", "id"),
        Index(
            "ix_sales_order_billable",
            "account_id",
            "id",
            sqlite_where=text(BILLABLE),
            postgresql_where=text(BILLABLE),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    reference: str = Field(max_length=60)
    digest: str = Field(max_length=64)
    state: OrderState = Field(default=OrderState.ENTERED, sa_type=enum_type(OrderState))
    currency: str = Field(max_length=3)
    terms: str = Field(default="", max_length=200)
    purchase_order: str = Field(default="", max_length=60)
    buyer_reference: str = Field(default="", max_length=60)
    site_name: str = Field(default="", max_length=100)
    site_street: str = Field(default="", max_length=200)
    site_postcode: str = Field(default="", max_length=20)
    site_city: str = Field(default="", max_length=100)
    site_country: str = Field(default="", max_length=2)
    wanted_on: date | None = None
    note: str = Field(default="", max_length=2000)
    net_minor: int = Field(sa_type=BigId)
    tax_minor: int = Field(sa_type=BigId)
    total_minor: int = Field(sa_type=BigId)
    unbilled_minor: int = Field(sa_type=BigId)
    entered_by: str = Field(max_length=80)
    entered_at: datetime = Field(sa_type=UtcDateTime)
    accepted_on: date | None = None
    accepted_by: str | None = Field(default=None, max_length=80)
    credit_reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    override_reason: str | None = Field(default=None, max_length=1000)
    override_by: str | None = Field(default=None, max_length=80)
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cancelled_for: str | None = Field(default=None, max_length=400)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class OrderLine(SQLModel, table=True):
    """One line of an order. The discount is a percentage or an amount for the whole line, or there is none."""

    __tablename__ = "sales_order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity_millionths > 0", name="quantity_positive"),
        CheckConstraint("unit_price_millionths >= 0", name="price_positive"),
        CheckConstraint("billed_millionths BETWEEN 0 AND quantity_millionths", name="billed_within"),
        CheckConstraint("delivered_millionths BETWEEN 0 AND quantity_millionths", name="delivered_within"),
        CheckConstraint("discount_bp IS NULL OR discount_minor IS NULL", name="one_discount"),
        CheckConstraint("billed_discount_minor BETWEEN 0 AND coalesce(discount_minor, 0)", name="discount_within"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    order_id: int = Field(foreign_key="sales_order.id", sa_type=BigId)
    position: int
    supply: SupplyKind = Field(sa_type=enum_type(SupplyKind))
    description: str = Field(max_length=1000)
    item_code: str = Field(default="", max_length=60)
    family: str = Field(default="", max_length=60)
    quantity_millionths: int = Field(sa_type=BigId)
    unit: str = Field(max_length=3)
    unit_price_millionths: int = Field(sa_type=BigId)
    discount_bp: int | None = None
    discount_minor: int | None = Field(default=None, sa_type=BigId)
    tax_category: TaxCategory = Field(sa_type=enum_type(TaxCategory))
    tax_rate_bp: int
    exemption: str = Field(default="", max_length=30)
    purchase_order: str = Field(default="", max_length=60)
    order_line: str = Field(default="", max_length=60)
    wanted_on: date | None = None
    delivered_millionths: int = Field(default=0, sa_type=BigId)
    delivered_on: date | None = None
    billed_millionths: int = Field(default=0, sa_type=BigId)
    billed_discount_minor: int = Field(default=0, sa_type=BigId)


class OrderStage(SQLModel, table=True):
    """A deposit or a milestone of an order, before tax. A trigger lets one invoice take it, and give it back.

    It is ready on `due_on`; without a day a deposit is ready when the order is accepted, a milestone when confirmed.
    """

    __tablename__ = "sales_order_stage"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("net_minor > 0", name="net_positive"),
        Index("ix_sales_order_stage_invoice", "invoice_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    order_id: int = Field(foreign_key="sales_order.id", sa_type=BigId)
    position: int
    kind: StageKind = Field(sa_type=enum_type(StageKind))
    label: str = Field(default="", max_length=200)
    percent_bp: int | None = None
    net_minor: int = Field(sa_type=BigId)
    due_on: date | None = None
    confirmed_on: date | None = None
    invoice_id: int | None = Field(default=None, foreign_key="invoice.id", sa_type=BigId)


class OrderBilling(SQLModel, table=True):
    """How much of an order's line an invoice bills, and what of its discount in amount. Never changed; only what a
    draft bills can be taken away, with the draft."""

    __tablename__ = "order_billing"
    __table_args__ = (
        CheckConstraint("quantity_millionths > 0", name="quantity_positive"),
        Index("ix_order_billing_line", "order_line_id"),
    )

    invoice_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    order_line_id: int = Field(foreign_key="sales_order_line.id", sa_type=BigId)
    quantity_millionths: int = Field(sa_type=BigId)
    discount_minor: int = Field(default=0, sa_type=BigId)
