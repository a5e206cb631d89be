"""Facts of a payment: their merge forgets the order, and what they come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.cash.payment_states import Dispute, Facts, PaymentState, Stage, decide, merge

DAY = datetime(2026, 3, 1, 9, tzinfo=UTC)


def at(days: int) -> datetime:
    return DAY + timedelta(days=days)


instants = st.none() | st.integers(0, 9).map(at)
disputes = st.dictionaries(
    st.sampled_from(["du_1", "du_2"]),
    st.builds(Dispute, st.sampled_from(Stage), st.sampled_from([400, 1000]), st.integers(0, 9).map(at)),
)
facts = st.builds(
    Facts,
    asked=st.booleans(),
    uncertain=st.booleans(),
    processing_at=instants,
    succeeded_at=instants,
    failed_at=instants,
    refunded_minor=st.integers(0, 1000),
    disputes=disputes,
    doubts=st.frozensets(st.sampled_from(["a", "b"])),
    cleared=st.frozensets(st.sampled_from(["a", "b"])),
)


@given(facts, facts, facts)
def test_merge_forgets_order_grouping_and_repetition(a: Facts, b: Facts, c: Facts) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, a) == merge(a, Facts())
    assert merge(merge(a, b), b) == merge(a, b)


@given(facts)
def test_money_is_ours_only_after_success_and_never_while_merely_on_its_way(known: Facts) -> None:
    decision = decide(known, 1000)
    if decision.money_in:
        assert known.succeeded_at is not None
        assert decision.state in (PaymentState.SETTLED, PaymentState.REFUNDED, PaymentState.UNKNOWN)
        assert not any(d.stage is not Stage.WON and d.amount_minor >= 1000 for d in known.disputes.values())
    if decision.state in (PaymentState.SETTLED, PaymentState.REFUNDED):
        assert decision.money_in
    assert decision.reason


@pytest.mark.parametrize(
    ("known", "state", "money_in"),
    [
        (Facts(), PaymentState.INTENDED, False),
        (Facts(uncertain=True), PaymentState.UNKNOWN, False),
        (Facts(uncertain=True, asked=True), PaymentState.STARTED, False),
        (Facts(asked=True, processing_at=at(1)), PaymentState.PENDING, False),
        (Facts(asked=True, processing_at=at(1), succeeded_at=at(5)), PaymentState.SETTLED, True),
        (Facts(asked=True, processing_at=at(1), failed_at=at(5)), PaymentState.FAILED, False),
        (Facts(succeeded_at=at(1), failed_at=at(30)), PaymentState.FAILED, False),
        (Facts(succeeded_at=at(30), failed_at=at(1)), PaymentState.SETTLED, True),
        (Facts(succeeded_at=at(1), refunded_minor=999), PaymentState.SETTLED, True),
        (Facts(succeeded_at=at(1), refunded_minor=1000), PaymentState.REFUNDED, True),
        (Facts(succeeded_at=at(1), disputes={"d": Dispute(Stage.OPEN, 1000, at(9))}), PaymentState.DISPUTED, False),
        (Facts(succeeded_at=at(1), disputes={"d": Dispute(Stage.WON, 1000, at(9))}), PaymentState.SETTLED, True),
        (Facts(succeeded_at=at(1), disputes={"d": Dispute(Stage.OPEN, 400, at(9))}), PaymentState.UNKNOWN, True),
        (Facts(asked=True, doubts=frozenset({"another amount"})), PaymentState.UNKNOWN, False),
    ],
)
def test_what_facts_come_to(known: Facts, state: PaymentState, money_in: bool) -> None:
    decision = decide(known, 1000)
    assert (decision.state, decision.money_in) == (state, money_in)
