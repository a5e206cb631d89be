"""The work-list as it is kept ready, and the people who work it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime

SHOWN = text("hidden_for = ''")


class WorklistRow(SQLModel, table=True):
    """One customer with something overdue, as it was reckoned at `computed_at`; written anew every hour and by clicks.

    `value_minor` is what acting today is worth, in minor units of the reporting currency: a rank (see value.py, whose
    parts are in `parts`). `worker_id` is who works it today: the owner, or its stand-in. `hidden_for` says why it is
    not shown to be worked on, to the end of `hidden_until` where that is known.
    """

    __tablename__ = "worklist_row"
    __table_args__ = (
        CheckConstraint("value_minor >= 0", name="value_not_negative"),
        Index("ix_worklist_row_value", "value_minor", "account_id"),
        Index("ix_worklist_row_shown", "value_minor", "account_id", sqlite_where=SHOWN, postgresql_where=SHOWN),
        Index("ix_worklist_row_worker", "worker_id", "value_minor", "account_id"),
        Index(
            "ix_worklist_row_worker_shown",
            "worker_id",
            "value_minor",
            "account_id",
            sqlite_where=SHOWN,
            postgresql_where=SHOWN,
        ),
        Index("ix_worklist_row_owner", "owner_id", "value_minor", "account_id"),
    )

    account_id: int = Field(primary_key=True, foreign_key="account.id", sa_type=BigId)
    owner_id: int | None = Field(default=None, foreign_key="user_account.id", sa_type=BigId)
    worker_id: int | None = Field(default=None, foreign_key="user_account.id", sa_type=BigId)
    value_minor: int = Field(sa_type=BigId)
    asked_minor: int = Field(sa_type=BigId)
    currency: str = Field(max_length=3)
    overdue: list[Any] = Field(default_factory=list, sa_type=Json)
    oldest_days: int
    channel: str = Field(max_length=24)
    parts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    contact: dict[str, Any] | None = Field(default=None, sa_type=Json)
    exchange: dict[str, Any] | None = Field(default=None, sa_type=Json)
    task_id: int | None = Field(default=None, foreign_key="call_task.id", sa_type=BigId)
    next_step: str | None = Field(default=None, max_length=40)
    next_on: date | None = None
    hold_ids: list[int] = Field(default_factory=list, sa_type=Json)
    hidden_until: date | None = None
    hidden_for: str = Field(default="", max_length=24)
    computed_at: datetime = Field(sa_type=UtcDateTime)


class Collector(SQLModel, table=True):
    """How a user works the list: customers a day, days away with who stands in, and whom it hands hard cases to."""

    __tablename__ = "collector"
    __table_args__ = (
        CheckConstraint("daily_capacity BETWEEN 1 AND 5000", name="capacity"),
        CheckConstraint("(away_from IS NULL) = (away_until IS NULL)", name="away_both"),
        CheckConstraint("away_from <= away_until", name="away_order"),
        CheckConstraint("stand_in_id <> user_id", name="stand_in_another"),
        Index("ix_collector_stand_in", "stand_in_id"),
    )

    user_id: int = Field(primary_key=True, foreign_key="user_account.id", sa_type=BigId)
    daily_capacity: int = Field(default=500)
    away_from: date | None = None
    away_until: date | None = None
    stand_in_id: int | None = Field(default=None, foreign_key="user_account.id", sa_type=BigId)
    manager_id: int | None = Field(default=None, foreign_key="user_account.id", sa_type=BigId)
