"""Instalments of documents, longer terms, and the dated table of the law of late payment."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, UtcDateTime
from ar.core.money import to_decimal

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DIRECTIVE, FRANCE = date(2013, 3, 16), date(2019, 4, 26)
"""When the directive had to be law everywhere, and when article L441-10 took its present form."""

HALF_YEAR = (date(2026, 1, 1), date(2026, 6, 30))
"""The only half-year whose rate was checked: others are for the administrator to enter."""

EXPRESSLY = "Directive 2011/7/EU, unless expressly agreed and not grossly unfair"
NAMES = ("jurisdiction", "kind", "value", "currency", "valid_from", "valid_to", "source")
LAW: list[tuple[Any, ...]] = [
    ("EU", "interest", Decimal("10.15"), None, *HALF_YEAR, "Directive 2011/7/EU: ECB rate 2.15 % + 8 points, at least"),
    (
        "EU",
        "max_days",
        Decimal("60"),
        None,
        DIRECTIVE,
        None,
        EXPRESSLY,
    ),
    ("EU", "fixed_compensation", Decimal("40"), "EUR", DIRECTIVE, None, "Directive 2011/7/EU"),
    ("FR", "interest", Decimal("12.15"), None, *HALF_YEAR, "Code de commerce L441-10: ECB rate 2.15 % + 10 points"),
    ("FR", "max_days", Decimal("60"), None, FRANCE, None, "Code de commerce L441-10"),
    ("FR", "max_days_end_of_month", Decimal("45"), None, FRANCE, None, "Code de commerce L441-10"),
    ("FR", "fixed_compensation", Decimal("40"), "EUR", FRANCE, None, "Code de commerce D441-5"),
]

STAYS = "amiable: an issued document does not change"
UNEVEN = "amiable: the instalments of a document make its total"


def upgrade() -> None:
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:  # SQLite holds no text to a length, and would make the table anew, without its triggers
        op.alter_column("invoice", "terms", type_=sa.String(length=200))
    op.create_index("ix_invoice_number", "invoice", ["number"])
    _instalments()
    _keep_instalments(connection, on_sqlite=on_sqlite)
    _law()
    _keep_law(connection, on_sqlite=on_sqlite)


def _instalments() -> None:
    op.create_table(
        "invoice_instalment",
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_invoice_instalment_amount_positive")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_invoice_instalment_entry_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_instalment_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_instalment")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_invoice_instalment_entry_id")),
    )
    op.execute(
        "INSERT INTO invoice_instalment (invoice_id, position, due_on, amount_minor, entry_id) "
        "SELECT id, 1, due_on, total_minor, entry_id FROM invoice WHERE state = 'issued'"
    )


def _keep_instalments(connection: sa.Connection, *, on_sqlite: bool) -> None:
    """Instalments are part of their document: not to change once it is issued, and then they make its total."""
    sums = "(SELECT coalesce(sum(amount_minor), 0) FROM invoice_instalment WHERE invoice_id = NEW.id)"
    if on_sqlite:
        for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
            connection.exec_driver_sql(
                f"CREATE TRIGGER invoice_instalment_{event.lower()}_{rows.lower()} BEFORE {event} "
                f"ON invoice_instalment WHEN EXISTS "
                f"(SELECT 1 FROM invoice WHERE id = {rows}.invoice_id AND state = 'issued') "
                f"BEGIN SELECT RAISE(ABORT, '{STAYS}'); END;"
            )
        connection.exec_driver_sql(
            "CREATE TRIGGER invoice_instalments_tie BEFORE UPDATE ON invoice "
            f"WHEN NEW.state = 'issued' AND {sums} <> NEW.total_minor BEGIN SELECT RAISE(ABORT, '{UNEVEN}'); END;"
        )
        return
    connection.exec_driver_sql(
        "CREATE TRIGGER invoice_instalment_stays BEFORE INSERT OR UPDATE OR DELETE ON invoice_instalment "
        "FOR EACH ROW EXECUTE FUNCTION amiable_document_part_stays()"
    )
    connection.exec_driver_sql(
        "CREATE TRIGGER invoice_instalment_not_emptied BEFORE TRUNCATE ON invoice_instalment "
        "FOR EACH STATEMENT EXECUTE FUNCTION amiable_document_stays()"
    )
    connection.exec_driver_sql(
        "CREATE FUNCTION amiable_instalments_tie() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {sums} <> NEW.total_minor THEN "
        f"RAISE EXCEPTION '{UNEVEN}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$"
    )
    connection.exec_driver_sql(
        "CREATE TRIGGER invoice_instalments_tie BEFORE UPDATE ON invoice FOR EACH ROW WHEN (NEW.state = 'issued') "
        "EXECUTE FUNCTION amiable_instalments_tie()"
    )


def _law() -> None:
    """The table, with what the former one held, and the figures that were checked."""
    table = op.create_table(
        "late_payment_law",
        sa.Column("id", BigId, nullable=False),
        sa.Column("jurisdiction", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("value", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_late_payment_law_period")),
        sa.CheckConstraint("value >= 0", name=op.f("ck_late_payment_law_value_positive")),
        sa.CheckConstraint(
            "(kind = 'fixed_compensation') = (currency IS NOT NULL)", name=op.f("ck_late_payment_law_currency_given")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_payment_law")),
    )
    with op.batch_alter_table("late_payment_law", schema=None) as batch_op:
        batch_op.create_index("ix_late_payment_law_period", ["jurisdiction", "kind", "valid_from"], unique=False)
    entered = {"entered_at": datetime(2026, 11, 24, tzinfo=UTC), "entered_by": "system"}
    op.bulk_insert(table, [dict(zip(NAMES, row, strict=True)) | entered for row in (*LAW, *_former(op.get_bind()))])
    op.drop_table("late_payment_terms")


def _keep_law(connection: sa.Connection, *, on_sqlite: bool) -> None:
    """Rows are added and never changed: what a past invoice was told stays to be told again."""
    if on_sqlite:
        for event in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER late_payment_law_no_{event.lower()} BEFORE {event} ON late_payment_law "
                "BEGIN SELECT RAISE(ABORT, 'amiable: posted rows do not change'); END;"
            )
        return
    connection.exec_driver_sql(
        "CREATE TRIGGER late_payment_law_immutable BEFORE UPDATE OR DELETE ON late_payment_law "
        "FOR EACH ROW EXECUTE FUNCTION amiable_refuse()"
    )
    connection.exec_driver_sql(
        "CREATE TRIGGER late_payment_law_not_emptied BEFORE TRUNCATE ON late_payment_law "
        "FOR EACH STATEMENT EXECUTE FUNCTION amiable_refuse()"
    )


def _former(connection: sa.Connection) -> Iterator[tuple[Any, ...]]:
    """The rows of the table that had rate and fixed sum side by side, which comes to an end here."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("country", "currency", "fixed_minor", "source")]
    days = [sa.column(name, sa.Date()) for name in ("valid_from", "valid_to")]
    rate = sa.column("interest_percent", sa.Numeric(7, 4, asdecimal=True))
    for row in connection.execute(sa.select(*columns, *days, rate).select_from(sa.table("late_payment_terms"))):
        period = (row.valid_from, row.valid_to, row.source)
        yield row.country, "interest", row.interest_percent, None, *period
        fixed = to_decimal(row.fixed_minor, row.currency)
        yield row.country, "fixed_compensation", fixed, row.currency, *period
