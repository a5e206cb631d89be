from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import Session, col

from ar.core.audit import AuditEntry
from ar.core.db import table
from ar.customers.models import Account
from dunning.experiments.assign import Arm
from dunning.experiments.manage import (
    ExperimentError,
    ExperimentNotFoundError,
    ExperimentOverlapError,
    Plan,
    create_experiment,
    end_experiment,
)
from dunning.experiments.models import ExperimentArm
from dunning.experiments.trials import trials
from dunning.models import DunningDecision, DunningNotice, Outcome
from dunning.policies import Scope, add_policy
from dunning.policy import FRIENDLY_FIVE
from tests.dunning.world import MORNING, World

TODAY = MORNING.date()
PLAN = Plan(
    "patience",
    (Arm("usual", 0.5), Arm("later", 0.5, holdout_days=7)),
    starts_on=TODAY,
    ends_on=TODAY + timedelta(days=60),
)


def entered(session: Session) -> dict[int, tuple[str, date]]:
    query = select(col(ExperimentArm.account_id), col(ExperimentArm.arm), col(ExperimentArm.entered_on))
    return {row[0]: (row[1], row[2]) for row in session.connection().execute(query)}


def late_customers(world: World, session: Session, count: int) -> list[int]:
    accounts = [world.customer(session, f"C{n}") for n in range(count)]
    for account in accounts:
        world.invoice(session, account)
    return accounts


def test_customers_enter_at_the_first_look_and_the_held_out_hear_nothing_for_so_long(world: World) -> None:
    with world.database.transaction() as session:
        accounts = late_customers(world, session, 12)
        create_experiment(session, PLAN, by="user:1", now=MORNING)
        assert entered(session) == {}
    report = world.run()
    with world.database.reading() as session:
        arms = entered(session)
        assert set(arms) == set(accounts)
        assert {on for _, on in arms.values()} == {TODAY}
        later = {account for account, (arm, _) in arms.items() if arm == "later"}
        assert 0 < len(later) < 12
        assert (report.sent, report.held) == (12 - len(later), len(later))
        reasons = session.connection().execute(
            select(col(DunningDecision.account_id), col(DunningDecision.reasons)).where(
                col(DunningDecision.outcome) == Outcome.HOLD
            )
        )
        assert {row[0]: row[1][0]["code"] for row in reasons} == dict.fromkeys(later, "held_out")
    world.run(MORNING + timedelta(days=4))  # 7 days late: still held out
    world.run(MORNING + timedelta(days=7))  # 10 days late
    with world.database.reading() as session:
        notices = session.connection().execute(select(col(DunningNotice.account_id), col(DunningNotice.cycle))).all()
        assert {row.cycle for row in notices if row.account_id in later} == {TODAY + timedelta(days=7)}
        assert entered(session) == arms


def test_who_entered_stays_until_the_end_and_is_then_treated_as_all(world: World) -> None:
    plan = replace(PLAN, segment="retail")
    with world.database.transaction() as session:
        accounts = late_customers(world, session, 8)
        session.connection().execute(update(table(Account)).values(segment="retail"))
        made = create_experiment(session, plan, by="user:1", now=MORNING)
        made_id = made.id
        assert made_id is not None
        before = trials(session, accounts, today=TODAY)
        assert {account: trial.arm for account, trial in before.items()}.keys() == set(accounts)
    world.run()
    tomorrow = TODAY + timedelta(days=1)
    with world.database.transaction() as session:
        session.connection().execute(update(table(Account)).values(segment="other"))
        newcomer = late_customers_more(world, session)
        assert trials(session, [*accounts, newcomer], today=tomorrow) == before
        assert trials(session, accounts, today=TODAY - timedelta(days=1)) == {}
        assert trials(session, accounts, today=plan.ends_on + timedelta(days=1)) == {}
        end_experiment(session, made_id, by="user:1", now=MORNING)
        end_experiment(session, made_id, by="user:1", now=MORNING)
        assert trials(session, accounts, today=TODAY) == {}
        with pytest.raises(ExperimentNotFoundError):
            end_experiment(session, 999, by="user:1", now=MORNING)
    with world.database.reading() as session:
        acts = session.connection().execute(select(col(AuditEntry.action))).scalars().all()
        assert acts.count("experiment.ended") == 1


def late_customers_more(world: World, session: Session) -> int:
    account = world.customer(session, "NEW")
    world.invoice(session, account)
    return account


def test_large_old_and_named_accounts_are_left_out(world: World) -> None:
    with world.database.transaction() as session:
        small, large, old, named = late_customers(world, session, 4)
        world.invoice(session, large, 90_000)
        world.invoice(session, old, due=TODAY - timedelta(days=31))
        plan = replace(PLAN, limits={"EUR": 100_000 - 1}, kept_out=(named,))
        create_experiment(session, plan, by="user:1", now=MORNING)
        assert set(trials(session, [small, large, old, named], today=TODAY)) == {small}


def test_an_arm_may_have_its_own_policy(world: World) -> None:
    own = replace(FRIENDLY_FIVE, name="own", steps=FRIENDLY_FIVE.steps[2:])
    with world.database.transaction() as session:
        add_policy(session, own, scope=Scope(named=True), active_from=MORNING, by="user:1", now=MORNING)
        late_customers(world, session, 10)
        arms = (Arm("usual", 0.5), Arm("own", 0.5, policy="own"))
        create_experiment(session, replace(PLAN, arms=arms), by="user:1", now=MORNING)
    world.run()
    world.run(MORNING + timedelta(days=4))
    with world.database.reading() as session:
        arms_of = entered(session)
        rows = session.connection().execute(
            select(col(DunningNotice.account_id), col(DunningNotice.policy), col(DunningNotice.step))
        )
        told = {(arms_of[row.account_id][0], row.policy, row.step) for row in rows}
    assert told == {
        ("usual", "friendly-five 1", "friendly"),
        ("usual", "friendly-five 1", "question"),
        ("own", "own 1", "question"),
    }


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"arms": (Arm("one", 1.0),)}, "/arms"),
    ({"arms": (Arm("a", 0.5), Arm("a", 0.5, holdout_days=3))}, "/arms"),
    ({"arms": (Arm("a", 0.5), Arm("b", 0.4, holdout_days=3))}, "/arms"),
    ({"arms": (Arm("a", 0.5), Arm("b", 0.5, holdout_days=31))}, "/arms/1/holdout_days"),
    ({"arms": (Arm("a", 0.5), Arm("b", 0.5, policy="none such"))}, "/arms/1/policy"),
    ({"arms": (Arm("a", 0.999), Arm("b", 0.001, holdout_days=3))}, "/arms/1/share"),
    ({"arms": (Arm("a", 0.5, holdout_days=3), Arm("b", 0.5, holdout_days=3))}, "/arms"),
    ({"starts_on": TODAY - timedelta(days=1)}, "/starts_on"),
    ({"ends_on": TODAY}, "/ends_on"),
    ({"ends_on": TODAY + timedelta(days=400)}, "/ends_on"),
    ({"limits": {"XYZ": 5}}, "/limits/XYZ"),
    ({"limits": {"EUR": 0}}, "/limits/EUR"),
)


def test_what_is_no_experiment(world: World) -> None:
    with world.database.transaction() as session:
        for change, pointer in WRONG:
            with pytest.raises(ExperimentError) as refused:
                create_experiment(session, replace(PLAN, **change), by="user:1", now=MORNING)
            assert pointer in [fault.pointer for fault in refused.value.faults]


def test_a_customer_is_in_one_at_a_time(world: World) -> None:
    def created(name: str, **change: Any) -> None:
        with world.database.transaction() as session:
            create_experiment(session, replace(PLAN, name=name, **change), by="user:1", now=MORNING)

    created("retail", segment="retail")
    created("trade", segment="trade")
    with pytest.raises(ExperimentOverlapError, match="'retail' has the segment 'retail'"):
        created("retail too", segment="retail")
    with pytest.raises(ExperimentOverlapError):
        created("everybody")
    with pytest.raises(ExperimentOverlapError):
        created("retail", segment="others")
    after = PLAN.ends_on + timedelta(days=1)
    created("everybody", starts_on=after, ends_on=after + timedelta(days=30))
