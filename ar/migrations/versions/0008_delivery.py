"""Delivery of documents: preferences, attempts and their proof, print batches, tasks; files attached to messages."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox_message", sa.Column("attachments", sa.JSON(), server_default="[]", nullable=False))
    _preferences()
    _deliveries()
    _ways()
    _keep_events(op.get_bind())


def _preferences() -> None:
    op.create_table(
        "delivery_preference",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=True),
        sa.Column("papers", sa.String(length=24), nullable=False),
        sa.Column("route", sa.String(length=24), nullable=False),
        sa.Column("formats", sa.JSON(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("copy_roles", sa.JSON(), nullable=False),
        sa.Column("site_name", sa.String(length=120), nullable=False),
        sa.Column("site_url", sa.String(length=400), nullable=False),
        sa.Column("site_fields", sa.JSON(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_delivery_preference_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_delivery_preference_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_preference")),
        sa.UniqueConstraint(
            "account_id", "entity_id", "papers", name=op.f("uq_delivery_preference_account_id_entity_id_papers")
        ),
    )
    one = sa.text("entity_id IS NULL")
    op.create_index(
        "uq_delivery_preference_each_seller",
        "delivery_preference",
        ["account_id", "papers"],
        unique=True,
        sqlite_where=one,
        postgresql_where=one,
    )


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", BigId, nullable=False),
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("route", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("status_code", sa.String(length=3), nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("planned_by", sa.String(length=80), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_delivery_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_delivery_entity_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_delivery_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("invoice_id", "attempt", name=op.f("uq_delivery_invoice_id_attempt")),
    )
    op.create_index("ix_delivery_state", "delivery", ["state", "id"])
    op.create_index("ix_delivery_route", "delivery", ["route", "state", "id"])
    op.create_index("ix_delivery_account", "delivery", ["account_id", "id"])
    op.create_index("ix_delivery_entity_route", "delivery", ["entity_id", "route", "state", "id"])
    op.create_table(
        "delivery_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("delivery_id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=True),
        sa.Column("detail", sa.String(length=1000), nullable=False),
        sa.Column("outside_id", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_event_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_event")),
        sa.UniqueConstraint("outside_id", name=op.f("uq_delivery_event_outside_id")),
    )
    op.create_index("ix_delivery_event_delivery", "delivery_event", ["delivery_id", "id"])


def _ways() -> None:
    op.create_table(
        "delivery_message",
        sa.Column("message_id", BigId, autoincrement=False, nullable=False),
        sa.Column("delivery_id", BigId, nullable=False),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_message_delivery_id")),
        sa.ForeignKeyConstraint(["message_id"], ["outbox_message.id"], name=op.f("fk_delivery_message_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_delivery_message")),
    )
    op.create_index("ix_delivery_message_delivery", "delivery_message", ["delivery_id"])
    op.create_index("ix_delivery_message_seen", "delivery_message", ["seen", "message_id"])
    op.create_table(
        "print_batch",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("pdf_file_id", BigId, nullable=False),
        sa.Column("manifest_file_id", BigId, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("handed_at", UtcDateTime(), nullable=True),
        sa.Column("handed_by", sa.String(length=80), nullable=True),
        sa.CheckConstraint("(handed_at IS NULL) = (handed_by IS NULL)", name=op.f("ck_print_batch_handed_whole")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_print_batch_entity_id")),
        sa.ForeignKeyConstraint(["manifest_file_id"], ["stored_file.id"], name=op.f("fk_print_batch_manifest_file_id")),
        sa.ForeignKeyConstraint(["pdf_file_id"], ["stored_file.id"], name=op.f("fk_print_batch_pdf_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_batch")),
    )
    op.create_index("ix_print_batch_entity", "print_batch", ["entity_id", "id"])
    op.create_table(
        "print_letter",
        sa.Column("batch_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", BigId, nullable=False),
        sa.Column("first_page", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["print_batch.id"], name=op.f("fk_print_letter_batch_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_print_letter_delivery_id")),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_print_letter")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_print_letter_delivery_id")),
    )
    op.create_table(
        "upload_task",
        sa.Column("id", BigId, nullable=False),
        sa.Column("delivery_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("site_name", sa.String(length=120), nullable=False),
        sa.Column("site_url", sa.String(length=400), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_upload_task_account_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_upload_task_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_task")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_upload_task_delivery_id")),
    )
    op.create_index("ix_upload_task_state", "upload_task", ["state", "id"])
    op.create_index("ix_upload_task_account", "upload_task", ["account_id", "id"])
    op.create_table(
        "platform_file",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("wrong", sa.String(length=400), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_platform_file_sha256")),
    )
    op.create_index("ix_platform_file_wrong", "platform_file", ["wrong", "id"])


def _keep_events(connection: sa.Connection) -> None:
    """What happened to a delivery is its proof: rows are added and never changed."""
    if connection.dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER delivery_event_no_{event.lower()} BEFORE {event} ON delivery_event "
                "BEGIN SELECT RAISE(ABORT, 'amiable: posted rows do not change'); END;"
            )
        return
    connection.exec_driver_sql(
        "CREATE TRIGGER delivery_event_immutable BEFORE UPDATE OR DELETE ON delivery_event "
        "FOR EACH ROW EXECUTE FUNCTION amiable_refuse()"
    )
    connection.exec_driver_sql(
        "CREATE TRIGGER delivery_event_not_emptied BEFORE TRUNCATE ON delivery_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION amiable_refuse()"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose the proof of what was delivered")
