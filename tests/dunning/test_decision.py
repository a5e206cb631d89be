"""Every rule of the decision, case by case. DUE is Monday 2 March 2026; holidays are those of France."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from dunning.case import ContactFacts, HoldFacts, Noticed, PastNotice
from dunning.decision import Decision, Hold, Nothing, Send, asks, decide
from dunning.policy import FRIENDLY_FIVE, Policies
from tests.dunning.make import DUE, POLICIES, after, customer, item, noticed


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def sent(decision: Decision) -> Send:
    assert isinstance(decision, Send), decision
    return decision


@pytest.mark.parametrize(
    ("days", "before", "step"),
    [
        (-6, (), None),
        (-4, (), None),
        (-3, (), "courtesy"),
        (-1, (), None),  # a Sunday
        (0, (), "courtesy"),
        (1, (), None),
        (2, ("courtesy",), None),
        (3, ("courtesy",), "friendly"),
        (3, (), "friendly"),
        (4, ("courtesy", "friendly"), None),
        (7, ("courtesy", "friendly"), "question"),
        (8, ("friendly",), "question"),
        (11, ("friendly", "question"), None),
        (14, ("friendly", "question"), "firm"),
        (29, ("friendly", "question", "firm"), None),
        (30, ("friendly", "question", "firm"), "formal"),
        (60, ("friendly", "question", "firm", "formal"), None),
        (365, ("friendly", "question", "firm", "formal"), None),
    ],
)
def test_steps_follow_the_due_date(days: int, before: tuple[str, ...], step: str | None) -> None:
    decision = decide(customer(item(noticed=noticed(*before))), POLICIES, today=after(days))
    if isinstance(decision, Send):
        assert decision.step.key == step
        assert [line.step.key for line in decision.lines] == [step]
    else:
        assert step is None


def test_an_invoice_imported_late_climbs_one_gentle_step_at_a_time() -> None:
    """60 days late and never written about: friendly first, then a rest before each next step."""
    seen: tuple[Noticed, ...] = ()
    story = []
    for days in range(60, 100):
        day = after(days)
        decision = decide(customer(item(noticed=seen)), POLICIES, today=day)
        if isinstance(decision, Send):
            story.append((decision.step.key, days))
            seen = (*seen, Noticed(decision.step.key, decision.step.offset_days, day))
    assert [step for step, _ in story] == ["friendly", "question", "firm", "formal"]
    rests = [later - earlier for (_, earlier), (_, later) in pairwise(story)]
    assert min(rests) >= FRIENDLY_FIVE.spacing_days


def test_one_message_groups_the_invoices_at_the_highest_step() -> None:
    facts = customer(
        item(1, due_on=after(-30), noticed=noticed("friendly", "question", "firm", due_on=after(-30))),
        item(2, due_on=after(-3)),
        item(3, due_on=after(3)),
        item(4, due_on=after(40)),
    )
    decision = sent(decide(facts, POLICIES, today=DUE))
    assert decision.step.key == "formal"
    assert [(line.ask.item.entry_id, line.step.key) for line in decision.lines] == [
        (1, "formal"),
        (2, "friendly"),
        (3, "courtesy"),
    ]


def test_one_reminder_does_not_silence_the_other_invoices() -> None:
    facts = customer(
        item(1, due_on=after(-3), noticed=noticed("friendly", due_on=after(-3))), item(2, due_on=after(-3))
    )
    assert [line.ask.item.entry_id for line in sent(decide(facts, POLICIES, today=DUE)).lines] == [2]


@pytest.mark.parametrize(
    ("change", "asked", "code"),
    [
        ({"disputed_minor": 3_000}, 7_000, "contested"),
        ({"promised_minor": 2_500}, 7_500, "promised"),
        ({"in_flight_minor": 4_000}, 6_000, "in_flight"),
        ({"disputed_minor": 10_000}, 0, "contested"),
        ({"disputed_minor": 25_000}, 0, "contested"),
        ({"promised_minor": 10_000, "promised_until": after(9)}, 0, "promised"),
        ({"in_flight_minor": 10_000}, 0, "in_flight"),
        ({"planned_minor": 6_000, "planned_until": after(9)}, 4_000, "in_plan"),
        ({"planned_minor": 10_000, "planned_until": after(9)}, 0, "in_plan"),
    ],
)
def test_what_is_contested_promised_or_on_its_way_is_left_out_and_the_rest_goes_on(
    change: dict[str, Any], asked: int, code: str
) -> None:
    decision = decide(customer(item(**change)), POLICIES, today=after(3))
    assert codes(decision) == [code]
    if asked:
        assert sent(decision).lines[0].ask.amount_minor == asked
    else:
        assert isinstance(decision, Hold)


def test_unapplied_credit_is_spent_on_the_oldest_items_of_its_seller_and_currency() -> None:
    facts = customer(
        item(2, due_on=after(2), open_minor=5_000),
        item(1, due_on=after(1), open_minor=4_000),
        item(3, open_minor=1_000, currency="USD"),
        item(4, open_minor=1_000, entity_id=2),
        credits={(1, "EUR"): 6_000, (1, "CHF"): 99_999},
    )
    assert {ask.item.entry_id: ask.amount_minor for ask in asks(facts)} == {1: 0, 2: 3_000, 3: 1_000, 4: 1_000}


def test_a_credit_note_that_covers_it_silences_the_invoice() -> None:
    decision = decide(customer(item(), credits={(1, "EUR"): 10_000}), POLICIES, today=after(3))
    assert isinstance(decision, Hold)
    assert codes(decision) == ["covered_by_credit"]


def test_a_partly_paid_invoice_is_reminded_of_what_remains() -> None:
    assert sent(decide(customer(item(open_minor=1)), POLICIES, today=after(3))).lines[0].ask.amount_minor == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"holds": (HoldFacts(1, None, "in talks"),)}, "held"),
        ({"holds": (HoldFacts(1, after(3), "in talks"),)}, "held"),
        ({"contact": None}, "no_contact"),
        ({"contact": None, "bounced": True}, "bounced"),
        ({"notices": (PastNotice(2, "firm", after(3)),)}, "cap_day"),
        ({"notices": (PastNotice(1, "firm", after(3), cancelled=True),)}, "cap_day"),
        ({"notices": tuple(PastNotice(1, "firm", after(n)) for n in (-3, 0, 2))}, "cap_week"),
    ],
)
def test_what_holds_a_customer(change: dict[str, Any], code: str) -> None:
    decision = decide(customer(item(), **change), POLICIES, today=after(3))
    assert isinstance(decision, Hold)
    assert codes(decision) == [code]


@pytest.mark.parametrize(
    "change",
    [
        {"holds": (HoldFacts(1, after(2), "over"),)},
        {"notices": tuple(PastNotice(1, "firm", after(n)) for n in (-4, 0, 2))},
        {"notices": tuple(PastNotice(1, "firm", after(n), cancelled=n == 2) for n in (-3, 0, 2))},
        {"contact": ContactFacts(5, "Jo", "jo@bakery.example", opted_out=True)},
    ],
)
def test_what_does_not_hold_a_customer(change: dict[str, Any]) -> None:
    sent(decide(customer(item(), **change), POLICIES, today=after(3)))


def test_who_opted_out_gets_no_courtesy_message_but_the_reminder() -> None:
    facts = customer(item(), contact=ContactFacts(5, "Jo", "jo@bakery.example", opted_out=True))
    assert codes(decide(facts, POLICIES, today=after(-3))) == ["opted_out"]
    assert sent(decide(facts, POLICIES, today=after(3))).step.key == "friendly"


@pytest.mark.parametrize("day", [date(2026, 3, 7), date(2026, 3, 8), date(2026, 4, 6), date(2026, 5, 1)])
def test_nothing_leaves_on_a_weekend_or_a_public_holiday(day: date) -> None:
    decision = decide(customer(item(due_on=day - timedelta(days=3))), POLICIES, today=day)
    assert isinstance(decision, Hold)
    assert codes(decision) == ["closed_day"]


def test_a_persons_hold_shows_even_when_no_step_is_due() -> None:
    facts = customer(item(), holds=(HoldFacts(3, None, "merger"),))
    decision = decide(facts, POLICIES, today=after(1))
    assert isinstance(decision, Hold)
    assert decision.reasons[0].params == {"hold_id": 3, "reason": "merger"}


def test_amounts_below_the_minimum_wait_until_they_add_up() -> None:
    policies = Policies(replace(FRIENDLY_FIVE, minimum={"EUR": 500}))
    small = item(1, open_minor=300)
    assert codes(decide(customer(small), policies, today=after(3))) == ["below_minimum"]
    both = decide(customer(small, item(2, open_minor=200)), policies, today=after(3))
    assert len(sent(both).lines) == 2
    sent(decide(customer(item(1, open_minor=300, currency="USD")), policies, today=after(3)))


def test_each_seller_writes_for_itself_and_the_sterner_first() -> None:
    facts = customer(
        item(1, entity_id=1),
        item(2, entity_id=2, due_on=after(-4), noticed=noticed("friendly", due_on=after(-4))),
    )
    decision = sent(decide(facts, POLICIES, today=after(3)))
    assert (decision.entity_id, decision.step.key) == (2, "question")
    assert codes(decision) == ["other_seller_first"]
    next_day = replace(facts, items=(facts.items[0],), notices=(PastNotice(2, "question", after(3)),))
    assert sent(decide(next_day, POLICIES, today=after(4))).entity_id == 1


def test_a_message_cancelled_today_is_not_written_again_today() -> None:
    policies = Policies(replace(FRIENDLY_FIVE, per_day=2))
    facts = customer(item(), notices=(PastNotice(1, "friendly", after(3), cancelled=True),))
    assert codes(decide(facts, policies, today=after(3))) == ["written_today"]
    assert sent(decide(facts, policies, today=after(4))).step.key == "friendly"


def test_nothing_due_names_the_next_step_and_its_day() -> None:
    decision = decide(customer(item(noticed=noticed("friendly"))), POLICIES, today=after(4))
    assert isinstance(decision, Nothing)
    assert decision.reasons[0].params == {"step": "question", "on": after(7).isoformat(), "reference": "INV-1"}
    top = customer(item(noticed=noticed("friendly", "question", "firm", "formal")))
    assert codes(decide(top, POLICIES, today=after(60))) == ["ladder_climbed"]
    assert codes(decide(customer(), POLICIES, today=DUE)) == ["nothing_open"]


def test_an_edited_policy_never_repeats_a_step_nor_goes_back() -> None:
    """A step whose offset moved up is not sent again; steps below the highest one reached are over."""
    moved = Policies(
        replace(FRIENDLY_FIVE, steps=tuple(replace(s, offset_days=s.offset_days + 1) for s in FRIENDLY_FIVE.steps[1:]))
    )
    facts = customer(item(noticed=noticed("friendly", "question")))
    assert isinstance(decide(facts, moved, today=after(9)), Nothing)
    assert sent(decide(facts, moved, today=after(15))).step.key == "firm"
