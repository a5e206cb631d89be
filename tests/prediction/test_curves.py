from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prediction.curves import FIRST, LAST, LONGEST, ON_TIME, STEPS, Curves, from_hazards, step_of


def certain(start: int, paid_on: int) -> Curves:
    """A curve that says: paid on that day, for sure."""
    hazards = np.zeros((1, STEPS))
    hazards[0, step_of(np.array([paid_on]))] = 1.0
    return from_hazards(np.array([start]), hazards, 0.02)


def test_steps_follow_one_another_without_a_gap() -> None:
    assert (FIRST[1:] == LAST[:-1] + 1).all()
    assert LAST[ON_TIME - 1] == 0
    assert step_of(np.array([-99, -30, 0, 1, 28, 29, 35, 36, 63, 64])).tolist() == [
        0, 0, 30, 31, 58, 59, 59, 60, 63, 64,
    ]  # fmt: skip


def test_a_day_known_for_sure_is_read_off_as_such() -> None:
    for day in (-12, 0, 1, 17):
        curve = certain(-20, day)
        assert curve.late_probability()[0] == float(day > 0)
        assert [int(curve.quantile(share)[0]) for share in (0.1, 0.5, 0.9)] == [day, day, day]
        assert curve.unpaid_in(20 + day - 1)[0] == 1.0
        assert curve.unpaid_in(20 + day)[0] == 0.0


def test_what_is_past_its_date_is_late_whatever_the_curve() -> None:
    curve = certain(3, 10)
    assert curve.late_probability()[0] == 1.0
    assert curve.quantile(0.1)[0] == 10
    assert from_hazards(np.array([90]), np.full((1, STEPS), 0.5), 0.02).late_probability()[0] == 1.0


def test_after_the_last_step_the_tail_goes_on() -> None:
    curve = from_hazards(np.array([100]), np.zeros((1, STEPS)), 0.02)
    assert np.isclose(curve.unpaid_in(30)[0], np.exp(-0.02 * 31))
    assert curve.quantile(0.5)[0] == 100 + round(np.ceil(np.log(2) / 0.02))
    never = from_hazards(np.array([100]), np.zeros((1, STEPS)), 1e-12)
    assert never.quantile(0.9)[0] == 100 + LONGEST


@given(
    st.lists(st.floats(0, 1), min_size=STEPS, max_size=STEPS),
    st.integers(-60, 200),
    st.floats(0.001, 0.5),
)
def test_curves_fall_and_their_readings_are_in_order(hazards: list[float], start: int, tail: float) -> None:
    curve = from_hazards(np.array([start]), np.array([hazards]), tail)
    assert (np.diff(curve.unpaid[0]) <= 0).all()
    low, middle, high = (int(curve.quantile(share)[0]) for share in (0.1, 0.5, 0.9))
    assert start <= low <= middle <= high <= max(start, 0) + LONGEST
    chances = [float(curve.unpaid_in(days)[0]) for days in (0, 1, 7, 30, 90, 400)]
    assert sorted(chances, reverse=True) == chances
    assert 0.0 <= chances[-1] <= chances[0] <= 1.0
