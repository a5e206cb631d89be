import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

import pytest

from ar.core.calendars import is_business_day, zone_info
from ar.demo.company import HABITS, Plan, company, due_day
from ar.demo.payers import Habit
from ar.demo.words import company_name

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return company(seed=1, customers=300, months=18, today=TODAY)


def digest(plan: Plan) -> str:
    return hashlib.sha256(repr(plan).encode()).hexdigest()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_about_eight_thousand_invoices_for_any_seed(seed: int) -> None:
    made = company(seed=seed, customers=300, months=18, today=TODAY)
    assert 7_300 <= len(made.invoices) <= 8_700
    assert len(made.accounts) == 300


def test_same_seed_same_company_in_another_process(plan: Plan) -> None:
    program = (
        "import hashlib; from datetime import date; from ar.demo.company import company;"
        "plan = company(seed=1, customers=300, months=18, today=date(2026, 11, 20));"
        "print(hashlib.sha256(repr(plan).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.strip() == digest(plan)
    assert digest(company(seed=2, customers=300, months=18, today=TODAY)) != digest(plan)


def test_a_customer_stays_the_same_whatever_the_others_are(plan: Plan) -> None:
    later = company(seed=1, customers=300, months=18, today=TODAY)
    assert later.accounts[17] == plan.accounts[17]
    mine = [(i.key, i.amount_minor) for i in plan.invoices if i.account == "C00018"]
    assert mine == [(i.key, i.amount_minor) for i in later.invoices if i.account == "C00018"]


def test_three_currencies_two_sellers_two_languages(plan: Plan) -> None:
    currencies = Counter(invoice.currency for invoice in plan.invoices)
    assert set(currencies) == {"EUR", "GBP", "USD"}
    assert all(count > 600 for count in currencies.values())
    assert {invoice.entity for invoice in plan.invoices} == {"BRF", "BRS"}
    assert {account.language for account in plan.accounts} == {"en", "fr"}
    assert {user.role for user in plan.users} == {
        "admin",
        "credit_manager",
        "collector",
        "cash",
        "sales",
        "cfo",
        "auditor",
    }


def test_each_invoice_is_one_that_its_seller_could_issue(plan: Plan) -> None:
    accounts = {account.code: account for account in plan.accounts}
    country = {entity.code: entity.country for entity in plan.entities}
    for invoice in plan.invoices:
        account = accounts[invoice.account]
        assert plan.first_day <= account.customer_since <= invoice.issued_on <= TODAY
        assert is_business_day(invoice.issued_on, country[invoice.entity])
        assert invoice.due_on == due_day(invoice.issued_on, account.terms)
        assert 30 <= (invoice.due_on - invoice.issued_on).days <= 62
        assert invoice.currency == account.currency
        assert 2_000 <= invoice.amount_minor < 10**9
    assert len({invoice.key for invoice in plan.invoices}) == len(plan.invoices)


def test_numbers_run_in_order_of_issue_without_a_gap(plan: Plan) -> None:
    series: dict[str, list[str]] = defaultdict(list)
    for before, after in zip(plan.invoices, plan.invoices[1:], strict=False):
        assert before.issued_on <= after.issued_on
    for invoice in plan.invoices:
        prefix, _, counter = invoice.number.rpartition("-")
        assert prefix == f"{invoice.entity}-{invoice.issued_on.year}"
        series[prefix].append(counter)
    for counters in series.values():
        assert counters == [f"{n:06d}" for n in range(1, len(counters) + 1)]


def test_accounts_are_clearly_simulated(plan: Plan) -> None:
    emails = [contact.email for account in plan.accounts for contact in account.contacts]
    emails += [user.email for user in plan.users] + [entity.email for entity in plan.entities]
    assert all(email.endswith(".example") for email in emails)
    assert len(set(emails)) == len(emails)
    assert len({account.legal_name for account in plan.accounts}) == 300
    for account in plan.accounts:
        assert zone_info(account.time_zone).key == account.time_zone


def test_every_habit_is_there_and_groups_pay_for_their_own(plan: Plan) -> None:
    habits = Counter(account.temper.habit for account in plan.accounts)
    assert set(habits) == set(Habit)
    for habit, percent in HABITS.items():
        assert habits[habit] == pytest.approx(3 * percent, abs=12)
    accounts = {account.code: account for account in plan.accounts}
    children = [account for account in plan.accounts if account.parent]
    assert 8 <= len(children) <= 16
    for child in children:
        parent = accounts[child.payer]
        assert parent.payer == parent.code
        assert (parent.currency, parent.entity, parent.temper) == (child.currency, child.entity, child.temper)


def test_august_is_quiet_and_key_accounts_buy_more(plan: Plan) -> None:
    months = Counter((i.issued_on.year, i.issued_on.month) for i in plan.invoices)
    assert months[2026, 8] < 0.8 * min(months[2026, 7], months[2026, 9])
    by_segment: dict[str, list[int]] = defaultdict(list)
    segment = {account.code: account.segment for account in plan.accounts}
    for invoice in plan.invoices:
        by_segment[segment[invoice.account]].append(invoice.amount_minor)
    assert median(by_segment["key"]) > 2 * median(by_segment["mid"]) > 4 * median(by_segment["small"])


def test_terms() -> None:
    assert due_day(date(2026, 1, 31), "net30") == date(2026, 3, 2)
    assert due_day(date(2026, 1, 15), "eom30") == date(2026, 2, 28)
    assert due_day(date(2026, 1, 31), "eom30") == date(2026, 3, 31)


def test_a_rate_for_each_working_day_near_its_start(plan: Plan) -> None:
    days = defaultdict(set)
    for rate in plan.rates:
        days[rate.currency].add(rate.rate_on)
        assert rate.rate_on.weekday() < 5
        assert Decimal("0.6") < rate.per_euro < Decimal("1.5")
    assert days["GBP"] == days["USD"]
    assert min(days["USD"]) < plan.first_day
    assert max(days["USD"]) == TODAY


@pytest.mark.parametrize(("customers", "months"), [(1, 1), (3, 2), (25, 6)])
def test_small_companies_are_companies_too(customers: int, months: int) -> None:
    made = company(seed=7, customers=customers, months=months, today=date(2026, 3, 31))
    assert len(made.accounts) == customers
    assert made.first_day == (date(2026, 2, 28) if months == 1 else due_first(months))
    assert all(made.first_day <= invoice.issued_on <= made.today for invoice in made.invoices)


def due_first(months: int) -> date:
    return {2: date(2026, 1, 31), 6: date(2025, 9, 30)}[months]


def test_names_do_not_repeat() -> None:
    for language in ("en", "fr"):
        names = [company_name(language, n) for n in range(600)]
        assert len(set(names)) == 600
        assert not any("  " in name for name in names)


def test_history_reaches_back_whole_months(plan: Plan) -> None:
    assert plan.first_day == date(2025, 5, 20)
    assert plan.invoices[0].issued_on <= plan.first_day + timedelta(3)
