from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from ar.core import clock
from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.db import table
from ar.core.jobs import run_due
from ar.rota import ROTA
from dunning.models import DunningPolicy
from dunning.policies import activate, draft_policy, stored_policy
from dunning.policy import FRIENDLY_FIVE
from tests.dunning.world import World
from tests.web import client


def test_a_draft_is_simulated_by_a_job_and_then_may_go_live(world: World) -> None:
    now = clock.now()
    with world.database.transaction() as session:
        world.invoice(session, world.customer(session, "LATE"), due=now.date() - timedelta(days=40))
        draft = draft_policy(session, "mild", replace(FRIENDLY_FIVE, per_week=1).body(), by="user:1", now=now)
        policy_id = draft.id
    assert policy_id is not None
    with client(world.kernel, Role.COLLECTOR) as browser:
        path = f"/api/v1/dunning/policies/{policy_id}/simulate"
        asked = browser.post(path, json={"months": 3})
        assert (asked.status_code, asked.json()) == (202, {"policy_id": policy_id, "state": "queued"})
        assert browser.post("/api/v1/dunning/policies/999/simulate", json={}).status_code == 404
        assert browser.post(path, json={"months": 13}).status_code == 422
        assert browser.post(path, json={"days": 3}).status_code == 422
    with client(world.kernel, Role.AUDITOR) as browser:
        assert browser.post(path, json={}).status_code == 403
    assert run_due(world.kernel, ROTA.handlers, now=now + timedelta(minutes=1), limit=5) == 1
    with world.database.transaction() as session:
        kept = stored_policy(session, policy_id).simulated
        assert kept is not None
        assert (kept["policy"], kept["sampled"], kept["candidate"]["customers"]) == ("mild 1", 1, 1)
        assert activate(session, policy_id, active_from=now, by="user:1", now=now).active_from is not None
        acts = session.connection().execute(select(table(AuditEntry).c.action)).scalars().all()
        assert "dunning.policy_simulated" in acts
        assert session.get(DunningPolicy, policy_id) is not None
