"""Work done later: a Job is wanted once per dedup key; a JobRun is one tick of the rota.

Jobs are enqueued inside the business transaction: a rollback leaves none. On SQLite the process with the scheduler
runs them itself; on PostgreSQL each also wakes a worker, by a message on the same connection. A job that fails
is tried again after a while and at last parked as `failed`, for a person to see. A job whose process died goes back
to the queue: handlers do their work in transactions of their own and must bear being run twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, Index, UniqueConstraint, delete, func, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core import clock
from ar.core.audit import Act, record
from ar.core.db import BigId, Database, Json, UtcDateTime, enum_type, is_postgres
from ar.core.errors import ConflictError, DomainError, NotFoundError
from ar.core.kernel import Kernel
from ar.core.wakeup import wake

BACKOFF = tuple(timedelta(minutes=m) for m in (1, 10, 60, 240))
"""How long a job that failed waits before each further attempt; after the last one it is parked."""

BEAT_SECONDS = 20.0
SILENT_AFTER = timedelta(minutes=3)
"""A running job says every BEAT_SECONDS that it is alive; one silent for so long has lost its process."""

_log = structlog.get_logger()


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(SQLModel, table=True):
    """Jobs of the same `lane` run one after the other, never two at once."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_due", "state", "run_after", "id"),
        Index(
            "uq_job_running_lane",
            "lane",
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    name: str = Field(max_length=80)
    arguments: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    dedup_key: str = Field(max_length=160, unique=True)
    lane: str | None = Field(default=None, max_length=80)
    state: JobState = Field(default=JobState.QUEUED, sa_type=enum_type(JobState))
    queued_at: datetime = Field(sa_type=UtcDateTime)
    run_after: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    alive_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    outcome: str | None = Field(default=None, max_length=2000)


class JobRun(SQLModel, table=True):
    """One tick of a rota entry, for the time after `since` up to `scheduled_for`; the Job of key `job_key` does it."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("name", "scheduled_for"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    name: str = Field(max_length=80)
    since: datetime = Field(sa_type=UtcDateTime)
    scheduled_for: datetime = Field(sa_type=UtcDateTime)
    job_key: str = Field(max_length=160)


Handler = Callable[[Kernel, dict[str, Any], datetime], str]
"""Does a job: told its arguments and the instant, says in a few words what came of it, or raises."""


class LaneBusyError(ConflictError):
    """Another job of the same lane is running: this one has to wait for it."""

    code = "lane-busy"


class JobStateError(ConflictError):
    """The job is not parked."""

    code = "job-state"


def enqueue(
    session: Session,
    name: str,
    arguments: Mapping[str, Any],
    *,
    dedup_key: str,
    now: datetime,
    run_after: datetime | None = None,
    lane: str | None = None,
) -> bool:
    """Have the handler `name` called with `arguments` (plain JSON) once; False when `dedup_key` is known already."""
    return enqueue_all(session, name, {dedup_key: arguments}, now=now, run_after=run_after, lane=lane) == 1


def enqueue_all(
    session: Session,
    name: str,
    wanted: Mapping[str, Mapping[str, Any]],
    *,
    now: datetime,
    run_after: datetime | None = None,
    lane: str | None = None,
) -> int:
    """The same for many jobs, whose arguments are named by their dedup keys: how many were not known already."""
    if not wanted:
        return 0
    session.flush()
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(Job).on_conflict_do_nothing(index_elements=["dedup_key"]).returning(col(Job.id))
    rows = [
        {
            "name": name,
            "arguments": dict(arguments),
            "dedup_key": dedup_key,
            "lane": lane,
            "state": JobState.QUEUED,
            "queued_at": now,
            "run_after": run_after or now,
            "attempts": 0,
        }
        for dedup_key, arguments in wanted.items()
    ]
    job_ids: list[int] = list(session.connection().execute(statement, rows).scalars())  # type: ignore[arg-type]
    if job_ids:
        _wake(session, job_ids, run_after, lane)
    return len(job_ids)


def _wake(session: Session, job_ids: Sequence[int], at: datetime | None, lane: str | None) -> None:
    if is_postgres(session):
        wake(session, job_ids, at=at, lane=lane)


def run_due(kernel: Kernel, handlers: Mapping[str, Handler], *, now: datetime, limit: int) -> int:
    """Run up to `limit` jobs that are due, oldest first, in this process; says how many."""
    busy = aliased(Job)
    taken = select(busy.id).where(busy.lane == Job.lane, busy.state == JobState.RUNNING).exists()
    due = (
        select(Job)
        .where(Job.state == JobState.QUEUED, Job.run_after <= now, ~taken)
        .order_by(col(Job.run_after), col(Job.id))
        .limit(1)
    )
    ran = 0
    while ran < limit:
        try:
            job = _claim(kernel.database, due, now)
        except LaneBusyError:
            continue  # another runner took a job of that lane at the same moment: look again
        if job is None:
            break
        _run(kernel, handlers, job, now)
        ran += 1
    return ran


def run_job(kernel: Kernel, handlers: Mapping[str, Handler], job_id: int, *, now: datetime) -> None:
    """Run one job, if it still waits. Raises LaneBusyError while another of its lane runs."""
    job = _claim(kernel.database, select(Job).where(Job.id == job_id, Job.state == JobState.QUEUED), now)
    if job is not None:
        _run(kernel, handlers, job, now)


def _claim(database: Database, wanted: SelectOfScalar[Job], now: datetime) -> Job | None:
    try:
        with database.transaction() as session:
            job = session.exec(wanted.with_for_update(skip_locked=True)).first()
            if job is not None:
                job.state = JobState.RUNNING
                job.attempts += 1
                job.started_at = job.alive_at = now
                session.flush()
    except IntegrityError as error:
        raise LaneBusyError("another job of this lane is running") from error
    return job


def _run(kernel: Kernel, handlers: Mapping[str, Handler], job: Job, now: datetime) -> None:
    watch = clock.stopwatch()
    change: dict[str, Any]
    try:
        with _beating(kernel.database, job, now, watch):
            outcome = handlers[job.name](kernel, dict(job.arguments), now)
        change = {"state": JobState.DONE, "outcome": outcome[:2000]}
    except Exception as error:
        _log.exception("job failed", job_id=job.id, name=job.name, attempts=job.attempts)
        words = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
        change = _after_failure(job.attempts, words, now)
    if change["state"] is not JobState.QUEUED:
        change["ended_at"] = now + timedelta(seconds=watch())
    with kernel.database.transaction() as session:
        written = session.connection().execute(update(Job).where(*_ours(job)).values(**change))
        if cast(CursorResult[Any], written).rowcount and change["state"] is JobState.QUEUED:
            assert job.id is not None
            _wake(session, [job.id], change["run_after"], job.lane)


def _ours(job: Job) -> tuple[Any, ...]:
    """The row of `job`, as long as no one thought us dead and took it."""
    return (col(Job.id) == job.id, col(Job.state) == JobState.RUNNING, col(Job.attempts) == job.attempts)


def _after_failure(attempts: int, words: str, now: datetime) -> dict[str, Any]:
    outcome = words.replace("\x00", "").encode("utf-8", "replace").decode()[:2000]
    if attempts > len(BACKOFF):
        return {"state": JobState.FAILED, "outcome": outcome}
    return {"state": JobState.QUEUED, "outcome": outcome, "run_after": now + BACKOFF[attempts - 1]}


@contextmanager
def _beating(database: Database, job: Job, now: datetime, watch: Callable[[], float]) -> Iterator[None]:
    """Says that `job` is alive for as long as the block runs, from a thread of its own."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                with database.transaction() as session:
                    alive = now + timedelta(seconds=watch())
                    session.connection().execute(update(Job).where(*_ours(job)).values(alive_at=alive))
            except Exception:
                _log.exception("a sign of life could not be written", job_id=job.id)

    thread = threading.Thread(target=beat, name=f"job-{job.id}-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def revive(session: Session, *, now: datetime) -> int:
    """Put jobs whose process died back into the queue, or park those that it happened to too often; says how many."""
    dead = session.exec(
        select(Job)
        .where(Job.state == JobState.RUNNING, col(Job.alive_at) < now - SILENT_AFTER)
        .with_for_update(skip_locked=True)
    ).all()
    for job in dead:
        for name, value in _after_failure(job.attempts, "the process that ran this stopped", now).items():
            setattr(job, name, value)
        if job.state == JobState.QUEUED:
            job.run_after = now
            assert job.id is not None
            _wake(session, [job.id], None, job.lane)
        else:
            job.ended_at = now
    session.flush()
    return len(dead)


def run_again(session: Session, job_id: int, *, actor: str, now: datetime) -> None:
    """Queue a parked job once more. Raises NotFoundError or JobStateError."""
    job = session.get(Job, job_id, populate_existing=True, with_for_update=True)
    if job is None:
        raise NotFoundError("there is no such job")
    if job.state != JobState.FAILED:
        raise JobStateError(f"this job is {job.state}; only one that failed can be run again")
    job.state, job.attempts, job.run_after, job.ended_at = JobState.QUEUED, 0, now, None
    session.flush()
    _wake(session, [job_id], None, job.lane)
    record(session, [Act(actor, "job.run-again", f"job:{job_id}", {"name": job.name, "outcome": job.outcome})], now=now)


def forget_old(session: Session, *, before: datetime) -> int:
    """Delete jobs done and ticks older than `before`, the newest tick of each entry kept; says how many jobs."""
    newest = select(func.max(JobRun.id)).group_by(JobRun.name)
    connection = session.connection()
    connection.execute(
        delete(JobRun).where(col(JobRun.scheduled_for) < before, col(JobRun.id).not_in(newest.scalar_subquery()))
    )
    gone = connection.execute(delete(Job).where(col(Job.state) == JobState.DONE, col(Job.ended_at) < before))
    return cast(CursorResult[Any], gone).rowcount
