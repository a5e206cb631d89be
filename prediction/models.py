"""The register of models, and what each said of the open invoices on each day it was asked."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class ModelKind(StrEnum):
    HAZARD = "hazard"
    NAIVE = "naive"


class PredictionModel(SQLModel, table=True):
    """One trained model: what it learnt from, how it did on months it had not seen, and where it is kept.

    `metrics` and `naive_metrics` are the pooled back-test of the model and of the naive methods (None when there was
    too little to test on); `backtest` holds the folds, the interval and the reliability. A naive model has no file.
    """

    __tablename__ = "prediction_model"
    __table_args__ = (CheckConstraint("(path IS NULL) = (digest IS NULL)", name="file_digest"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: ModelKind = Field(sa_type=enum_type(ModelKind))
    trained_at: datetime = Field(sa_type=UtcDateTime)
    as_of: date
    first_issued: date | None = None
    last_issued: date | None = None
    invoices: int
    outcomes: int
    tail: float
    features: list[str] = Field(sa_type=Json)
    metrics: dict[str, Any] | None = Field(default=None, sa_type=Json)
    naive_metrics: dict[str, Any] | None = Field(default=None, sa_type=Json)
    backtest: dict[str, Any] | None = Field(default=None, sa_type=Json)
    path: str | None = Field(default=None, max_length=200)
    digest: str | None = Field(default=None, max_length=64)


class Prediction(SQLModel, table=True):
    """What a model said of one open invoice on a day; days are counted from the due date. Never changed.

    `expected_on` is the day by which payment is as likely as not. `unpaid_in_30` is the chance that it is still open
    30 days after the scoring day.
    """

    __tablename__ = "prediction"
    __table_args__ = (
        UniqueConstraint("model_id", "entry_id", "scored_on"),
        CheckConstraint("late_probability BETWEEN 0 AND 1", name="probability"),
        CheckConstraint("p10_days <= p50_days AND p50_days <= p90_days", name="ordered"),
        Index("ix_prediction_latest", "entry_id", "scored_on", "id"),
        Index("ix_prediction_day", "scored_on", "id"),
        Index("ix_prediction_run", "model_id", "scored_on", "id"),
        Index("ix_prediction_account", "account_id", "scored_on", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    model_id: int = Field(foreign_key="prediction_model.id", sa_type=BigId)
    entry_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    scored_on: date
    late_probability: float
    unpaid_in_30: float
    expected_on: date
    p10_days: int
    p50_days: int
    p90_days: int
    reasons: list[dict[str, Any]] = Field(sa_type=Json)
