from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlmodel import Session, col

from ar.core import clock
from ar.core.access.models import Role
from ar.core.db import bulk_insert, table
from ar.customers.models import Contact
from ar.ledger.allocate import Share, allocate
from ar.ledger.models import EntryKind
from dunning.experiments.assign import Arm
from dunning.experiments.estimate import Verdict
from dunning.experiments.manage import Plan, create_experiment
from dunning.experiments.models import Experiment, ExperimentArm
from dunning.experiments.report import Report, report
from dunning.holds import hold
from tests.dunning.world import MORNING, World
from tests.web import client

TODAY = MORNING.date()
END = TODAY + timedelta(days=30)
PLAN = Plan("patience", (Arm("usual", 0.5), Arm("later", 0.5, holdout_days=7)), starts_on=TODAY, ends_on=END)


def put_in(session: Session, experiment: Experiment, arms: dict[int, str], *, on: date = TODAY) -> None:
    rows = [
        {"experiment_id": experiment.id, "account_id": account, "arm": arm, "entered_on": on}
        for account, arm in arms.items()
    ]
    bulk_insert(session, ExperimentArm, rows)


def paid(world: World, session: Session, account: int, entry: int, minor: int, *, on: date, **kind: Any) -> None:
    credit = world.credit(session, account, minor, on=on, **{"kind": EntryKind.PAYMENT, **kind})
    allocate(session, [Share(entry, credit, minor)], on=on, source="test", now=MORNING)


def test_what_became_of_each_arm_by_the_ledger(world: World) -> None:
    with world.database.transaction() as session:
        usual, later, quiet = (world.customer(session, code) for code in ("USUAL", "LATER", "QUIET"))
        experiment = create_experiment(session, PLAN, by="user:1", now=MORNING)
        put_in(session, experiment, {usual: "usual", later: "later", quiet: "later"})
        due = TODAY + timedelta(days=10)
        before = world.invoice(session, usual, 10_000, due=TODAY - timedelta(days=20))
        paid(world, session, usual, before, 4_000, on=TODAY - timedelta(days=5))  # before it entered: not at stake
        paid(world, session, usual, before, 1_000, on=due, kind=EntryKind.CREDIT_NOTE)  # no cash is due for it
        paid(world, session, usual, before, 3_000, on=due)
        first = world.invoice(session, later, 6_000, due=due)
        paid(world, session, later, first, 6_000, on=due + timedelta(days=4))
        world.invoice(session, later, 9_999, due=END + timedelta(days=1))  # due too late to count
        hold(session, usual, until=None, reason="asked", by="user:1", now=MORNING)
        left = update(table(Contact)).where(col(Contact.account_id) == later).values(opted_out_at=MORNING)
        session.connection().execute(left)
        found = report(session, experiment, today=END + timedelta(days=9), currency="EUR")
    assert (found.until, found.currency, found.left_out) == (END, "EUR", ())
    one, other = found.arms
    assert (one.customers, one.stake_minor, one.cash_minor) == (1, 5_000, 3_000)
    assert one.means is not None
    # 30 days late 3,000 came; 2,000 are still missing 50 days after their date
    assert one.means == pytest.approx((0.6, (3_000 * 30 + 2_000 * 50) / 5_000, 100.0, 0.0))
    assert (other.customers, other.stake_minor, other.cash_minor) == (2, 6_000, 6_000)
    assert other.means == pytest.approx((1.0, 4.0, 50.0, 0.0))
    assert one.against is None
    assert other.against is not None
    assert other.against.verdict is Verdict.TOO_FEW
    assert other.against.cash_share.estimate == pytest.approx(0.4)


def test_amounts_without_a_rate_are_left_out_and_told(world: World) -> None:
    with world.database.transaction() as session:
        account = world.customer(session, "DOLLAR")
        experiment = create_experiment(session, PLAN, by="user:1", now=MORNING)
        put_in(session, experiment, {account: "usual"})
        world.invoice(session, account, 10_000, due=TODAY)
        found = report(session, experiment, today=END, currency="USD")
    assert found.left_out == ("EUR",)
    assert found.arms[0].means is None
    assert found.arms[1].against is None


def test_a_company_with_a_known_effect(world: World) -> None:
    """Reminded customers pay half of it at once, those left alone nothing: the report finds that half."""
    found = lived(world, effect=True)
    against = found.arms[1].against
    assert against is not None
    assert against.verdict is Verdict.WORSE
    assert against.cash_share.low <= -0.5 <= against.cash_share.high
    assert against.incremental.estimate < 0 < found.arms[1].stake_minor
    assert found.arms[0].means is not None
    assert found.arms[0].means.messages > 1
    assert against.days_gained.estimate < 0


def test_a_company_without_any(world: World) -> None:
    found = lived(world, effect=False)
    against = found.arms[1].against
    assert against is not None
    assert against.verdict is Verdict.NOT_TOLD_APART
    assert against.needed is not None


def lived(world: World, *, effect: bool) -> Report:
    """Sixty customers late by three days; one run; then every second of those written to pays, if `effect`."""
    with world.database.transaction() as session:
        arms = (Arm("usual", 0.5), Arm("silent", 0.5, holdout_days=30))
        experiment = create_experiment(session, replace(PLAN, arms=arms), by="user:1", now=MORNING)
        accounts = [world.customer(session, f"C{n}") for n in range(70)]
        items = {account: world.invoice(session, account, 10_000) for account in accounts}
    for n in (0, 4):
        world.run(MORNING + timedelta(days=n))
    with world.database.transaction() as session:
        rows = session.connection().execute(table(ExperimentArm).select()).mappings().all()
        assert len(rows) == 70
        by_arm = {arm: [row["account_id"] for row in rows if row["arm"] == arm] for arm in ("usual", "silent")}
        for arm, members in by_arm.items():
            for account in members[::2]:
                if arm == "usual" or not effect:
                    paid(world, session, account, items[account], 10_000, on=TODAY + timedelta(days=5))
        return report(session, experiment, today=END, currency="EUR")


def asked(now: datetime) -> dict[str, Any]:
    return {
        "name": "A week of patience",
        "arms": [{"name": "usual", "share": 0.5}, {"name": "later", "share": 0.5, "holdout_days": 7}],
        "starts_on": now.date().isoformat(),
        "ends_on": (now.date() + timedelta(days=60)).isoformat(),
    }


def test_by_the_api(world: World) -> None:
    body = asked(clock.now())
    with client(world.kernel, Role.COLLECTOR) as browser:
        made = browser.post("/api/v1/dunning/experiments", json=body)
        assert made.status_code == 201
        number = made.json()["id"]
        again = browser.post("/api/v1/dunning/experiments", json={**body, "name": "Another"})
        assert (again.status_code, again.json()["code"]) == (409, "experiment-overlap")
        wrong = browser.post("/api/v1/dunning/experiments", json={**body, "arms": body["arms"][:1]})
        assert wrong.status_code == 422
        assert_listed(browser, number)
        told = browser.get(f"/api/v1/dunning/experiments/{number}/report").json()
        assert [arm["customers"] for arm in told["arms"]] == [0, 0]
        assert browser.get("/api/v1/dunning/experiments/999/report").status_code == 404
        assert "A week of patience" in browser.get("/dunning/experiments").text
        assert "Nothing to compare yet" in browser.get(f"/dunning/experiments/{number}").text
        ended = browser.post(f"/api/v1/dunning/experiments/{number}/end").json()
        assert ended["ended_at"] is not None
    with client(world.kernel, Role.AUDITOR) as browser:
        assert browser.post("/api/v1/dunning/experiments", json=body).status_code == 403
        assert browser.get(f"/api/v1/dunning/experiments/{number}/report").status_code == 200


def assert_listed(browser: TestClient, number: int) -> None:
    listed = browser.get("/api/v1/dunning/experiments").json()
    assert [row["id"] for row in listed["items"]] == [number]
