"""Gateway customers, saved methods, virtual accounts and autopay; what was captured and funded of a payment."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _methods()
    _virtual_accounts()
    _payments()
    _autopay()


def _methods() -> None:
    op.create_table(
        "gateway_customer",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("gateway", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_gateway_customer_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_customer")),
        sa.UniqueConstraint("account_id", "gateway", name=op.f("uq_gateway_customer_account_id_gateway")),
        sa.UniqueConstraint("gateway", "number", name=op.f("uq_gateway_customer_gateway_number")),
    )
    op.create_table(
        "saved_method",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("gateway", sa.String(length=20), nullable=False),
        sa.Column("gateway_customer", sa.String(length=255), nullable=False),
        sa.Column("gateway_method", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("exp_month", sa.Integer(), nullable=True),
        sa.Column("exp_year", sa.Integer(), nullable=True),
        sa.Column("mandate", sa.String(length=255), nullable=True),
        sa.Column("mandate_reference", sa.String(length=60), nullable=False),
        sa.Column("unusable", sa.String(length=60), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("consented_by", sa.String(length=80), nullable=False),
        sa.Column("consented_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("exp_month BETWEEN 1 AND 12", name=op.f("ck_saved_method_exp_month")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_saved_method_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_method")),
        sa.UniqueConstraint("gateway", "gateway_method", name=op.f("uq_saved_method_gateway_gateway_method")),
    )
    op.create_index("ix_saved_method_account", "saved_method", ["account_id", "id"])
    op.create_index("ix_saved_method_mandate", "saved_method", ["gateway", "mandate"])
    op.create_index(
        "uq_saved_method_default",
        "saved_method",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("is_default AND removed_at IS NULL"),
        postgresql_where=sa.text("is_default AND removed_at IS NULL"),
    )
    op.create_table(
        "method_setup",
        sa.Column("id", BigId, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("gateway", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("request", Json, nullable=False),
        sa.Column("gateway_session", sa.String(length=255), nullable=True),
        sa.Column("saved_method_id", BigId, nullable=True),
        sa.Column("outcome", sa.String(length=400), nullable=False),
        sa.Column("consented_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_method_setup_account_id")),
        sa.ForeignKeyConstraint(["saved_method_id"], ["saved_method.id"], name=op.f("fk_method_setup_saved_method_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_method_setup")),
        sa.UniqueConstraint("gateway_session", name=op.f("uq_method_setup_gateway_session")),
        sa.UniqueConstraint("public_id", name=op.f("uq_method_setup_public_id")),
    )
    op.create_index("ix_method_setup_account", "method_setup", ["account_id", "id"])
    op.create_index(
        "ix_method_setup_open",
        "method_setup",
        ["gateway", "created_at"],
        sqlite_where=sa.text("state IN ('intended', 'open')"),
        postgresql_where=sa.text("state IN ('intended', 'open')"),
    )


def _virtual_accounts() -> None:
    op.create_table(
        "virtual_account",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("gateway", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("balance_minor", BigId, server_default=sa.text("0"), nullable=False),
        sa.Column("balance_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_virtual_account_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_virtual_account")),
        sa.UniqueConstraint(
            "account_id", "gateway", "currency", name=op.f("uq_virtual_account_account_id_gateway_currency")
        ),
    )
    op.create_index("ix_virtual_account_iban", "virtual_account", ["iban"])


def _payments() -> None:
    op.add_column("payment", sa.Column("flow", sa.String(length=24), nullable=True))
    op.add_column("payment", sa.Column("instructions", Json, nullable=True))
    op.add_column("payment", sa.Column("failure", sa.String(length=60), server_default="", nullable=False))
    op.add_column("payment", sa.Column("authorised_at", UtcDateTime(), nullable=True))
    op.add_column("payment", sa.Column("funded_minor", BigId, server_default=sa.text("0"), nullable=False))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE payment ADD COLUMN saved_method_id INTEGER REFERENCES saved_method (id)")
        op.execute(
            "ALTER TABLE payment ADD COLUMN captured_minor INTEGER "
            "CONSTRAINT ck_payment_captured_within CHECK (captured_minor BETWEEN 0 AND amount_minor)"
        )
    else:
        op.add_column("payment", sa.Column("saved_method_id", BigId, nullable=True))
        op.create_foreign_key(
            op.f("fk_payment_saved_method_id"), "payment", "saved_method", ["saved_method_id"], ["id"]
        )
        op.add_column("payment", sa.Column("captured_minor", BigId, nullable=True))
        op.create_check_constraint(
            op.f("ck_payment_captured_within"), "payment", "captured_minor BETWEEN 0 AND amount_minor"
        )
    op.create_index(op.f("ix_payment_saved_method_id"), "payment", ["saved_method_id"])
    op.execute("UPDATE payment SET flow = 'page' WHERE request IS NOT NULL")


def _autopay() -> None:
    op.create_table(
        "autopay",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("saved_method_id", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("limit_minor", BigId, nullable=False),
        sa.Column("offset_days", sa.Integer(), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("started_by", sa.String(length=80), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=False),
        sa.Column("ended_why", sa.String(length=60), nullable=False),
        sa.CheckConstraint("limit_minor > 0", name=op.f("ck_autopay_limit_positive")),
        sa.CheckConstraint("notice_days BETWEEN 1 AND 60", name=op.f("ck_autopay_notice_days")),
        sa.CheckConstraint("offset_days BETWEEN -30 AND 30", name=op.f("ck_autopay_offset_days")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_autopay_account_id")),
        sa.ForeignKeyConstraint(["saved_method_id"], ["saved_method.id"], name=op.f("fk_autopay_saved_method_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_autopay")),
    )
    op.create_index("ix_autopay_account", "autopay", ["account_id", "id"])
    op.create_index("ix_autopay_ended", "autopay", ["ended_at", "id"])
    op.create_index("ix_autopay_method", "autopay", ["saved_method_id"])
    op.create_index(
        "uq_autopay_on",
        "autopay",
        ["account_id", "currency"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "autopay_item",
        sa.Column("id", BigId, nullable=False),
        sa.Column("autopay_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("pay_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("why", sa.String(length=60), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("payment_id", BigId, nullable=True),
        sa.Column("announced_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_autopay_item_amount_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_autopay_item_account_id")),
        sa.ForeignKeyConstraint(["autopay_id"], ["autopay.id"], name=op.f("fk_autopay_item_autopay_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_autopay_item_entry_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_autopay_item_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_autopay_item")),
        sa.UniqueConstraint("autopay_id", "entry_id", name=op.f("uq_autopay_item_autopay_id_entry_id")),
    )
    op.create_index(op.f("ix_autopay_item_account_id"), "autopay_item", ["account_id"])
    op.create_index("ix_autopay_item_entry", "autopay_item", ["entry_id"])
    op.create_index("ix_autopay_item_payment", "autopay_item", ["payment_id"])
    op.create_index("ix_autopay_item_state", "autopay_item", ["state", "pay_on", "id"])
