"""The databases that tests run on: fresh SQLite files, and clones of one migrated PostgreSQL template.

The PostgreSQL that AMIABLE_TEST_POSTGRES names is used, else a private one is started from the system's binaries: it
keeps nothing safe, and so makes and drops databases many times faster than one that answers already. That one is used
where there are no binaries. AMIABLE_REQUIRE=postgres turns a skip for its absence into a failure.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from ar.core.db import Database, connect
from ar.schema import upgrade

DEFAULT_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
_MEMORY = Path("/dev/shm")
_CARELESS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0"


def required(what: str) -> bool:
    return what in os.environ.get("AMIABLE_REQUIRE", "").split(",")


def missing(what: str, reason: str) -> None:
    """Skip for the want of `what`, or fail where AMIABLE_REQUIRE names it."""
    if required(what):
        pytest.fail(f"{what} is required here: {reason}")
    pytest.skip(reason)


class Postgres:
    """One server, and a migrated template in it that databases are cloned from."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._template: str | None = None

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _at(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    @property
    def template(self) -> str:
        if self._template is None:
            name = f"amiable_template_{secrets.token_hex(4)}"
            self._execute("CREATE DATABASE {}", name)
            database = connect(self._at(name))
            upgrade(database)
            database.engine.dispose()
            self._template = name
        return self._template

    @contextmanager
    def clone(self, *, empty: bool = False) -> Iterator[str]:
        """The URL of a fresh database, dropped afterwards; `empty` leaves out the migrations."""
        name = f"amiable_test_{secrets.token_hex(6)}"
        if empty:
            self._execute("CREATE DATABASE {}", name)
        else:
            self._execute("CREATE DATABASE {} TEMPLATE {}", name, self.template)
        try:
            yield self._at(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def close(self) -> None:
        if self._template is not None:
            self._execute("DROP DATABASE {} WITH (FORCE)", self._template)


def answering() -> str | None:
    """The URL of a PostgreSQL that is already there, if one is."""
    url = os.environ.get("AMIABLE_TEST_POSTGRES", DEFAULT_POSTGRES)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return None
    return url


@contextmanager
def serving() -> Iterator[str | None]:
    """The URL of the PostgreSQL that tests run on; None where there is none."""
    where = None if "AMIABLE_TEST_POSTGRES" in os.environ else binaries()
    if where is None:
        yield answering()
        return
    with private_server(where) as url:
        yield url


def binaries() -> Path | None:
    """Where the system keeps initdb and pg_ctl, the newest version first."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


def in_memory() -> str | None:
    """A folder in memory, where there is one with room for a few gigabytes."""
    return str(_MEMORY) if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 * 2**30 else None


@contextmanager
def private_server(where: Path) -> Iterator[str]:
    """A PostgreSQL of our own from the binaries in `where`; as root it runs as the user postgres."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="amiable-pg-", dir=in_memory()))
    if prefix:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    run(str(where / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=200 {_CARELESS}"
    run(str(where / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(str(where / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@cache
def sqlite_template() -> Path:
    """A migrated SQLite file that fresh ones are copied from."""
    path = Path(tempfile.mkdtemp(prefix="amiable-sqlite-")) / "template.db"
    database = connect(f"sqlite:///{path}")
    upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    raw = database.engine.raw_connection()
    raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    raw.close()
    database.engine.dispose()
    return path


@contextmanager
def sqlite_database(folder: Path) -> Iterator[Database]:
    path = folder / f"test-{secrets.token_hex(4)}.db"
    shutil.copy(sqlite_template(), path)
    database = connect(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.engine.dispose()


@contextmanager
def postgres_database(server: Postgres) -> Iterator[Database]:
    with server.clone() as url:
        database = connect(url)
        try:
            yield database
        finally:
            database.engine.dispose()
