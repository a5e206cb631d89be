"""Which rung comes next: conditions, events, the start of what is seen late, and what forecasts move."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.case import ContactFacts, ItemFacts, Noticed
from dunning.ladder import next_step
from dunning.policy import FRIENDLY_FIVE, Policy, PolicyError, Start
from dunning.steps import Anchor, Condition, Step, Tone
from dunning.timing import Forecast, Timing
from tests.dunning.make import DUE, after, customer, item, noticed

GENTLE = Step("gentle", 3, "reminder_friendly", Tone.FRIENDLY, when=Condition(first_time_late=True))
PLAIN = Step("plain", 3, "reminder_question", Tone.NEUTRAL, when=Condition(first_time_late=False))
WORD = Step("word", 2, "reminder_firm", Tone.FIRM, after=Anchor.EVENT)
LAST = Step("last", 20, "reminder_formal", Tone.FORMAL)


def policy(*steps: Step, **other: Any) -> Policy:
    return Policy("test", 1, steps, **other)


def key(found: ItemFacts, ladder: Policy, *, today: date, **facts: Any) -> tuple[str, date] | None:
    following = next_step(found, ladder, customer(found, **facts), today=today)
    return (following.step.key, following.on) if following else None


@pytest.mark.parametrize(("reminded", "expected"), [(False, "gentle"), (True, "plain")])
def test_two_steps_of_one_day_are_told_apart_by_their_conditions(reminded: bool, expected: str) -> None:
    ladder = policy(GENTLE, PLAIN, LAST)
    assert key(item(), ladder, today=after(3), reminded_late=reminded) == (expected, after(3))
    done = item(noticed=(Noticed(expected, 3, after(3)),))
    assert key(done, ladder, today=after(4), reminded_late=reminded) == ("last", after(20))


@pytest.mark.parametrize(
    ("condition", "facts", "other"),
    [
        (Condition(segments=("retail",)), {"segment": "retail"}, {"segment": "trade"}),
        (Condition(risks=("high",)), {"risk": "high"}, {"risk": None}),
        (Condition(languages=("fr",)), {"contact": ContactFacts(5, "", "a@b.example", "fr")}, {"language": "en"}),
        (Condition(currencies=("EUR",)), {}, None),
        (Condition(currencies=("USD",)), None, {}),
        (Condition(minimum={"EUR": 10_000}), {}, None),
        (Condition(minimum={"EUR": 10_001}), None, {}),
        (Condition(minimum={"USD": 99_999_999}), {}, None),
        (Condition(days_late=10), {}, None),
        (Condition(days_late=11), None, {}),
        (Condition(broken_promise=True), None, {}),
        (Condition(broken_promise=False), {}, None),
    ],
)
def test_a_step_is_passed_over_while_its_condition_does_not_hold(
    condition: Condition, facts: dict[str, Any] | None, other: dict[str, Any] | None
) -> None:
    ladder = policy(Step("some", 3, "reminder_friendly", Tone.FRIENDLY, when=condition), LAST)
    if facts is not None:
        assert key(item(), ladder, today=after(10), **facts) == ("some", after(3))
    if other is not None:
        assert key(item(), ladder, today=after(10), **other) == ("last", after(20))


def test_what_is_asked_counts_for_a_minimum_not_what_is_open() -> None:
    ladder = policy(replace(GENTLE, when=Condition(minimum={"EUR": 5_000})), LAST)
    facts = customer(item())
    assert next_step(item(), ladder, facts, today=after(5), asked_minor=4_999).step.key == "last"  # type: ignore[union-attr]


def test_a_step_after_an_event_waits_for_one() -> None:
    ladder = policy(WORD, LAST)
    assert key(item(), ladder, today=after(5)) == ("last", after(20))
    assert key(item(event_on=after(8)), ladder, today=after(9)) == ("word", after(10))
    assert key(item(event_on=after(8)), ladder, today=DUE) == ("last", after(20))  # not late yet
    taken = item(event_on=after(8), noticed=(Noticed("word", 2, after(10)),))
    assert key(taken, ladder, today=after(11)) == ("last", after(20))


def test_the_last_message_is_an_event_too() -> None:
    ladder = policy(replace(GENTLE, when=Condition()), WORD, LAST, spacing_days=1)
    assert key(item(noticed=(Noticed("gentle", 3, after(6)),)), ladder, today=after(7)) == ("word", after(8))


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        (Start.FIRST, 40, "friendly"),
        (Start.REACHED, 4, "friendly"),
        (Start.REACHED, 10, "question"),
        (Start.REACHED, 40, "firm"),  # never formal at the first word
        (Start.REACHED, 1, "friendly"),
    ],
)
def test_an_item_first_seen_late_starts_where_the_policy_says(start: Start, days: int, expected: str) -> None:
    ladder = replace(FRIENDLY_FIVE, start=start)
    found = key(item(), ladder, today=after(days))
    assert found is not None
    assert found[0] == expected


def test_once_started_it_climbs_one_by_one() -> None:
    ladder = replace(FRIENDLY_FIVE, start=Start.REACHED)
    assert key(item(noticed=noticed("firm")), ladder, today=after(50)) == ("formal", after(30))


def forecast(chance: float, *, expected: int = 5) -> Forecast:
    return Forecast(chance, chance, after(expected))


TIMED = replace(FRIENDLY_FIVE, timing=Timing(enabled=True, self_curing=0.2, likely_late=0.7))


@pytest.mark.parametrize(
    ("chance", "today", "expected"),
    [
        (0.1, after(-10), ("friendly", after(6))),  # no courtesy word; then its expected day is waited for
        (0.1, after(5), ("friendly", after(6))),
        (0.5, after(-10), ("courtesy", after(-3))),
        (0.9, after(-10), ("courtesy", after(-6))),
        (0.9, after(1), ("friendly", after(1))),  # not before the day after the due date
    ],
)
def test_a_forecast_moves_a_step(chance: float, today: date, expected: tuple[str, date]) -> None:
    assert key(item(forecast=forecast(chance)), TIMED, today=today) == expected
    assert key(item(forecast=forecast(chance)), FRIENDLY_FIVE, today=today) == key(item(), FRIENDLY_FIVE, today=today)
    assert key(item(), TIMED, today=today) == key(item(), FRIENDLY_FIVE, today=today)


def test_patience_has_an_end() -> None:
    assert key(item(forecast=forecast(0.1, expected=90)), TIMED, today=after(5)) == ("friendly", after(7))


@given(
    chance=st.floats(0, 1),
    expected=st.integers(-30, 90),
    today=st.integers(-20, 60),
    steps=st.integers(0, 5),
)
def test_no_forecast_makes_a_word_rash(chance: float, expected: int, today: int, steps: int) -> None:
    """A word about lateness never comes before there is any, nor later than patience allows, nor without rest."""
    done = noticed(*[step.key for step in FRIENDLY_FIVE.steps][:steps])
    found = item(forecast=forecast(chance, expected=expected), noticed=done)
    timed = next_step(found, TIMED, customer(found), today=after(today))
    plain = next_step(found._replace(forecast=None), TIMED, customer(found), today=after(today))
    assert (timed is None) == (plain is None)
    if timed is None or plain is None:
        return
    if not timed.step.courtesy:
        assert timed.on > DUE
    if done:
        assert timed.on >= done[-1].on + timedelta(days=TIMED.spacing_days)
    if timed.step == plain.step:
        assert timed.on <= plain.on + timedelta(days=TIMED.timing.patience_days)


@pytest.mark.parametrize(
    "steps",
    [
        (PLAIN, replace(PLAIN, key="x", when=Condition()), replace(PLAIN, key="y", when=Condition())),
        (LAST, GENTLE),
        (replace(WORD, offset_days=0),),
        (replace(GENTLE, offset_days=-61),),
    ],
)
def test_steps_that_make_no_ladder_are_refused(steps: tuple[Step, ...]) -> None:
    with pytest.raises(PolicyError):
        policy(*steps)
