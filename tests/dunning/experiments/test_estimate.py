"""The estimator on companies whose truth is known, because they were made so."""

from __future__ import annotations

import numpy as np
import pytest

from dunning.experiments.estimate import Difference, Outcomes, Verdict, difference, means_of, needed


def company(draw: np.random.Generator, *, customers: int, share: float, days: float) -> Outcomes:
    """Customers of very unlike size who pay `share` of what they owe on average, `days` late, each in its own way."""
    stake = np.exp(draw.normal(8, 0.7, customers))
    paid = np.clip(draw.beta(8 * share, 8 * (1 - share), customers), 0, 1)
    waited = stake * draw.normal(days, 6, customers)
    complaints = draw.poisson(0.05, customers).astype(np.float64)
    return Outcomes.of(stake, paid * stake, waited, complaints, np.full(customers, 2.0))


def trial(seed: int, *, effect: float, customers: int = 120, resamples: int = 300) -> Difference:
    draw = np.random.default_rng(seed)
    control = company(draw, customers=customers, share=0.7, days=9)
    treated = company(draw, customers=customers, share=0.7 + effect, days=9 - 20 * effect)
    found = difference(control, treated, effect=0.05, seed=seed, resamples=resamples)
    assert found is not None
    return found


def test_intervals_hold_the_truth_about_95_times_of_100() -> None:
    trials = [trial(seed, effect=0.08) for seed in range(200)]
    assert 0.91 <= np.mean([one.cash_share.low <= 0.08 <= one.cash_share.high for one in trials]) <= 0.99
    assert 0.91 <= np.mean([one.days_gained.low <= 1.6 <= one.days_gained.high for one in trials]) <= 0.99
    assert abs(np.mean([one.cash_share.estimate for one in trials]) - 0.08) < 0.005
    assert np.mean([one.verdict is Verdict.BETTER for one in trials]) > 0.8


def test_arms_that_are_alike_are_not_told_apart() -> None:
    verdicts = [trial(seed, effect=0.0).verdict for seed in range(1000, 1150)]
    assert verdicts.count(Verdict.NOT_TOLD_APART) / len(verdicts) >= 0.91


def test_harm_is_called_harm() -> None:
    assert trial(3, effect=-0.2).verdict is Verdict.WORSE


def test_the_needed_number_suffices_in_about_four_trials_of_five() -> None:
    draw = np.random.default_rng(5)
    control = company(draw, customers=4_000, share=0.7, days=9)
    enough = needed(control, effect=0.08)
    assert enough is not None
    seen = [trial(seed, effect=0.08, customers=enough, resamples=200).verdict for seed in range(300, 400)]
    assert 0.68 <= seen.count(Verdict.BETTER) / 100 <= 0.92


def test_by_hand() -> None:
    rows = (np.array(column, dtype=np.float64) for column in ([100, 300], [100, 60], [500, 1500], [0, 1], [1, 3]))
    found = means_of(Outcomes.of(*rows))
    assert found is not None
    assert found == pytest.approx((0.4, 5.0, 50.0, 2.0))


def test_the_same_seed_gives_the_same_interval() -> None:
    assert trial(1, effect=0.1) == trial(1, effect=0.1)


def test_few_customers_get_no_verdict_and_none_no_difference() -> None:
    assert trial(1, effect=0.2, customers=10).verdict is Verdict.TOO_FEW
    nothing = Outcomes.of(*(np.zeros(3) for _ in range(5)))
    some = company(np.random.default_rng(1), customers=30, share=0.5, days=3)
    assert difference(nothing, some, effect=0.02, seed=1) is None
    assert means_of(Outcomes.of(*(np.zeros(0) for _ in range(5)))) is None
    assert needed(nothing, effect=0.02) is None


def test_extra_cash_is_the_difference_times_the_treated_stake() -> None:
    draw = np.random.default_rng(9)
    control, treated = (company(draw, customers=80, share=share, days=5) for share in (0.5, 0.8))
    found = difference(control, treated, effect=0.02, seed=1, resamples=100)
    assert found is not None
    assert found.incremental == pytest.approx(tuple(bound * treated.stake for bound in found.cash_share))
