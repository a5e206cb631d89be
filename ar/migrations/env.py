"""How Alembic reaches the database it is given: by the Database that ar.schema passes."""

from __future__ import annotations

from typing import Any

from alembic import context

from ar.core.db import Database
from ar.schema import metadata


def ours(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Procrastinate keeps its own tables in the same database."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def run() -> None:
    database = context.config.attributes["database"]
    assert isinstance(database, Database)
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata(),
            render_as_batch=True,
            include_object=ours,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
