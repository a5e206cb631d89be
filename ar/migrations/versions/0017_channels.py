"""Messages by other channels than e-mail, found again by their Message-ID, and what became of them."""

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

from ar.core.db import UtcDateTime

revision = "0017"
down_revision = "0015"
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
    op.create_index("ix_outbox_message_channel", "outbox_message", ["channel", "state", "send_after", "id"])
    op.create_index("ix_outbox_message_digest", "outbox_message", ["digest"])
    for name, columns in (("carrier_ref", ["carrier_ref"]), ("arrival", ["arrival", "id"])):
        kept = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_outbox_message_{name}", "outbox_message", columns, sqlite_where=kept, postgresql_where=kept
        )


def _fill_digests() -> None:
    """What stands before the @ in the Message-ID of each message that there is."""
    connection = op.get_bind()
    digest = "left(encode(sha256(convert_to(dedup_key, 'UTF8')), 'hex'), 40)"
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("digest_of", 1, lambda key: hashlib.sha256(key.encode()).hexdigest()[:40])
        digest = "digest_of(dedup_key)"
    op.execute(f"UPDATE outbox_message SET digest = {digest}")
