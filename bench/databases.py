"""Throw-away migrated databases to measure on: an SQLite file in a temporary folder, and a PostgreSQL clone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ar.core.db import Database
from tests.databases import Postgres, answering, binaries, postgres_database, private_server, sqlite_database


@contextmanager
def fresh_sqlite() -> Iterator[Database]:
    """A new SQLite database, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="amiable-bench-") as folder, sqlite_database(Path(folder)) as database:
        yield database


@contextmanager
def postgres_server() -> Iterator[Postgres | None]:
    """The PostgreSQL that answers (AMIABLE_TEST_POSTGRES), or a private one; None where there are no binaries."""
    with ExitStack() as stack:
        url = answering()
        if url is None:
            where = binaries()
            if where is None:
                yield None
                return
            url = stack.enter_context(private_server(where))
        server = Postgres(url)
        stack.callback(server.close)
        yield server


@contextmanager
def fresh_postgres(server: Postgres) -> Iterator[Database]:
    """A new PostgreSQL database on `server`, gone afterwards."""
    with postgres_database(server) as database:
        yield database
