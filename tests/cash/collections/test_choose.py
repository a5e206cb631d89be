"""What is debited from whom, and on which days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.cash.collections.choose import (
    ABOVE_LIMIT,
    COVERED,
    DISPUTED,
    IN_FLIGHT,
    PLANNED,
    TOO_SOON,
    Debtor,
    Due,
    choose,
    remittance,
    sequence_of,
)
from ar.cash.collections.days import add_target_days, is_target_day, next_target_day
from ar.cash.collections.models import Sequence

TODAY, ON = date(2026, 3, 2), date(2026, 3, 20)
minors = st.integers(min_value=0, max_value=10_000)
dues = st.builds(
    Due,
    entry_id=st.integers(min_value=1, max_value=10**6),
    account_id=st.integers(min_value=1, max_value=3),
    due_on=st.dates(date(2026, 1, 1), ON),
    open_minor=st.integers(min_value=1, max_value=10_000),
    disputed_minor=st.one_of(st.just(0), minors),
    in_flight_minor=st.one_of(st.just(0), minors),
    planned_minor=st.one_of(st.just(0), minors),
    due_part_minor=minors,
)


@given(
    st.lists(dues, max_size=15, unique_by=lambda due: due.entry_id),
    st.one_of(st.none(), st.integers(min_value=1, max_value=20_000)),
    minors,
)
def test_never_more_than_is_open_free_uncovered_and_allowed(items: list[Due], limit: int | None, credit: int) -> None:
    debtors = [Debtor(n, n, limit, 14, credit) for n in (1, 2, 3)]
    debits, left_out = choose(debtors, items, today=TODAY, collect_on=ON)
    known = {item.entry_id: item for item in items}
    taken = [entry_id for debit in debits for entry_id, _ in debit.parts]
    assert len(taken) == len(set(taken))
    assert sorted(taken + [one.entry_id for one in left_out if one.entry_id]) == sorted(known)
    for debit in debits:
        assert limit is None or debit.amount_minor <= limit
        for entry_id, minor in debit.parts:
            item = known[entry_id]
            assert item.account_id == debit.debtor.account_id
            assert 0 < minor <= item.open_minor
            assert not item.disputed_minor
            assert not item.in_flight_minor
            assert not item.planned_minor or minor <= item.due_part_minor
        free = sum(
            min(item.open_minor, item.due_part_minor) if item.planned_minor else item.open_minor
            for item in items
            if item.account_id == debit.debtor.account_id and not item.disputed_minor and not item.in_flight_minor
        )
        assert debit.amount_minor <= max(0, free - credit)


@pytest.mark.parametrize(
    ("item", "debtor", "reason"),
    [
        (Due(1, 1, ON, 100, disputed_minor=1), Debtor(1, 1, None, 14), DISPUTED),
        (Due(1, 1, ON, 100, in_flight_minor=1), Debtor(1, 1, None, 14), IN_FLIGHT),
        (Due(1, 1, ON, 100, planned_minor=100), Debtor(1, 1, None, 14), PLANNED),
        (Due(1, 1, ON, 100), Debtor(1, 1, 99, 14), ABOVE_LIMIT),
        (Due(1, 1, ON, 100), Debtor(1, 1, None, 14, credit_minor=100), COVERED),
        (Due(1, 1, ON, 100), Debtor(1, 1, None, 18), TOO_SOON),
    ],
)
def test_each_reason_is_told(item: Due, debtor: Debtor, reason: str) -> None:
    debits, [left_out] = choose([debtor], [item], today=TODAY, collect_on=ON)
    assert (debits, left_out.reason) == ([], reason)


def test_sequence_types_are_as_the_rules_now_are() -> None:
    def told(**changed: bool) -> Sequence:
        usual = {"one_off": False, "final": False, "used": False, "says_first": False}
        return sequence_of(**usual | changed)

    assert told() is told(used=True) is told(used=True, says_first=True) is Sequence.RECURRENT
    assert told(says_first=True) is Sequence.FIRST
    assert told(final=True) is told(final=True, says_first=True) is Sequence.FINAL
    assert told(one_off=True) is told(one_off=True, final=True) is Sequence.ONE_OFF


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=60))
def test_the_text_names_as_many_invoices_as_there_is_room_for(references: list[str]) -> None:
    text = remittance(references)
    assert len(text) <= 140
    assert text.startswith(references[0])
    if len(", ".join(references)) <= 140:
        assert text == ", ".join(references)


def test_target_days() -> None:
    closed = [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25)]
    assert not any(is_target_day(day) for day in closed)
    assert is_target_day(date(2026, 7, 14)), "a national holiday is a TARGET day"
    assert next_target_day(date(2026, 4, 3)) == date(2026, 4, 7)
    assert add_target_days(date(2026, 4, 7), -1) == date(2026, 4, 2)


@given(st.dates(date(2024, 1, 1), date(2035, 12, 1)), st.integers(min_value=1, max_value=30))
def test_counting_days_forth_and_back(day: date, count: int) -> None:
    later = add_target_days(day, count)
    assert is_target_day(later)
    assert sum(is_target_day(day + timedelta(days=n)) for n in range(1, (later - day).days + 1)) == count
