"""Who may grant which plan alone, and the approval of another."""

from __future__ import annotations

from datetime import date

import pytest

from ar.cash.plans.limits import NOTHING, UNLIMITED, ApprovalError, Limit, limit_of, set_limits, waits
from ar.cash.plans.manage import PlanDraft, PlanStateError, agree, approve, propose_plan
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from tests.cash.collections.make import NOW, Company, company
from tests.cash.plans.test_plans import entries
from tests.web import client

FIRST = date(2026, 3, 9)


@pytest.fixture
def firm(kernel: Kernel) -> Company:
    return company(kernel)


def proposed(firm: Company, limit: Limit | None, *, count: int = 3, minor: int = 9_000) -> int:
    account = firm.debtor(f"C{count}{minor}", minor)
    draft = PlanDraft(account, entries(firm, account), count=count, first_on=FIRST)
    with firm.kernel.database.transaction() as session:
        made = propose_plan(session, draft, by="user:1", now=NOW, limit=limit)
        assert made.id is not None
        return made.id


def test_a_plan_within_the_limit_waits_for_nobody(firm: Company) -> None:
    for n, limit in enumerate((None, UNLIMITED, Limit(9_000, 4), Limit(None, 4), Limit(9_000, None))):
        number = proposed(firm, limit, minor=9_000 - n)
        with firm.kernel.database.transaction() as session:
            assert not waits(session, number)
            agree(session, number, by="customer:1", now=NOW)


@pytest.mark.parametrize("limit", [NOTHING, Limit(8_999, 12), Limit(9_000, 1)])
def test_above_it_another_person_approves(firm: Company, limit: Limit) -> None:
    number = proposed(firm, limit)
    with firm.kernel.database.transaction() as session:
        assert waits(session, number)
        with pytest.raises(PlanStateError, match="approval"):
            agree(session, number, by="customer:1", now=NOW)
        with pytest.raises(ApprovalError, match="Another person"):
            approve(session, number, by="user:1", limit=UNLIMITED, now=NOW)
        with pytest.raises(ApprovalError, match="above what you may grant"):
            approve(session, number, by="user:2", limit=limit, now=NOW)
        approve(session, number, by="user:2", limit=UNLIMITED, now=NOW)
        with pytest.raises(PlanStateError):
            approve(session, number, by="user:3", limit=UNLIMITED, now=NOW)
        agree(session, number, by="customer:1", now=NOW)


def test_limits_are_of_roles_and_entities(firm: Company) -> None:
    with firm.kernel.database.transaction() as session:
        assert limit_of(session, firm.entity, Role.CREDIT_MANAGER) == UNLIMITED
        assert limit_of(session, firm.entity, Role.COLLECTOR) == NOTHING
        assert limit_of(session, firm.entity, None) == UNLIMITED
        set_limits(session, firm.entity, {Role.COLLECTOR: Limit(5_000, 6)}, by="user:1", now=NOW)
        assert limit_of(session, firm.entity, Role.COLLECTOR) == Limit(5_000, 6)
        set_limits(session, firm.entity, {}, by="user:1", now=NOW)
        assert limit_of(session, firm.entity, Role.COLLECTOR) == NOTHING


def test_a_collector_proposes_and_a_manager_approves_by_api(firm: Company) -> None:
    account = firm.debtor("ONE", 9_000)
    wish = {"account_id": account, "entry_ids": entries(firm, account), "count": 2, "first_on": "2099-01-01"}
    with client(firm.kernel, Role.COLLECTOR) as collector, client(firm.kernel, Role.CREDIT_MANAGER) as manager:
        path = f"/api/v1/legal-entities/{firm.entity}/plan-limits"
        limits = {"limits": [{"role": "collector", "max_minor": 8_999, "max_months": 12}]}
        assert manager.put(path, json=limits).json() == limits
        assert collector.put(path, json=limits).status_code == 403
        assert collector.get(path).json() == limits
        wish["first_on"] = "2026-12-15"
        made = collector.post("/api/v1/plans", json=wish, headers={"idempotency-key": "one"})
        assert (made.status_code, made.json()["state"]) == (201, "proposed")
        assert "may be granted" in made.json()["approval"]["why"]
        number = made.json()["id"]
        assert collector.post(f"/api/v1/plans/{number}/approval").status_code == 403
        assert manager.post(f"/api/v1/plans/{number}/agreement").status_code == 409
        approved = manager.post(f"/api/v1/plans/{number}/approval")
        assert approved.json()["approval"]["approved_by"].startswith("user:")
        assert manager.post(f"/api/v1/plans/{number}/agreement").json()["state"] == "agreed"
        assert manager.post("/api/v1/plans/999/approval").status_code == 404
