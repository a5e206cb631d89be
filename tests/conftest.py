"""Fixtures shared by all tests: a fresh migrated database of each kind, and settings for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from playwright.sync_api import Browser

from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.logs import configure
from ar.core.render import Renderer
from ar.core.settings import Settings
from tests.browser import CHROMIUM, launched
from tests.databases import Postgres, in_memory, missing, postgres_database, serving, sqlite_database

property_settings.register_profile(
    "amiable",
    deadline=None,  # a busy machine is no fault of the code
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
property_settings.load_profile("amiable")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long forms run only when asked for by `-m soak`."""
    if "soak" in str(config.getoption("-m")):
        return
    kept = [item for item in items if item.get_closest_marker("soak") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Logs as in production: the traceback of structlog's default takes seconds to draw."""
    configure(Settings())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; skips with the reason, or fails where it is required, when there is none."""
    with serving() as url:
        if url is None:
            missing("postgres", "no PostgreSQL answers (AMIABLE_TEST_POSTGRES) and no initdb is installed")
        assert url is not None
        server = Postgres(url)
        try:
            yield server
        finally:
            server.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; skips, or fails where it is required, when there is none.

    One for each module and not for the whole run: while it is open, no test of its process can call asyncio.run().
    """
    if not CHROMIUM.exists():
        missing("chromium", f"{CHROMIUM} is missing: apt-get install chromium")
    with launched() as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh, migrated database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        with TemporaryDirectory(prefix="amiable-", dir=in_memory()) as folder, sqlite_database(Path(folder)) as made:
            yield made
        return
    with postgres_database(request.getfixturevalue("postgres")) as made:
        yield made


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    """An installation of its own on `database`: cheap passwords, files in the test's folder, mail to a folder."""
    return Settings(
        database_url=database.engine.url.render_as_string(hide_password=False),
        var_dir=tmp_path / "var",
        argon2_memory_kib=8,
        argon2_rounds=1,
    )


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    """The pages and messages of the product, their templates compiled once."""
    return Renderer()


@pytest.fixture
def kernel(settings: Settings, database: Database, renderer: Renderer) -> Kernel:
    """The installation that `settings` describe, on `database`."""
    return Kernel(settings=settings, database=database, renderer=renderer)
