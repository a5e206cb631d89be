"""Experiments on reminders, and their customers."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "experiment",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("arms", Json, nullable=False),
        sa.Column("segment", sa.String(length=60), nullable=True),
        sa.Column("limits", Json, nullable=False),
        sa.Column("kept_out", Json, nullable=False),
        sa.Column("most_days_late", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("salt", sa.String(length=40), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
        sa.UniqueConstraint("name", name=op.f("uq_experiment_name")),
    )
    op.create_index("ix_experiment_days", "experiment", ["ends_on", "starts_on"])
    op.create_table(
        "experiment_arm",
        sa.Column("id", BigId, nullable=False),
        sa.Column("experiment_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("arm", sa.String(length=40), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name=op.f("fk_experiment_arm_experiment_id")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_experiment_arm_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment_arm")),
        sa.UniqueConstraint("account_id", "experiment_id", name=op.f("uq_experiment_arm_account_id_experiment_id")),
    )
    op.create_index("ix_experiment_arm_experiment", "experiment_arm", ["experiment_id", "account_id"])
