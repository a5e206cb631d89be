"""A plan from the agreement to its end, stepped through months, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from lxml import etree
from sqlmodel import col, select

from ar.cash.checkout import in_flight
from ar.cash.collections.jobs import file_of
from ar.cash.collections.propose import NothingToCollectError
from ar.cash.collections.returned import note_return
from ar.cash.models import Method
from ar.cash.plans.facts import collectable, expected, planned_parts
from ar.cash.plans.follow import follow_plans, tell_plan
from ar.cash.plans.manage import PlanDraft, PlanError, PlanStateError, agree, ask_plan, end_plan, propose_plan
from ar.cash.plans.models import Instalment, PaymentPlan, PlanState
from ar.cash.plans.policy import Bounds, set_policy
from ar.cash.receive import Receipt, Target, record_payment
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.ledger.models import OpenItem
from dunning.facts import gather
from tests.cash.collections.make import BY, NOW, Company, collection, company, lines_of

FIRST = date(2026, 3, 9)


@pytest.fixture
def firm(kernel: Kernel) -> Company:
    return company(kernel)


def entries(firm: Company, account: int) -> list[int]:
    with firm.kernel.database.reading() as session:
        query = select(OpenItem.entry_id).where(OpenItem.account_id == account, OpenItem.side == 1)
        return list(session.exec(query.order_by(col(OpenItem.entry_id))))


def agreed(firm: Company, account: int, count: int = 3, *, collected: bool = False, first_on: date = FIRST) -> int:
    draft = PlanDraft(account, entries(firm, account), count=count, first_on=first_on, collected=collected)
    with firm.kernel.database.transaction() as session:
        made = propose_plan(session, draft, by=BY, now=NOW)
        assert made.id is not None
        agree(session, made.id, by=f"customer:{account}", now=NOW)
        tell_plan(session, firm.kernel, made.id, "plan_agreed", now=NOW)
        return made.id


def pay(firm: Company, account: int, minor: int, on: date, *, applied: bool = True) -> None:
    now = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    with firm.kernel.database.transaction() as session:
        targets: list[Target] | None = None if applied else []
        receipt = Receipt(firm.entity, account, minor, "EUR", Method.BANK_TRANSFER, on, targets)
        record_payment(session, receipt, by=BY, now=now)


def follow(firm: Company, on: date) -> str:
    return follow_plans(firm.kernel, {}, datetime(on.year, on.month, on.day, 8, tzinfo=UTC))


def plan_state(firm: Company, number: int) -> PlanState:
    with firm.kernel.database.reading() as session:
        return session.get_one(PaymentPlan, number).state


def letters(firm: Company) -> list[str]:
    with firm.kernel.database.reading() as session:
        found = session.exec(select(OutboxMessage.dedup_key).order_by(col(OutboxMessage.id)))
        return [key.split(":")[1] for key in found if "plan_" in key]


def held(firm: Company, account: int, on: date = FIRST) -> int:
    """What reminders leave out for the plan."""
    now = datetime(on.year, on.month, on.day, 8, tzinfo=UTC)
    with firm.kernel.database.reading() as session:
        [facts] = gather(session, [account], now=now, in_flight=in_flight)
    return sum(item.planned_minor for item in facts.items)


def test_a_plan_that_is_kept(firm: Company) -> None:
    account = firm.debtor("ONE", 6_000, 4_001)
    number = agreed(firm, account)
    assert held(firm, account) == 10_001
    with firm.kernel.database.reading() as session:
        [sum_expected] = expected(session, [account])[account]
        assert (sum_expected.amount_minor, sum_expected.on, sum_expected.kind) == (3_334, FIRST, "instalment")
        parts = session.exec(select(Instalment.amount_minor).where(Instalment.plan_id == number)).all()
        assert sum(parts) == 10_001
    assert "reminded" in follow(firm, FIRST - timedelta(days=3))
    assert "reminded" not in follow(firm, FIRST - timedelta(days=2))
    pay(firm, account, 3_334, FIRST)
    assert "in good standing" in follow(firm, date(2026, 3, 20))
    assert held(firm, account) == 6_667
    with firm.kernel.database.reading() as session:
        [sum_expected] = expected(session, [account])[account]
        assert (sum_expected.amount_minor, sum_expected.on) == (3_334, date(2026, 4, 9))
    pay(firm, account, 6_667, date(2026, 4, 9))
    assert "1 kept" in follow(firm, date(2026, 4, 9))
    assert plan_state(firm, number) is PlanState.KEPT
    assert letters(firm) == ["plan_agreed", "plan_reminder"]


def test_a_plan_that_breaks(firm: Company) -> None:
    account = firm.debtor("ONE", 9_000)
    number = agreed(firm, account)
    follow(firm, date(2026, 3, 12))
    assert letters(firm) == ["plan_agreed"]
    assert "told of a missed instalment" in follow(firm, date(2026, 3, 13))
    assert "told" not in follow(firm, date(2026, 3, 14))
    assert held(firm, account) == 9_000
    follow(firm, date(2026, 4, 14))
    assert plan_state(firm, number) is PlanState.AGREED
    assert "1 broken" in follow(firm, date(2026, 4, 15))
    assert held(firm, account) == 0
    assert letters(firm)[-1] == "plan_broken"
    assert follow(firm, date(2026, 4, 16)) == "no plan to follow"


def test_who_catches_up_is_in_good_standing_again(firm: Company) -> None:
    account = firm.debtor("ONE", 9_000)
    number = agreed(firm, account)
    follow(firm, date(2026, 3, 13))
    pay(firm, account, 3_000, date(2026, 3, 16))
    assert "in good standing" in follow(firm, date(2026, 3, 17))
    follow(firm, date(2026, 4, 15))
    assert plan_state(firm, number) is PlanState.AGREED
    assert letters(firm).count("plan_missed") == 2


def test_money_that_we_have_not_applied_breaks_nothing(firm: Company) -> None:
    account = firm.debtor("ONE", 9_000)
    number = agreed(firm, account)
    pay(firm, account, 6_000, date(2026, 3, 9), applied=False)
    assert "in good standing" in follow(firm, date(2026, 4, 20))
    assert plan_state(firm, number) is PlanState.AGREED


def test_instalments_are_collected_under_the_mandate(firm: Company) -> None:
    account = firm.debtor("ONE", 6_000, 3_000)
    day = date(2026, 3, 20)
    with pytest.raises(PlanError, match="2026-03-17 or later"):
        agreed(firm, account, collected=True)
    agreed(firm, account, collected=True, first_on=day)
    number = firm.made(collect_on=day)
    with firm.kernel.database.reading() as session:
        _, content = file_of(firm.kernel, session, collection(session, number))
    assert etree.fromstring(content).findtext(".//{*}CtrlSum") == "30.00"
    firm.on(date(2026, 3, 30))
    assert "in good standing" in follow(firm, date(2026, 3, 30))
    assert collectable_of(firm, account, date(2026, 4, 20)) == 3_000
    assert held(firm, account) == 6_000


def test_what_we_did_not_collect_is_not_missed_until_a_debit_came_back(firm: Company) -> None:
    account = firm.debtor("ONE", 9_000)
    day = date(2026, 3, 20)
    plan = agreed(firm, account, collected=True, first_on=day)
    assert "in good standing" in follow(firm, date(2026, 3, 31))
    number = firm.made(collect_on=date(2026, 4, 10), now=NOW + timedelta(days=20))
    with firm.kernel.database.transaction() as session:
        [line] = lines_of(session, number)
        now = datetime(2026, 4, 14, 9, tzinfo=UTC)
        note_return(session, number, line.id or 0, code="AM04", on=date(2026, 4, 13), by=BY, now=now)
    firm.work(now)
    assert "told of a missed instalment" in follow(firm, date(2026, 4, 15))
    assert plan_state(firm, plan) is PlanState.AGREED
    follow(firm, date(2026, 4, 28))
    assert plan_state(firm, plan) is PlanState.BROKEN


def collectable_of(firm: Company, account: int, until: date) -> int:
    with firm.kernel.database.reading() as session:
        return sum(collectable(session, [account], until=until).values())


def test_a_plan_that_is_not_collected_is_left_out_of_collections(firm: Company) -> None:
    account = firm.debtor("ONE", 6_000)
    number = agreed(firm, account)
    with pytest.raises(NothingToCollectError, match="paid by instalments"):
        firm.proposed()
    with firm.kernel.database.transaction() as session:
        end_plan(session, number, why="paid another way", by=BY, now=NOW)
    assert firm.proposed()
    assert plan_state(firm, number) is PlanState.ENDED


def test_customers_ask_within_bounds_alone(firm: Company) -> None:
    account = firm.debtor("ONE", 6_000)
    draft = PlanDraft(account, entries(firm, account), count=3, first_on=FIRST)
    with firm.kernel.database.transaction() as session, pytest.raises(PlanError, match="please ask"):
        ask_plan(session, draft, by=f"customer:{account}", now=NOW)
    with firm.kernel.database.transaction() as session:
        bounds = Bounds(offered=True, max_months=3, max_instalments=4, min_instalment_minor=1_500)
        set_policy(session, firm.entity, bounds, by=BY, now=NOW)
    for count, first_on, words in (
        (5, FIRST, "at most 4"),
        (4, date(2026, 3, 31), "within 3 months"),
        (2, date(2026, 4, 20), "within a month"),
        (2, date(2026, 2, 27), "is over"),
    ):
        wrong = PlanDraft(account, draft.entry_ids, count=count, first_on=first_on)
        with firm.kernel.database.transaction() as session, pytest.raises(PlanError, match=words):
            ask_plan(session, wrong, by=f"customer:{account}", now=NOW)
    with firm.kernel.database.transaction() as session:
        assert ask_plan(session, draft, by=f"customer:{account}", now=NOW).state is PlanState.AGREED
    with firm.kernel.database.transaction() as session, pytest.raises(PlanError, match="end that one first"):
        ask_plan(session, draft, by=f"customer:{account}", now=NOW)


def test_bad_plans_are_refused(firm: Company) -> None:
    account, other = firm.debtor("ONE", 6_000), firm.debtor("TWO", 500)
    [mine], [theirs] = entries(firm, account), entries(firm, other)
    for draft, words in (
        (PlanDraft(account, [mine], parts=[(FIRST, 5_999)]), "sum to 5999"),
        (PlanDraft(account, [mine], parts=[(FIRST, 3_000), (FIRST, 3_000)]), "day of its own"),
        (PlanDraft(account, [mine], parts=[(FIRST, 7_000), (FIRST + timedelta(days=9), -1_000)]), "above zero"),
        (PlanDraft(account, [mine, theirs], count=2, first_on=FIRST), "not an invoice of this customer"),
        (PlanDraft(account, [mine]), "how many"),
        (PlanDraft(account, [], count=2, first_on=FIRST), "1 to 200"),
    ):
        with firm.kernel.database.transaction() as session, pytest.raises(PlanError, match=words):
            propose_plan(session, draft, by=BY, now=NOW)


def test_a_proposal_is_void_when_something_was_paid(firm: Company) -> None:
    account = firm.debtor("ONE", 6_000)
    draft = PlanDraft(account, entries(firm, account), count=2, first_on=FIRST)
    with firm.kernel.database.transaction() as session:
        number = propose_plan(session, draft, by=BY, now=NOW).id
        assert number is not None
        [entry] = draft.entry_ids
        receipt = Receipt(firm.entity, account, 1, "EUR", Method.CHEQUE, NOW.date(), [Target(entry, 1)])
        record_payment(session, receipt, by=BY, now=NOW)
    with firm.kernel.database.reading() as session:
        assert planned_parts(session, [account]) == {}
    with firm.kernel.database.transaction() as session, pytest.raises(PlanStateError, match="make a new one"):
        agree(session, number, by=BY, now=NOW)
