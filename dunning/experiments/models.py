"""Experiments on reminders, and which customer is in which arm."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime


class Experiment(SQLModel, table=True):
    """Customers drawn into arms from `starts_on` to `ends_on`, or until `ended_at`.

    `arms` are [{"name", "share", "holdout_days", "policy", "timing"}], the first the control; shares sum to 1. Only
    customers of `segment`, when there is one. `limits` gives, per currency, in minor units, what a customer may owe at
    most to be drawn; nobody of `kept_out` is, nor who has an item more than `most_days_late` late.
    """

    __tablename__ = "experiment"
    __table_args__ = (Index("ix_experiment_days", "ends_on", "starts_on"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    name: str = Field(max_length=60, unique=True)
    arms: list[dict[str, Any]] = Field(sa_type=Json)
    segment: str | None = Field(default=None, max_length=60)
    limits: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    kept_out: list[int] = Field(default_factory=list, sa_type=Json)
    most_days_late: int
    starts_on: date
    ends_on: date
    salt: str = Field(max_length=40)
    created_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_by: str | None = Field(default=None, max_length=80)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ExperimentArm(SQLModel, table=True):
    """A customer in an arm, from the first day on which a run looked at it; it stays there until the end."""

    __tablename__ = "experiment_arm"
    __table_args__ = (
        UniqueConstraint("account_id", "experiment_id"),
        Index("ix_experiment_arm_experiment", "experiment_id", "account_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    experiment_id: int = Field(foreign_key="experiment.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    arm: str = Field(max_length=40)
    entered_on: date
