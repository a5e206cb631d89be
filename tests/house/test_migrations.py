"""The migrations make the tables that the models say, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ar.core.db import Database
from ar.schema import metadata


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # which SQLite does not tell of
def test_migrated_tables_are_those_of_the_models(database: Database) -> None:
    options = {
        # SQLite holds no text to a length, so migrations leave its columns as they are.
        "compare_type": database.is_postgres,
        "include_name": lambda name, kind, _parents: kind != "table" or not (name or "").startswith("procrastinate_"),
    }
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata()) == []
