"""Credit: limits, holds, rules of segments and exceptions; kinds of customers, and what the law says of each."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DIRECTIVE, FRANCE, ORDERS = date(2013, 3, 16), date(2019, 4, 26), date(2019, 4, 1)
"""When the directive had to be law everywhere, and when article L441-10 and the code of public orders took force."""

LAW: list[tuple[Any, ...]] = [
    (
        "EU",
        "public_max_days",
        "30",
        DIRECTIVE,
        None,
        "Directive 2011/7/EU, article 4, up to 60 only where expressly agreed and justified",
    ),
    (
        "FR",
        "public_max_days",
        "30",
        ORDERS,
        None,
        "Code de la commande publique R2192-10, save 50 for hospitals and 60 for public enterprises (R2192-11)",
    ),
    ("FR", "periodic_max_days", "45", FRANCE, None, "Code de commerce L441-10, periodic invoices"),
    ("FR", "contract_multiple", "3", FRANCE, None, "Code de commerce L441-10, II: three times the legal rate"),
    ("FR", "legal_rate", "2.76", date(2025, 7, 1), date(2025, 12, 31), "Arrêté du 19 juin 2025, all other cases"),
    ("FR", "legal_rate", "2.62", date(2026, 1, 1), date(2026, 6, 30), "Arrêté du 15 décembre 2025, all other cases"),
]


def upgrade() -> None:
    _limits()
    _holds()
    _rules()
    _overrides()
    op.add_column("account", sa.Column("kind", sa.String(length=24), server_default="company", nullable=False))
    _contract_rates()
    _law()
    for table in ("credit_limit", "credit_hold_event", "credit_rule", "credit_override", "contract_rate"):
        _keep(op.get_bind(), table)


def _limits() -> None:
    op.create_table(
        "credit_limit",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=True),
        sa.Column("covers_group", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BigId, nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_credit_limit_amount_not_negative")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_credit_limit_period")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_credit_limit_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_credit_limit_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_limit")),
    )
    op.create_index("ix_credit_limit_account", "credit_limit", ["account_id", "id"])


def _holds() -> None:
    op.create_table(
        "credit_hold_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("lifts_id", BigId, nullable=True),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("words", sa.String(length=400), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_credit_hold_event_account_id")),
        sa.ForeignKeyConstraint(["lifts_id"], ["credit_hold_event.id"], name=op.f("fk_credit_hold_event_lifts_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_hold_event")),
        sa.UniqueConstraint("lifts_id", name=op.f("uq_credit_hold_event_lifts_id")),
    )
    op.create_index("ix_credit_hold_event_account", "credit_hold_event", ["account_id", "id"])


def _rules() -> None:
    op.create_table(
        "credit_rule",
        sa.Column("id", BigId, nullable=False),
        sa.Column("segment", sa.String(length=60), nullable=True),
        sa.Column("without_limit", sa.String(length=24), nullable=False),
        sa.Column("overdue_days", sa.Integer(), nullable=True),
        sa.Column("overdue_minor", BigId, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("overdue_days >= 0", name=op.f("ck_credit_rule_days_not_negative")),
        sa.CheckConstraint("overdue_minor >= 0", name=op.f("ck_credit_rule_overdue_not_negative")),
        sa.CheckConstraint("(overdue_minor IS NULL) = (currency IS NULL)", name=op.f("ck_credit_rule_currency_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_rule")),
    )
    op.create_index("ix_credit_rule_segment", "credit_rule", ["segment", "id"])


def _overrides() -> None:
    op.create_table(
        "credit_override",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("reason", sa.String(length=4000), nullable=False),
        sa.Column("granted_by", sa.String(length=80), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_credit_override_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_override")),
    )
    op.create_index("ix_credit_override_subject", "credit_override", ["subject", "id"])
    op.create_index("ix_credit_override_account", "credit_override", ["account_id", "id"])


def _contract_rates() -> None:
    op.create_table(
        "contract_rate",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("entered_by", sa.String(length=80), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("percent >= 0", name=op.f("ck_contract_rate_percent_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_contract_rate_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_rate")),
    )
    op.create_index("ix_contract_rate_account", "contract_rate", ["account_id", "valid_from", "id"])


def _law() -> None:
    names = ("jurisdiction", "kind", "value", "valid_from", "valid_to", "source")
    table = sa.table(
        "late_payment_law",
        *(sa.column(name) for name in ("jurisdiction", "kind", "source", "entered_by")),
        sa.column("value", sa.Numeric(12, 4, asdecimal=True)),
        sa.column("valid_from", sa.Date()),
        sa.column("valid_to", sa.Date()),
        sa.column("entered_at", UtcDateTime()),
    )
    entered = {"entered_at": datetime(2026, 11, 24, tzinfo=UTC), "entered_by": "system"}
    rows = [dict(zip(names, row, strict=True)) | entered for row in LAW]
    op.bulk_insert(table, [row | {"value": Decimal(row["value"])} for row in rows])


def _keep(connection: sa.Connection, table: str) -> None:
    """Rows are added and never changed: what an order was let through on stays to be told again."""
    if connection.dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'amiable: posted rows do not change'); END;"
            )
        return
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION amiable_refuse()"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION amiable_refuse()"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what was granted")
