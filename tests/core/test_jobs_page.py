"""The page of jobs: what ran by itself, what failed, and running that again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from ar.core.access.models import Role
from ar.core.access.pages.jobs import last_ticks
from ar.core.audit import AuditEntry
from ar.core.carriers import carriers_of
from ar.core.jobs import Job, JobRun, JobState, enqueue
from ar.core.kernel import Kernel
from ar.core.outbox import MessageState, OutboxMessage, deliver, queue
from ar.customers.notes import PURPOSE
from ar.rota import GUARDS
from tests.core.outboxes import draft
from tests.web import client

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def failed_job(kernel: Kernel) -> int:
    with kernel.database.transaction() as session:
        enqueue(session, "run-dunning", {}, dedup_key="one", now=NOW)
        job = session.exec(select(Job)).one()
        job.state, job.outcome, job.attempts = JobState.FAILED, "it <broke>", 5
        assert job.id is not None
        return job.id


def test_the_last_tick_of_each_entry_is_shown(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        for hours in (1, 3, 2):
            at = NOW + timedelta(hours=hours)
            key = f"rota/deliver-outbox/{hours}"
            session.add(JobRun(name="deliver-outbox", since=at, scheduled_for=at, job_key=key))
            enqueue(session, "deliver-outbox", {}, dedup_key=key, now=at)
        session.add(JobRun(name="forgotten", since=NOW, scheduled_for=NOW, job_key="rota/forgotten"))
    with kernel.database.reading() as session:
        told = [(tick.name, tick.scheduled_for, job.dedup_key if job else None) for tick, job in last_ticks(session)]
    assert told == [
        ("deliver-outbox", NOW + timedelta(hours=3), "rota/deliver-outbox/3"),
        ("forgotten", NOW, None),
    ]
    with client(kernel, Role.CFO, html=True) as browser:
        assert "Send messages" in browser.get("/admin/jobs").text


def test_a_failed_job_runs_again_once_asked(kernel: Kernel) -> None:
    job_id = failed_job(kernel)
    with client(kernel, Role.AUDITOR, html=True) as reader:
        shown = reader.get("/admin/jobs").text
        assert "it &lt;broke&gt;" in shown
        assert "/again" not in shown
        assert reader.post(f"/admin/jobs/{job_id}/again").status_code == 403
    with client(kernel, Role.ADMIN, html=True) as browser:
        assert f"/admin/jobs/{job_id}/again" in browser.get("/admin/jobs?state=failed").text
        assert browser.post(f"/admin/jobs/{job_id}/again").status_code == 303
        assert "runs again" in browser.get("/admin/jobs").text
        browser.post(f"/admin/jobs/{job_id}/again")
        assert "only one that failed" in browser.get("/admin/jobs").text
        assert browser.post("/admin/jobs/999/again").status_code == 404
    with kernel.database.reading() as session:
        job = session.exec(select(Job)).one()
        assert (job.state, job.attempts) == (JobState.QUEUED, 0)
        actions = session.exec(select(AuditEntry.action).where(col(AuditEntry.subject) == f"job:{job_id}")).all()
        assert actions == ["job.run-again"]


def test_notes_to_customers_are_sent(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        queue(session, [draft(1, purpose=PURPOSE)], now=NOW)
    deliver(kernel, carriers_of(kernel, now=NOW), GUARDS, now=NOW, limit=10, worker="test")
    with kernel.database.reading() as session:
        assert session.exec(select(OutboxMessage.state)).one() is MessageState.SENT
