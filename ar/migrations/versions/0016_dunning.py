"""Drafts and choices of policies; channels and charges of notices; kinds of holds."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("dunning_policy", schema=None) as batch_op:
        batch_op.alter_column("active_from", existing_type=UtcDateTime, nullable=True)
        batch_op.add_column(sa.Column("segment", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("named", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        batch_op.add_column(sa.Column("created_at", UtcDateTime, nullable=True))
        batch_op.add_column(sa.Column("simulated", Json, nullable=True))
        batch_op.add_column(sa.Column("reason", sa.String(length=400), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "dunning_choice",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=True),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_dunning_choice_account_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_dunning_choice_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_choice")),
    )
    op.create_index("ix_dunning_choice_account", "dunning_choice", ["account_id", "id"])
    for name, column, which in (
        ("uq_dunning_choice_account", "account_id", "ended_at IS NULL AND entry_id IS NULL"),
        ("uq_dunning_choice_entry", "entry_id", "ended_at IS NULL AND entry_id IS NOT NULL"),
    ):
        where = sa.text(which)
        op.create_index(name, "dunning_choice", [column], unique=True, sqlite_where=where, postgresql_where=where)
    op.add_column("dunning_notice", sa.Column("channel", sa.String(length=24), server_default="email", nullable=False))
    op.add_column("dunning_notice", sa.Column("late", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("dunning_notice", sa.Column("charges", Json, nullable=True))
    op.add_column("dunning_notice", sa.Column("to_book", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(
        "ix_dunning_notice_to_book",
        "dunning_notice",
        ["id"],
        sqlite_where=sa.text("to_book"),
        postgresql_where=sa.text("to_book"),
    )
    op.add_column("dunning_hold", sa.Column("kind", sa.String(length=24), server_default="person", nullable=False))
