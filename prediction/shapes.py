"""What the API of prediction gives."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from prediction.models import ModelKind

REASON: dict[str, Any] = {"code": "pays_late", "days": 6, "points": 21}
MEASURES: dict[str, Any] = {"invoices": 4120, "late_share": 0.41, "auc": 0.853, "brier": 0.147, "mae_days": 2.3}
NAIVE: dict[str, Any] = {
    "own_rate": {"auc": 0.79, "brier": 0.178},
    "own_median": {"mae_days": 2.9},
    "due_date": {"mae_days": 4.3},
}
MODEL: dict[str, Any] = {
    "id": 3,
    "kind": "hazard",
    "trained_at": "2026-04-01T05:10:00Z",
    "as_of": "2026-03-31",
    "first_issued": "2024-10-01",
    "last_issued": "2026-03-31",
    "invoices": 8012,
    "outcomes": 7544,
    "metrics": MEASURES,
    "naive_metrics": NAIVE,
    "digest": "9f2c6f0a7d1e4b53" * 4,
}


PREDICTION: dict[str, Any] = {
    "id": 901,
    "model_id": 3,
    "entry_id": 41,
    "account_id": 17,
    "scored_on": "2026-04-01",
    "late_probability": 0.73,
    "unpaid_in_30": 0.08,
    "expected_on": "2026-04-21",
    "p10_days": 1,
    "p50_days": 6,
    "p90_days": 15,
    "reasons": [REASON],
}


class PredictionOut(BaseModel):
    """What a model said of one open invoice on a day."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [PREDICTION]}, protected_namespaces=()
    )

    id: int
    model_id: int
    entry_id: int
    account_id: int
    scored_on: date
    late_probability: float = Field(description="Chance of payment after the due date; 1 once that has passed")
    unpaid_in_30: float = Field(description="Chance of being still open 30 days after the scoring day")
    expected_on: date = Field(description="The day by which payment is as likely as not")
    p10_days: int = Field(description="Days after the due date by which payment has a chance of 10 %")
    p50_days: int
    p90_days: int
    reasons: list[dict[str, Any]] = Field(description="Codes with their figures; points are percentage points")


class ModelOut(BaseModel):
    """One model of the register, with its back-test beside the naive methods."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [MODEL]}, protected_namespaces=())

    id: int
    kind: ModelKind
    trained_at: datetime
    as_of: date
    first_issued: date | None
    last_issued: date | None
    invoices: int
    outcomes: int = Field(description="Invoices of which it was known whether they were late")
    metrics: dict[str, Any] | None = Field(description="Pooled back-test; null when no month could be tested")
    naive_metrics: dict[str, Any] | None = Field(description="The same by naive method")
    digest: str | None = Field(description="SHA-256 of the model's file; null for the naive method, which has none")


class ModelDetailOut(ModelOut):
    """One model with its features and the whole of its back-test: by month, by depth of history, reliability."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                MODEL
                | {
                    "features": ["amount", "terms", "recent_late"],
                    "backtest": {"folds": [], "auc_gain": {"gain": 0.06, "low": 0.04, "high": 0.09}},
                }
            ]
        },
    )

    features: list[str]
    backtest: dict[str, Any] | None
