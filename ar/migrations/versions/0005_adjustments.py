"""Allowances, charges and what documents follow; periods, places and the reasons of lines that bear no VAT."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STAYS = "amiable: an issued document does not change"
PARTS = ("invoice_adjustment", "invoice_preceding")


def upgrade() -> None:
    connection = op.get_bind()
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    drafts = sa.text("state = 'draft'")
    op.create_index("ix_invoice_draft", "invoice", ["account_id", "id"], sqlite_where=drafts, postgresql_where=drafts)
    op.create_table(
        "invoice_adjustment",
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line_position", sa.Integer(), nullable=True),
        sa.Column("charge", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("percent_bp", sa.Integer(), nullable=True),
        sa.Column("base_minor", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("tax_category", sa.String(length=24), nullable=False),
        sa.Column("tax_rate_bp", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_adjustment_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_adjustment")),
    )
    op.create_table(
        "invoice_preceding",
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("preceding_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_preceding_invoice_id")),
        sa.ForeignKeyConstraint(["preceding_id"], ["invoice.id"], name=op.f("fk_invoice_preceding_preceding_id")),
        sa.PrimaryKeyConstraint("invoice_id", "preceding_id", name=op.f("pk_invoice_preceding")),
    )
    op.create_index("ix_invoice_preceding_preceding", "invoice_preceding", ["preceding_id"])
    for table in PARTS:
        _keep(connection, table, on_sqlite=connection.dialect.name == "sqlite")


def _columns() -> dict[str, list[sa.Column[Any]]]:
    """What tables that stand gain; each column is empty in the rows there are."""

    def words(name: str, length: int, default: str = "") -> sa.Column[Any]:
        return sa.Column(name, sa.String(length=length), nullable=False, server_default=default)

    return {
        "invoice": [
            words("order_reference", 60),
            words("stage", 24, "standard"),
            sa.Column("period_from", sa.Date(), nullable=True),
            sa.Column("period_to", sa.Date(), nullable=True),
            sa.Column("deliver_to", Json, nullable=True),
            sa.Column("tax_currency", sa.String(length=3), nullable=True),
            sa.Column("tax_accounting_minor", BigId, nullable=True),
            words("created_by", 80),
            sa.Column("approved_at", UtcDateTime(), nullable=True),
            sa.Column("approved_by", sa.String(length=80), nullable=True),
        ],
        "invoice_line": [
            words("unit", 3, "C62"),
            words("item_code", 60),
            words("order_line", 60),
            sa.Column("period_from", sa.Date(), nullable=True),
            sa.Column("period_to", sa.Date(), nullable=True),
            words("exemption", 30),
            words("supply", 24, "goods"),
            sa.Column("corrects_position", sa.Integer(), nullable=True),
        ],
        "invoice_tax": [words("exemption", 30)],
    }


def _keep(connection: sa.Connection, table: str, *, on_sqlite: bool) -> None:
    """Parts of a document do not change once it is issued."""
    if on_sqlite:
        for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_{event.lower()}_{rows.lower()} BEFORE {event} ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM invoice WHERE id = {rows}.invoice_id AND state = 'issued') "
                f"BEGIN SELECT RAISE(ABORT, '{STAYS}'); END;"
            )
        return
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_stays BEFORE INSERT OR UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION amiable_document_part_stays()"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION amiable_document_stays()"
    )
