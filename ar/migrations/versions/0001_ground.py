"""The ground floor: every table of the first walk"""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("change", sa.JSON(), nullable=True),
        sa.Column("salt", sa.String(length=32), nullable=True),
        sa.Column("change_digest", sa.String(length=64), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_audit_entry_previous_hash")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_subject"), ["subject"], unique=False)

    op.create_table(
        "exchange_rate",
        sa.Column("id", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate_on", sa.Date(), nullable=False),
        sa.Column("per_euro", sa.Numeric(precision=18, scale=8), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_rate")),
        sa.UniqueConstraint("currency", "rate_on", name=op.f("uq_exchange_rate_currency_rate_on")),
    )
    op.create_table(
        "idempotency_record",
        sa.Column("id", BigId, nullable=False),
        sa.Column("principal", sa.String(length=80), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("location", sa.String(length=2000), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_record")),
        sa.UniqueConstraint("principal", "path", "key", name=op.f("uq_idempotency_record_principal_path_key")),
    )
    with op.batch_alter_table("idempotency_record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_record_created_at"), ["created_at"], unique=False)

    op.create_table(
        "job",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("dedup_key", sa.String(length=160), nullable=False),
        sa.Column("lane", sa.String(length=80), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("run_after", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("alive_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", sa.String(length=2000), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_job_dedup_key")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_due", ["state", "run_after", "id"], unique=False)
        batch_op.create_index(
            "uq_job_running_lane",
            ["lane"],
            unique=True,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )

    op.create_table(
        "job_run",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("scheduled_for", UtcDateTime(), nullable=False),
        sa.Column("job_key", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("name", "scheduled_for", name=op.f("uq_job_run_name_scheduled_for")),
    )
    op.create_table(
        "late_payment_terms",
        sa.Column("id", BigId, nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("interest_percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("fixed_minor", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_late_payment_terms_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_payment_terms")),
        sa.UniqueConstraint("country", "valid_from", name=op.f("uq_late_payment_terms_country_valid_from")),
    )
    op.create_table(
        "legal_entity",
        sa.Column("id", BigId, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("street", sa.String(length=200), nullable=True),
        sa.Column("postcode", sa.String(length=20), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("vat_number", sa.String(length=20), nullable=True),
        sa.Column("registration", sa.String(length=40), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_entity")),
        sa.UniqueConstraint("code", name=op.f("uq_legal_entity_code")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", BigId, nullable=False),
        sa.Column("dedup_key", sa.String(length=160), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("subject_ref", sa.String(length=80), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("body_text", sa.String(), nullable=False),
        sa.Column("body_html", sa.String(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("send_after", UtcDateTime(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_by", sa.String(length=80), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_outbox_message_dedup_key")),
    )
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_message_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_outbox_message_due", ["state", "send_after", "id"], unique=False)

    op.create_table(
        "prediction_model",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("trained_at", UtcDateTime(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("first_issued", sa.Date(), nullable=True),
        sa.Column("last_issued", sa.Date(), nullable=True),
        sa.Column("invoices", sa.Integer(), nullable=False),
        sa.Column("outcomes", sa.Integer(), nullable=False),
        sa.Column("tail", sa.Float(), nullable=False),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=True),
        sa.Column("naive_metrics", sa.JSON(), nullable=True),
        sa.Column("backtest", sa.JSON(), nullable=True),
        sa.Column("path", sa.String(length=200), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.CheckConstraint("(path IS NULL) = (digest IS NULL)", name=op.f("ck_prediction_model_file_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction_model")),
    )
    op.create_table(
        "stored_file",
        sa.Column("id", BigId, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("subject_ref", sa.String(length=80), nullable=False),
        sa.Column("stored_by", sa.String(length=80), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stored_file_sha256"), ["sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_subject_ref"), ["subject_ref"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", BigId, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_table(
        "account",
        sa.Column("id", BigId, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("legal_name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("parent_id", BigId, nullable=True),
        sa.Column("segment", sa.String(length=60), nullable=True),
        sa.Column("owner_id", BigId, nullable=True),
        sa.Column("portal_epoch", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name=op.f("fk_account_owner_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["account.id"], name=op.f("fk_account_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("code", name=op.f("uq_account_code")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index("ix_account_name", ["legal_name", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_segment"), ["segment"], unique=False)

    op.create_table(
        "api_key",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_by", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user_account.id"], name=op.f("fk_api_key_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_api_key_token_digest")),
    )
    op.create_table(
        "bank_account",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_bank_account_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_account")),
        sa.UniqueConstraint("iban", name=op.f("uq_bank_account_iban")),
    )
    with op.batch_alter_table("bank_account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bank_account_entity_id"), ["entity_id"], unique=False)

    op.create_table(
        "dunning_policy",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entity_id", BigId, nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("active_from", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_dunning_policy_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_policy")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_dunning_policy_name_version")),
    )
    with op.batch_alter_table("dunning_policy", schema=None) as batch_op:
        batch_op.create_index("ix_dunning_policy_active", ["entity_id", "active_from"], unique=False)

    op.create_table(
        "import_batch",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.String(length=60), nullable=False),
        sa.Column("headings", sa.JSON(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.Column("imported_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_import_batch_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_batch_entity_id"), ["entity_id"], unique=False)

    op.create_table(
        "number_sequence",
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("series", sa.String(length=8), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_number_sequence_entity_id")),
        sa.PrimaryKeyConstraint("entity_id", "series", "year", name=op.f("pk_number_sequence")),
    )
    op.create_table(
        "user_session",
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_user_session_user_id")),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_user_session")),
    )
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_session_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_user_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "account_identifier",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("scheme", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_identifier_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_identifier")),
        sa.UniqueConstraint(
            "account_id", "scheme", "value", name=op.f("uq_account_identifier_account_id_scheme_value")
        ),
    )
    with op.batch_alter_table("account_identifier", schema=None) as batch_op:
        batch_op.create_index("ix_account_identifier_value", ["value"], unique=False)

    op.create_table(
        "contact",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("preferred_channel", sa.String(length=24), nullable=False),
        sa.Column("opted_out_at", UtcDateTime(), nullable=True),
        sa.Column("bounced_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_contact_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index("ix_contact_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_contact_email", ["email"], unique=False)

    op.create_table(
        "dunning_decision",
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("cycle", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_dunning_decision_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_dunning_decision")),
    )
    with op.batch_alter_table("dunning_decision", schema=None) as batch_op:
        batch_op.create_index("ix_dunning_decision_outcome", ["outcome", "account_id"], unique=False)

    op.create_table(
        "dunning_hold",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("lifted_by", sa.String(length=80), nullable=True),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_dunning_hold_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_hold")),
    )
    with op.batch_alter_table("dunning_hold", schema=None) as batch_op:
        batch_op.create_index("ix_dunning_hold_account", ["account_id", "id"], unique=False)

    op.create_table(
        "dunning_parked",
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=False),
        sa.Column("parked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_dunning_parked_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_dunning_parked")),
    )
    op.create_table(
        "import_refusal",
        sa.Column("batch_id", BigId, nullable=False),
        sa.Column("row_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("column_name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_import_refusal_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "row_number", name=op.f("pk_import_refusal")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("debit", sa.String(length=24), nullable=False),
        sa.Column("credit", sa.String(length=24), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("memo", sa.String(length=400), nullable=False),
        sa.Column("reverses_id", BigId, nullable=True),
        sa.Column("reversed_kind", sa.String(length=24), nullable=True),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("source_key", sa.String(length=160), nullable=True),
        sa.Column("posted_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("debit = 'receivable' OR credit = 'receivable'", name=op.f("ck_ledger_entry_receivable")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_ledger_entry_amount_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_ledger_entry_two_books")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_ledger_entry_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_ledger_entry_entity_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger_entry.id"], name=op.f("fk_ledger_entry_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_entry_reverses_id")),
        sa.UniqueConstraint("source_key", name=op.f("uq_ledger_entry_source_key")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_entry_account", ["account_id", "effective_on"], unique=False)
        batch_op.create_index("ix_ledger_entry_period", ["effective_on", "kind"], unique=False)
        batch_op.create_index(
            "uq_ledger_entry_document",
            ["entity_id", "kind", "reference"],
            unique=True,
            sqlite_where=sa.text("kind IN ('invoice', 'credit_note')"),
            postgresql_where=sa.text("kind IN ('invoice', 'credit_note')"),
        )

    op.create_table(
        "promise",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_promise_amount_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_promise_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_promise_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
    )
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index("ix_promise_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_promise_state", ["state", "due_on"], unique=False)

    op.create_table(
        "dunning_notice",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("cycle", sa.Date(), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("message_key", sa.String(length=160), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_for", sa.String(length=400), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_dunning_notice_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_dunning_notice_contact_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_dunning_notice_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_notice")),
        sa.UniqueConstraint(
            "account_id", "entity_id", "step", "cycle", name=op.f("uq_dunning_notice_account_id_entity_id_step_cycle")
        ),
        sa.UniqueConstraint("message_key", name=op.f("uq_dunning_notice_message_key")),
    )
    with op.batch_alter_table("dunning_notice", schema=None) as batch_op:
        batch_op.create_index("ix_dunning_notice_cycle", ["account_id", "cycle"], unique=False)

    op.create_table(
        "invoice",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("series", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=35), nullable=True),
        sa.Column("issue_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net_minor", BigId, nullable=False),
        sa.Column("tax_minor", BigId, nullable=False),
        sa.Column("total_minor", BigId, nullable=False),
        sa.Column("terms", sa.String(length=60), nullable=False),
        sa.Column("buyer_reference", sa.String(length=60), nullable=False),
        sa.Column("purchase_order", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("corrects_entry_id", BigId, nullable=True),
        sa.Column("entry_id", BigId, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=True),
        sa.Column("issued_by", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "state = 'draft' OR (number IS NOT NULL AND entry_id IS NOT NULL AND issued_at IS NOT NULL)",
            name=op.f("ck_invoice_issued_whole"),
        ),
        sa.CheckConstraint("total_minor = net_minor + tax_minor", name=op.f("ck_invoice_total")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_invoice_account_id")),
        sa.ForeignKeyConstraint(["corrects_entry_id"], ["ledger_entry.id"], name=op.f("fk_invoice_corrects_entry_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_invoice_entity_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_invoice_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("entity_id", "kind", "number", name=op.f("uq_invoice_entity_id_kind_number")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_invoice_entry_id")),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_invoice_corrects", ["corrects_entry_id"], unique=False)

    op.create_table(
        "open_item",
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("open_minor", BigId, nullable=False),
        sa.Column("disputed_minor", BigId, server_default=sa.text("0"), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("discount_until", sa.Date(), nullable=True),
        sa.Column("discount_minor", BigId, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("disputed_minor BETWEEN 0 AND amount_minor", name=op.f("ck_open_item_disputed_within")),
        sa.CheckConstraint("open_minor BETWEEN 0 AND amount_minor", name=op.f("ck_open_item_open_within")),
        sa.CheckConstraint("side IN (-1, 1)", name=op.f("ck_open_item_side")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_open_item_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_open_item_entity_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_open_item_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_open_item")),
    )
    with op.batch_alter_table("open_item", schema=None) as batch_op:
        batch_op.create_index("ix_open_item_account", ["account_id", "effective_on"], unique=False)
        batch_op.create_index(
            "ix_open_item_open",
            ["account_id", "due_on"],
            unique=False,
            sqlite_where=sa.text("open_minor > 0"),
            postgresql_where=sa.text("open_minor > 0"),
        )
        batch_op.create_index("ix_open_item_reference", ["reference"], unique=False)

    op.create_table(
        "payment",
        sa.Column("id", BigId, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("recorded_by", sa.String(length=80), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("gateway", sa.String(length=20), nullable=False),
        sa.Column("gateway_session", sa.String(length=255), nullable=True),
        sa.Column("gateway_intent", sa.String(length=255), nullable=True),
        sa.Column("checkout_url", sa.String(), nullable=True),
        sa.Column("request", sa.JSON(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("asked", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("uncertain", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("processing_at", UtcDateTime(), nullable=True),
        sa.Column("succeeded_at", UtcDateTime(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("refunded_minor", BigId, server_default=sa.text("0"), nullable=False),
        sa.Column("refund_booked_minor", BigId, server_default=sa.text("0"), nullable=False),
        sa.Column("disputes", sa.JSON(), nullable=False),
        sa.Column("parked", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("doubts", sa.JSON(), nullable=False),
        sa.Column("cleared", sa.JSON(), nullable=False),
        sa.Column("entry_id", BigId, nullable=True),
        sa.Column("polled_at", UtcDateTime(), nullable=True),
        sa.Column("postings", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_amount_positive")),
        sa.CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name=op.f("ck_payment_refunded_within")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_payment_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_payment_entity_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_payment_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_payment_entry_id")),
        sa.UniqueConstraint("gateway_session", name=op.f("uq_payment_gateway_session")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payment_idempotency_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_public_id")),
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index("ix_payment_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_payment_intent", ["gateway_intent"], unique=False)
        batch_op.create_index("ix_payment_state", ["state", "id"], unique=False)
        batch_op.create_index(
            "ix_payment_unfinished",
            ["account_id", "state"],
            unique=False,
            sqlite_where=sa.text("state IN ('intended', 'started', 'pending', 'unknown')"),
            postgresql_where=sa.text("state IN ('intended', 'started', 'pending', 'unknown')"),
        )

    op.create_table(
        "allocation",
        sa.Column("id", BigId, nullable=False),
        sa.Column("debit_id", BigId, nullable=False),
        sa.Column("credit_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("allocated_on", sa.Date(), nullable=False),
        sa.Column("undoes_id", BigId, nullable=True),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(amount_minor < 0) = (undoes_id IS NOT NULL)", name=op.f("ck_allocation_undo_negative")),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_allocation_amount_given")),
        sa.ForeignKeyConstraint(["credit_id"], ["open_item.entry_id"], name=op.f("fk_allocation_credit_id")),
        sa.ForeignKeyConstraint(["debit_id"], ["open_item.entry_id"], name=op.f("fk_allocation_debit_id")),
        sa.ForeignKeyConstraint(["undoes_id"], ["allocation.id"], name=op.f("fk_allocation_undoes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_allocation_undoes_id")),
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index("ix_allocation_credit", ["credit_id"], unique=False)
        batch_op.create_index("ix_allocation_day", ["allocated_on"], unique=False)
        batch_op.create_index("ix_allocation_debit", ["debit_id"], unique=False)

    op.create_table(
        "dispute",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("text", sa.String(length=4000), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("accepted_minor", BigId, server_default=sa.text("0"), nullable=False),
        sa.Column("answer", sa.String(length=4000), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.Column("resolved_by", sa.String(length=80), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "(state = 'resolved') = (outcome IS NOT NULL)", name=op.f("ck_dispute_resolved_with_outcome")
        ),
        sa.CheckConstraint("accepted_minor BETWEEN 0 AND amount_minor", name=op.f("ck_dispute_accepted_within")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_dispute_amount_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_dispute_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_dispute_entity_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_dispute_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.create_index("ix_dispute_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_dispute_entry", ["entry_id"], unique=False)
        batch_op.create_index("ix_dispute_state", ["state", "opened_at", "id"], unique=False)

    op.create_table(
        "dispute_mark",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("change_minor", BigId, nullable=False),
        sa.Column("marked_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_dispute_mark_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_mark")),
    )
    with op.batch_alter_table("dispute_mark", schema=None) as batch_op:
        batch_op.create_index("ix_dispute_mark_entry", ["entry_id", "marked_on"], unique=False)

    op.create_table(
        "dunning_notice_item",
        sa.Column("notice_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("offset_days", sa.Integer(), nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("noticed_on", sa.Date(), nullable=False),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_dunning_notice_item_entry_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["dunning_notice.id"], name=op.f("fk_dunning_notice_item_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", "entry_id", name=op.f("pk_dunning_notice_item")),
    )
    with op.batch_alter_table("dunning_notice_item", schema=None) as batch_op:
        batch_op.create_index(
            "uq_dunning_notice_item_step",
            ["entry_id", "step"],
            unique=True,
            sqlite_where=sa.text("cancelled_at IS NULL"),
            postgresql_where=sa.text("cancelled_at IS NULL"),
        )

    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("quantity_millionths", BigId, nullable=False),
        sa.Column("unit_price_millionths", BigId, nullable=False),
        sa.Column("tax_category", sa.String(length=24), nullable=False),
        sa.Column("tax_rate_bp", sa.Integer(), nullable=False),
        sa.Column("net_minor", BigId, nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "invoice_tax",
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("rate_bp", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("net_minor", BigId, nullable=False),
        sa.Column("tax_minor", BigId, nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_tax_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "category", "rate_bp", name=op.f("pk_invoice_tax")),
    )
    op.create_table(
        "payment_refund",
        sa.Column("id", BigId, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("payment_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.Column("outcome", sa.String(length=400), nullable=False),
        sa.Column("gateway_refund", sa.String(length=255), nullable=True),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_refund_amount_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_payment_refund_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_refund")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payment_refund_idempotency_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_refund_public_id")),
    )
    with op.batch_alter_table("payment_refund", schema=None) as batch_op:
        batch_op.create_index("ix_payment_refund_payment", ["payment_id"], unique=False)
        batch_op.create_index("ix_payment_refund_state", ["state", "id"], unique=False)

    op.create_table(
        "payment_target",
        sa.Column("id", BigId, nullable=False),
        sa.Column("payment_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_target_amount_positive")),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_payment_target_entry_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_payment_target_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_target")),
        sa.UniqueConstraint("payment_id", "entry_id", name=op.f("uq_payment_target_payment_id_entry_id")),
    )
    with op.batch_alter_table("payment_target", schema=None) as batch_op:
        batch_op.create_index("ix_payment_target_entry", ["entry_id"], unique=False)

    op.create_table(
        "prediction",
        sa.Column("id", BigId, nullable=False),
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("scored_on", sa.Date(), nullable=False),
        sa.Column("late_probability", sa.Float(), nullable=False),
        sa.Column("unpaid_in_30", sa.Float(), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=False),
        sa.Column("p10_days", sa.Integer(), nullable=False),
        sa.Column("p50_days", sa.Integer(), nullable=False),
        sa.Column("p90_days", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.CheckConstraint("late_probability BETWEEN 0 AND 1", name=op.f("ck_prediction_probability")),
        sa.CheckConstraint("p10_days <= p50_days AND p50_days <= p90_days", name=op.f("ck_prediction_ordered")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_prediction_account_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_prediction_entry_id")),
        sa.ForeignKeyConstraint(["model_id"], ["prediction_model.id"], name=op.f("fk_prediction_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction")),
        sa.UniqueConstraint(
            "model_id", "entry_id", "scored_on", name=op.f("uq_prediction_model_id_entry_id_scored_on")
        ),
    )
    with op.batch_alter_table("prediction", schema=None) as batch_op:
        batch_op.create_index("ix_prediction_account", ["account_id", "scored_on", "id"], unique=False)
        batch_op.create_index("ix_prediction_day", ["scored_on", "id"], unique=False)
        batch_op.create_index("ix_prediction_latest", ["entry_id", "scored_on", "id"], unique=False)
        batch_op.create_index("ix_prediction_run", ["model_id", "scored_on", "id"], unique=False)

    op.create_table(
        "promise_item",
        sa.Column("promise_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("open_minor", BigId, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["open_item.entry_id"], name=op.f("fk_promise_item_entry_id")),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name=op.f("fk_promise_item_promise_id")),
        sa.PrimaryKeyConstraint("promise_id", "entry_id", name=op.f("pk_promise_item")),
    )
    with op.batch_alter_table("promise_item", schema=None) as batch_op:
        batch_op.create_index("ix_promise_item_entry", ["entry_id"], unique=False)

    op.create_table(
        "webhook_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("gateway", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("gateway_intent", sa.String(length=255), nullable=True),
        sa.Column("payment_id", BigId, nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_webhook_event_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_event")),
        sa.UniqueConstraint("gateway", "event_id", name=op.f("uq_webhook_event_gateway_event_id")),
    )
    with op.batch_alter_table("webhook_event", schema=None) as batch_op:
        batch_op.create_index("ix_webhook_event_payment", ["payment_id", "id"], unique=False)
        batch_op.create_index(
            "ix_webhook_event_waiting",
            ["gateway_intent"],
            unique=False,
            sqlite_where=sa.text("applied_at IS NULL"),
            postgresql_where=sa.text("applied_at IS NULL"),
        )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose posted facts")
