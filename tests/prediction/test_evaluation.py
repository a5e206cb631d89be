from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from prediction.evaluation import (
    BackTest,
    Payer,
    auc,
    auc_gain,
    backtest,
    cut_offs,
    day_measures,
    interval_measures,
    measures,
    reliability,
    summary,
)
from prediction.features import Ends
from prediction.model import fit
from prediction.naive import NaivePayer, median_late
from prediction.outcomes import NEVER, History, day_of
from tests.prediction.make import START, history_of, real, simulated


def silent(_done: int, _of: int) -> None: ...


def quick(history: History) -> Payer:
    return fit(history, max_cells=20_000)


def back_tested(history: History) -> BackTest:
    test = backtest(history, quick, folds=2, told=silent)
    assert test is not None
    return test


def test_auc_counts_pairs_and_ties() -> None:
    late = np.array([True, False, True, False])
    assert auc(late, np.array([0.9, 0.1, 0.8, 0.2])) == 1.0
    assert auc(late, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert auc(late, np.array([0.9, 0.9, 0.2, 0.1])) == (0.5 + 1 + 0 + 1) / 4
    twice = np.array([0.9, 0.9, 0.2, 0.1, 0.9, 0.9])
    weighted = auc(late, twice[:4], np.array([2.0, 2.0, 1.0, 1.0]))
    assert weighted == auc(np.append(late, [True, False]), twice)
    assert np.isnan(auc(np.array([True, True]), np.array([0.1, 0.2])))


def test_measures_by_hand() -> None:
    found = measures(np.array([True, False]), np.array([0.8, 0.4]))
    assert found["auc"] == 1.0
    assert found["average_precision"] == 1.0
    assert found["brier"] == pytest.approx((0.2**2 + 0.4**2) / 2)
    assert found["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert found["ece"] == pytest.approx((0.2 + 0.4) / 2)
    days = day_measures(np.array([0, 5, -2]), np.array([1, 1, 1]))
    assert days == {"mae_days": pytest.approx(8 / 3), "medae_days": 3.0, "within_3_days": pytest.approx(2 / 3)}
    spread = interval_measures(np.array([0, 10]), np.array([[-1, 0, 3], [1, 2, 5]]))
    assert spread["p10_p90_coverage"] == 0.5
    assert spread["p10_p90_width_days"] == 4.0
    assert spread["pinball"] == pytest.approx((0.1 + 0 + 0.3 + 0.9 + 4 + 4.5) / 6)
    assert day_measures(np.array([], dtype=np.int64), np.array([], dtype=np.int64))["mae_days"] is None


def test_reliability_tells_what_came_of_each_tenth() -> None:
    bins = reliability(np.array([True, False, True]), np.array([0.05, 0.07, 1.0]))
    assert bins == [
        {"count": 2, "given": pytest.approx(0.06), "late": 0.5},
        {"count": 1, "given": 1.0, "late": 1.0},
    ]


def test_cut_offs_are_first_days_of_months_with_a_past_and_outcomes() -> None:
    history = simulated()
    cuts = [day_of(cut) for cut in cut_offs(history, folds=4)]
    assert len(cuts) == 4
    assert all(cut.day == 1 for cut in cuts)
    assert cuts == sorted(cuts)
    assert cut_offs(history.known_on(START + 20)) == []


def test_each_fold_learns_from_the_past_alone() -> None:
    history = simulated()
    seen: list[int] = []

    def spy(known: History) -> Payer:
        seen.append(known.as_of)
        assert known.issued.max() <= known.as_of
        assert known.closed[known.closed < NEVER].max() <= known.as_of
        return NaivePayer(0.02)

    test = backtest(history, spy, folds=3, told=silent)
    assert test is not None
    assert seen == [cut - 1 for cut in cut_offs(history, folds=3)]
    assert (test.fold[1:] >= test.fold[:-1]).all()


def test_the_median_of_the_customer_s_past() -> None:
    account = np.array([1, 1, 1, 1, 2])
    issued = np.array([0, 1, 2, 90, 90]) + START
    closed = np.array([13 + START, 19 + START, 10 + START, NEVER, NEVER])
    history = history_of(account, issued, issued + 10, closed)
    found = median_late(Ends.of(history), np.array([3, 4, 3]), START + np.array([90, 90, 15]))
    assert found.tolist() == [3, 0, -2]


def test_beats_the_naive_rate_where_lateness_can_be_learnt() -> None:
    """Customers alike, but large invoices are paid 12 days later: only a model that looks at amounts can tell."""
    history = simulated()
    draw = np.random.default_rng(1)
    amount = np.exp(draw.normal(9, 1, len(history))).astype(np.int64)
    late = np.where(amount > np.median(amount), 8, -4) + np.rint(draw.normal(0, 2, len(history))).astype(np.int64)
    everything = np.ones(len(history), dtype=np.bool_)
    whole = replace(history, amount=amount, closed=history.due + late, paid=everything, as_of=START + 400)
    test = back_tested(whole.known_on(history.as_of))
    model, naive = summary(test)
    assert model["auc"] > 0.95 > naive["own_rate"]["auc"] + 0.2
    assert model["mae_days"] < naive["own_median"]["mae_days"] - 1
    assert auc_gain(test)["low"] > 0  # type: ignore[operator]


def test_permuted_outcomes_cannot_be_foreseen() -> None:
    history = simulated(customers=60, each=60)
    delay = np.random.default_rng(2).permutation(np.where(history.paid, history.closed - history.issued, 30))
    terms = np.full(len(history), 20)
    closed = history.issued + delay
    known = replace(
        history,
        due=history.issued + terms,
        closed=closed,
        paid=np.ones(len(history), dtype=np.bool_),
        as_of=START + 500,
    ).known_on(history.as_of)
    model, _ = summary(back_tested(known))
    assert model["invoices"] > 300
    assert abs(model["auc"] - 0.5) < 0.06


@pytest.mark.parametrize(("name", "folds", "cells"), [("hr", 1, 60_000), ("ibm", 10, 50_000)])
def test_beats_the_naive_methods_on_real_invoices(name: str, folds: int, cells: int) -> None:
    """A short form of the rolling origin: the last folds alone, on few training lines."""
    test = backtest(real(name), partial(fit, max_cells=cells), folds=folds, told=silent)
    assert test is not None
    model, naive = summary(test)
    print(f"{name}: {model} beside {naive}")
    assert model["auc"] > naive["own_rate"]["auc"]
    assert model["brier"] < naive["own_rate"]["brier"]
    assert model["mae_days"] < naive["own_median"]["mae_days"] < naive["due_date"]["mae_days"]
