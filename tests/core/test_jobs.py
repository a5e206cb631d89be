"""Jobs: enqueued with the business fact, run once, tried again, parked; on PostgreSQL by Procrastinate's workers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from ar.core import jobs, wakeup
from ar.core.audit import AuditEntry
from ar.core.db import Database
from ar.core.errors import DomainError
from ar.core.jobs import (
    BACKOFF,
    SILENT_AFTER,
    Job,
    JobStateError,
    LaneBusyError,
    enqueue,
    forget_old,
    revive,
    run_again,
    run_due,
    run_job,
)
from ar.core.kernel import Kernel
from ar.core.rota import Rota
from ar.worker import WorkerError, retry_stalled, run_worker, worker_app

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Log:
    """A handler that writes down what it was asked for, and fails while told to."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.failure: Exception | None = None

    def __call__(self, kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        self.seen.append(arguments.get("n"))
        if self.failure is not None:
            raise self.failure
        return f"did {arguments.get('n')}"


@pytest.fixture
def log() -> Log:
    return Log()


def put(database: Database, number: int, **other: Any) -> bool:
    with database.transaction() as session:
        return enqueue(session, "log", {"n": number}, dedup_key=f"log/{number}", **({"now": NOW} | other))


def job(database: Database, number: int) -> Job:
    with database.reading() as session:
        found = session.exec(select(Job).where(Job.dedup_key == f"log/{number}")).one()
        session.expunge_all()
    return found


def waiting_messages(database: Database) -> int:
    with database.reading() as session:
        statement = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        return int(session.connection().execute(statement).scalar_one())


def test_job_is_wanted_once_and_runs_once(kernel: Kernel, database: Database, log: Log) -> None:
    assert [put(database, 2), put(database, 1, run_after=NOW - timedelta(hours=1)), put(database, 2)] == [
        True,
        True,
        False,
    ]
    put(database, 3, run_after=NOW + timedelta(seconds=1))
    assert run_due(kernel, {"log": log}, now=NOW, limit=10) == 2
    assert run_due(kernel, {"log": log}, now=NOW, limit=10) == 0
    assert log.seen == [1, 2]
    done = job(database, 1)
    assert (done.state, done.outcome, done.attempts, done.started_at) == ("done", "did 1", 1, NOW)
    assert job(database, 3).state == "queued"
    if database.is_postgres:
        assert waiting_messages(database) == 3


def test_rollback_leaves_no_job_and_no_message(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        enqueue(session, "log", {}, dedup_key="log/1", now=NOW)
        raise RuntimeError
    with database.reading() as session:
        assert session.exec(select(Job)).all() == []
    if database.is_postgres:
        assert waiting_messages(database) == 0


def test_failing_job_waits_longer_each_time_and_is_parked(kernel: Kernel, database: Database, log: Log) -> None:
    put(database, 1)
    log.failure = DomainError("the ledger is closed")
    now = NOW
    for wait in BACKOFF:
        assert run_due(kernel, {"log": log}, now=now, limit=10) == 1
        assert run_due(kernel, {"log": log}, now=now + wait - timedelta(seconds=1), limit=10) == 0
        now += wait
    assert run_due(kernel, {"log": log}, now=now, limit=10) == 1
    parked = job(database, 1)
    assert (parked.state, parked.outcome, parked.attempts) == ("failed", "the ledger is closed", 5)
    assert run_due(kernel, {"log": log}, now=now + timedelta(days=9), limit=10) == 0

    log.failure = None
    with database.transaction() as session:
        run_again(session, parked.id or 0, actor="user:1", now=now)
    assert run_due(kernel, {"log": log}, now=now, limit=10) == 1
    assert job(database, 1).state == "done"
    with database.reading() as session:
        assert session.exec(select(AuditEntry.action)).all() == ["job.run-again"]
    with pytest.raises(JobStateError), database.transaction() as session:
        run_again(session, parked.id or 0, actor="user:1", now=now)


def test_unknown_name_and_ugly_words_are_told(kernel: Kernel, database: Database, log: Log) -> None:
    put(database, 1)
    put(database, 2)
    run_due(kernel, {}, now=NOW, limit=1)
    log.failure = ValueError("nul \x00 and \ud800 " + "x" * 3000)
    run_due(kernel, {"log": log}, now=NOW, limit=10)
    assert job(database, 1).outcome == "KeyError: 'log'"
    assert str(job(database, 2).outcome).startswith("ValueError: nul  and ? xxx")


def test_lane_runs_one_at_a_time(kernel: Kernel, database: Database, log: Log) -> None:
    for number in (1, 2):
        put(database, number, lane="mail")
    put(database, 3)
    inner: list[int] = []

    def nested(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        if arguments["n"] == 1:
            inner.append(run_due(kernel, {"log": log}, now=now, limit=10))
            with pytest.raises(LaneBusyError):
                run_job(kernel, {"log": log}, job(database, 2).id or 0, now=now)
        return ""

    assert run_due(kernel, {"log": nested}, now=NOW, limit=10) == 2
    assert inner == [1]
    assert log.seen == [3]
    assert job(database, 2).state == "done"


def test_many_runners_run_each_job_once(kernel: Kernel, database: Database, log: Log) -> None:
    for number in range(24):
        put(database, number, lane=f"lane-{number % 3}" if number % 2 else None)
    start = Barrier(4)

    def run() -> None:
        start.wait()
        run_due(kernel, {"log": log}, now=NOW, limit=100)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_due(kernel, {"log": log}, now=NOW, limit=100)
    assert sorted(log.seen) == list(range(24))


def test_job_of_a_dead_process_goes_back_and_a_late_finisher_changes_nothing(
    kernel: Kernel, database: Database, log: Log
) -> None:
    put(database, 1, lane="mail")
    later = NOW + SILENT_AFTER + timedelta(seconds=1)
    revived: list[int] = []

    def suspended(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        with database.transaction() as session:
            assert revive(session, now=NOW + SILENT_AFTER) == 0
        with database.transaction() as session:
            revived.append(revive(session, now=later))
        run_due(kernel, {"log": log}, now=later, limit=10)
        return "woke up too late"

    run_due(kernel, {"log": suspended}, now=NOW, limit=1)
    assert revived == [1]
    assert log.seen == [1]
    assert (job(database, 1).outcome, job(database, 1).attempts) == ("did 1", 2)


def test_job_that_kills_its_process_is_parked(kernel: Kernel, database: Database) -> None:
    put(database, 1)

    class Killed(BaseException):
        pass

    def die(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        raise Killed

    now = NOW
    for _ in range(len(BACKOFF) + 1):
        with pytest.raises(Killed):
            run_due(kernel, {"log": die}, now=now, limit=1)
        now += SILENT_AFTER + timedelta(seconds=1)
        with database.transaction() as session:
            assert revive(session, now=now) == 1
    assert job(database, 1).state == "failed"
    assert job(database, 1).outcome == "the process that ran this stopped"


def test_running_job_says_that_it_is_alive(kernel: Kernel, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.01)
    put(database, 1)

    def patient(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        for _ in range(10_000):
            alive_at = job(database, 1).alive_at
            if alive_at is not None and alive_at > now:
                return "alive"
        return "no sign of life"

    run_due(kernel, {"log": patient}, now=NOW, limit=1)
    assert job(database, 1).outcome == "alive"


def test_old_jobs_are_forgotten_but_not_those_parked(kernel: Kernel, database: Database, log: Log) -> None:
    for number in range(3):
        put(database, number)
    run_due(kernel, {"log": log}, now=NOW, limit=2)
    with database.transaction() as session:
        assert forget_old(session, before=NOW) == 0
        assert forget_old(session, before=NOW + timedelta(days=30)) == 2
    assert job(database, 2).state == "queued"


on_postgres = pytest.mark.parametrize("database", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@on_postgres
def test_workers_run_what_was_committed(kernel: Kernel, database: Database, log: Log) -> None:
    for number in range(3):
        put(database, number, lane="mail")
    run_worker(kernel, rota=Rota((), {"log": log}), concurrency=1, wait=False)
    assert log.seen == [0, 1, 2]
    assert job(database, 2).state == "done"
    assert waiting_messages(database) == 0


@on_postgres
def test_failed_job_is_deferred_again(kernel: Kernel, database: Database, log: Log) -> None:
    put(database, 1)
    log.failure = ValueError("not yet")
    run_worker(kernel, rota=Rota((), {"log": log}), concurrency=1, wait=False)
    assert log.seen == [1]
    assert (job(database, 1).state, job(database, 1).attempts) == ("queued", 1)
    assert waiting_messages(database) == 1


@on_postgres
def test_message_that_a_dead_worker_held_is_handed_out_again(kernel: Kernel, database: Database, log: Log) -> None:
    put(database, 1, lane="mail")
    put(database, 2, lane="mail")
    with database.transaction() as session:
        # Held by a worker that was alive a moment ago: the running worker's own look for dead ones must leave it alone.
        held = """
            WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id)
            UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM worker)
            WHERE id = (SELECT min(id) FROM procrastinate_jobs)"""
        session.connection().execute(text(held))
    rota = Rota((), {"log": log})
    run_worker(kernel, rota=rota, concurrency=1, wait=False)
    assert log.seen == []  # the lane is held
    with database.transaction() as session:
        session.connection().execute(
            text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 hours'")
        )

    async def look() -> None:
        async with worker_app(kernel, rota).open_async() as app:
            await retry_stalled(app)

    asyncio.run(look())
    run_worker(kernel, rota=rota, concurrency=1, wait=False)
    assert log.seen == [1, 2]


@on_postgres
def test_procrastinate_schema_is_put_in_once_and_brought_forward(database: Database) -> None:
    wakeup.prepare(database)
    with database.transaction() as session:
        older = "COMMENT ON TABLE procrastinate_jobs IS '03.04.00_01_pre_add_retry_failed_job_procedure.sql'"
        session.connection().execute(text(older))
    wakeup.prepare(database)
    with database.reading() as session:
        name = session.connection().execute(text("SELECT obj_description('procrastinate_jobs'::regclass)")).scalar_one()
    assert name > "03.04.00_01"


@on_sqlite
def test_worker_on_sqlite_says_what_to_do(kernel: Kernel) -> None:
    with pytest.raises(WorkerError, match="with-scheduler"):
        run_worker(kernel)
