"""How workers on PostgreSQL learn that a job waits: a message in Procrastinate's queue, in the same transaction.

The job table is the truth; the message only says "look at job 17". One too many does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlmodel import Session

from ar.core.db import Database

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.types import JSONDict

TASK = "amiable:run_job"
QUEUE = "amiable"
_SCHEMA_LOCK = 0x616D6A71


@lru_cache(maxsize=1)
def _app() -> App:
    from procrastinate import App, SyncPsycopgConnector  # of the extra `postgres`

    return App(connector=SyncPsycopgConnector())  # never opened: each message goes over the caller's connection


def wake(session: Session, job_ids: Sequence[int], *, at: datetime | None, lane: str | None) -> None:
    """Tell the workers, once this transaction commits, to run the jobs: at once, or `at` an instant.

    Jobs of one `lane` run one after the other, in the order of their messages.
    """
    deferrer = _app().configure_task(TASK, queue=QUEUE, schedule_at=at, lock=lane, connection=_driver(session))
    messages: list[JSONDict] = [{"job_id": job_id} for job_id in job_ids]
    deferrer.batch_defer(*messages)


def prepare(database: Database) -> None:
    """Create Procrastinate's tables on PostgreSQL, or bring those of an older version to its current form.

    The name of its newest migration is kept as the comment of its main table.
    """
    if not database.is_postgres:
        return
    from procrastinate.schema import SchemaManager, migrations_path

    migrations = sorted(Path(migrations_path).glob("*.sql"))
    with database.transaction() as session:
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
        found = session.connection().execute(
            text("SELECT obj_description(c) FROM to_regclass('procrastinate_jobs') c WHERE c IS NOT NULL")
        )
        row = found.first()
        if row is None:
            _driver(session).execute(SchemaManager.get_schema())
        else:
            for migration in migrations:
                if migration.name > (row[0] or ""):
                    _driver(session).execute(migration.read_text(encoding="utf-8"))
        name = migrations[-1].name.replace("'", "''")
        session.connection().execute(text(f"COMMENT ON TABLE procrastinate_jobs IS '{name}'"))


def _driver(session: Session) -> Any:
    driver = session.connection().connection.driver_connection
    assert driver is not None
    return driver
