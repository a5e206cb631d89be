"""How far a forecast may move a step, whatever it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dunning.case import Noticed, Trial
from dunning.ladder import next_step
from dunning.policy import FRIENDLY_FIVE, Policy
from dunning.timing import Forecast, Moved, Timing, moved
from tests.dunning.make import DUE, STEPS, after, customer, item

TIMING = Timing(enabled=True)
TIMED = replace(FRIENDLY_FIVE, timing=TIMING)
chances = st.floats(0, 1)
forecasts = st.builds(Forecast, chances, chances, st.integers(-30, 90).map(after))
timings = st.builds(
    Timing,
    enabled=st.just(True),
    self_curing=st.floats(0, 0.4),
    likely_late=st.floats(0.5, 1),
    patience_days=st.integers(0, 14),
    early_days=st.integers(0, 14),
)


def day_of(policy: Policy, key: str, forecast: Forecast | None, *, noticed: tuple[Noticed, ...] = ()) -> date | None:
    """When the item takes the step `key`; None when it is not what comes next."""
    step = STEPS[key]
    today = after(step.offset_days - 1)
    one = item(forecast=forecast, noticed=noticed)
    following = next_step(one, policy, customer(one), today=today)
    return following.on if following is not None and following.step.key == key else None


@settings(max_examples=60)
@given(forecasts, timings, st.integers(1, 60), st.booleans())
def test_a_late_word_is_never_before_the_day_after_the_due_date_nor_later_than_patience(
    forecast: Forecast, timing: Timing, offset: int, first_word: bool
) -> None:
    on = after(offset)
    shift = moved(on, forecast, timing, due_on=DUE, courtesy=False, first_word=first_word)
    day = on if shift is None else shift.on
    assert day is not None
    assert day > DUE
    assert on - timedelta(days=timing.early_days) <= day <= on + timedelta(days=timing.patience_days)
    if not first_word:
        assert day <= on


@settings(max_examples=60)
@given(forecasts, timings, st.integers(-30, 0))
def test_a_courtesy_word_is_left_out_or_earlier_never_later(forecast: Forecast, timing: Timing, offset: int) -> None:
    on = after(offset)
    shift = moved(on, forecast, timing, due_on=DUE, courtesy=True, first_word=True)
    if shift is None:
        assert timing.self_curing < forecast.late_probability < timing.likely_late or not timing.early_days
    elif shift.on is None:
        assert forecast.late_probability <= timing.self_curing
    else:
        assert on - timedelta(days=timing.early_days) <= shift.on < on


@settings(max_examples=60)
@given(chances, chances, st.integers(-30, 90), timings, st.integers(1, 60))
def test_who_is_likelier_to_stay_open_never_hears_later(
    one: float, other: float, expected: int, timing: Timing, offset: int
) -> None:
    def day(chance: float) -> date:
        forecast = Forecast(0.5, chance, after(expected))
        shift = moved(after(offset), forecast, timing, due_on=DUE, courtesy=False, first_word=True)
        assert shift is None or shift.on is not None
        return after(offset) if shift is None or shift.on is None else shift.on

    assert day(max(one, other)) <= day(min(one, other))


@settings(max_examples=40)
@given(st.integers(-30, 90), st.integers(-30, 90))
def test_who_is_expected_later_is_not_written_to_sooner(one: int, other: int) -> None:
    def day(expected: int) -> date:
        shift = moved(after(3), Forecast(0, 0.05, after(expected)), TIMING, due_on=DUE, courtesy=False, first_word=True)
        return after(3) if shift is None or shift.on is None else shift.on

    assert day(min(one, other)) <= day(max(one, other))


def test_by_example() -> None:
    likely, curing, middling = (Forecast(chance, chance, after(5)) for chance in (0.9, 0.05, 0.4))
    assert day_of(TIMED, "courtesy", likely) == after(-6)
    assert day_of(TIMED, "courtesy", curing) is None
    assert day_of(TIMED, "courtesy", middling) == after(-3)
    assert day_of(TIMED, "friendly", likely) == after(1)
    assert day_of(TIMED, "friendly", curing) == after(6)
    assert day_of(TIMED, "friendly", curing._replace(expected_on=after(60))) == after(7)
    assert day_of(TIMED, "friendly", None) == after(3)
    said = (Noticed("friendly", 3, after(3)),)
    assert day_of(TIMED, "question", curing, noticed=said) == after(7)
    assert day_of(TIMED, "question", likely, noticed=said) == after(6)  # three days of rest between two


def test_nothing_moves_unless_the_policy_or_the_arm_says_so() -> None:
    one = item(forecast=Forecast(0.9, 0.9, after(5)))
    today = after(2)

    def on(policy: Policy, timing: bool | None) -> date:
        trial = None if timing is None else Trial(1, "arm", timing=timing)
        following = next_step(one, policy, customer(one, trial=trial), today=today)
        assert following is not None
        return following.on

    assert (on(FRIENDLY_FIVE, None), on(TIMED, None)) == (after(3), after(1))
    assert (on(FRIENDLY_FIVE, True), on(TIMED, False)) == (after(1), after(3))
    assert (
        moved(after(3), Forecast(1, 1, DUE), Timing(early_days=0), due_on=DUE, courtesy=False, first_word=True) is None
    )
    assert moved(DUE, Forecast(0, 0, DUE), TIMING, due_on=DUE, courtesy=True, first_word=True) == Moved(
        None, "self_curing"
    )
