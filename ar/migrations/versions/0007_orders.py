"""Orders and what of them is billed; billing rules, plans and runs. The database keeps what is billed within what was
ordered, and lets no second invoice take a stage or a period."""

import sqlalchemy as sa
from alembic import op

from ar.core.db import BigId, Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STAYS = "amiable: what an issued document bills does not change"
TAKEN = "amiable: this is billed already"
ISSUED = "EXISTS (SELECT 1 FROM invoice WHERE id = OLD.invoice_id AND state = 'issued')"
ELSEWHERE = "OLD.invoice_id IS NOT NULL AND NEW.invoice_id IS NOT NULL AND NEW.invoice_id <> OLD.invoice_id"
GIVEN_BACK = "OLD.invoice_id IS NOT NULL AND NEW.invoice_id IS NULL"

SQLITE = f"""
CREATE TRIGGER order_billing_applies AFTER INSERT ON order_billing BEGIN
  UPDATE sales_order_line SET billed_millionths = billed_millionths + NEW.quantity_millionths,
    billed_discount_minor = billed_discount_minor + NEW.discount_minor WHERE id = NEW.order_line_id;
END;
CREATE TRIGGER order_billing_given_back AFTER DELETE ON order_billing BEGIN
  UPDATE sales_order_line SET billed_millionths = billed_millionths - OLD.quantity_millionths,
    billed_discount_minor = billed_discount_minor - OLD.discount_minor WHERE id = OLD.order_line_id;
END;
CREATE TRIGGER order_billing_kept BEFORE DELETE ON order_billing WHEN {ISSUED} BEGIN
  SELECT RAISE(ABORT, '{STAYS}');
END;
CREATE TRIGGER order_billing_stays BEFORE UPDATE ON order_billing BEGIN
  SELECT RAISE(ABORT, '{STAYS}');
END;
CREATE TRIGGER sales_order_stage_taken BEFORE UPDATE ON sales_order_stage WHEN {ELSEWHERE} BEGIN
  SELECT RAISE(ABORT, '{TAKEN}');
END;
CREATE TRIGGER sales_order_stage_stays BEFORE UPDATE ON sales_order_stage WHEN {GIVEN_BACK} AND {ISSUED} BEGIN
  SELECT RAISE(ABORT, '{STAYS}');
END;
CREATE TRIGGER billing_plan_period_kept BEFORE DELETE ON billing_plan_period WHEN {ISSUED} BEGIN
  SELECT RAISE(ABORT, '{STAYS}');
END;
CREATE TRIGGER billing_plan_period_stays BEFORE UPDATE ON billing_plan_period BEGIN
  SELECT RAISE(ABORT, '{STAYS}');
END;
CREATE TRIGGER billing_plan_price_stays BEFORE UPDATE ON billing_plan_price BEGIN
  SELECT RAISE(ABORT, 'amiable: posted rows do not change');
END;
CREATE TRIGGER billing_plan_price_kept BEFORE DELETE ON billing_plan_price BEGIN
  SELECT RAISE(ABORT, 'amiable: posted rows do not change');
END;
"""

POSTGRES = f"""
CREATE FUNCTION amiable_bill_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sales_order_line l SET billed_millionths = l.billed_millionths + s.quantity,
    billed_discount_minor = l.billed_discount_minor + s.discount
  FROM (
    SELECT order_line_id, sum(quantity_millionths) AS quantity, sum(discount_minor) AS discount
    FROM added GROUP BY order_line_id
  ) s WHERE l.id = s.order_line_id;
  RETURN NULL;
END $$;
CREATE TRIGGER order_billing_applies AFTER INSERT ON order_billing
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION amiable_bill_order();

CREATE FUNCTION amiable_unbill_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sales_order_line l SET billed_millionths = l.billed_millionths - s.quantity,
    billed_discount_minor = l.billed_discount_minor - s.discount
  FROM (
    SELECT order_line_id, sum(quantity_millionths) AS quantity, sum(discount_minor) AS discount
    FROM removed GROUP BY order_line_id
  ) s WHERE l.id = s.order_line_id;
  RETURN NULL;
END $$;
CREATE TRIGGER order_billing_given_back AFTER DELETE ON order_billing
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION amiable_unbill_order();

CREATE FUNCTION amiable_billed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR TG_TABLE_NAME = 'sales_order_stage' THEN
    IF NOT {ISSUED} THEN
      RETURN coalesce(NEW, OLD);
    END IF;
  END IF;
  RAISE EXCEPTION '{STAYS}' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION amiable_billed_elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{TAKEN}' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER order_billing_stays BEFORE UPDATE OR DELETE ON order_billing
FOR EACH ROW EXECUTE FUNCTION amiable_billed_stays();
CREATE TRIGGER sales_order_stage_taken BEFORE UPDATE ON sales_order_stage
FOR EACH ROW WHEN ({ELSEWHERE}) EXECUTE FUNCTION amiable_billed_elsewhere();
CREATE TRIGGER sales_order_stage_stays BEFORE UPDATE ON sales_order_stage
FOR EACH ROW WHEN ({GIVEN_BACK}) EXECUTE FUNCTION amiable_billed_stays();
CREATE TRIGGER billing_plan_period_stays BEFORE UPDATE OR DELETE ON billing_plan_period
FOR EACH ROW EXECUTE FUNCTION amiable_billed_stays();
CREATE TRIGGER billing_plan_price_stays BEFORE UPDATE OR DELETE ON billing_plan_price
FOR EACH ROW EXECUTE FUNCTION amiable_refuse();
"""
BY_INDEX = ("amiable_document_part_stays", "amiable_instalments_tie")
"""Guards that are asked for each row. A session keeps their plan: one made while the tables are small would read all of
them for every line of the first large run."""

NOT_EMPTIED = ("order_billing", "billing_plan_period", "billing_plan_price")


def upgrade() -> None:
    _orders()
    _plans()
    _billing()
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for statement in SQLITE.split("END;")[:-1]:
            connection.exec_driver_sql(statement + "END;")
        return
    connection.exec_driver_sql(POSTGRES)
    for function in BY_INDEX:
        connection.exec_driver_sql(f"ALTER FUNCTION {function}() SET enable_seqscan = off")
    for table in NOT_EMPTIED:
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION amiable_refuse()"
        )


def _orders() -> None:
    op.create_table(
        "sales_order",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("terms", sa.String(length=200), nullable=False),
        sa.Column("purchase_order", sa.String(length=60), nullable=False),
        sa.Column("buyer_reference", sa.String(length=60), nullable=False),
        sa.Column("site_name", sa.String(length=100), nullable=False),
        sa.Column("site_street", sa.String(length=200), nullable=False),
        sa.Column("site_postcode", sa.String(length=20), nullable=False),
        sa.Column("site_city", sa.String(length=100), nullable=False),
        sa.Column("site_country", sa.String(length=2), nullable=False),
        sa.Column("wanted_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("net_minor", BigId, nullable=False),
        sa.Column("tax_minor", BigId, nullable=False),
        sa.Column("total_minor", BigId, nullable=False),
        sa.Column("unbilled_minor", BigId, nullable=False),
        sa.Column("entered_by", sa.String(length=80), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("accepted_by", sa.String(length=80), nullable=True),
        sa.Column("credit_reasons", Json, nullable=False),
        sa.Column("override_reason", sa.String(length=1000), nullable=True),
        sa.Column("override_by", sa.String(length=80), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_for", sa.String(length=400), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("total_minor = net_minor + tax_minor", name=op.f("ck_sales_order_total")),
        sa.CheckConstraint("unbilled_minor >= 0", name=op.f("ck_sales_order_unbilled_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_sales_order_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_sales_order_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order")),
        sa.UniqueConstraint("entity_id", "reference", name=op.f("uq_sales_order_entity_id_reference")),
    )
    op.create_index("ix_sales_order_account", "sales_order", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_sales_order_billable",
        "sales_order",
        ["account_id", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('accepted', 'delivered', 'partly_billed')"),
        postgresql_where=sa.text("state IN ('accepted', 'delivered', 'partly_billed')"),
    )
    op.create_index("ix_sales_order_state", "sales_order", ["state", "id"], unique=False)
    op.create_table(
        "sales_order_line",
        sa.Column("id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("supply", sa.String(length=24), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("item_code", sa.String(length=60), nullable=False),
        sa.Column("family", sa.String(length=60), nullable=False),
        sa.Column("quantity_millionths", BigId, nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("unit_price_millionths", BigId, nullable=False),
        sa.Column("discount_bp", sa.Integer(), nullable=True),
        sa.Column("discount_minor", BigId, nullable=True),
        sa.Column("tax_category", sa.String(length=24), nullable=False),
        sa.Column("tax_rate_bp", sa.Integer(), nullable=False),
        sa.Column("exemption", sa.String(length=30), nullable=False),
        sa.Column("purchase_order", sa.String(length=60), nullable=False),
        sa.Column("order_line", sa.String(length=60), nullable=False),
        sa.Column("wanted_on", sa.Date(), nullable=True),
        sa.Column("delivered_millionths", BigId, nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=True),
        sa.Column("billed_millionths", BigId, nullable=False),
        sa.Column("billed_discount_minor", BigId, nullable=False),
        sa.CheckConstraint(
            "billed_discount_minor BETWEEN 0 AND coalesce(discount_minor, 0)",
            name=op.f("ck_sales_order_line_discount_within"),
        ),
        sa.CheckConstraint(
            "billed_millionths BETWEEN 0 AND quantity_millionths", name=op.f("ck_sales_order_line_billed_within")
        ),
        sa.CheckConstraint(
            "delivered_millionths BETWEEN 0 AND quantity_millionths", name=op.f("ck_sales_order_line_delivered_within")
        ),
        sa.CheckConstraint(
            "discount_bp IS NULL OR discount_minor IS NULL", name=op.f("ck_sales_order_line_one_discount")
        ),
        sa.CheckConstraint("quantity_millionths > 0", name=op.f("ck_sales_order_line_quantity_positive")),
        sa.CheckConstraint("unit_price_millionths >= 0", name=op.f("ck_sales_order_line_price_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_sales_order_line_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order_line")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_sales_order_line_order_id_position")),
    )
    op.create_table(
        "sales_order_stage",
        sa.Column("id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("percent_bp", sa.Integer(), nullable=True),
        sa.Column("net_minor", BigId, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("invoice_id", BigId, nullable=True),
        sa.CheckConstraint("net_minor > 0", name=op.f("ck_sales_order_stage_net_positive")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_sales_order_stage_invoice_id")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_sales_order_stage_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order_stage")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_sales_order_stage_order_id_position")),
    )
    op.create_index("ix_sales_order_stage_invoice", "sales_order_stage", ["invoice_id"], unique=False)
    op.create_table(
        "order_billing",
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_line_id", BigId, nullable=False),
        sa.Column("quantity_millionths", BigId, nullable=False),
        sa.Column("discount_minor", BigId, nullable=False),
        sa.CheckConstraint("quantity_millionths > 0", name=op.f("ck_order_billing_quantity_positive")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_order_billing_invoice_id")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["sales_order_line.id"], name=op.f("fk_order_billing_order_line_id")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_order_billing")),
    )
    op.create_index("ix_order_billing_line", "order_billing", ["order_line_id"], unique=False)


def _billing() -> None:
    op.create_table(
        "billing_rule",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=True),
        sa.Column("grouping", sa.String(length=24), nullable=False),
        sa.Column("consolidated", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.String(length=24), nullable=False),
        sa.Column("cadence", sa.String(length=24), nullable=False),
        sa.Column("month_day", sa.Integer(), nullable=True),
        sa.Column("needs_purchase_order", sa.Boolean(), nullable=False),
        sa.Column("needs_buyer_reference", sa.Boolean(), nullable=False),
        sa.Column("needs_site", sa.Boolean(), nullable=False),
        sa.Column("minimum_minor", BigId, nullable=False),
        sa.Column("approval", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "(cadence = 'month_day') = (month_day IS NOT NULL)", name=op.f("ck_billing_rule_month_day_given")
        ),
        sa.CheckConstraint("minimum_minor >= 0", name=op.f("ck_billing_rule_minimum_positive")),
        sa.CheckConstraint("month_day BETWEEN 1 AND 31", name=op.f("ck_billing_rule_month_day")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_billing_rule_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_billing_rule_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_rule")),
        sa.UniqueConstraint("account_id", "entity_id", name=op.f("uq_billing_rule_account_id_entity_id")),
    )
    op.create_index(
        "uq_billing_rule_general",
        "billing_rule",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("entity_id IS NULL"),
        postgresql_where=sa.text("entity_id IS NULL"),
    )
    op.create_table(
        "billing_run",
        sa.Column("id", BigId, nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("started_by", sa.String(length=80), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.Column("drafted", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("parked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_run")),
    )
    op.create_table(
        "billing_document",
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("approval", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_billing_document_invoice_id")),
        sa.ForeignKeyConstraint(["run_id"], ["billing_run.id"], name=op.f("fk_billing_document_run_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_billing_document")),
    )
    op.create_index("ix_billing_document_run", "billing_document", ["run_id"], unique=False)
    op.create_table(
        "billing_hold",
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_billing_hold_account_id")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_billing_hold")),
    )
    op.create_index("ix_billing_hold_account", "billing_hold", ["account_id"], unique=False)
    op.create_table(
        "billing_parked",
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=False),
        sa.Column("parked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_billing_parked_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_billing_parked")),
    )


def _plans() -> None:
    op.create_table(
        "billing_plan",
        sa.Column("id", BigId, nullable=False),
        sa.Column("entity_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("every", sa.String(length=24), nullable=False),
        sa.Column("alignment", sa.String(length=24), nullable=False),
        sa.Column("in_advance", sa.Boolean(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("terms", sa.String(length=200), nullable=False),
        sa.Column("purchase_order", sa.String(length=60), nullable=False),
        sa.Column("buyer_reference", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("entered_by", sa.String(length=80), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name=op.f("ck_billing_plan_ends_after")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_billing_plan_account_id")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_billing_plan_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_plan")),
        sa.UniqueConstraint("entity_id", "reference", name=op.f("uq_billing_plan_entity_id_reference")),
    )
    op.create_index("ix_billing_plan_account", "billing_plan", ["account_id", "id"], unique=False)
    op.create_index("ix_billing_plan_next", "billing_plan", ["next_on"], unique=False)
    op.create_table(
        "billing_plan_line",
        sa.Column("id", BigId, nullable=False),
        sa.Column("plan_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("supply", sa.String(length=24), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("item_code", sa.String(length=60), nullable=False),
        sa.Column("quantity_millionths", BigId, nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("tax_category", sa.String(length=24), nullable=False),
        sa.Column("tax_rate_bp", sa.Integer(), nullable=False),
        sa.Column("exemption", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["billing_plan.id"], name=op.f("fk_billing_plan_line_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_plan_line")),
        sa.UniqueConstraint("plan_id", "position", name=op.f("uq_billing_plan_line_plan_id_position")),
    )
    op.create_table(
        "billing_plan_price",
        sa.Column("line_id", BigId, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("unit_price_millionths", BigId, nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["billing_plan_line.id"], name=op.f("fk_billing_plan_price_line_id")),
        sa.PrimaryKeyConstraint("line_id", "valid_from", name=op.f("pk_billing_plan_price")),
    )
    op.create_table(
        "billing_plan_period",
        sa.Column("plan_id", BigId, nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("invoice_id", BigId, nullable=False),
        sa.CheckConstraint("period_to >= period_from", name=op.f("ck_billing_plan_period_period")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_billing_plan_period_invoice_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["billing_plan.id"], name=op.f("fk_billing_plan_period_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "period_from", name=op.f("pk_billing_plan_period")),
    )
    op.create_index("ix_billing_plan_period_invoice", "billing_plan_period", ["invoice_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose orders and what was billed of them")
