"""Every table of the product, and how a database is brought to the current form."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData
from sqlmodel import SQLModel

from ar.core import wakeup
from ar.core.db import Database
from ar.core.errors import DomainError

MODELS = (
    "ar.cash.autopay.models",
    "ar.cash.bank.models",
    "ar.cash.collections.models",
    "ar.cash.mandates.models",
    "ar.cash.matching.models",
    "ar.cash.models",
    "ar.cash.online.models",
    "ar.cash.plans.models",
    "ar.cash.remittance.models",
    "ar.core.access.models",
    "ar.core.audit",
    "ar.core.files",
    "ar.core.idempotency",
    "ar.core.jobs",
    "ar.core.outbox",
    "ar.core.sms.models",
    "ar.core.webhooks.models",
    "ar.credit.models",
    "ar.customers.models",
    "ar.disputes.models",
    "ar.ledger.models",
    "dunning.attention.models",
    "dunning.calls.models",
    "dunning.letters.models",
    "dunning.experiments.models",
    "dunning.models",
    "dunning.texts.models",
    "dunning.worklist.models",
    "dunning.replies.models",
    "invoicing.billing.models",
    "invoicing.delivery.models",
    "invoicing.law.models",
    "invoicing.logos.models",
    "invoicing.models",
    "invoicing.orders.models",
    "prediction.models",
)


def metadata() -> MetaData:
    """The tables of every package."""
    for name in MODELS:
        import_module(name)
    return SQLModel.metadata


def configuration(database: Database | None = None) -> Config:
    """Alembic's configuration, which needs no file, for `database`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["database"] = database
    return config


def upgrade(database: Database) -> None:
    """Bring `database` to the newest form; what it holds stays."""
    command.upgrade(configuration(database), "head")
    wakeup.prepare(database)


class SchemaBehindError(DomainError):
    """The database has an older form than the program."""

    code = "schema-behind"


def bring_up(database: Database) -> None:
    """Make a new database ready, and bring an SQLite file to the current form.

    An older PostgreSQL database is left alone: its form is changed by `amiable migrate`, when its owner chooses.
    Raises SchemaBehindError then.
    """
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == head:
        return
    if database.is_postgres and found is not None:
        raise SchemaBehindError("The database has an older form than this program: run `amiable migrate` first")
    upgrade(database)
