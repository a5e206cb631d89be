"""`amiable worker`: runs jobs on PostgreSQL, as Procrastinate hands them over. Any number may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine

from ar.core import clock
from ar.core.errors import DomainError
from ar.core.jobs import run_job
from ar.core.kernel import Kernel
from ar.core.rota import Rota
from ar.core.wakeup import QUEUE, TASK
from ar.rota import ROTA

if TYPE_CHECKING:
    from procrastinate import App

_DEAD_AFTER = 60.0
_RETRY_SECONDS = 15


class WorkerError(DomainError):
    """Workers need PostgreSQL; on SQLite the scheduler's process runs the jobs."""

    code = "worker-needs-postgresql"


def run_worker(kernel: Kernel, *, rota: Rota = ROTA, concurrency: int = 2, wait: bool = True) -> None:
    """Run jobs until the process is stopped, or, without `wait`, until none is left. Raises WorkerError on SQLite."""
    worker_app(kernel, rota).run_worker(
        queues=[QUEUE], concurrency=concurrency, wait=wait, delete_jobs="successful", fetch_job_polling_interval=5.0
    )


def worker_app(kernel: Kernel, rota: Rota) -> App:
    """Procrastinate's side of the jobs: one task that runs one, and one that frees what a dead worker held."""
    if not kernel.database.is_postgres:
        raise WorkerError("workers need PostgreSQL: on SQLite, `amiable serve --with-scheduler` runs the jobs itself")
    from procrastinate import App, PsycopgConnector, RetryStrategy  # of the extra `postgres`

    app = App(connector=PsycopgConnector(conninfo=_conninfo(kernel.database.engine)))

    @app.task(name=TASK, queue=QUEUE, retry=RetryStrategy(wait=_RETRY_SECONDS))
    def look_at(job_id: int) -> None:
        """A job's own failure is dealt with in its row: what is raised here is a busy lane or a lost database."""
        run_job(kernel, rota.handlers, job_id, now=clock.now())

    @app.periodic(cron="* * * * *")
    @app.task(name="amiable:retry_stalled", queue=QUEUE, queueing_lock="amiable:retry_stalled")
    async def look_for_dead(timestamp: int) -> None:  # noqa: ARG001
        await retry_stalled(app)

    return app


async def retry_stalled(app: App) -> None:
    """Hand out again the messages that a worker held when it died, which frees their lanes, too."""
    for message in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=_DEAD_AFTER):
        await app.job_manager.retry_job(message)


def _conninfo(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
