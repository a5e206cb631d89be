"""What a customer's contract says of late payment."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime


class ContractRate(SQLModel, table=True):
    """The interest agreed with a customer for what it pays late, percent a year, from a day on.

    Rows are added and never changed: a trigger refuses it. On a day the row that begins last holds, the one entered
    last among equals; without a percentage the law's own rate holds again.
    """

    __tablename__ = "contract_rate"
    __table_args__ = (
        CheckConstraint("percent >= 0", name="percent_not_negative"),
        Index("ix_contract_rate_account", "account_id", "valid_from", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    percent: Decimal | None = Field(default=None, sa_type=Numeric(7, 4, asdecimal=True))
    valid_from: date
    source: str = Field(max_length=200)
    entered_by: str = Field(max_length=80)
    entered_at: datetime = Field(sa_type=UtcDateTime)
