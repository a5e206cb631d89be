"""The logos of the sellers."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seller_logo",
        sa.Column("entity_id", BigId, autoincrement=False, nullable=False),
        sa.Column("file_id", BigId, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_seller_logo_entity_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_seller_logo_file_id")),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_seller_logo")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what was made")
