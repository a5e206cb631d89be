"""What acting is worth, and why a customer is left alone today: the pure rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.worklist.hidden import Situation, hidden
from dunning.worklist.models import Collector
from dunning.worklist.people import worker
from dunning.worklist.value import PRIORS, Effort, Owed, worth

EFFORT = Effort(60)
TODAY = date(2026, 3, 10)
PLAIN = Situation(asked=True)


def test_the_worth_is_the_product_of_its_parts_less_the_effort() -> None:
    found = worth([Owed(100_000, 10, 620)], ["email", "phone"], broken=0, effort=EFFORT)
    assert found.channel == "phone"
    assert found.value_minor == 100_000 * 620 * 350 // 10**6 - 8 * 60
    assert found.parts == {
        "asked_minor": 100_000,
        "unpaid_permille": 620,
        "basis": "prediction",
        "days_late": 10,
        "uplift_permille": 350,
        "broken_promises": 0,
        "cost_minor": 480,
        "minutes": 8,
    }


def test_a_small_sum_is_worth_an_email_and_a_tiny_one_nothing() -> None:
    assert worth([Owed(2_000, 10)], ["phone", "email"], broken=0, effort=EFFORT).channel == "email"
    assert worth([Owed(100, 10)], ["phone"], broken=0, effort=EFFORT).value_minor == 0


def test_nothing_asked_or_no_way_to_reach_is_worth_nothing() -> None:
    assert worth([Owed(0, 10)], ["phone"], broken=0, effort=Effort(0)).value_minor == 0
    assert worth([], ["phone"], broken=2, effort=EFFORT).value_minor == 0
    lost = worth([Owed(10**6, 10)], [], broken=0, effort=EFFORT)
    assert (lost.value_minor, lost.channel) == (0, "")


def test_broken_promises_raise_it_and_age_fades_what_a_contact_changes() -> None:
    values = [worth([Owed(10**6, 10)], ["phone"], broken=n, effort=Effort(0)).value_minor for n in range(4)]
    assert values[0] < values[1] < values[2] == values[3]
    fresh, old = (worth([Owed(10**6, days, 500)], ["phone"], broken=0, effort=EFFORT) for days in (20, 200))
    assert fresh.value_minor > old.value_minor


def test_predictions_and_priors_mix_by_amount() -> None:
    mixed = worth([Owed(300, 5, 100), Owed(100, 5)], ["phone"], broken=0, effort=EFFORT)
    assert mixed.parts["basis"] == "mixed"
    assert mixed.parts["unpaid_permille"] == (300 * 100 + 100 * 300) // 400
    assert worth([Owed(100, 5)], ["phone"], broken=0, effort=EFFORT).parts["basis"] == "prior"


def test_what_experiments_find_takes_the_place_of_the_priors() -> None:
    found = replace(PRIORS, uplift={"phone": 10, "email": 600})
    assert worth([Owed(10**6, 5)], ["phone", "email"], broken=0, effort=EFFORT, priors=found).channel == "email"


@pytest.mark.parametrize(
    ("situation", "why", "until"),
    [
        (PLAIN, "", None),
        (Situation(asked=False), "nothing_asked", None),
        (replace(PLAIN, handed_on="legal"), "handed_on", None),
        (replace(PLAIN, handed_on="difficulty"), "", None),
        (replace(PLAIN, held=True, held_until=date(2026, 3, 12)), "held", date(2026, 3, 12)),
        (replace(PLAIN, held=True, call_on=TODAY), "held", None),
        (replace(PLAIN, talked_on=TODAY), "resting", date(2026, 3, 17)),
        (replace(PLAIN, talked_on=TODAY - timedelta(days=7)), "resting", TODAY),
        (replace(PLAIN, talked_on=TODAY - timedelta(days=8)), "", None),
        (replace(PLAIN, talked_on=TODAY, call_on=TODAY), "", None),
        (replace(PLAIN, tried_on=TODAY), "tried", TODAY),
        (replace(PLAIN, tried_on=TODAY - timedelta(days=1)), "", None),
        (replace(PLAIN, call_on=date(2026, 3, 13)), "call_back", date(2026, 3, 12)),
    ],
)
def test_why_a_customer_is_left_alone(situation: Situation, why: str, until: date | None) -> None:
    assert hidden(situation, rest_days=7, today=TODAY) == (why, until)


def gone(user: int, stand_in: int | None) -> Collector:
    return Collector(user_id=user, away_from=TODAY, away_until=TODAY, stand_in_id=stand_in)


def test_who_works_the_customers_of_somebody_away() -> None:
    people = {1: gone(1, 2), 2: gone(2, 3), 4: gone(4, 5), 5: gone(5, 4), 6: gone(6, None)}
    assert [worker(people, n, today=TODAY) for n in (1, 2, 3, 4, 6, None)] == [3, 3, 3, 4, 6, None]
    assert worker(people, 1, today=TODAY + timedelta(days=1)) == 1
