"""Instalments: they sum exactly, and what is late is late for everybody alike."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ar.cash.plans.schedule import Part, Verdict, covered, due_by, monthly, stand
from ar.core.calendars import is_business_day

FIRST = date(2026, 1, 31)
amounts = st.integers(min_value=1, max_value=10**15)


@given(amounts, st.integers(min_value=1, max_value=60), st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_the_parts_sum_exactly_and_differ_by_one_unit_at_most(minor: int, count: int, first_on: date) -> None:
    parts = monthly(minor, count, first_on=first_on, country="FR")
    sizes = [part.amount_minor for part in parts]
    assert sum(sizes) == minor
    assert max(sizes) - min(sizes) <= 1
    assert [part.number for part in parts] == list(range(1, count + 1))
    assert all(is_business_day(part.due_on, "FR") for part in parts)
    assert [part.due_on for part in parts] == sorted({part.due_on for part in parts})


@given(st.lists(amounts, min_size=1, max_size=12), st.integers(min_value=0, max_value=2 * 10**16))
def test_what_came_is_spent_on_the_earliest_first(sizes: list[int], paid: int) -> None:
    parts = [Part(n + 1, FIRST + timedelta(days=30 * n), minor) for n, minor in enumerate(sizes)]
    left = [one.open_minor for one in covered(parts, paid)]
    assert sum(left) == max(0, sum(sizes) - paid)
    touched = [one.open_minor < one.part.amount_minor for one in covered(parts, paid)]
    assert touched == sorted(touched, reverse=True)
    assert due_by(parts, paid_minor=paid, until=date.max) == sum(left)


def test_one_late_is_missed_and_two_break() -> None:
    parts = monthly(9_000, 3, first_on=date(2026, 3, 2), country="FR")

    def verdict(paid: int, coming: int, today: date) -> Verdict:
        return stand(parts, paid_minor=paid, coming_minor=coming, today=today, grace_days=3, country="FR").verdict

    assert verdict(0, 0, date(2026, 3, 5)) is Verdict.GOOD
    assert verdict(0, 0, date(2026, 3, 6)) is Verdict.MISSED
    assert verdict(0, 3_000, date(2026, 3, 6)) is Verdict.GOOD
    assert verdict(2_999, 0, date(2026, 3, 6)) is Verdict.MISSED
    assert verdict(3_000, 0, date(2026, 4, 2)) is Verdict.GOOD
    assert verdict(0, 0, date(2026, 4, 9)) is Verdict.BROKEN
    assert verdict(3_000, 0, date(2026, 4, 9)) is Verdict.MISSED
    assert verdict(8_999, 1, date(2026, 6, 1)) is Verdict.GOOD
    assert verdict(9_000, 0, date(2026, 3, 3)) is Verdict.KEPT
