"""How evidence is weighed, and learnt from confirmed matches."""

from __future__ import annotations

import random
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.cash.matching.weights import LEAST, PRIORS, Sample, Weights, learn, probabilities, threshold_for


@given(st.lists(st.floats(-50, 50), max_size=6))
def test_probabilities_leave_room_for_none_of_these(scores: list[float]) -> None:
    chances = probabilities(scores)
    assert all(0 <= chance <= 1 for chance in chances)
    assert sum(chances) <= 1 + 1e-9
    assert sorted(range(len(scores)), key=lambda n: scores[n]) == sorted(
        range(len(scores)), key=lambda n: (chances[n], scores[n])
    )


def test_two_equals_are_at_most_half_likely() -> None:
    assert probabilities([30.0, 30.0])[0] <= 0.5
    assert probabilities([0.0]) == [0.5]


def made_up(count: int, seed: int) -> list[Sample]:
    """Matches that are right as `quoted` weighs 3, `alike` 1 and everything costs 1."""
    dice = random.Random(seed)
    samples = []
    for _ in range(count):
        evidence = {"base": 1.0, "quoted": float(dice.random() < 0.5), "alike": dice.random()}
        score = -1 + 3 * evidence["quoted"] + evidence["alike"]
        samples.append(Sample((evidence,), 0 if dice.random() < 1 / (1 + exp(-score)) else None))
    return samples


def test_weights_are_learnt_from_what_was_confirmed() -> None:
    learnt = learn(made_up(6_000, 1), Weights({"base": 0.0, "quoted": 0.0, "alike": 0.0}))
    assert learnt.values["base"] == pytest.approx(-1, abs=0.3)
    assert learnt.values["quoted"] == pytest.approx(3, abs=0.3)
    assert learnt.values["alike"] == pytest.approx(1, abs=0.4)
    assert learnt.matches == 6_000


def test_learnt_probabilities_are_as_often_right_as_they_say() -> None:
    learnt = learn(made_up(6_000, 1), Weights({}))
    fresh = made_up(6_000, 2)
    for low, high in ((0.2, 0.4), (0.4, 0.6), (0.8, 1.0)):
        some = [
            (chance, one.right == 0)
            for one in fresh
            if low <= (chance := probabilities([learnt.score(one.proposals[0])])[0]) < high
        ]
        assert len(some) > 200
        assert sum(right for _, right in some) / len(some) == pytest.approx(
            sum(c for c, _ in some) / len(some), abs=0.05
        )


def test_few_matches_change_nothing() -> None:
    assert learn(made_up(LEAST - 1, 1), PRIORS) is PRIORS


def test_what_was_never_seen_keeps_its_prior() -> None:
    assert learn(made_up(LEAST, 1), Weights({"promise": 4.0})).values["promise"] == 4.0


def test_samples_that_are_all_right_do_not_run_away() -> None:
    learnt = learn([Sample(({"base": 1.0},), 0)] * 1_000, Weights({"base": 0.0}))
    assert 0 < learnt.values["base"] < 20


def test_the_threshold_keeps_the_wanted_error() -> None:
    samples, weights = made_up(4_000, 3), Weights({"base": -1.0, "quoted": 3.0, "alike": 1.0})
    for error in (0.02, 0.1, 0.3):
        threshold = threshold_for(samples, error, weights)
        applied = [one for one in samples if probabilities([weights.score(one.proposals[0])])[0] >= threshold]
        if applied:
            assert sum(one.right is None for one in applied) / len(applied) <= error
    assert threshold_for(samples, 0.3, weights) < threshold_for(samples, 0.1, weights)
    assert threshold_for([Sample(({"base": 1.0},), None)], 0.1, weights) == 1.0


def test_the_error_is_measured_on_what_was_held_out() -> None:
    learnt = learn(made_up(4_000, 4), Weights({}))
    shares = [one.applied for one in learnt.measured]
    assert shares == sorted(shares, reverse=True)
    assert learnt.measured[0].error == pytest.approx(0.085, abs=0.03)


def test_weights_are_kept_as_json_and_restored() -> None:
    learnt = learn(made_up(LEAST, 5), PRIORS)
    assert Weights.restored(learnt.stored()) == learnt
