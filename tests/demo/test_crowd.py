from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from ar.demo.company import Plan, PlannedAccount, PlannedInvoice, company
from ar.demo.crowd import Contest, Crowd
from ar.demo.payers import Habit, Temper

TODAY = date(2026, 11, 20)
ISSUED, DUE = date(2026, 3, 2), date(2026, 4, 1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return company(seed=1, customers=60, months=12, today=TODAY)


def one(plan: Plan, habit: Habit, **changes: object) -> tuple[PlannedAccount, PlannedInvoice]:
    temper = replace(Temper(habit, "FR", lag=10), **changes)  # type: ignore[arg-type]
    account = replace(plan.accounts[0], code="C1", parent=None, temper=temper)
    return account, PlannedInvoice("C1/1", "N1", "BRF", "C1", ISSUED, DUE, 100_001, "EUR")


def lived(plan: Plan, *, ladder: tuple[int, ...] = (-3, 3, 7, 14, 30)) -> tuple[Counter[str], dict[int, int]]:
    """A run without the product: what happened, and what is left open by item."""
    crowd = Crowd(plan.seed, plan.accounts)
    seen: Counter[str] = Counter()
    open_minor: dict[int, int] = {}
    reminders: dict[date, list[int]] = {}
    settling: dict[date, list[Contest]] = {}
    by_day: dict[date, list[tuple[int, PlannedInvoice]]] = {}
    for entry_id, invoice in enumerate(plan.invoices, start=1):
        by_day.setdefault(invoice.issued_on, []).append((entry_id, invoice))
        for days in ladder:
            reminders.setdefault(invoice.due_on + timedelta(days), []).append(entry_id)
    day = plan.first_day
    while day <= TODAY:
        for entry_id, invoice in by_day.get(day, ()):
            crowd.receive(entry_id, invoice)
            open_minor[entry_id] = invoice.amount_minor
        for pledge in crowd.remind([e for e in reminders.get(day, ()) if open_minor[e]], on=day):
            assert pledge.due_on >= day
            seen["promises"] += 1
        for contest in crowd.contests(day):
            assert 0 < contest.amount_minor <= open_minor[contest.entry_id]
            settling.setdefault(contest.settle_on, []).append(contest)
            seen["contests"] += 1
        for contest in settling.get(day, ()):
            if contest.claim.upheld:
                open_minor[contest.entry_id] -= contest.amount_minor
            crowd.settle(contest, on=day)
            seen["settled"] += 1
        for transfer in crowd.payments(day):
            assert transfer.total_minor > 0
            seen["payments"] += 1
            seen["parts"] += len(transfer.parts)
            for entry_id, minor in transfer.parts:
                assert 0 < minor <= open_minor[entry_id]
                open_minor[entry_id] -= minor
        day += timedelta(1)
    return seen, open_minor


def test_a_year_is_lived_and_nothing_is_paid_twice(plan: Plan) -> None:
    seen, open_minor = lived(plan)
    assert seen["payments"] > 300
    assert seen["contests"] >= 5
    assert seen["settled"] >= 4
    assert seen["promises"] >= 5
    assert min(open_minor.values()) == 0
    long_due = [entry for entry, invoice in enumerate(plan.invoices, 1) if invoice.due_on < TODAY - timedelta(120)]
    left = [entry for entry in long_due if open_minor[entry]]
    assert 0 < len(left) < 0.08 * len(long_due), "those in difficulty leave something, the others pay in the end"


def test_the_same_year_twice(plan: Plan) -> None:
    assert lived(plan) == lived(plan)


def test_reminders_bring_money_in(plan: Plan) -> None:
    def overdue(left: dict[int, int]) -> int:
        return sum(left[n] for n, invoice in enumerate(plan.invoices, 1) if invoice.due_on < TODAY)

    _, reminded = lived(plan)
    _, silent = lived(plan, ladder=())
    assert overdue(reminded) < 0.9 * overdue(silent)


def test_a_parent_pays_for_its_group_in_one_transfer(plan: Plan) -> None:
    account, invoice = one(plan, Habit.GROUP)
    child = replace(account, code="C2", parent="C1")
    crowd = Crowd(1, [account, child])
    crowd.receive(1, invoice)
    crowd.receive(2, replace(invoice, key="C2/1", account="C2"))
    days = [DUE + timedelta(n) for n in range(-20, 30)]
    [transfer] = [transfer for day in days for transfer in crowd.payments(day)]
    assert (transfer.payer, transfer.parts) == ("C1", ((1, 100_001), (2, 100_001)))


@pytest.mark.parametrize("upheld", [True, False])
def test_what_is_contested_is_withheld_until_it_is_settled(plan: Plan, upheld: bool) -> None:
    account, invoice = one(plan, Habit.DISPUTER, weekday=2)
    for n in range(2_000):
        crowd = Crowd(n, [account])
        crowd.receive(1, invoice)
        paid: dict[date, int] = {}
        contest = None
        day = ISSUED
        while day < ISSUED + timedelta(150):
            for raised in crowd.contests(day):
                contest = raised
            if contest is not None and contest.settle_on == day:
                crowd.settle(contest, on=day)
            for transfer in crowd.payments(day):
                paid[day] = transfer.total_minor
            day += timedelta(1)
        if contest is not None and contest.claim.upheld is upheld and contest.amount_minor < 100_001:
            before = sum(minor for day, minor in paid.items() if day < contest.settle_on)
            assert before <= 100_001 - contest.amount_minor
            assert sum(paid.values()) == 100_001 - (contest.amount_minor if upheld else 0)
            return
    pytest.fail("no partial claim in two thousand throws")


def test_what_was_written_off_is_not_paid_any_more(plan: Plan) -> None:
    account, invoice = one(plan, Habit.PROMPT)
    crowd = Crowd(1, [account])
    crowd.receive(1, invoice)
    crowd.forget(1)
    assert [crowd.payments(DUE + timedelta(n)) for n in range(-31, 60)] == [[]] * 91
    assert crowd.remind([1, 99], on=DUE) == []
