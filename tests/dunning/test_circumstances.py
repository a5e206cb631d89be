"""What is known besides: broken promises, answered disputes, platforms, forecasts, choices, the bank's silence."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from ar.cash.bank.models import BankStatement
from ar.core.calendars import business_days_between
from ar.customers.models import Account, BankAccount
from ar.disputes.claim import open_dispute, resolve_dispute
from ar.disputes.models import Outcome as Verdict
from ar.disputes.models import Reason as Cause
from dunning.case import CustomerFacts, Trial
from dunning.choices import ChoiceError, ChoiceNotFoundError, choose, end_choice
from dunning.decision import Decision, Hold, Nothing, Send, decide
from dunning.facts import gather
from dunning.models import DunningDecision
from dunning.policies import (
    PolicyExistsError,
    PolicyLiveError,
    Scope,
    UntestedError,
    activate,
    add_policy,
    as_policies,
    draft_policy,
    policies_in_force,
    stored_policy,
)
from dunning.policy import FRIENDLY_FIVE, NO_POLICY, Policies, StaleBank
from dunning.promises import Part, judge, promise
from prediction.models import ModelKind, Prediction, PredictionModel
from tests.dunning.make import DUE as DAY
from tests.dunning.make import POLICIES, after, customer, item, noticed
from tests.dunning.world import MORNING, World

QUIET = FRIENDLY_FIVE.steps[1:]


def facts_of(world: World, session: Session, account_id: int, *, days: int = 0) -> CustomerFacts:
    now = MORNING + timedelta(days=days)
    [found] = gather(session, [account_id], now=now, in_flight=world.in_flight)
    return found


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_a_broken_promise_and_an_answered_dispute_are_events(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        first, second, third = (world.invoice(session, jo) for _ in range(3))
        promise(session, jo, items=[Part(first)], due_on=MORNING.date(), by="t", now=MORNING)
        for entry in (second, third):
            made = open_dispute(
                session,
                entry_id=entry,
                amount_minor=100,
                reason=Cause.PRICE,
                text="",
                by="t",
                today=MORNING.date(),
                now=MORNING,
            )
            if entry == second:
                resolve_dispute(
                    session,
                    made.id or 0,
                    outcome=Verdict.REJECTED,
                    accepted_minor=0,
                    answer="",
                    by="t",
                    today=MORNING.date(),
                    now=MORNING,
                )
    with world.database.transaction() as session:
        later = MORNING + timedelta(days=10)
        judge(session, now=later)
        found = {one.entry_id: (one.event_on, one.broken_promise) for one in facts_of(world, session, jo).items}
    assert found == {first: (later.date(), True), second: (MORNING.date(), False), third: (None, False)}


def test_a_choice_holds_for_the_customer_or_one_item(world: World) -> None:
    soft = FRIENDLY_FIVE.__class__("soft", 1, QUIET)
    with world.database.transaction() as session:
        add_policy(session, soft, scope=Scope(named=True), active_from=MORNING, by="u", now=MORNING)
        jo, ana = world.customer(session, "JO"), world.customer(session, "ANA")
        one, two = world.invoice(session, jo), world.invoice(session, jo)
        choose(session, jo, "soft", entry_id=None, reason="asked for it", by="user:1", now=MORNING)
        silent = choose(session, jo, NO_POLICY, entry_id=two, reason="settled by hand", by="user:1", now=MORNING)
        for wrong in ({"policy": "nix"}, {"policy": "soft", "reason": " "}, {"policy": "soft", "entry_id": one}):
            given = {"reason": "r", "entry_id": None, **wrong}
            with pytest.raises(ChoiceError):
                choose(session, ana, by="user:1", now=MORNING, **given)  # type: ignore[arg-type]
        facts = facts_of(world, session, jo)
        in_force = policies_in_force(session, now=MORNING)
        assert in_force.company == FRIENDLY_FIVE  # a named one is nobody's own
        decision = decide(facts, in_force, today=MORNING.date())
        assert isinstance(decision, Send)
        assert (decision.policy, [line.ask.item.entry_id for line in decision.lines]) == (soft, [one])
        assert "no_policy" in codes(decision)
    world.run()
    with world.database.transaction() as session:
        assert session.get(DunningDecision, jo) is not None
        end_choice(session, silent.id or 0, by="user:1", now=MORNING)
        end_choice(session, silent.id or 0, by="user:1", now=MORNING)
        assert session.get(DunningDecision, jo, populate_existing=True) is None  # decided anew
        assert [one.chosen for one in facts_of(world, session, jo).items] == [None, None]
        again = choose(session, jo, NO_POLICY, entry_id=None, reason="sold", by="user:1", now=MORNING)
        assert facts_of(world, session, jo).chosen == NO_POLICY == again.policy
        with pytest.raises(ChoiceNotFoundError):
            end_choice(session, 99, by="u", now=MORNING)


def test_a_segment_may_have_its_own(world: World) -> None:
    shops = FRIENDLY_FIVE.__class__("shops", 1, QUIET)
    with world.database.transaction() as session:
        add_policy(session, shops, scope=Scope(segment="shop"), active_from=MORNING, by="u", now=MORNING)
        jo, ana = world.customer(session, "JO"), world.customer(session, "ANA")
        session.get_one(Account, jo).segment = "shop"
        for account in (jo, ana):
            world.invoice(session, account)
        in_force = policies_in_force(session, now=MORNING)
        made = [decide(facts_of(world, session, account), in_force, today=MORNING.date()) for account in (jo, ana)]
    assert [one.policy.name for one in made if isinstance(one, Send)] == ["shops", "friendly-five"]


def test_a_draft_goes_live_once_it_was_tested_or_with_a_word_why_not(world: World) -> None:
    body = {**FRIENDLY_FIVE.body(), "per_week": 2}
    with world.database.transaction() as session:
        first = draft_policy(session, "calm", body, by="user:1", now=MORNING)
        assert policies_in_force(session, now=MORNING).company == FRIENDLY_FIVE
        with pytest.raises(UntestedError):
            activate(session, first.id or 0, active_from=MORNING, by="user:1", now=MORNING)
        activate(session, first.id or 0, active_from=MORNING, reason="small change", by="user:1", now=MORNING)
        with pytest.raises(PolicyLiveError):
            activate(session, first.id or 0, active_from=MORNING, reason="again", by="user:1", now=MORNING)
        assert policies_in_force(session, now=MORNING).company.label == "calm 1"
        second = draft_policy(session, "calm", {**body, "per_week": 1}, by="user:1", now=MORNING)
        second.simulated = {"messages": 3}
        later = MORNING + timedelta(days=3)
        activate(session, second.id or 0, active_from=later, by="user:1", now=MORNING)
        assert policies_in_force(session, now=MORNING).company.label == "calm 1"
        assert policies_in_force(session, now=later).company.label == "calm 2"
        with pytest.raises(PolicyExistsError):
            draft_policy(session, "calm", body, scope=Scope(named=True), by="user:1", now=MORNING)
        assert stored_policy(session, second.id or 0).created_by == "user:1"
    assert as_policies([]) == Policies(FRIENDLY_FIVE)


def test_a_forecast_is_used_while_it_is_fresh_and_of_a_model(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo)
        for kind, model_id in ((ModelKind.HAZARD, 1), (ModelKind.NAIVE, 2)):
            digest = "d" if kind is ModelKind.HAZARD else None
            trained: dict[str, Any] = {
                "trained_at": MORNING,
                "as_of": DAY,
                "invoices": 1,
                "outcomes": 1,
                "tail": 0.1,
                "features": [],
            }
            session.add(PredictionModel(id=model_id, kind=kind, path=digest, digest=digest, **trained))
        session.flush()
        said: dict[str, Any] = {
            "entry_id": entry,
            "account_id": jo,
            "late_probability": 0.9,
            "unpaid_in_30": 0.6,
            "reasons": [],
        }
        said |= {"expected_on": DAY, "p10_days": 1, "p50_days": 2, "p90_days": 3}
        session.add(Prediction(model_id=1, scored_on=MORNING.date(), **said))
        session.flush()
        assert (facts_of(world, session, jo).risk, facts_of(world, session, jo).items[0].forecast) == (
            "high",
            (0.9, 0.6, DAY),
        )
        assert facts_of(world, session, jo, days=8).items[0].forecast is None
        session.add(Prediction(model_id=2, scored_on=MORNING.date() + timedelta(days=1), **said))
        session.flush()
        assert facts_of(world, session, jo, days=1).items[0].forecast is None


def test_the_age_of_the_bank_s_news_is_counted_in_business_days(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        assert facts_of(world, session, jo).bank_age == {}
        own = BankAccount(entity_id=world.entity_id, iban="FR1", holder="S", currency="EUR")
        session.add(own)
        session.flush()
        for number, day in enumerate((DAY - timedelta(days=30), DAY - timedelta(days=4))):
            told: dict[str, Any] = {"format": "camt", "lines_read": 0, "lines_added": 0, "imported_by": "t"}
            told |= {"imported_at": MORNING, "currency": "EUR", "digest": str(number)}
            session.add(BankStatement(bank_account_id=own.id or 0, closing_on=day, **told))
        session.flush()
        assert facts_of(world, session, jo).bank_age == {world.entity_id: 2}
    assert business_days_between(date(2026, 4, 30), date(2026, 5, 4), "FR") == 1  # 1 May is a holiday
    assert business_days_between(DAY, DAY, "FR") == 0


@pytest.mark.parametrize(
    ("stale", "days", "age", "expected"),
    [
        (StaleBank.SOFTEN, 3, 5, "send"),  # a friendly word does no harm
        (StaleBank.SOFTEN, 14, 5, "stale_bank"),
        (StaleBank.SOFTEN, 14, 4, "send"),
        (StaleBank.WAIT, 3, 5, "stale_bank"),
        (StaleBank.WAIT, -3, 5, "send"),  # what is not due yet is not asked for
    ],
)
def test_while_the_bank_is_silent_words_are_softer(stale: StaleBank, days: int, age: int, expected: str) -> None:
    done = tuple(step.key for step in FRIENDLY_FIVE.steps if step.offset_days < days)
    facts = customer(item(noticed=noticed(*done)), bank_age={1: age}, reminded_late=True)
    company = FRIENDLY_FIVE.__class__("p", 1, FRIENDLY_FIVE.steps, stale_bank=stale)
    day = after(days)
    decision = decide(facts, Policies(company), today=day + timedelta(days=1 if day.weekday() > 4 else 0))
    assert ("send" if isinstance(decision, Send) else codes(decision)[0]) == expected


def test_a_platform_that_says_paid_or_suspended_holds_the_item_alone() -> None:
    facts = customer(item(status="211"), item(2))
    decision = decide(facts, POLICIES, today=after(3))
    assert isinstance(decision, Send)
    assert [line.ask.item.entry_id for line in decision.lines] == [2]
    assert "status" in codes(decision)
    assert codes(decide(customer(item(status="208")), POLICIES, today=after(3))) == ["status"]


def test_a_conversation_and_a_reply_silence_for_a_while() -> None:
    spoken = customer(item(), spoken_on=after(1))
    assert codes(decide(spoken, POLICIES, today=after(7))) == ["conversation"]
    assert isinstance(decide(spoken, POLICIES, today=after(8)), Send)
    waiting = customer(item(), waiting_since=after(3))  # a Thursday; five business days later it is Thursday again
    assert codes(decide(waiting, POLICIES, today=after(10))) == ["reply_waiting"]
    assert isinstance(decide(waiting, POLICIES, today=after(11)), Send)


def test_whom_a_person_has_taken_over_hears_nothing_or_announcements_alone() -> None:
    taken = customer(item(), taken_out="legal")
    assert codes(decide(taken, POLICIES, today=after(4))) == ["taken_out"]
    careful = customer(item(), courtesy_only="in_difficulty")
    assert codes(decide(careful, POLICIES, today=after(4))) == ["courtesy_only"]
    assert isinstance(decide(careful, POLICIES, today=after(-3)), Send)


def test_who_is_held_out_hears_nothing_for_a_while() -> None:
    facts = customer(item(), trial=Trial(3, "control", holdout_days=10))
    held = decide(facts, POLICIES, today=after(10))
    assert (isinstance(held, Hold), codes(held)) == (True, ["held_out"])
    assert isinstance(decide(facts, POLICIES, today=after(11)), Send)
    assert isinstance(decide(customer(item()), POLICIES, today=after(-9)), Nothing)
