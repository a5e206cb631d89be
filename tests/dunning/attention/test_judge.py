"""Which marks facts give: the pure rule, and the daily judgement with its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from ar.credit.holds import place_hold
from ar.credit.models import HoldReason
from ar.customers.models import Account
from dunning.attention.facts import courtesy_only, taken_out
from dunning.attention.judge import AttentionFacts, judge_attention
from dunning.attention.marks import DismissalError, MarkOverError, MarkStandsError, dismiss, end_mark, mark_by_hand
from dunning.attention.models import AttentionMark, Automation, MarkKind
from dunning.attention.rules import SHIPPED, Rule, RuleError, set_rule
from dunning.attention.run import judge_all
from dunning.calls.models import CallTask, TaskSource
from dunning.jobs import mark_attention
from dunning.promises import Part, judge, promise
from tests.dunning.world import DUE, MORNING, World

BY = "user:1"
TODAY = MORNING.date()


def codes(facts: AttentionFacts, rules: Mapping[MarkKind, Rule] = SHIPPED) -> dict[str, list[Any]]:
    return {mark.kind.value: [reason["code"] for reason in mark.reasons] for mark in judge_attention(facts, rules)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {}),
        ({"paid_late": (20, 30, 16, 15, 40, 1)}, {"late": ["paid_late"]}),
        ({"paid_late": (20, 30, 16, 15, 40)}, {}),
        ({"paid_late": (20, 30, 0, 0, 40, 17)}, {}),
        ({"paid_late": (2, 3, 4, 5, 6, 7)}, {}),
        ({"holds": ("insolvency", "other")}, {"difficulty": ["insolvency"]}),
        ({"holds": ("overdue",)}, {"difficulty": ["credit_hold"]}),
        ({"broken_promises": 1}, {}),
        ({"broken_promises": 2, "returned_debits": 2}, {"difficulty": ["broken_promises", "returned_debits"]}),
        ({"more_disputes": 3}, {"difficulty": ["more_disputes"]}),
        ({"paid_late": (24, 25, 23, 0, 0, 1, 0, 0, 0)}, {"difficulty": ["drift"]}),
        ({"paid_late": (24, 25, 23, 0, 0, 1, 0)}, {}),
        ({"owed_minor": 500, "top_minor": 500}, {"value": ["large_debtor"]}),
        ({"owed_minor": 499, "top_minor": 500}, {}),
        ({"owed_minor": 500}, {}),
    ],
)
def test_what_gives_which_mark(given: dict[str, Any], found: dict[str, list[str]]) -> None:
    assert codes(AttentionFacts(1, **given)) == found


def test_the_rules_decide() -> None:
    strict = {
        **SHIPPED,
        MarkKind.DIFFICULTY: Rule(Automation.FULL, {**SHIPPED[MarkKind.DIFFICULTY].numbers, "broken_promises": 1}),
    }
    assert codes(AttentionFacts(1, broken_promises=1), strict) == {"difficulty": ["broken_promises"]}


def standing(session: Session) -> list[tuple[str, date | None, str]]:
    return [(mark.kind.value, mark.until, mark.made_by) for mark in session.exec(select(AttentionMark))]


def break_promises(world: World, session: Session, account: int, count: int = 2) -> None:
    for _ in range(count):
        entry = world.invoice(session, account, due=DUE)
        promise(
            session,
            account,
            items=[Part(entry)],
            due_on=TODAY - timedelta(days=20),
            by=BY,
            now=MORNING - timedelta(days=20),
        )
    judge(session, now=MORNING)


def test_a_customer_in_difficulty_is_marked_taken_out_and_let_go(world: World) -> None:
    with world.database.transaction() as session:
        jo, calm = world.customer(session, "JO"), world.customer(session, "CALM")
        world.invoice(session, calm, due=DUE)
        break_promises(world, session, jo)
    assert mark_attention(world.kernel, {}, MORNING) == "1 set, 0 ended, 0 failed"
    assert mark_attention(world.kernel, {}, MORNING) == "0 set, 0 ended, 0 failed"
    with world.database.transaction() as session:
        assert standing(session) == [("difficulty", None, "system")]
        assert session.exec(select(CallTask.account_id, CallTask.source)).all() == [(jo, TaskSource.ATTENTION)]
        assert taken_out(session, [jo, calm], now=MORNING) == {jo: "difficulty"}
    later = MORNING + timedelta(days=91)
    assert judge_all(world.kernel, now=later)["ended"] == 1
    with world.database.transaction() as session:
        assert standing(session) == [("difficulty", later.date(), "system")]
        assert taken_out(session, [jo, calm], now=later) == {}


def test_a_dismissed_mark_counts_for_nothing_until_that_is_over(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        place_hold(session, jo, reason=HoldReason.INSOLVENCY, words="court", by=BY, now=MORNING)
        world.invoice(session, jo, due=DUE)
    judge_all(world.kernel, now=MORNING)
    with world.database.transaction() as session:
        mark = session.exec(select(AttentionMark)).one()
        assert mark.id is not None
        with pytest.raises(DismissalError):
            dismiss(session, mark.id, until=TODAY - timedelta(days=1), why="x", by=BY, now=MORNING)
        dismiss(session, mark.id, until=TODAY, why="a mistake", by=BY, now=MORNING)
        assert taken_out(session, [jo], now=MORNING) == {}
        assert taken_out(session, [jo], now=MORNING + timedelta(days=1)) == {jo: "difficulty"}
        end_mark(session, mark.id, why="settled", by=BY, now=MORNING)
        with pytest.raises(MarkOverError):
            dismiss(session, mark.id, until=TODAY, why="x", by=BY, now=MORNING)


def test_a_mark_by_hand_is_left_alone_and_its_rule_may_leave_courtesy(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        mark_by_hand(session, jo, MarkKind.VALUE, words="our oldest customer", by=BY, now=MORNING)
        with pytest.raises(MarkStandsError):
            mark_by_hand(session, jo, MarkKind.VALUE, words="again", by=BY, now=MORNING)
        assert (taken_out(session, [jo], now=MORNING), courtesy_only(session, [jo], now=MORNING)) == ({}, {})
        set_rule(session, MarkKind.VALUE, Rule(Automation.COURTESY), by=BY, now=MORNING)
        assert courtesy_only(session, [jo], now=MORNING) == {jo: "value"}
        with pytest.raises(RuleError) as refused:
            set_rule(session, MarkKind.VALUE, Rule(Automation.NONE, {"top_percent": 0, "other": 1}), by=BY, now=MORNING)
        assert [fault.pointer for fault in refused.value.faults] == ["/numbers/top_percent", "/numbers/other"]
    assert sum(judge_all(world.kernel, now=MORNING).values()) == 0
    with world.database.reading() as session:
        assert standing(session) == [("value", None, BY)]


def test_the_constantly_late_and_the_largest_debtors(world: World) -> None:
    with world.database.transaction() as session:
        accounts = [world.customer(session, f"C{n}") for n in range(20)]
        for n, account in enumerate(accounts):
            world.invoice(session, account, 1_000 * (n + 1), due=DUE)
        for n in range(6):
            due = DUE - timedelta(days=60 + n)
            world.pay(
                session,
                accounts[0],
                world.invoice(session, accounts[0], 500, due=due),
                500,
                on=due + timedelta(days=25),
            )
    judge_all(world.kernel, now=MORNING)
    with world.database.reading() as session:
        marks = {mark.account_id: (mark.kind, mark.reasons[0]) for mark in session.exec(select(AttentionMark))}
        assert session.get(Account, accounts[-1]) is not None
    assert marks == {
        accounts[0]: (MarkKind.LATE, {"code": "paid_late", "days": 25, "late": 6, "invoices": 6}),
        accounts[-1]: (MarkKind.VALUE, {"code": "large_debtor", "amount_minor": 20_000, "currency": "EUR"}),
    }
