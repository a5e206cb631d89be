"""Messages by other channels than e-mail, found again by their Message-ID, and what became of them."""

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox_message", sa.Column("digest", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("outbox_message", sa.Column("channel", sa.String(length=24), nullable=False, server_default="email"))
    op.add_column("outbox_message", sa.Column("carrier_ref", sa.String(length=64), nullable=True))
    op.add_column("outbox_message", sa.Column("arrival", sa.String(length=24), nullable=True))
    op.add_column("outbox_message", sa.Column("arrival_at", UtcDateTime(), nullable=True))
    op.add_column("outbox_message", sa.Column("arrival_words", sa.String(length=400), nullable=True))
    _fill_digests()
    op.create_index("ix_outbox_message_digest", "outbox_message", ["digest"])
    for name, columns, condition in (
        ("carrier_ref", ["carrier_ref"], "carrier_ref IS NOT NULL"),
        ("arrival", ["arrival", "id"], "arrival IS NOT NULL"),
        ("channel", ["channel", "send_after", "id"], "state = 'queued'"),
        ("notice", ["account_id", "id"], "channel = 'portal' AND arrival IS NULL"),
        ("number", ["recipient", "id"], "channel = 'sms'"),
    ):
        kept = sa.text(condition)
        op.create_index(
            f"ix_outbox_message_{name}", "outbox_message", columns, sqlite_where=kept, postgresql_where=kept
        )
    _text_messages()
    _webhooks()
    _letters()


def _text_messages() -> None:
    op.create_table(
        "sms_number",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sms_number")),
    )
    op.create_table(
        "sms_received",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider_ref", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=20), nullable=False),
        sa.Column("recipient", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=1600), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", BigId, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_received")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_sms_received_provider_ref")),
    )
    op.create_index("ix_sms_received_sender", "sms_received", ["sender", "id"])


def _webhooks() -> None:
    op.create_table(
        "webhook_subscription",
        sa.Column("id", BigId, nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("event_types", Json, nullable=False),
        sa.Column("include_change", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("previous_salt", sa.String(length=32), nullable=True),
        sa.Column("previous_until", UtcDateTime(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("disabled_why", sa.String(length=200), nullable=True),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("after_entry", BigId, nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_subscription")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", BigId, nullable=False),
        sa.Column("subscription_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("event_type", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["webhook_subscription.id"], name=op.f("fk_webhook_delivery_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("subscription_id", "entry_id", name=op.f("uq_webhook_delivery_subscription_id_entry_id")),
    )
    op.create_index("ix_webhook_delivery_due", "webhook_delivery", ["state", "next_at", "id"])
    op.create_index("ix_webhook_delivery_list", "webhook_delivery", ["subscription_id", "state", "entry_id"])
    op.create_index("ix_webhook_delivery_queued", "webhook_delivery", ["queued_at"])
    op.create_table(
        "webhook_cursor",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_cursor")),
    )


def _letters() -> None:
    op.create_table(
        "letter_batch",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("duplex", sa.Boolean(), nullable=False),
        sa.Column("file_id", BigId, nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("printed_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_letter_batch_entity_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_letter_batch_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_batch")),
    )
    op.create_index("ix_letter_batch_entity", "letter_batch", ["entity_id", "id"])
    op.create_index("ix_letter_batch_state", "letter_batch", ["state", "id"])


def _fill_digests() -> None:
    """What stands before the @ in the Message-ID of each message that there is."""
    connection = op.get_bind()
    digest = "left(encode(sha256(convert_to(dedup_key, 'UTF8')), 'hex'), 40)"
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("digest_of", 1, lambda key: hashlib.sha256(key.encode()).hexdigest()[:40])
        digest = "digest_of(dedup_key)"
    op.execute(f"UPDATE outbox_message SET digest = {digest}")
