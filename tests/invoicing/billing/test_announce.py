"""When a new customer's first invoice is to be expected, by its rule."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from invoicing.billing.announce import expected_on
from invoicing.billing.decision import cutoff
from invoicing.billing.facts import Rule
from invoicing.billing.models import Basis, Cadence

RULES = st.sampled_from([Cadence.AT_ONCE, Cadence.MONTH_END]).map(lambda cadence: Rule(cadence=cadence)) | st.integers(
    1, 31
).map(lambda day: Rule(cadence=Cadence.MONTH_DAY, month_day=day))


@given(RULES, st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.integers(0, 70))
def test_it_is_the_first_day_on_which_the_rule_bills_it(rule: Rule, accepted_on: date, later: int) -> None:
    ready = accepted_on + timedelta(days=later)
    found = expected_on(rule, accepted_on=accepted_on, wanted_on=ready)
    day = ready
    while cutoff(rule, day) < ready:
        day += timedelta(days=1)
    assert found == day


def test_what_is_billed_when_accepted_does_not_wait_for_its_delivery() -> None:
    rule = Rule(basis=Basis.ACCEPTANCE)
    assert expected_on(rule, accepted_on=date(2026, 3, 2), wanted_on=date(2026, 5, 1)) == date(2026, 3, 2)
