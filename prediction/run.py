"""Training and scoring: the shell that the command line, the API and the console call.

Both read on one snapshot, compute outside any transaction, and write in one short one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import numpy as np
from sqlalchemy import func
from sqlalchemy import select as rows_of
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.db import bulk_insert
from ar.core.kernel import Kernel
from prediction.evaluation import FOLDS, BackTest, auc_gain, backtest, reliability, summary
from prediction.features import Ends, features
from prediction.history import read_history
from prediction.model import LATER_DAYS, MAX_CELLS, PaymentModel, fit, tail_rate
from prediction.models import ModelKind, Prediction, PredictionModel
from prediction.naive import NaivePayer
from prediction.outcomes import NEVER, History, day_number, day_of, late_known
from prediction.reasons import Reason, reasons_of
from prediction.register import columns_of, keep_file, latest_model, load, register

LEAST_OUTCOMES: Final = 200
LEAST_OF_EACH: Final = 20
"""Late and on-time invoices below which there is nothing to tell apart."""


def nothing_told(_done: int, _of: int) -> None:
    """For callers who want no progress."""


@dataclass(frozen=True)
class TrainReport:
    """What came of a training. `too_little` says why the naive method is served instead of a model, when it is."""

    model: PredictionModel
    too_little: str | None


@dataclass(frozen=True)
class PredictReport:
    """How many open invoices were scored, how many had been already on that day, and by which model.

    `expected_late` is the sum of the chances of lateness of both, those late already counting one each.
    """

    model_id: int
    kind: ModelKind
    as_of: date
    scored: int
    unchanged: int
    expected_late: float

    def __str__(self) -> str:
        return f"{self.scored} scored by model {self.model_id}, {self.unchanged} had been already"


def train(
    kernel: Kernel,
    *,
    as_of: date,
    now: datetime,
    by: str = "system",
    folds: int = FOLDS,
    max_cells: int = MAX_CELLS,
    told: Callable[[int, int], None] = nothing_told,
) -> TrainReport:
    """Learn from the ledger as known on `as_of`, test it in time order beside the naive methods, and register it.

    At most `max_cells` days of invoices are learnt from, and `folds` months tested: fewer of both take less time.
    """
    with kernel.database.reading() as session:
        history = read_history(session, as_of=as_of)
    outcomes, too_little = _enough(history)
    if too_little:
        made: PaymentModel | NaivePayer = NaivePayer(tail_rate(history))
        test = backtest(history, lambda known: NaivePayer(tail_rate(known)), folds=folds, told=told)
    else:
        learn = partial(fit, max_cells=max_cells)
        made = learn(history)
        test = backtest(history, learn, folds=folds, told=told)
    model = _described(history, made, test, as_of=as_of, now=now, outcomes=outcomes)
    if isinstance(made, PaymentModel):
        model.path, model.digest = keep_file(made, kernel.settings.var_dir)
    with kernel.database.transaction() as session:
        register(session, model, by=by)
    return TrainReport(model, too_little)


def _enough(history: History) -> tuple[int, str | None]:
    """How many outcomes are known, and why that is too little to learn from, when it is."""
    known, late = late_known(history)
    outcomes, slow = int(known.sum()), int(late.sum())
    if outcomes < LEAST_OUTCOMES:
        return outcomes, f"{outcomes} invoices have a known outcome, and {LEAST_OUTCOMES} are needed to learn from"
    if min(slow, outcomes - slow) < LEAST_OF_EACH:
        return outcomes, f"{slow} of {outcomes} invoices were late: too one-sided to learn from"
    return outcomes, None


def _described(
    history: History,
    made: PaymentModel | NaivePayer,
    test: BackTest | None,
    *,
    as_of: date,
    now: datetime,
    outcomes: int,
) -> PredictionModel:
    learnt = isinstance(made, PaymentModel)
    metrics, naive = summary(test) if test else (None, None)
    return PredictionModel(
        kind=ModelKind.HAZARD if learnt else ModelKind.NAIVE,
        trained_at=now,
        as_of=as_of,
        first_issued=day_of(int(history.issued.min())) if len(history) else None,
        last_issued=day_of(int(history.issued.max())) if len(history) else None,
        invoices=len(history),
        outcomes=outcomes,
        tail=made.tail,
        features=columns_of(made) if isinstance(made, PaymentModel) else [],
        metrics=metrics,
        naive_metrics=naive,
        backtest=_told_backtest(test) if test else None,
    )


def _told_backtest(test: BackTest) -> dict[str, Any]:
    folds = []
    for number, start in enumerate(test.cut_offs):
        model, naive = summary(test, test.fold == number)
        folds.append({"cut_off": day_of(start).isoformat(), "model": model, "naive": naive})
    depth = {}
    for name, chosen in (("under_5", test.settled < 5), ("5_or_more", test.settled >= 5)):
        if chosen.any():
            model, naive = summary(test, chosen)
            depth[name] = {"model": model, "naive": naive}
    return {
        "folds": folds,
        "by_history": depth,
        "auc_gain": auc_gain(test),
        "reliability": reliability(test.late, test.probability),
        "naive_reliability": reliability(test.late, test.naive_probability),
    }


def predict(kernel: Kernel, *, as_of: date, now: datetime, by: str = "system") -> PredictReport:
    """Score every invoice open on `as_of` by the model in force, once for a model and day. Raises ModelMissingError.

    Only what happened before `as_of` counts; what has been paid on the day itself is left out.
    """
    with kernel.database.reading() as session:
        found = latest_model(session)
        session.expunge(found)
        history = read_history(session, as_of=as_of)
        assert found.id is not None
        done = _done(session, found.id, as_of)
    payer = load(found, kernel.settings.var_dir)
    rows = history.open_rows()
    rows = rows[~np.isin(history.entry_id[rows], done)]
    lines = _scored(history, payer, rows, day_number(as_of))
    for line in lines:
        line |= {"model_id": found.id, "scored_on": as_of}
    with kernel.database.transaction() as session:
        known = set(_done(session, found.id, as_of))
        lines = [line for line in lines if line["entry_id"] not in known]
        bulk_insert(session, Prediction, lines)
        change = {"scored_on": as_of.isoformat(), "scored": len(lines)}
        if lines:
            record(session, [Act(by, "prediction.scored", f"prediction_model:{found.id}", change)], now=now)
        expected = _expected_late(session, found.id, as_of)
    return PredictReport(found.id, found.kind, as_of, len(lines), len(known), expected)


def _expected_late(session: Session, model_id: int, scored_on: date) -> float:
    query = rows_of(func.coalesce(func.sum(col(Prediction.late_probability)), 0.0)).where(
        col(Prediction.model_id) == model_id, col(Prediction.scored_on) == scored_on
    )
    return float(session.connection().execute(query).scalar_one())


def _done(session: Session, model_id: int, scored_on: date) -> list[int]:
    query = rows_of(col(Prediction.entry_id)).where(
        col(Prediction.model_id) == model_id, col(Prediction.scored_on) == scored_on
    )
    return list(session.connection().execute(query).scalars())


def _scored(history: History, payer: Any, rows: Any, today: int) -> list[dict[str, Any]]:
    if not len(rows):
        return []
    ends, days = Ends.of(history), np.full(len(rows), today)
    curves = payer.curves(ends, rows, days)
    late = np.clip(curves.late_probability(), 0.0, 1.0)
    quantiles = [curves.quantile(share) for share in (0.1, 0.5, 0.9)]
    effects = payer.effects(ends, rows, days) if isinstance(payer, PaymentModel) else {}
    reasons: list[list[Reason]] = reasons_of(features(ends, rows, days), effects, today - history.due[rows])
    later = curves.unpaid_in(LATER_DAYS)
    columns = (
        history.entry_id[rows].tolist(),
        history.account[rows].tolist(),
        history.due[rows].tolist(),
        late.tolist(),
        later.tolist(),
        *(quantile.tolist() for quantile in quantiles),
        reasons,
    )
    return [
        {
            "entry_id": entry,
            "account_id": account,
            "late_probability": probability,
            "unpaid_in_30": open_later,
            "expected_on": day_of(min(due + p50, NEVER)),
            "p10_days": p10,
            "p50_days": p50,
            "p90_days": p90,
            "reasons": why,
        }
        for entry, account, due, probability, open_later, p10, p50, p90, why in zip(*columns, strict=True)
    ]
