"""An example of what each template of prediction is given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from ar.ledger.models import EntryKind, OpenItem
from prediction.lists import Scoring
from prediction.models import ModelKind, Prediction, PredictionModel

NOW = datetime(2026, 4, 1, 5, tzinfo=UTC)
MEASURES: dict[str, Any] = {
    "invoices": 1200,
    "late_share": 0.4,
    "auc": 0.853,
    "average_precision": 0.8,
    "brier": 0.147,
    "log_loss": 0.45,
    "ece": 0.02,
    "mae_days": 2.3,
    "medae_days": 1.0,
    "within_3_days": 0.81,
    "p10_p90_coverage": 0.85,
    "p10_p90_width_days": 7.5,
    "pinball": None,
}
NAIVE: dict[str, Any] = {"own_rate": MEASURES, "own_median": MEASURES, "due_date": MEASURES}
MODEL = PredictionModel(
    id=3,
    kind=ModelKind.HAZARD,
    trained_at=NOW,
    as_of=date(2026, 3, 31),
    first_issued=date(2024, 10, 1),
    last_issued=date(2026, 3, 31),
    invoices=8012,
    outcomes=7544,
    tail=0.02,
    features=["amount"],
    metrics=MEASURES,
    naive_metrics=NAIVE,
    backtest={
        "folds": [{"cut_off": "2026-02-01", "model": MEASURES, "naive": NAIVE}],
        "auc_gain": {"gain": 0.06, "low": 0.04, "high": 0.09},
        "reliability": [{"count": 10, "given": 0.1, "late": 0.12}, {"count": 9, "given": 0.9, "late": 0.8}],
    },
)
UNTESTED = PredictionModel(
    id=1, kind=ModelKind.NAIVE, trained_at=NOW, as_of=date(2026, 3, 31), invoices=0, outcomes=0, tail=0.02, features=[]
)
REASONS: list[dict[str, Any]] = [
    {"code": "overdue", "days": 1},
    {"code": "due_today"},
    {"code": "contested"},
    {"code": "short_history", "count": 2},
    {"code": "pays_late", "days": 6, "points": 21},
    {"code": "pays_early", "days": 1, "points": -9},
    {"code": "lately_slower", "days": 9, "usual": 2, "points": 12},
    {"code": "often_late", "percent": 60, "points": 7},
    {"code": "pays_on_time", "percent": 90, "points": -30},
    *({"code": code, "percent": 250, "raises": up} for code in ("amount_high", "amount_low") for up in (True, False)),
    {"code": "others_overdue", "count": 2, "points": 5},
    {"code": "nothing_overdue", "points": -4},
    *({"code": "due_weekday", "weekday": day, "raises": bool(day % 2)} for day in range(7)),
    *({"code": "terms", "days": 30, "raises": up} for up in (True, False)),
    {"code": "one of a later version"},
]
PREDICTION = Prediction(
    id=9,
    model_id=3,
    entry_id=41,
    account_id=17,
    scored_on=date(2026, 4, 1),
    late_probability=0.73,
    unpaid_in_30=0.08,
    expected_on=date(2026, 4, 21),
    p10_days=-2,
    p50_days=6,
    p90_days=15,
    reasons=REASONS,
)
ITEM = OpenItem(
    entry_id=41,
    entity_id=1,
    account_id=17,
    kind=EntryKind.INVOICE,
    side=1,
    currency="EUR",
    amount_minor=120_000,
    open_minor=90_000,
    effective_on=date(2026, 3, 15),
    due_on=date(2026, 4, 15),
    reference="INV-<1>",
)
NOTHING: dict[str, Any] = {"scoring": None, "rows": [], "items": {}, "names": {}, "next_cursor": None, "show": "due"}

SAMPLES: dict[str, dict[str, Any]] = {
    "console/prediction/forecast.html": {
        "model": MODEL,
        "scoring": Scoring(3, date(2026, 4, 1)),
        "rows": [PREDICTION],
        "items": {41: ITEM},
        "names": {17: "Bakery <Example>"},
        "next_cursor": "abc",
        "show": "overdue",
    },
    "console/prediction/forecast.html#untested": {"model": UNTESTED} | NOTHING,
    "console/prediction/forecast.html#none": {"model": None} | NOTHING,
}
