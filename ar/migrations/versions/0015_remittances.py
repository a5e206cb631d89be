"""Remittance advices and their lines; what a platform was told of as cashed; open bank lines by amount."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cashed_report",
        sa.Column("allocation_id", BigId, autoincrement=False, nullable=False),
        sa.Column("delivery_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("cashed_on", sa.Date(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_cashed_report_allocation_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_cashed_report_delivery_id")),
        sa.PrimaryKeyConstraint("allocation_id", name=op.f("pk_cashed_report")),
    )
    op.create_index("ix_cashed_report_delivery", "cashed_report", ["delivery_id", "allocation_id"])
    op.create_table(
        "remittance_advice",
        sa.Column("id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("entity_id", BigId, nullable=True),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("file_id", BigId, nullable=True),
        sa.Column("payer", sa.String(length=200), nullable=False),
        sa.Column("amount_minor", BigId, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("reference_key", sa.String(length=80), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("doubts", Json, nullable=False),
        sa.Column("bank_line_id", BigId, nullable=True),
        sa.Column("payment_id", BigId, nullable=True),
        sa.Column("paired_why", sa.String(length=400), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('paired', 'used')) = (bank_line_id IS NOT NULL OR payment_id IS NOT NULL)",
            name=op.f("ck_remittance_advice_paired_with"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_remittance_advice_amount_positive")),
        sa.CheckConstraint("bank_line_id IS NULL OR payment_id IS NULL", name=op.f("ck_remittance_advice_one_partner")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_remittance_advice_account_id")),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_line.id"], name=op.f("fk_remittance_advice_bank_line_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_remittance_advice_entity_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_remittance_advice_file_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_remittance_advice_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_advice")),
        sa.UniqueConstraint("bank_line_id", name=op.f("uq_remittance_advice_bank_line_id")),
        sa.UniqueConstraint("digest", name=op.f("uq_remittance_advice_digest")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_remittance_advice_payment_id")),
    )
    op.create_index("ix_remittance_advice_account", "remittance_advice", ["account_id", "id"])
    op.create_index(
        "ix_remittance_advice_amount",
        "remittance_advice",
        ["amount_minor", "currency"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_remittance_advice_reference",
        "remittance_advice",
        ["reference_key"],
        sqlite_where=sa.text("state = 'open' AND reference_key <> ''"),
        postgresql_where=sa.text("state = 'open' AND reference_key <> ''"),
    )
    op.create_index("ix_remittance_advice_state", "remittance_advice", ["state", "id"])
    op.create_table(
        "remittance_line",
        sa.Column("id", BigId, nullable=False),
        sa.Column("advice_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("entry_id", BigId, nullable=True),
        sa.Column("document_on", sa.Date(), nullable=True),
        sa.Column("gross_minor", BigId, nullable=True),
        sa.Column("deduction_minor", BigId, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("paid_minor", BigId, nullable=True),
        sa.Column("said", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["advice_id"], ["remittance_advice.id"], name=op.f("fk_remittance_line_advice_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_remittance_line_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_line")),
        sa.UniqueConstraint("advice_id", "position", name=op.f("uq_remittance_line_advice_id_position")),
    )
    op.create_index("ix_remittance_line_entry", "remittance_line", ["entry_id"])
    op.create_index(
        "ix_bank_line_open_amount",
        "bank_line",
        ["amount_minor", "currency"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
