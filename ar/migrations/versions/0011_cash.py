"""Bank statements and lines; proposals and acts that apply them; payers' names and numbers; keys of references."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime
from ar.ledger.references import reference_key

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CHUNK = 10_000


def upgrade() -> None:
    _bank()
    _matching()
    _payers()
    op.add_column("open_item", sa.Column("reference_key", sa.String(length=60), server_default="", nullable=False))
    op.add_column("open_item", sa.Column("purchase_order", sa.String(length=60), server_default="", nullable=False))
    op.create_index(
        "ix_open_item_purchase_order",
        "open_item",
        ["purchase_order"],
        sqlite_where=sa.text("open_minor > 0 AND purchase_order <> ''"),
        postgresql_where=sa.text("open_minor > 0 AND purchase_order <> ''"),
    )
    op.create_index(
        "ix_open_item_reference_key",
        "open_item",
        ["reference_key"],
        sqlite_where=sa.text("open_minor > 0"),
        postgresql_where=sa.text("open_minor > 0"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE payment ADD COLUMN bank_line_id INTEGER REFERENCES bank_line (id)")
    else:
        op.add_column("payment", sa.Column("bank_line_id", BigId, nullable=True))
        op.create_foreign_key(op.f("fk_payment_bank_line_id"), "payment", "bank_line", ["bank_line_id"], ["id"])
    op.create_index(op.f("ix_payment_bank_line_id"), "payment", ["bank_line_id"])
    _keys(op.get_bind())


def _bank() -> None:
    op.create_table(
        "bank_statement",
        sa.Column("id", BigId, nullable=False),
        sa.Column("bank_account_id", BigId, nullable=False),
        sa.Column("file_id", BigId, nullable=True),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("opening_minor", BigId, nullable=True),
        sa.Column("opening_on", sa.Date(), nullable=True),
        sa.Column("closing_minor", BigId, nullable=True),
        sa.Column("closing_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("lines_read", sa.Integer(), nullable=False),
        sa.Column("lines_added", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.String(length=80), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bank_account_id"], ["bank_account.id"], name=op.f("fk_bank_statement_bank_account_id")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_bank_statement_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
        sa.UniqueConstraint("bank_account_id", "digest", name=op.f("uq_bank_statement_bank_account_id_digest")),
    )
    op.create_index("ix_bank_statement_closing", "bank_statement", ["bank_account_id", "closing_on", "id"])
    op.create_table(
        "bank_line",
        sa.Column("id", BigId, nullable=False),
        sa.Column("statement_id", BigId, nullable=False),
        sa.Column("bank_account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=True),
        sa.Column("amount_minor", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("counterparty_name", sa.String(length=200), nullable=False),
        sa.Column("counterparty_iban", sa.String(length=40), nullable=False),
        sa.Column("bank_reference", sa.String(length=80), nullable=False),
        sa.Column("end_to_end_id", sa.String(length=80), nullable=False),
        sa.Column("mandate_id", sa.String(length=80), nullable=False),
        sa.Column("batch_reference", sa.String(length=80), nullable=False),
        sa.Column("structured_reference", sa.String(length=60), nullable=False),
        sa.Column("remittance", sa.String(length=4000), nullable=False),
        sa.Column("return_reason", sa.String(length=10), nullable=False),
        sa.Column("is_reversal", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("charges_minor", BigId, nullable=True),
        sa.Column("original_minor", BigId, nullable=True),
        sa.Column("original_currency", sa.String(length=3), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("state_reason", sa.String(length=400), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_bank_line_amount_given")),
        sa.ForeignKeyConstraint(["bank_account_id"], ["bank_account.id"], name=op.f("fk_bank_line_bank_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_bank_line_entity_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statement.id"], name=op.f("fk_bank_line_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint("bank_account_id", "identity", name=op.f("uq_bank_line_bank_account_id_identity")),
    )
    op.create_index("ix_bank_line_account_day", "bank_line", ["bank_account_id", "booked_on", "id"])
    op.create_index("ix_bank_line_end_to_end", "bank_line", ["end_to_end_id"])
    op.create_index(
        "ix_bank_line_open",
        "bank_line",
        ["entity_id", "id"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_bank_line_statement", "bank_line", ["statement_id", "id"])


def _matching() -> None:
    op.create_table(
        "cash_application",
        sa.Column("id", BigId, nullable=False),
        sa.Column("bank_line_id", BigId, nullable=True),
        sa.Column("payment_id", BigId, nullable=True),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("content", Json, nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("undone_by", sa.String(length=80), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_why", sa.String(length=400), nullable=False),
        sa.CheckConstraint(
            "(bank_line_id IS NULL) <> (payment_id IS NULL)", name=op.f("ck_cash_application_one_source")
        ),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL)", name=op.f("ck_cash_application_undone_by_someone")
        ),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_line.id"], name=op.f("fk_cash_application_bank_line_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_cash_application_entity_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_cash_application_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_application")),
    )
    op.create_index("ix_cash_application_made", "cash_application", ["made_at", "id"])
    op.create_index("ix_cash_application_payment", "cash_application", ["payment_id"])
    undone = sa.text("undone_at IS NOT NULL")
    op.create_index(
        "ix_cash_application_undone",
        "cash_application",
        ["bank_line_id"],
        sqlite_where=undone,
        postgresql_where=undone,
    )
    op.create_index(
        "uq_cash_application_live_line",
        "cash_application",
        ["bank_line_id"],
        unique=True,
        sqlite_where=sa.text("undone_at IS NULL"),
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "match_proposal",
        sa.Column("id", BigId, nullable=False),
        sa.Column("bank_line_id", BigId, nullable=True),
        sa.Column("payment_id", BigId, nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("why_not", sa.String(length=40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(bank_line_id IS NULL) <> (payment_id IS NULL)", name=op.f("ck_match_proposal_one_source")),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_line.id"], name=op.f("fk_match_proposal_bank_line_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_match_proposal_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_proposal")),
        sa.UniqueConstraint("bank_line_id", "rank", name=op.f("uq_match_proposal_bank_line_id_rank")),
        sa.UniqueConstraint("payment_id", "rank", name=op.f("uq_match_proposal_payment_id_rank")),
    )


def _payers() -> None:
    op.create_table(
        "payer_alias",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("confirmed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_payer_alias_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_alias")),
        sa.UniqueConstraint("kind", "value", "account_id", name=op.f("uq_payer_alias_kind_value_account_id")),
    )
    op.create_index("ix_payer_alias_account", "payer_alias", ["account_id"])
    op.create_table(
        "cash_policy",
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("apply_above", sa.Float(), nullable=False),
        sa.Column("tolerance_minor", BigId, nullable=False),
        sa.Column("tolerance_bp", sa.Integer(), nullable=False),
        sa.Column("tolerance_book", sa.String(length=24), nullable=False),
        sa.Column("charges_minor", BigId, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_cash_policy_entity_id")),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_cash_policy")),
    )
    op.create_table(
        "match_model",
        sa.Column("id", BigId, nullable=False),
        sa.Column("trained_at", UtcDateTime(), nullable=False),
        sa.Column("matches", sa.Integer(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_model")),
    )


def _keys(connection: sa.Connection) -> None:
    """The keys of the references and order numbers that there are."""
    known = sa.text("SELECT entry_id, reference FROM open_item WHERE entry_id > :after ORDER BY entry_id LIMIT :limit")
    write = sa.text("UPDATE open_item SET reference_key = :key WHERE entry_id = :entry_id")
    after = 0
    while rows := connection.execute(known, {"after": after, "limit": _CHUNK}).all():
        connection.execute(write, [{"entry_id": row.entry_id, "key": reference_key(row.reference)} for row in rows])
        after = rows[-1].entry_id
    ordered = sa.text(
        "SELECT e.id AS entry_id, i.purchase_order FROM invoice i JOIN ledger_entry e "
        "ON e.source = 'invoice:' || i.id WHERE i.purchase_order <> ''"
    )
    write = sa.text("UPDATE open_item SET purchase_order = :key WHERE entry_id = :entry_id")
    if rows := connection.execute(ordered).all():
        connection.execute(
            write, [{"entry_id": row.entry_id, "key": reference_key(row.purchase_order)} for row in rows]
        )
