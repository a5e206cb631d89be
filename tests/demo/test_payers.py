from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.calendars import is_business_day
from ar.demo.company import PlannedInvoice, company
from ar.demo.dice import dice, poisson, spread
from ar.demo.payers import Habit, Intent, Promise, Temper, intend, pays_on, promised_on, rest_on

TODAY = date(2026, 11, 20)
LADDER = (-3, 3, 7, 14, 30)
ISSUED, DUE = date(2026, 3, 2), date(2026, 4, 1)

tempers = st.builds(
    Temper,
    habit=st.sampled_from(Habit),
    country=st.sampled_from(["FR", "GB", "US"]),
    weekday=st.integers(0, 4),
    lag=st.integers(5, 26),
    slow_months=st.just((4,)),
    trouble_on=st.none() | st.dates(date(2025, 6, 1), date(2026, 6, 1)),
)


def reminded(invoice: PlannedInvoice) -> list[date]:
    return [invoice.due_on + timedelta(days) for days in LADDER]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_between_35_and_45_percent_are_paid_late(seed: int) -> None:
    plan = company(seed=seed, customers=300, months=18, today=TODAY)
    tempers = {account.code: account.temper for account in plan.accounts}
    late: Counter[bool] = Counter()
    for invoice in plan.invoices:
        if invoice.due_on < TODAY:
            intent = intend(
                dice(seed, invoice.key), tempers[invoice.account], issued_on=invoice.issued_on, due_on=invoice.due_on
            )
            paid_on = pays_on(intent, reminded(invoice))
            late[paid_on is None or paid_on > invoice.due_on] += 1
    assert 0.35 <= late[True] / late.total() <= 0.45


@given(seed=st.integers(), temper=tempers, gaps=st.lists(st.integers(1, 20), max_size=6))
def test_paying_is_certain_for_a_seed_and_never_before_issue(seed: int, temper: Temper, gaps: list[int]) -> None:
    intent = intend(dice(seed), temper, issued_on=ISSUED, due_on=DUE)
    assert intent == intend(dice(seed), temper, issued_on=ISSUED, due_on=DUE)
    reminders = [DUE - timedelta(5) + timedelta(sum(gaps[: n + 1])) for n in range(len(gaps))]
    paid_on = pays_on(intent, reminders)
    assert paid_on is None or (paid_on >= ISSUED and is_business_day(paid_on, temper.country))


@given(seed=st.integers(), temper=tempers, gaps=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_one_more_reminder_never_delays_the_money(seed: int, temper: Temper, gaps: list[int]) -> None:
    intent = intend(dice(seed), temper, issued_on=ISSUED, due_on=DUE)
    reminders = [DUE - timedelta(5) + timedelta(sum(gaps[: n + 1])) for n in range(len(gaps))]
    days = [pays_on(intent, reminders[:n]) or date.max for n in range(len(reminders) + 1)]
    assert days == sorted(days, reverse=True)


def test_the_forgetful_pay_within_days_of_a_reminder_and_weeks_late_without() -> None:
    temper = Temper(Habit.FORGETFUL, "FR")
    for n in range(50):
        intent = intend(dice(n), temper, issued_on=ISSUED, due_on=DUE)
        alone, after = pays_on(intent, []), pays_on(intent, [DUE + timedelta(3 * k) for k in range(1, 6)])
        assert alone is not None
        assert after is not None
        assert alone >= DUE + timedelta(40)
        assert after <= DUE + timedelta(9 + 5 + 4) or intent.promise is not None


def test_habitual_late_payers_keep_their_pay_run_day() -> None:
    temper = Temper(Habit.LATE, "US", weekday=3, lag=12)
    days = [pays_on(intend(dice(n), temper, issued_on=ISSUED, due_on=DUE), []) for n in range(60)]
    assert all(day and day > DUE and day.weekday() == 3 for day in days)


def test_a_seasonal_payer_is_late_in_its_season_alone() -> None:
    temper = Temper(Habit.SEASONAL, "FR", lag=12, slow_months=(8,))
    quiet = [intend(dice(n), temper, issued_on=ISSUED, due_on=DUE).pay_on for n in range(60)]
    august = date(2026, 8, 14)
    slow = [intend(dice(n), temper, issued_on=august - timedelta(30), due_on=august).pay_on for n in range(60)]
    assert sum(day is not None and day > DUE for day in quiet) < 10
    assert all(day is not None and day >= august + timedelta(12) for day in slow)


def test_difficulty_drifts_then_pays_in_parts_then_falls_silent() -> None:
    temper = Temper(Habit.IN_DIFFICULTY, "FR", trouble_on=DUE)

    def month(n: int) -> list[Intent]:
        due = DUE + timedelta(30 * n)
        return [intend(dice(n, k), temper, issued_on=due - timedelta(30), due_on=due) for k in range(80)]

    def delay(intents: list[Intent], due: date) -> float:
        days = [(intent.pay_on - due).days for intent in intents if intent.pay_on]
        return sum(days) / len(days)

    assert delay(month(3), DUE + timedelta(90)) > delay(month(1), DUE + timedelta(30)) + 10
    assert any(intent.permille < 1000 and intent.rest is None for intent in month(2))
    assert sum(intent.pay_on is None for intent in month(7)) > 60
    assert not any(intent.pay_on is None for intent in month(2))


def test_disputers_contest_about_a_fifth() -> None:
    temper = Temper(Habit.DISPUTER, "FR", weekday=2)
    claims = [intend(dice(n), temper, issued_on=ISSUED, due_on=DUE).claim for n in range(400)]
    assert 0.15 <= sum(claim is not None for claim in claims) / 400 <= 0.30
    assert all(0 < claim.permille <= 1000 for claim in claims if claim)


def test_groups_pay_on_their_two_runs_of_the_month() -> None:
    temper = Temper(Habit.GROUP, "US")
    for n in range(28):
        due = DUE + timedelta(n)
        paid_on = intend(dice(n), temper, issued_on=due - timedelta(30), due_on=due).pay_on
        assert paid_on is not None
        assert paid_on.day in (5, 6, 7, 20, 21, 22)


def test_a_promise_is_drawn_by_its_reminder_and_kept_or_broken() -> None:
    reminders = [DUE + timedelta(3), DUE + timedelta(7)]
    kept = Intent(None, "US", promise=Promise(at=2, days=5))
    assert promised_on(kept, reminders[:1]) is None
    assert pays_on(kept, reminders[:1]) is None
    assert promised_on(kept, reminders) == pays_on(kept, reminders) == date(2026, 4, 13)
    broken = Intent(None, "US", promise=Promise(at=2, days=5, slip=14))
    assert promised_on(broken, reminders) == date(2026, 4, 13)
    assert pays_on(broken, reminders) == date(2026, 4, 27)
    assert kept.promise is not None
    assert kept.promise.kept
    assert broken.promise is not None
    assert not broken.promise.kept


def test_the_remainder_follows_or_does_not() -> None:
    assert rest_on(Intent(DUE, "US", permille=500), DUE) is None
    assert rest_on(Intent(DUE, "US", permille=500, rest=20), DUE) == date(2026, 4, 21)


@given(
    weights=st.dictionaries(st.text(max_size=3), st.integers(1, 50), min_size=1, max_size=6), count=st.integers(0, 200)
)
def test_spread_keeps_the_proportions(weights: dict[str, int], count: int) -> None:
    counted = Counter(spread(weights, count, dice("spread")))
    assert counted.total() == count
    for choice, weight in weights.items():
        assert abs(counted[choice] - count * weight / sum(weights.values())) <= 1


def test_poisson_has_its_mean() -> None:
    rng = dice("poisson")
    for mean in (0.0, 0.5, 4.0):
        assert sum(poisson(rng, mean) for _ in range(4000)) / 4000 == pytest.approx(mean, abs=0.15)
