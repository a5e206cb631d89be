"""The words of reminders that staff wrote."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message_text",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("entity_id", BigId, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=1000), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("tone", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("failure", sa.String(length=400), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_message_text_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_text")),
        sa.UniqueConstraint("kind", "language", "version", name=op.f("uq_message_text_kind_language_version")),
    )
    for name, columns, where in (
        ("ux_message_text_live_company", ["kind", "language"], "state = 'live' AND entity_id IS NULL"),
        ("ux_message_text_live_entity", ["kind", "language", "entity_id"], "state = 'live' AND entity_id IS NOT NULL"),
    ):
        op.create_index(
            name,
            "message_text",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_index("ix_message_text_state", "message_text", ["state", "id"])


def downgrade() -> None:
    op.drop_table("message_text")
