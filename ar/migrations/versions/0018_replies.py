"""What customers write back, what is proposed for it, and how far the mailbox was read."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reply_mailbox",
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("uid_validity", BigId, nullable=False),
        sa.Column("last_uid", BigId, nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_reply_mailbox")),
    )
    op.create_table(
        "reply",
        sa.Column("id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("thread", sa.String(length=80), nullable=False),
        sa.Column("outbox_id", BigId, nullable=True),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("contact_id", BigId, nullable=True),
        sa.Column("matched_by", sa.String(length=24), nullable=False),
        sa.Column("suggested", Json, nullable=False),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("sender_name", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("written_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("sureness", sa.Integer(), nullable=False),
        sa.Column("human", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("back_on", sa.Date(), nullable=True),
        sa.Column("files", Json, nullable=False),
        sa.Column("doubts", Json, nullable=False),
        sa.Column("file_id", BigId, nullable=True),
        sa.Column("size", BigId, nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=False),
        sa.Column("handled_by", sa.String(length=80), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_reply_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_reply_contact_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_reply_file_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox_message.id"], name=op.f("fk_reply_outbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("digest", name=op.f("uq_reply_digest")),
    )
    op.create_index("ix_reply_state", "reply", ["state", "id"])
    op.create_index("ix_reply_kind", "reply", ["kind", "id"])
    op.create_index("ix_reply_account", "reply", ["account_id", "id"])
    op.create_index("ix_reply_message_id", "reply", ["message_id"])
    op.create_index("ix_reply_thread", "reply", ["thread", "id"])
    op.create_index("ix_reply_outbox", "reply", ["outbox_id"])
    op.create_index(
        "ix_reply_waiting",
        "reply",
        ["account_id", "written_on"],
        sqlite_where=sa.text("state = 'open' AND human"),
        postgresql_where=sa.text("state = 'open' AND human"),
    )
    op.create_index(
        "ix_reply_kept",
        "reply",
        ["received_at"],
        sqlite_where=sa.text("file_id IS NOT NULL"),
        postgresql_where=sa.text("file_id IS NOT NULL"),
    )
    op.create_table(
        "reply_proposal",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reply_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("sureness", sa.Integer(), nullable=False),
        sa.Column("quote_start", sa.Integer(), nullable=False),
        sa.Column("quote_end", sa.Integer(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("result", Json, nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["reply_id"], ["reply.id"], name=op.f("fk_reply_proposal_reply_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_proposal")),
        sa.UniqueConstraint("reply_id", "position", name=op.f("uq_reply_proposal_reply_id_position")),
    )
