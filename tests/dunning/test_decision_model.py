"""A customer's months lived at random: whatever happens, the decision keeps its promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ar.core.calendars import add_business_days, is_business_day
from dunning.case import CustomerFacts, HoldFacts, ItemFacts, Noticed, PastNotice
from dunning.decision import Send, asks, decide
from dunning.policy import FRIENDLY_FIVE, NO_POLICY, STANDARD, Policies, Start
from dunning.steps import Anchor, Tone
from dunning.timing import Forecast, Timing
from tests.dunning.make import customer, item

POLICIES = Policies(replace(FRIENDLY_FIVE, minimum={"EUR": 100}))
TIMED = Policies(replace(STANDARD, minimum={"EUR": 100}, timing=Timing(enabled=True), start=Start.REACHED))
amounts = st.integers(min_value=1, max_value=20_000)
picks = st.integers(min_value=0, max_value=50)


class Months(RuleBasedStateMachine):
    policies = POLICIES

    def __init__(self) -> None:
        super().__init__()
        self.today = date(2026, 1, 5)
        self.facts: CustomerFacts = customer()
        self.sent: list[tuple[date, Send]] = []
        self.seen: Counter[tuple[int, str]] = Counter()
        self.highest: dict[int, int] = {}

    def change(self, pick: int, **values: Any) -> None:
        items = list(self.facts.items)
        at = pick % len(items)
        items[at] = items[at]._replace(**values)
        self.facts = replace(self.facts, items=tuple(i for i in items if i.open_minor > 0))

    def picked(self, pick: int) -> ItemFacts:
        return self.facts.items[pick % len(self.facts.items)]

    @rule(days=st.integers(min_value=-70, max_value=20), minor=amounts, seller=st.sampled_from([1, 2]))
    def invoice(self, days: int, minor: int, seller: int) -> None:
        number = 1 + max((entry for entry, _ in self.seen), default=0)
        number = max(number, 1 + max((i.entry_id for i in self.facts.items), default=0))
        made = item(number, due_on=self.today + timedelta(days=days), open_minor=minor, entity_id=seller)
        self.facts = replace(self.facts, items=(*self.facts.items, made))

    @precondition(lambda self: self.facts.items)
    @rule(pick=picks, minor=amounts)
    def pay(self, pick: int, minor: int) -> None:
        self.change(pick, open_minor=max(0, self.picked(pick).open_minor - minor))

    @precondition(lambda self: self.facts.items)
    @rule(pick=picks, minor=st.integers(min_value=0, max_value=25_000), what=st.sampled_from(["d", "p", "f", "n"]))
    def contest_or_promise_or_send_money(self, pick: int, minor: int, what: str) -> None:
        name = {"d": "disputed_minor", "p": "promised_minor", "f": "in_flight_minor", "n": "planned_minor"}[what]
        self.change(pick, **{name: minor})

    @rule(minor=st.integers(min_value=0, max_value=30_000), seller=st.sampled_from([1, 2]))
    def credit(self, minor: int, seller: int) -> None:
        self.facts = replace(self.facts, credits={(seller, "EUR"): minor})

    @rule(days=st.none() | st.integers(min_value=0, max_value=10))
    def hold(self, days: int | None) -> None:
        until = None if days is None else self.today + timedelta(days=days)
        self.facts = replace(self.facts, holds=(HoldFacts(1, until, "asked to wait"),))

    @rule(days=st.integers(min_value=0, max_value=9), what=st.sampled_from(["spoken_on", "waiting_since"]))
    def talk_or_write_back(self, days: int, what: str) -> None:
        self.facts = replace(self.facts, **{what: self.today - timedelta(days=days)})  # type: ignore[arg-type]

    @rule(what=st.sampled_from(["taken_out", "courtesy_only"]), on=st.booleans())
    def take_over(self, what: str, on: bool) -> None:
        self.facts = replace(self.facts, **{what: "a person's" if on else ""})  # type: ignore[arg-type]

    @rule(age=st.integers(min_value=0, max_value=9))
    def bank_is_silent(self, age: int) -> None:
        self.facts = replace(self.facts, bank_age={1: age})

    @precondition(lambda self: self.facts.items)
    @rule(pick=picks, status=st.sampled_from(["", "208", "211"]), chosen=st.sampled_from([None, NO_POLICY]))
    def platform_or_person_says(self, pick: int, status: str, chosen: str | None) -> None:
        self.change(pick, status=status, chosen=chosen)

    @precondition(lambda self: self.facts.items)
    @rule(pick=picks, chance=st.floats(0, 1), days=st.integers(-9, 30), broken=st.booleans())
    def foresee_or_break_a_promise(self, pick: int, chance: float, days: int, broken: bool) -> None:
        event = self.today if broken else None
        forecast = Forecast(chance, chance, self.today + timedelta(days=days))
        self.change(pick, forecast=forecast, broken_promise=broken, event_on=event)

    @rule()
    def lift(self) -> None:
        self.facts = replace(self.facts, holds=(), spoken_on=None, waiting_since=None, taken_out="", courtesy_only="")

    @rule(days=st.integers(min_value=1, max_value=12))
    def days_go_by(self, days: int) -> None:
        for _ in range(days):
            self.today += timedelta(days=1)
            self.run()

    @rule()
    def run_again(self) -> None:
        self.run()

    def run(self) -> None:
        decision = decide(self.facts, self.policies, today=self.today)
        if not isinstance(decision, Send):
            assert decision.reasons
            return
        self.check(decision)
        self.sent.append((self.today, decision))
        steps = {line.ask.item.entry_id: line.step for line in decision.lines}
        items = []
        for known in self.facts.items:
            if known.entry_id in steps:
                step = steps[known.entry_id]
                self.seen[known.entry_id, step.key] += 1
                self.highest[known.entry_id] = max(step.offset_days, self.highest.get(known.entry_id, -99))
                noticed = (*known.noticed, Noticed(step.key, step.offset_days, self.today))
                items.append(known._replace(noticed=noticed))
            else:
                items.append(known)
        notice = PastNotice(decision.entity_id, decision.step.key, self.today)
        recent = [n for n in self.facts.notices if n.cycle > self.today - timedelta(days=8)]
        self.facts = replace(self.facts, items=tuple(items), notices=(*recent, notice))

    def check(self, send: Send) -> None:
        assert not any(h.until is None or h.until >= self.today for h in self.facts.holds)
        assert is_business_day(self.today, self.facts.country)
        assert not self.facts.taken_out
        assert self.facts.spoken_on is None or self.today >= self.facts.spoken_on + timedelta(days=7)
        waiting = self.facts.waiting_since
        assert waiting is None or self.today > add_business_days(waiting, 5, self.facts.country)
        assert self.facts.reached_by(send.channel)
        assert {line.ask.item.entity_id for line in send.lines} == {send.entity_id}
        assert send.step.rank == max(line.step.rank for line in send.lines)
        for line in send.lines:
            known = line.ask.item
            held_back = known.disputed_minor + known.promised_minor + known.in_flight_minor + known.planned_minor
            assert 0 < line.ask.amount_minor <= known.open_minor - min(known.open_minor, held_back)
            assert (known.status, known.chosen) == ("", None)
            assert line.step.courtesy or not self.facts.courtesy_only
            assert (
                line.step.courtesy or line.step.tone is Tone.FRIENDLY or self.facts.bank_age.get(known.entity_id, 0) < 5
            )
            assert not (line.step.courtesy and self.today > known.due_on)
            assert line.step.courtesy or self.today > known.due_on
            if line.step.after is Anchor.DUE:
                early = self.policies.company.timing.early_days if self.policies.company.timing.enabled else 0
                assert line.step.offset_days > self.highest.get(known.entry_id, -99)
                assert (self.today - known.due_on).days >= line.step.offset_days - early
        assert sum(line.ask.amount_minor for line in send.lines) >= 100

    @invariant()
    def never_twice(self) -> None:
        assert not self.seen or max(self.seen.values()) == 1

    @invariant()
    def never_above_the_caps(self) -> None:
        days = [day for day, _ in self.sent]
        assert len(days) == len(set(days))
        for day in days:
            assert sum(day - timedelta(days=7) < other <= day for other in days) <= 3

    @invariant()
    def every_minor_unit_is_accounted_for(self) -> None:
        credited = 0
        for ask in asks(self.facts):
            credited += ask.credited_minor
            held_back = ask.contested_minor, ask.promised_minor, ask.planned_minor, ask.in_flight_minor
            parts = ask.amount_minor, *held_back, ask.credited_minor
            assert min(parts) >= 0
            assert sum(parts) == ask.item.open_minor
        assert credited <= sum(self.facts.credits.values())


class TimedMonths(Months):
    """The whole ladder, with events, and forecasts that move its steps."""

    policies = TIMED


TestTimedMonths = TimedMonths.TestCase
TestTimedMonths.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, database=None
)
TestMonths = Months.TestCase
TestMonths.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, database=None)
