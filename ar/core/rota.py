"""What is done again and again, and when: the rota ticks in UTC, where no hour is ever skipped or doubled.

Each tick stands for the time since the tick before it. An entry that must act on a customer's local morning asks,
every hour, whose local morning lies in that time (`local_days_due`): the times touch and never overlap, so that each
local day is due in exactly one tick, whatever daylight saving does and however long the scheduler was down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.core import calendars
from ar.core.clock import local_date
from ar.core.db import is_postgres
from ar.core.jobs import Handler, JobRun, enqueue, revive, run_due
from ar.core.kernel import Kernel

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK = 0x616D726F
_INLINE_LIMIT = 500


@dataclass(frozen=True)
class RotaEntry:
    """`handler` is called every `every`, counted in UTC from midnight plus `offset`.

    Of ticks missed while no scheduler ran, the last `catch_up` are made up for, each once and in order; the first
    of them stands for all the time since the last tick before the gap.
    """

    name: str
    every: timedelta
    handler: Handler
    offset: timedelta = timedelta(0)
    catch_up: int = 48


@dataclass(frozen=True)
class Rota:
    """The entries, and the handlers of the jobs that are enqueued by name."""

    entries: tuple[RotaEntry, ...]
    jobs: Mapping[str, Handler] = field(default_factory=dict)

    @property
    def handlers(self) -> dict[str, Handler]:
        return {entry.name: entry.handler for entry in self.entries} | dict(self.jobs)


def due_ticks(entry: RotaEntry, last: datetime | None, now: datetime) -> list[tuple[datetime, datetime]]:
    """The ticks of `entry` that are due: (since, scheduled_for) of each, oldest first, touching one another.

    `last` is the latest tick that there was; without one only the current tick is due.
    """
    newest = now - (now - _EPOCH - entry.offset) % entry.every
    if last is None:
        return [(newest - entry.every, newest)]
    ticks: list[datetime] = []
    tick = newest
    while tick > last and len(ticks) < entry.catch_up:
        ticks.append(tick)
        tick -= entry.every
    ticks.reverse()
    return list(zip([last, *ticks], ticks, strict=False))


def tick(kernel: Kernel, rota: Rota, *, now: datetime) -> int:
    """Start all that is due now; says how many ticks this call won. Any number of schedulers may call it at once.

    On PostgreSQL the workers are told in the same transaction; on SQLite the jobs are run here, before it returns.
    """
    with kernel.database.transaction() as session:
        if is_postgres(session):
            session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        revive(session, now=now)
        lasts = dict(session.exec(select(JobRun.name, func.max(JobRun.scheduled_for)).group_by(JobRun.name)).all())
        won = sum(
            _start(session, entry, since, scheduled_for, now)
            for entry in rota.entries
            for since, scheduled_for in due_ticks(entry, lasts.get(entry.name), now)
        )
    if not kernel.database.is_postgres:
        run_due(kernel, rota.handlers, now=now, limit=_INLINE_LIMIT)
    return won


def _start(session: Session, entry: RotaEntry, since: datetime, scheduled_for: datetime, now: datetime) -> bool:
    key = f"rota/{entry.name}/{scheduled_for:%Y-%m-%dT%H:%MZ}"
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = (
        insert(JobRun)
        .values(name=entry.name, since=since, scheduled_for=scheduled_for, job_key=key)
        .on_conflict_do_nothing(index_elements=["name", "scheduled_for"])
        .returning(col(JobRun.id))
    )
    if session.connection().execute(statement).scalar() is None:
        return False
    arguments = {"since": since.isoformat(), "scheduled_for": scheduled_for.isoformat()}
    return enqueue(session, entry.name, arguments, dedup_key=key, now=now, lane=f"rota/{entry.name}")


def window(arguments: Mapping[str, str]) -> tuple[datetime, datetime]:
    """The time that a tick stands for, from the arguments of its job: after the first instant, up to the second."""
    return datetime.fromisoformat(arguments["since"]), datetime.fromisoformat(arguments["scheduled_for"])


def local_days_due(zone: str, country: str, *, since: datetime, until: datetime, hour: int = 9) -> list[date]:
    """The business days of `country` whose local `hour` in `zone` came after `since`, up to `until`; oldest first."""
    day, last = local_date(since, zone) - timedelta(days=1), local_date(until, zone)
    days = []
    while day <= last:
        if since < calendars.local_day_start(day, zone, hour=hour) <= until and calendars.is_business_day(day, country):
            days.append(day)
        day += timedelta(days=1)
    return days
