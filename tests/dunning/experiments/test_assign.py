from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from dunning.experiments.assign import Arm, arm_for, arms_of

HALVES = [Arm("usual", 0.5), Arm("later", 0.5, holdout_days=7)]


@settings(max_examples=15)
@given(salt=st.text(max_size=20), share=st.floats(0.05, 0.95))
def test_arms_get_their_shares_and_a_customer_keeps_its_arm(salt: str, share: float) -> None:
    arms = [Arm("a", share), Arm("b", 1 - share)]
    drawn = [arm_for(arms, salt, account).name for account in range(1, 2001)]
    assert abs(Counter(drawn)["a"] / 2000 - share) < 0.06
    assert drawn[:50] == [arm_for(arms, salt, account).name for account in range(1, 51)]


def test_another_salt_draws_others() -> None:
    one, other = ([arm_for(HALVES, salt, account).name for account in range(400)] for salt in ("x", "y"))
    assert 140 < sum(a == b for a, b in zip(one, other, strict=True)) < 260


def test_arms_are_kept_as_data() -> None:
    assert arms_of([arm.as_data() for arm in HALVES]) == HALVES
    assert arm_for([Arm("all", 1.0)], "x", 1).trial(9).experiment_id == 9
