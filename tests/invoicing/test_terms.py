"""Payment terms: both French ways of counting, month ends and leap years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.calendars import month_end
from invoicing.terms import Counting, Terms, TermsError, parse

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
TERMS = st.builds(Terms, st.sampled_from(Counting), st.integers(0, 365))


@pytest.mark.parametrize(
    ("text", "issued", "due"),
    [
        ("net 30", date(2024, 1, 31), date(2024, 3, 1)),
        ("NET  0", date(2026, 3, 16), date(2026, 3, 16)),
        ("end of month", date(2024, 2, 1), date(2024, 2, 29)),
        ("end of month + 45", date(2026, 1, 15), date(2026, 3, 17)),
        ("45 days end of month", date(2026, 1, 15), date(2026, 3, 31)),
        ("45 days end of month", date(2026, 1, 10), date(2026, 2, 28)),
        ("30 days end of month", date(2024, 1, 31), date(2024, 3, 31)),
    ],
)
def test_the_day_an_invoice_falls_due(text: str, issued: date, due: date) -> None:
    assert parse(text).due_on(issued) == due


@given(TERMS, DAYS)
def test_the_day_lies_where_the_terms_say(terms: Terms, issued: date) -> None:
    due = terms.due_on(issued)
    late = due - issued - timedelta(days=terms.days)
    assert timedelta(0) <= late <= timedelta(days=30)
    if terms.counting is Counting.NET:
        assert late == timedelta(0)
    if terms.counting is Counting.DAYS_THEN_MONTH_END:
        assert due == month_end(due)
    assert parse(str(terms)) == terms


@pytest.mark.parametrize("text", ["", "net", "net -1", "net 366", "30", "net ٣٠", "end of month + 9999", "x" * 10_000])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(TermsError, match="not payment terms"):
        parse(text)
