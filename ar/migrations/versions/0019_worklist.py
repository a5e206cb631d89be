"""Calls, the work-list, attention, escalations; limits of plans; who sells to a customer, numbers that are wrong."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE account ADD COLUMN sales_owner_id INTEGER REFERENCES user_account (id)")
    else:
        op.add_column("account", sa.Column("sales_owner_id", BigId, nullable=True))
        op.create_foreign_key(op.f("fk_account_sales_owner_id"), "account", "user_account", ["sales_owner_id"], ["id"])
    op.create_index(op.f("ix_account_sales_owner_id"), "account", ["sales_owner_id"])
    op.add_column("contact", sa.Column("phone_bad_at", UtcDateTime(), nullable=True))
    op.add_column("promise", sa.Column("source", sa.String(length=24), server_default="person", nullable=False))
    _attention()
    _plans()
    _calls()
    _worklist()


def _attention() -> None:
    op.create_table(
        "attention_rule",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("automation", sa.String(length=24), nullable=False),
        sa.Column("numbers", Json, nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_attention_rule")),
    )
    op.create_table(
        "attention_mark",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("dismissed_until", sa.Date(), nullable=True),
        sa.Column("dismissed_for", sa.String(length=400), nullable=False),
        sa.Column("dismissed_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_attention_mark_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attention_mark")),
    )
    op.create_index("ix_attention_mark_account", "attention_mark", ["account_id", "id"])
    op.create_index(
        "ix_attention_mark_kind",
        "attention_mark",
        ["kind", "id"],
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_index(
        "uq_attention_mark_standing",
        "attention_mark",
        ["account_id", "kind"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "escalation",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("to_id", BigId, nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_for", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_escalation_account_id")),
        sa.ForeignKeyConstraint(["to_id"], ["user_account.id"], name=op.f("fk_escalation_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
    )
    op.create_index("ix_escalation_account", "escalation", ["account_id", "id"])
    op.create_index("ix_escalation_kind", "escalation", ["kind", "id"])
    op.create_index("ix_escalation_to", "escalation", ["to_id", "id"])
    op.create_index(
        "uq_escalation_open",
        "escalation",
        ["account_id", "kind"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _plans() -> None:
    op.create_table(
        "plan_limit",
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("max_minor", BigId, nullable=True),
        sa.Column("max_months", sa.Integer(), nullable=True),
        sa.CheckConstraint("max_minor >= 0", name=op.f("ck_plan_limit_amount_not_negative")),
        sa.CheckConstraint("max_months BETWEEN 0 AND 60", name=op.f("ck_plan_limit_months")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_plan_limit_entity_id")),
        sa.PrimaryKeyConstraint("entity_id", "role", name=op.f("pk_plan_limit")),
    )
    op.create_table(
        "plan_approval",
        sa.Column("plan_id", BigId, autoincrement=False, nullable=False),
        sa.Column("why", sa.String(length=400), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["payment_plan.id"], name=op.f("fk_plan_approval_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan_approval")),
    )
    op.create_index(
        "ix_plan_approval_waiting",
        "plan_approval",
        ["plan_id"],
        sqlite_where=sa.text("approved_at IS NULL"),
        postgresql_where=sa.text("approved_at IS NULL"),
    )


def _calls() -> None:
    op.create_table(
        "call_task",
        sa.Column("id", BigId, nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=True),
        sa.Column("notice_id", BigId, nullable=True),
        sa.Column("contact_id", BigId, nullable=True),
        sa.Column("owner_id", BigId, nullable=True),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("why", sa.String(length=400), nullable=False),
        sa.Column("entry_ids", Json, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("over_at", UtcDateTime(), nullable=True),
        sa.Column("over_by", sa.String(length=80), nullable=False),
        sa.Column("over_for", sa.String(length=400), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint("(state = 'open') = (over_at IS NULL)", name=op.f("ck_call_task_over_at")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_call_task_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_call_task_contact_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_call_task_entity_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["dunning_notice.id"], name=op.f("fk_call_task_notice_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name=op.f("fk_call_task_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_task")),
        sa.UniqueConstraint("key", name=op.f("uq_call_task_key")),
    )
    op.create_index("ix_call_task_account", "call_task", ["account_id", "id"])
    op.create_index(
        "ix_call_task_open",
        "call_task",
        ["account_id", "due_on"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_call_task_owner", "call_task", ["owner_id", "state", "due_on", "id"])
    op.create_index("ix_call_task_state", "call_task", ["state", "due_on", "id"])
    op.create_table(
        "contact_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=True),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("note", sa.String(length=4000), nullable=False),
        sa.Column("call_back_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("task_id", BigId, nullable=True),
        sa.Column("promise_id", BigId, nullable=True),
        sa.Column("dispute_id", BigId, nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("noted_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "(outcome = 'call_back') = (call_back_at IS NOT NULL)", name=op.f("ck_contact_event_call_back_at")
        ),
        sa.CheckConstraint("seconds BETWEEN 0 AND 86400", name=op.f("ck_contact_event_seconds")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_contact_event_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_event_contact_id")),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_contact_event_dispute_id")),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name=op.f("fk_contact_event_promise_id")),
        sa.ForeignKeyConstraint(["task_id"], ["call_task.id"], name=op.f("fk_contact_event_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_event")),
    )
    op.create_index("ix_contact_event_account", "contact_event", ["account_id", "id"])
    op.create_index("ix_contact_event_at", "contact_event", ["account_id", "at"])
    op.create_index("ix_contact_event_by", "contact_event", ["noted_by", "at"])


def _worklist() -> None:
    op.create_table(
        "collector",
        sa.Column("user_id", BigId, autoincrement=False, nullable=False),
        sa.Column("daily_capacity", sa.Integer(), nullable=False),
        sa.Column("away_from", sa.Date(), nullable=True),
        sa.Column("away_until", sa.Date(), nullable=True),
        sa.Column("stand_in_id", BigId, nullable=True),
        sa.Column("manager_id", BigId, nullable=True),
        sa.CheckConstraint("(away_from IS NULL) = (away_until IS NULL)", name=op.f("ck_collector_away_both")),
        sa.CheckConstraint("away_from <= away_until", name=op.f("ck_collector_away_order")),
        sa.CheckConstraint("daily_capacity BETWEEN 1 AND 5000", name=op.f("ck_collector_capacity")),
        sa.CheckConstraint("stand_in_id <> user_id", name=op.f("ck_collector_stand_in_another")),
        sa.ForeignKeyConstraint(["manager_id"], ["user_account.id"], name=op.f("fk_collector_manager_id")),
        sa.ForeignKeyConstraint(["stand_in_id"], ["user_account.id"], name=op.f("fk_collector_stand_in_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_collector_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_collector")),
    )
    op.create_index("ix_collector_stand_in", "collector", ["stand_in_id"])
    op.create_table(
        "worklist_row",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("owner_id", BigId, nullable=True),
        sa.Column("worker_id", BigId, nullable=True),
        sa.Column("value_minor", BigId, nullable=False),
        sa.Column("asked_minor", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("overdue", Json, nullable=False),
        sa.Column("oldest_days", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("parts", Json, nullable=False),
        sa.Column("contact", Json, nullable=True),
        sa.Column("exchange", Json, nullable=True),
        sa.Column("task_id", BigId, nullable=True),
        sa.Column("next_step", sa.String(length=40), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("hold_ids", Json, nullable=False),
        sa.Column("hidden_until", sa.Date(), nullable=True),
        sa.Column("hidden_for", sa.String(length=24), nullable=False),
        sa.Column("computed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("value_minor >= 0", name=op.f("ck_worklist_row_value_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_worklist_row_account_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name=op.f("fk_worklist_row_owner_id")),
        sa.ForeignKeyConstraint(["task_id"], ["call_task.id"], name=op.f("fk_worklist_row_task_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["user_account.id"], name=op.f("fk_worklist_row_worker_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_worklist_row")),
    )
    op.create_index("ix_worklist_row_owner", "worklist_row", ["owner_id", "value_minor", "account_id"])
    op.create_index(
        "ix_worklist_row_shown",
        "worklist_row",
        ["value_minor", "account_id"],
        sqlite_where=sa.text("hidden_for = ''"),
        postgresql_where=sa.text("hidden_for = ''"),
    )
    op.create_index("ix_worklist_row_value", "worklist_row", ["value_minor", "account_id"])
    op.create_index("ix_worklist_row_worker", "worklist_row", ["worker_id", "value_minor", "account_id"])
    op.create_index(
        "ix_worklist_row_worker_shown",
        "worklist_row",
        ["worker_id", "value_minor", "account_id"],
        sqlite_where=sa.text("hidden_for = ''"),
        postgresql_where=sa.text("hidden_for = ''"),
    )
