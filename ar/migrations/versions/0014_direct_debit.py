"""Mandates, collections by direct debit, and instalment plans."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _settings()
    _collections()
    _mandates()
    _lines()
    _plans()


def _settings() -> None:
    op.create_table(
        "plan_policy",
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("max_months", sa.Integer(), nullable=False),
        sa.Column("max_instalments", sa.Integer(), nullable=False),
        sa.Column("min_instalment_minor", BigId, nullable=False),
        sa.Column("reminder_days", sa.Integer(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_plan_policy_entity_id")),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_plan_policy")),
    )
    op.create_table(
        "sepa_creditor",
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("identifier", sa.String(length=35), nullable=False),
        sa.Column("notice_days", sa.Integer(), server_default=sa.text("14"), nullable=False),
        sa.CheckConstraint("notice_days BETWEEN 1 AND 60", name=op.f("ck_sepa_creditor_notice_days")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_sepa_creditor_entity_id")),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_sepa_creditor")),
    )
    op.create_table(
        "collection_account",
        sa.Column("bank_account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("file_schema", sa.String(length=24), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("settle_days", sa.Integer(), nullable=True),
        sa.Column("says_first", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("lead_days BETWEEN 1 AND 14", name=op.f("ck_collection_account_lead_days")),
        sa.CheckConstraint("settle_days BETWEEN 1 AND 30", name=op.f("ck_collection_account_settle_days")),
        sa.ForeignKeyConstraint(
            ["bank_account_id"], ["bank_account.id"], name=op.f("fk_collection_account_bank_account_id")
        ),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_collection_account_entity_id")),
        sa.PrimaryKeyConstraint("bank_account_id", name=op.f("pk_collection_account")),
    )
    op.create_index(op.f("ix_collection_account_entity_id"), "collection_account", ["entity_id"])


def _collections() -> None:
    op.create_table(
        "collection",
        sa.Column("id", BigId, nullable=False),
        sa.Column("message_id", sa.String(length=35), nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("bank_account_id", BigId, nullable=False),
        sa.Column("scheme", sa.String(length=24), nullable=False),
        sa.Column("collect_on", sa.Date(), nullable=False),
        sa.Column("items_until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("problem", sa.String(length=2000), nullable=False),
        sa.Column("lines_made", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_minor", BigId, server_default=sa.text("0"), nullable=False),
        sa.Column("file_id", BigId, nullable=True),
        sa.Column("proposed_by", sa.String(length=80), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.Column("out_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["bank_account_id"], ["bank_account.id"], name=op.f("fk_collection_bank_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_collection_entity_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_collection_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("message_id", name=op.f("uq_collection_message_id")),
    )
    op.create_index("ix_collection_entity", "collection", ["entity_id", "id"])
    op.create_index("ix_collection_state", "collection", ["state", "collect_on", "id"])


def _mandates() -> None:
    op.create_table(
        "mandate",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("scheme", sa.String(length=24), nullable=False),
        sa.Column("reference", sa.String(length=35), nullable=False),
        sa.Column("debtor_name", sa.String(length=70), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.Column("one_off", sa.Boolean(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("limit_minor", BigId, nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("state_reason", sa.String(length=400), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("evidence_file_id", BigId, nullable=True),
        sa.Column("consent", Json, nullable=True),
        sa.Column("bank_confirmed_on", sa.Date(), nullable=True),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.Column("final", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("limit_minor > 0", name=op.f("ck_mandate_limit_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_mandate_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_mandate_entity_id")),
        sa.ForeignKeyConstraint(["evidence_file_id"], ["stored_file.id"], name=op.f("fk_mandate_evidence_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
        sa.UniqueConstraint("entity_id", "reference", name=op.f("uq_mandate_entity_id_reference")),
    )
    op.create_index("ix_mandate_account", "mandate", ["account_id", "id"])
    op.create_index("ix_mandate_reference", "mandate", ["reference"])
    op.create_index("ix_mandate_state", "mandate", ["state", "id"])
    op.create_index(
        "uq_mandate_living",
        "mandate",
        ["account_id", "entity_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('unsigned', 'unconfirmed', 'active', 'suspended')"),
        postgresql_where=sa.text("state IN ('unsigned', 'unconfirmed', 'active', 'suspended')"),
    )
    op.create_table(
        "mandate_amendment",
        sa.Column("id", BigId, nullable=False),
        sa.Column("mandate_id", BigId, nullable=False),
        sa.Column("old_iban", sa.String(length=34), nullable=False),
        sa.Column("new_iban", sa.String(length=34), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("told_in", BigId, nullable=True),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandate.id"], name=op.f("fk_mandate_amendment_mandate_id")),
        sa.ForeignKeyConstraint(["told_in"], ["collection.id"], name=op.f("fk_mandate_amendment_told_in")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate_amendment")),
    )
    op.create_index("ix_mandate_amendment_mandate", "mandate_amendment", ["mandate_id", "id"])
    op.create_index(op.f("ix_mandate_amendment_told_in"), "mandate_amendment", ["told_in"])


def _lines() -> None:
    op.create_table(
        "collection_line",
        sa.Column("id", BigId, nullable=False),
        sa.Column("collection_id", BigId, nullable=False),
        sa.Column("mandate_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("payment_id", BigId, nullable=False),
        sa.Column("end_to_end_id", sa.String(length=35), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("sequence", sa.String(length=24), nullable=True),
        sa.Column("told_on", sa.Date(), nullable=True),
        sa.Column("told_by", sa.String(length=80), nullable=False),
        sa.Column("return_reason", sa.String(length=10), server_default="", nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_collection_line_amount_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_collection_line_account_id")),
        sa.ForeignKeyConstraint(["collection_id"], ["collection.id"], name=op.f("fk_collection_line_collection_id")),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandate.id"], name=op.f("fk_collection_line_mandate_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_collection_line_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_line")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_collection_line_payment_id")),
    )
    op.create_index("ix_collection_line_collection", "collection_line", ["collection_id", "id"])
    op.create_index("ix_collection_line_mandate", "collection_line", ["mandate_id", "id"])


def _plans() -> None:
    op.create_table(
        "payment_plan",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("collected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("state_reason", sa.String(length=400), nullable=False),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("agreed_by", sa.String(length=80), nullable=True),
        sa.Column("agreed_at", UtcDateTime(), nullable=True),
        sa.Column("over_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_plan_amount_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_payment_plan_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_payment_plan_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_plan")),
    )
    op.create_index("ix_payment_plan_account", "payment_plan", ["account_id", "id"])
    op.create_index("ix_payment_plan_state", "payment_plan", ["state", "id"])
    op.create_table(
        "plan_item",
        sa.Column("id", BigId, nullable=False),
        sa.Column("plan_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("open_minor", BigId, nullable=False),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND open_minor", name=op.f("ck_plan_item_amount_within")),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_plan_item_entry_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["payment_plan.id"], name=op.f("fk_plan_item_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_item")),
        sa.UniqueConstraint("plan_id", "entry_id", name=op.f("uq_plan_item_plan_id_entry_id")),
    )
    op.create_index("ix_plan_item_entry", "plan_item", ["entry_id"])
    op.create_table(
        "plan_instalment",
        sa.Column("id", BigId, nullable=False),
        sa.Column("plan_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column("met_at", UtcDateTime(), nullable=True),
        sa.Column("missed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_plan_instalment_amount_positive")),
        sa.ForeignKeyConstraint(["plan_id"], ["payment_plan.id"], name=op.f("fk_plan_instalment_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_instalment")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_plan_instalment_plan_id_number")),
    )
    op.create_index("ix_plan_instalment_due", "plan_instalment", ["due_on", "plan_id"])
