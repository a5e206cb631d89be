"""What autopay announces and pays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.cash.autopay.decide import MOST_ATTEMPTS, Due, Terms, after_failure, announce, to_pay
from ar.cash.online.models import MethodKind

TODAY = date(2026, 3, 2)
minor = st.integers(0, 5000)
dues = st.builds(
    Due,
    st.integers(1, 9),
    st.just(1),
    st.just("INV"),
    st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days)),
    minor,
    minor,
    minor,
)
terms = st.builds(Terms, st.integers(1, 6000), st.integers(-30, 30), st.integers(1, 60))


@given(st.lists(dues, max_size=5), terms)
def test_nothing_is_paid_with_less_notice_than_agreed_or_before_its_day(items: list[Due], agreed: Terms) -> None:
    due_on = {item.entry_id: item.due_on for item in items}
    for told in announce(items, agreed, today=TODAY):
        assert told.pay_on >= TODAY + timedelta(days=agreed.notice_days)
        assert told.pay_on >= min(on for key, on in due_on.items() if key == told.entry_id) + timedelta(
            days=agreed.offset_days
        ) or len(items) > len(due_on)
        assert told.amount_minor > 0
        assert told.above_limit == (told.amount_minor > agreed.limit_minor)


@given(dues, st.integers(1, 5000), terms)
def test_never_more_than_announced_agreed_open_or_uncontested(item: Due, announced: int, agreed: Terms) -> None:
    amount, why = to_pay(item, announced, agreed)
    assert (amount > 0) == (why == "")
    assert amount <= announced
    assert amount <= agreed.limit_minor
    assert amount <= max(0, item.open_minor - item.disputed_minor)
    assert not (amount and item.in_flight_minor)


@pytest.mark.parametrize(
    ("code", "attempts", "kind", "days"),
    [
        ("insufficient_funds", 1, MethodKind.CARD, 3),
        ("insufficient_funds", MOST_ATTEMPTS, MethodKind.CARD, None),
        ("insufficient_funds", 1, MethodKind.SEPA_DEBIT, 14),
        ("expired_card", 1, MethodKind.CARD, None),
        ("some_code_to_come", 1, MethodKind.CARD, 3),
    ],
)
def test_tries_are_bounded(code: str, attempts: int, kind: MethodKind, days: int | None) -> None:
    then = after_failure(code, attempts, kind, Terms(1000, 0, 14), today=TODAY)
    assert then.retry_on == (None if days is None else TODAY + timedelta(days=days))
