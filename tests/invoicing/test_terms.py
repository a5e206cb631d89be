"""Payment terms: every way of counting, month ends and leap years, instalments that sum, discounts, and the text."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ar.core.calendars import month_end
from invoicing.terms import (
    Counting,
    Discount,
    Due,
    Part,
    Terms,
    TermsError,
    discount_windows,
    parse,
    schedule,
)
from invoicing.terms.model import WHOLE

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
COUNTED = st.builds(Due, st.sampled_from([c for c in Counting if c is not Counting.WITH_ORDER]), st.integers(0, 365))
DUES = st.one_of(
    COUNTED,
    st.just(Due(Counting.WITH_ORDER)),
    st.builds(lambda due, day: Due(due.counting, due.days, day), COUNTED, st.integers(1, 31)),
)
# What 0, 2 and 3 decimals make of amounts of money, in minor units: one unit, awkward ones, and the largest accepted.
MINORS = st.one_of(st.integers(1, 10), st.integers(1, 10**7), st.integers(1, 10**15))


@st.composite
def terms_of(draw: st.DrawFn) -> Terms:
    """Any terms: one due date, with discounts or without, or up to six instalments."""
    dues = draw(st.lists(DUES, min_size=1, max_size=6, unique=True))
    if len(dues) == 1:
        return Terms.single(dues[0], *draw(discounts_before(dues[0])))
    cuts = sorted(draw(st.sets(st.integers(1, WHOLE - 1), min_size=len(dues) - 1, max_size=len(dues) - 1)))
    shares = [after - before for before, after in zip([0, *cuts], [*cuts, WHOLE], strict=True)]
    assume(sum(len(str(due)) + 8 for due in dues) <= 200)
    assume(max(shares) < WHOLE)
    return Terms(tuple(Part(share, due) for share, due in zip(shares, dues, strict=True)))


@st.composite
def discounts_before(draw: st.DrawFn, due: Due) -> list[Discount]:
    if due.counting is Counting.WITH_ORDER or due.days == 0:
        return []
    days = sorted(draw(st.sets(st.integers(0, due.days), max_size=min(3, due.days))))
    percents = sorted(draw(st.sets(st.integers(1, 9999), min_size=len(days), max_size=len(days))), reverse=True)
    return [Discount(percent, day) for percent, day in zip(percents, days, strict=True)]


@pytest.mark.parametrize(
    ("text", "issued", "due"),
    [
        ("net 30", date(2024, 1, 31), date(2024, 3, 1)),
        ("NET  0", date(2026, 3, 16), date(2026, 3, 16)),
        ("n/30", date(2023, 1, 31), date(2023, 3, 2)),
        ("end of month", date(2024, 2, 1), date(2024, 2, 29)),
        ("end of month + 45", date(2026, 1, 15), date(2026, 3, 17)),
        ("45 days end of month", date(2026, 1, 15), date(2026, 3, 31)),
        ("45 days end of month", date(2026, 1, 10), date(2026, 2, 28)),
        ("30 days end of month", date(2024, 1, 31), date(2024, 3, 31)),
        ("30 days end of month on the 10th", date(2026, 1, 5), date(2026, 3, 10)),
        ("end of month + 30 on the 15", date(2026, 1, 5), date(2026, 3, 15)),
        ("net 30 on the 10th", date(2026, 3, 11), date(2026, 4, 10)),
        ("net 30 on the 10th", date(2026, 3, 12), date(2026, 5, 10)),
        ("net 0 on the 31st", date(2024, 2, 10), date(2024, 2, 29)),
        ("net 0 on the 30th", date(2023, 2, 28), date(2023, 2, 28)),
        ("net 1 on the 1st", date(2026, 12, 31), date(2027, 1, 1)),
        ("cash with order", date(2026, 3, 16), date(2026, 3, 16)),
        ("30% net 0; 40% net 30; 30% net 60", date(2026, 3, 16), date(2026, 5, 15)),
    ],
)
def test_the_day_an_invoice_falls_due(text: str, issued: date, due: date) -> None:
    assert parse(text).due_on(issued) == due


@given(COUNTED, DAYS)
def test_the_day_lies_where_the_terms_say(counted: Due, issued: date) -> None:
    due = counted.due_on(issued)
    late = due - issued - timedelta(days=counted.days)
    assert timedelta(0) <= late <= timedelta(days=30)
    if counted.counting is Counting.NET:
        assert late == timedelta(0)
    if counted.counting is Counting.DAYS_THEN_MONTH_END:
        assert due == month_end(due)
    if counted.counting is Counting.MONTH_END_THEN_DAYS:
        assert due - timedelta(days=counted.days) == month_end(issued)
    assert parse(str(counted)) == Terms.single(counted)


@given(DUES, DAYS)
def test_the_day_of_a_month_is_the_next_one(due: Due, issued: date) -> None:
    assume(due.on_day is not None)
    assert due.on_day is not None
    before = Due(due.counting, due.days).due_on(issued)
    found = due.due_on(issued)
    assert before <= found < before + timedelta(days=31)
    assert found.day == min(due.on_day, month_end(found).day)
    between = (before + timedelta(days=n) for n in range((found - before).days))
    assert all(day.day != min(due.on_day, month_end(day).day) for day in between)


@given(terms_of(), DAYS, MINORS)
def test_a_schedule_sums_and_never_begins_before_the_invoice(terms: Terms, issued: date, minor: int) -> None:
    found = schedule(terms, issued, minor)
    assert sum(one.amount_minor for one in found) == minor
    assert all(one.amount_minor > 0 and one.due_on >= issued for one in found)
    assert [one.due_on for one in found] == sorted(one.due_on for one in found)
    assert len(found) <= len(terms.parts)
    assert found[-1].due_on <= terms.due_on(issued)
    if len(terms.parts) == 1:
        assert found == ((terms.due_on(issued), minor),)


@given(terms_of())
def test_what_is_written_reads_back(terms: Terms) -> None:
    assert parse(str(terms)) == terms
    assert parse(str(terms).upper().replace(" ", "   ")) == terms
    assert len(str(terms)) <= 200


@given(terms_of(), DAYS, MINORS)
def test_a_discount_ends_with_the_due_date_and_shrinks(terms: Terms, issued: date, minor: int) -> None:
    windows = discount_windows(terms, issued, minor)
    assert all(issued <= window.until <= terms.due_on(issued) for window in windows)
    assert all(0 < window.amount_minor < minor for window in windows)
    for earlier, later in pairwise(windows):
        assert earlier.until < later.until
        assert earlier.amount_minor >= later.amount_minor


def test_instalments_by_hand() -> None:
    thirds = parse("33.33% cash with order; 33.33% net 30; 33.34% net 60")
    assert schedule(thirds, date(2026, 1, 31), 10_000) == (
        (date(2026, 1, 31), 3_333),
        (date(2026, 3, 2), 3_333),
        (date(2026, 4, 1), 3_334),
    )
    backwards = parse("60% net 60; 40% net 0")
    assert schedule(backwards, date(2026, 1, 1), 101) == ((date(2026, 1, 1), 40), (date(2026, 3, 2), 61))
    assert schedule(parse("1% net 0; 99% net 30"), date(2026, 1, 1), 1) == ((date(2026, 1, 31), 1),)


def test_discounts_by_hand() -> None:
    issued = date(2026, 1, 25)
    assert discount_windows(parse("2/10 net 30"), issued, 12_345) == ((date(2026, 2, 4), 200, 247),)
    assert discount_windows(parse("3/8, 2/14, net 30"), issued, 10_000) == (
        (date(2026, 2, 2), 300, 300),
        (date(2026, 2, 8), 200, 200),
    )
    # The month ends first: the better step is cut short, and the other has no day of its own left.
    assert discount_windows(parse("3/8, 2/14 end of month"), issued, 10_000) == ((date(2026, 1, 31), 300, 300),)
    assert discount_windows(parse("net 30"), issued, 10_000) == ()


@pytest.mark.parametrize("text", ["", "net", "net -1", "net 366", "30", "net ٣٠", "end of month + 9999", "x" * 10_000])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(TermsError, match="not payment terms"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("net thirty", "write 'net 30'"),
        ("30% net 0; 40% net 30", "the instalments make 70 %"),
        ("60% net 0; 60% net 30", "the instalments make 120 %"),
        ("0% net 0; 99.99% net 30", "make 99.99 %"),
        ("50% net 30; 50% net 30", "fall due alike"),
        ("50% net 30, 50% net 60", "or '30% net 0; 70% net 60'"),
        ("50.123% net 30; 49.877% net 60", "write each as"),
        ("100% net 30", "write each as"),
        ("; ".join(f"1% net {n}" for n in range(100)), "not payment terms"),
        ("; ".join(f"10% {n} days end of month on the 22nd" for n in range(10)), "longer than 200"),
        ("net 30 on the 32nd", "from the 1st to the 31st"),
        ("net 30 on the 0th", "from the 1st to the 31st"),
        ("cash with order on the 10th", "counts no days"),
        ("2/40 net 30", "write at most 30"),
        ("2/14, 3/8 net 30", "later and smaller"),
        ("2/8, 2/14 net 30", "later and smaller"),
        ("4/2, 3/4, 2/6, 1/8 net 30", "at most 3"),
        ("0/10 net 30", "above 0"),
        ("2/10 cash with order", "no time for a discount"),
        ("2/10 50% net 30; 50% net 60", "write each as"),
    ],
)
def test_a_refusal_says_what_to_write_instead(text: str, told: str) -> None:
    with pytest.raises(TermsError) as caught:
        parse(text)
    assert told in caught.value.message
    assert caught.value.message.startswith(repr(text[:60]))
