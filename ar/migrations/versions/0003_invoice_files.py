"""Files made of issued documents; the day of supply of an invoice; a customer's postal address."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("street", sa.String(length=200), nullable=True))
    op.add_column("account", sa.Column("postcode", sa.String(length=20), nullable=True))
    op.add_column("account", sa.Column("city", sa.String(length=100), nullable=True))
    op.add_column("invoice", sa.Column("supplied_on", sa.Date(), nullable=True))
    op.create_table(
        "invoice_file",
        sa.Column("id", BigId, nullable=False),
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("format", sa.String(length=24), nullable=False),
        sa.Column("file_id", BigId, nullable=True),
        sa.Column("failures", sa.JSON(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(file_id IS NULL) = (failures IS NOT NULL)", name=op.f("ck_invoice_file_made_or_failed")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_invoice_file_file_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_file_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_file")),
        sa.UniqueConstraint("invoice_id", "format", name=op.f("uq_invoice_file_invoice_id_format")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what was made")
