"""What holds of every decision, whatever came in."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ar.cash.matching.decide import decide
from ar.cash.matching.facts import Advised, Candidates, Decision, Expected, Incoming, Item, Payer, Policy, Verdict
from ar.cash.matching.weights import PRIORS
from ar.ledger.models import EntryKind
from ar.ledger.references import reference_key
from tests.cash.matching.make import ACME, TODAY, decided, item, money

AMOUNTS = st.sampled_from([100, 200, 300, 500, 1_001, 2_345, 40_000, 99_999])
KINDS = [EntryKind.INVOICE] * 6 + [EntryKind.CREDIT_NOTE, EntryKind.LATE_CHARGE]


@st.composite
def items(draw: st.DrawFn, number: int) -> Item:
    kind = draw(st.sampled_from(KINDS))
    amount = draw(AMOUNTS)
    open_minor = draw(st.sampled_from([amount, max(1, amount // 2)]))
    due = TODAY + timedelta(days=draw(st.integers(-60, 30)))
    discount = draw(st.sampled_from([0, 0, max(1, amount // 50)]))
    return item(
        number,
        amount,
        account_id=draw(st.integers(1, 3)),
        kind=kind,
        side=-1 if kind is EntryKind.CREDIT_NOTE else 1,
        open_minor=open_minor,
        disputed_minor=draw(st.sampled_from([0, 0, 0, open_minor // 3, open_minor])),
        due_on=due,
        effective_on=due - timedelta(days=30),
        purchase_order=draw(st.sampled_from(["", "", "4500012345"])),
        discount_minor=discount,
        discount_until=due - timedelta(days=20) if discount else None,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Incoming, Candidates, Policy]:
    owed = [draw(items(number)) for number in range(1, draw(st.integers(0, 9)) + 1)]
    meant = [one for one in owed if draw(st.booleans())]
    extra = draw(st.sampled_from([0, 0, 0, -50, 50, -300, 7_777]))
    amount = max(1, sum(one.side * one.open_minor for one in meant) + extra)
    quoted = [draw(st.sampled_from([one.reference, one.reference[-6:], one.reference_key])) for one in meant]
    texts = tuple(draw(st.lists(st.sampled_from([*quoted, "VIREMENT", "4500012345", "ACOMPTE", "12"]), max_size=6)))
    advice = tuple(Advised(one.reference, one.open_minor) for one in meant if draw(st.booleans()))
    incoming = money(
        amount,
        *texts,
        advice=draw(st.sampled_from([(), (), advice])),
        charges_minor=draw(st.sampled_from([None, None, 50])),
        payer_name=draw(st.sampled_from(["BOULANGERIE LEFEVRE", "GARAGE MARTIN", "NOBODY", ""])),
        account_id=draw(st.sampled_from([None, None, None, 1])),
    )
    payers = [
        Payer(1, "Boulangerie Lefèvre SARL", by_iban=draw(st.integers(-1, 2))),
        Payer(2, "Garage Martin", parent_id=draw(st.sampled_from([None, 1])), by_alias=draw(st.integers(-1, 1))),
        Payer(3, "Garage Martin SAS"),
    ]
    promise = [Expected("promise", amount, "EUR", TODAY, tuple(one.entry_id for one in meant))] if meant else []
    tolerance = draw(st.sampled_from([0, 60]))
    policy = Policy(draw(st.sampled_from([0.5, 0.9, 0.995])), tolerance, 500, draw(st.sampled_from([0, 60])))
    return incoming, Candidates(payers, owed, draw(st.sampled_from([[], promise]))), policy


def decision_on(situation: tuple[Incoming, Candidates, Policy]) -> Decision:
    incoming, candidates, policy = situation
    return decide(incoming, candidates, policy, PRIORS, today=TODAY)


@given(situations())
def test_money_adds_up_and_nothing_is_paid_twice(situation: tuple[Incoming, Candidates, Policy]) -> None:
    incoming, candidates, _ = situation
    decision = decision_on(situation)
    by_id = {one.entry_id: one for one in candidates.items}
    assert len(decision.proposals) <= 3
    for proposal in decision.proposals:
        assert sum(part.amount_minor for part in proposal.parts) == incoming.amount_minor
        assert all(part.amount_minor > 0 for part in proposal.parts)
        settled: Counter[int] = Counter()
        for part in proposal.parts:
            if part.entry_id is not None:
                settled[part.entry_id] += part.amount_minor
                assert by_id[part.entry_id].side == 1
                assert by_id[part.entry_id].account_id == part.account_id
        for residual in proposal.residuals:
            assert residual.amount_minor > 0
            settled[residual.entry_id] += residual.amount_minor
        for netting in proposal.nettings:
            assert netting.amount_minor > 0
            assert by_id[netting.credit_id].side == -1 < by_id[netting.debit_id].side
            assert by_id[netting.credit_id].account_id == by_id[netting.debit_id].account_id
            settled[netting.debit_id] += netting.amount_minor
            settled[netting.credit_id] += netting.amount_minor
        assert all(0 < minor <= by_id[entry].open_minor for entry, minor in settled.items())


@given(situations())
def test_nothing_contested_in_full_is_paid_unless_it_is_referenced(
    situation: tuple[Incoming, Candidates, Policy],
) -> None:
    incoming, candidates, _ = situation
    contested = {one.entry_id: one for one in candidates.items if one.disputed_minor >= one.open_minor}
    said = reference_key(" ".join([*incoming.texts, *(line.reference for line in incoming.advice)]))
    for proposal in decision_on(situation).proposals:
        for part in proposal.parts:
            if part.entry_id in contested:
                one = contested[part.entry_id]
                assert one.reference_key[-6:] in said or one.purchase_order in said != ""


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(
    situation: tuple[Incoming, Candidates, Policy], dice: random.Random
) -> None:
    incoming, candidates, policy = situation
    owed, payers = list(candidates.items), list(candidates.payers)
    dice.shuffle(owed)
    dice.shuffle(payers)
    assert decision_on((incoming, Candidates(payers, owed, candidates.expected), policy)) == decision_on(situation)


@given(situations(), st.floats(0.5, 1.0))
def test_a_higher_threshold_never_applies_more(
    situation: tuple[Incoming, Candidates, Policy], threshold: float
) -> None:
    incoming, candidates, policy = situation
    lower, higher = sorted([policy.apply_above, threshold])
    strict = decision_on((incoming, candidates, replace(policy, apply_above=higher)))
    loose = decision_on((incoming, candidates, replace(policy, apply_above=lower)))
    assert loose.verdict is Verdict.APPLY or strict.verdict is not Verdict.APPLY
    assert loose.proposals == strict.proposals
    assert (strict.verdict is Verdict.APPLY) == (strict.why_not == "")
    if strict.verdict is Verdict.APPLY:
        assert strict.proposals[0].probability >= higher - 1e-6


@given(situations())
def test_a_proposal_is_kept_as_json_and_restored(situation: tuple[Incoming, Candidates, Policy]) -> None:
    for proposal in decision_on(situation).proposals:
        assert type(proposal).restored(proposal.stored()) == proposal


DICE = random.Random(20261124)
HOSTILE = {
    "equal amounts": (money(1_500, "VIREMENT"), [item(n, 500) for n in range(1, 501)]),
    "equal amounts, and a reference": (money(10_500, "FA2026-000003"), [item(n, 700) for n in range(1, 31)]),
    "any amounts": (money(1_234_567, "12345 6789"), [item(n, DICE.randrange(1, 10**6)) for n in range(1, 501)]),
    "a full text": (
        money(777, *[" ".join(f"FA2026-{n * k:06d}" for n in range(20)) for k in range(40)]),
        [item(n, 10_000 + n) for n in range(1, 501)],
    ),
    "one order": (
        money(77_777, "4500012345"),
        [item(n, DICE.randrange(1, 10**6), purchase_order="4500012345") for n in range(1, 301)],
    ),
    "credits": (
        money(77_777, "FA2026-000001"),
        [item(n, DICE.randrange(1, 10**6), side=1 - 2 * (n % 2)) for n in range(1, 501)],
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_money_costs_little(name: str) -> None:
    """The bound is ten times what it takes on an idle core: it tells work without bounds from a busy machine.

    The best of three counts: work without bounds is slow each time, the collection of other tests' garbage is not.
    """
    incoming, owed = HOSTILE[name]
    spent = []
    for _ in range(3):
        start = time.process_time()
        decision = decided(incoming, owed)
        spent.append(time.process_time() - start)
        assert decision.verdict is not Verdict.APPLY
    assert min(spent) < 0.3


@settings(max_examples=60)
@given(st.lists(st.text(max_size=60), max_size=4), st.text(max_size=80), st.text(max_size=40))
def test_any_text_is_read(texts: list[str], name: str, iban: str) -> None:
    decision = decided(money(50_000, *texts, payer_name=name, payer_iban=iban), [item(1, 60_000)], [ACME])
    assert decision.proposals == () or sum(p.amount_minor for p in decision.proposals[0].parts) == 50_000


def test_money_of_the_far_past_and_of_tomorrow_is_read() -> None:
    for day in (date.min, date.max):
        assert decided(money(50_000, "FA2026-000001", received_on=day), [item(1, 50_000)]).proposals
