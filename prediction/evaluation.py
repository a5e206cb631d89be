"""How well payment was foreseen: measures, and the back-test in strict time order. Pure.

At each monthly cut-off a model learns from what was known the day before, then says of every invoice issued in the
following month, on the day of its issue, whether and when it will be paid. Nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from prediction.curves import Curves
from prediction.features import NAMES, Ends, features
from prediction.naive import late_rate, median_late
from prediction.outcomes import NEVER, Bools, Floats, History, Ints, late_known

FOLDS: Final = 6
LEAST_TEST: Final = 30
BINS: Final = 10
RESAMPLES: Final = 200
SEED: Final = 20


class Payer(Protocol):
    """What foresees payment: a fitted model or a naive method."""

    def curves(self, ends: Ends, rows: Ints, days: Ints) -> Curves: ...


def cut_offs(history: History, *, folds: int = FOLDS) -> list[int]:
    """First days of the last `folds` months that have a tenth of the history behind them and outcomes ahead."""
    done = np.sort(history.issued[history.due < history.as_of])
    if not len(done):
        return []
    first = np.datetime64(int(done[len(done) // 10]), "D").astype("datetime64[M]") + 1
    months = np.arange(first, np.datetime64(int(done[-1]), "D").astype("datetime64[M]") + 1)
    starts = [int(month.astype("datetime64[D]").astype(np.int64)) for month in months]
    tested = np.diff(np.searchsorted(done, [*starts, NEVER]))
    return [start for start, count in zip(starts, tested, strict=True) if count >= LEAST_TEST][-folds:]


@dataclass(frozen=True, eq=False)
class BackTest:
    """What was said of each tested invoice, beside what came: one line each, folds in order."""

    fold: Ints
    account: Ints
    settled: Ints
    late: Bools
    closed: Bools
    days_late: Ints
    probability: Floats
    quantiles: Ints
    """P10, P50 and P90, in days after the due date."""
    naive_probability: Floats
    naive_days: Ints
    cut_offs: list[int]


def backtest(
    history: History, fit: Callable[[History], Payer], *, folds: int = FOLDS, told: Callable[[int, int], None]
) -> BackTest | None:
    """The back-test of what `fit` makes; None when no month can be tested. `told(done, of)` hears of progress.

    Tested is every invoice of a fold's month that fell due before the history ends: those that have not been paid by
    then are late, and count in all measures but those of days.
    """
    cuts = cut_offs(history, folds=folds)
    ends = Ends.of(history)
    parts = []
    for number, start in enumerate(cuts):
        told(number, len(cuts))
        stop = cuts[number + 1] if number + 1 < len(cuts) else NEVER
        payer = fit(history.known_on(start - 1))
        chosen = (history.issued >= start) & (history.issued < stop) & (history.due < history.as_of)
        rows = np.flatnonzero(chosen & late_known(history)[0])
        parts.append(_fold(ends, payer, rows, number))
    told(len(cuts), len(cuts))
    if not parts:
        return None
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return BackTest(**joined, cut_offs=cuts)


def _fold(ends: Ends, payer: Payer, rows: Ints, number: int) -> dict[str, Any]:
    history = ends.history
    days = history.issued[rows]
    table = features(ends, rows, days)
    curves = payer.curves(ends, rows, days)
    return {
        "fold": np.full(len(rows), number),
        "account": history.account[rows],
        "settled": table[:, NAMES.index("settled")].astype(np.int64),
        "late": history.closed[rows] > history.due[rows],
        "closed": history.paid[rows],
        "days_late": np.where(history.paid[rows], history.closed[rows] - history.due[rows], 0),
        "probability": curves.late_probability(),
        "quantiles": np.column_stack([curves.quantile(share) for share in (0.1, 0.5, 0.9)]),
        "naive_probability": late_rate(table),
        "naive_days": median_late(ends, rows, days),
    }


def auc(late: Bools, probability: Floats, weight: Floats | None = None) -> float:
    """The chance that a late invoice was given more than one on time, ties counting half; nan for one class alone."""
    weight = np.ones(len(late)) if weight is None else weight
    _, level = np.unique(probability, return_inverse=True)
    bad = np.bincount(level, weights=weight * late)
    good = np.bincount(level, weights=weight * ~late, minlength=len(bad))
    below = np.cumsum(good) - good
    whole = bad.sum() * good.sum()
    return float((bad * (below + good / 2)).sum() / whole) if whole > 0 else float("nan")


def reliability(late: Bools, probability: Floats) -> list[dict[str, float]]:
    """By tenths of the probability given: how many, the mean given, and the share that was late."""
    tenth = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(tenth, minlength=BINS)
    given = np.bincount(tenth, weights=probability, minlength=BINS)
    came = np.bincount(tenth, weights=late, minlength=BINS)
    return [
        {"count": int(count[i]), "given": float(given[i] / count[i]), "late": float(came[i] / count[i])}
        for i in range(BINS)
        if count[i]
    ]


def measures(late: Bools, probability: Floats) -> dict[str, float | None]:
    """How good the chances of being late were: auc, average_precision, brier, log_loss, ece."""
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    bins = reliability(late, probability)
    off = sum(one["count"] * abs(one["given"] - one["late"]) for one in bins)
    return _plain(
        {
            "auc": auc(late, probability),
            "average_precision": _average_precision(late, probability),
            "brier": float(np.mean((probability - late) ** 2)),
            "log_loss": float(-np.mean(np.where(late, np.log(clipped), np.log(1 - clipped)))),
            "ece": off / len(late),
        }
    )


def _average_precision(late: Bools, probability: Floats) -> float:
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(late[order])
    place = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))
    gained = np.diff(np.concatenate(([0], hits[place])))
    return float((gained * hits[place] / (place + 1)).sum() / hits[-1]) if hits[-1] else float("nan")


def day_measures(days_late: Ints, foreseen: Ints) -> dict[str, float | None]:
    """How near the foreseen day was: mae_days, medae_days, within_3_days."""
    if not len(days_late):
        return {"mae_days": None, "medae_days": None, "within_3_days": None}
    off = np.abs(days_late - foreseen)
    return {
        "mae_days": float(off.mean()),
        "medae_days": float(np.median(off)),
        "within_3_days": float((off <= 3).mean()),
    }


def interval_measures(days_late: Ints, quantiles: Ints) -> dict[str, float | None]:
    """How good P10, P50 and P90 were: coverage and width of P10 to P90, and the mean pinball loss of the three."""
    if not len(days_late):
        return {"p10_p90_coverage": None, "p10_p90_width_days": None, "pinball": None}
    low, _, high = quantiles.T
    off = days_late[:, None] - quantiles
    shares = np.array([0.1, 0.5, 0.9])
    return {
        "p10_p90_coverage": float(((days_late >= low) & (days_late <= high)).mean()),
        "p10_p90_width_days": float((high - low).mean()),
        "pinball": float(np.maximum(shares * off, (shares - 1) * off).mean()),
    }


def auc_gain(test: BackTest, *, resamples: int = RESAMPLES) -> dict[str, float | None]:
    """The AUC gained over the naive rate, and its 95 % interval from customers drawn anew with replacement."""
    who = np.unique(test.account, return_inverse=True)[1]
    count = int(who.max()) + 1
    draw = np.random.default_rng(SEED)
    found = []
    for _ in range(resamples):
        weight = np.bincount(draw.integers(0, count, count), minlength=count)[who].astype(float)
        found.append(auc(test.late, test.probability, weight) - auc(test.late, test.naive_probability, weight))
    kept = [gain for gain in found if np.isfinite(gain)]
    low, high = np.quantile(kept, [0.025, 0.975]) if kept else (float("nan"), float("nan"))
    gain = auc(test.late, test.probability) - auc(test.late, test.naive_probability)
    return _plain({"gain": gain, "low": float(low), "high": float(high)})


def summary(test: BackTest, chosen: Bools | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """All measures of the chosen invoices (all of them when none are): the model's, and by naive method."""
    at = np.ones(len(test.late), dtype=np.bool_) if chosen is None else chosen
    paid = at & test.closed
    days, late = test.days_late[paid], test.late[at]
    model = {
        "invoices": int(at.sum()),
        "late_share": float(late.mean()),
        **measures(late, test.probability[at]),
        **day_measures(days, test.quantiles[paid, 1]),
        **interval_measures(days, test.quantiles[paid]),
    }
    naive = {
        "own_rate": measures(late, test.naive_probability[at]),
        "due_date": day_measures(days, np.zeros_like(days)),
        "own_median": day_measures(days, test.naive_days[paid]),
    }
    return model, naive


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
