"""What the database itself refuses: changing a posted row, allocating more than there is, forking the audit chain."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POSTED = ("ledger_entry", "allocation", "dispute_mark")
DOCUMENT_PARTS = ("invoice_line", "invoice_tax")

SQLITE = """
CREATE TRIGGER allocation_applies BEFORE INSERT ON allocation BEGIN
  SELECT RAISE(ABORT, 'amiable: an allocation joins a debit and a credit of one seller and currency')
  WHERE NOT EXISTS (
    SELECT 1 FROM open_item d JOIN open_item c ON c.entry_id = NEW.credit_id
    WHERE d.entry_id = NEW.debit_id AND d.side = 1 AND c.side = -1
      AND c.entity_id = d.entity_id AND c.currency = d.currency
  );
  UPDATE open_item SET open_minor = open_minor - NEW.amount_minor
  WHERE entry_id IN (NEW.debit_id, NEW.credit_id);
END;
CREATE TRIGGER dispute_mark_applies BEFORE INSERT ON dispute_mark BEGIN
  UPDATE open_item SET disputed_minor = disputed_minor + NEW.change_minor WHERE entry_id = NEW.entry_id;
END;
CREATE TRIGGER open_item_stays BEFORE UPDATE ON open_item
WHEN NEW.entry_id <> OLD.entry_id OR NEW.entity_id <> OLD.entity_id OR NEW.account_id <> OLD.account_id
  OR NEW.side <> OLD.side OR NEW.currency <> OLD.currency OR NEW.amount_minor <> OLD.amount_minor
  OR NEW.effective_on <> OLD.effective_on OR NEW.kind <> OLD.kind OR NEW.reference <> OLD.reference
BEGIN
  SELECT RAISE(ABORT, 'amiable: posted rows do not change');
END;
CREATE TRIGGER open_item_kept BEFORE DELETE ON open_item BEGIN
  SELECT RAISE(ABORT, 'amiable: posted rows do not change');
END;
CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry
WHEN NEW.change IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.id <> OLD.id OR NEW.at <> OLD.at
  OR NEW.actor <> OLD.actor OR NEW.action <> OLD.action OR NEW.subject <> OLD.subject
  OR NEW.change_digest <> OLD.change_digest OR NEW.previous_hash <> OLD.previous_hash OR NEW.hash <> OLD.hash
BEGIN
  SELECT RAISE(ABORT, 'amiable: the audit trail does not change');
END;
CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry BEGIN
  SELECT RAISE(ABORT, 'amiable: the audit trail does not change');
END;
CREATE TRIGGER invoice_stays BEFORE UPDATE ON invoice WHEN OLD.state = 'issued' BEGIN
  SELECT RAISE(ABORT, 'amiable: an issued document does not change');
END;
CREATE TRIGGER invoice_kept BEFORE DELETE ON invoice WHEN OLD.state = 'issued' BEGIN
  SELECT RAISE(ABORT, 'amiable: an issued document does not change');
END;
"""

POSTGRES = """
CREATE FUNCTION amiable_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'amiable: posted rows do not change' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION amiable_allocate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM added a JOIN open_item d ON d.entry_id = a.debit_id JOIN open_item c ON c.entry_id = a.credit_id
    WHERE d.side <> 1 OR c.side <> -1 OR c.entity_id <> d.entity_id OR c.currency <> d.currency
  ) THEN
    RAISE EXCEPTION 'amiable: an allocation joins a debit and a credit of one seller and currency'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  UPDATE open_item i SET open_minor = i.open_minor - s.amount
  FROM (
    SELECT leg.entry_id, sum(leg.amount_minor) AS amount FROM (
      SELECT debit_id AS entry_id, amount_minor FROM added
      UNION ALL SELECT credit_id, amount_minor FROM added
    ) leg GROUP BY leg.entry_id ORDER BY leg.entry_id
  ) s WHERE i.entry_id = s.entry_id;
  RETURN NULL;
END $$;
CREATE TRIGGER allocation_applies AFTER INSERT ON allocation
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION amiable_allocate();

CREATE FUNCTION amiable_mark_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE open_item i SET disputed_minor = i.disputed_minor + s.amount
  FROM (SELECT entry_id, sum(change_minor) AS amount FROM added GROUP BY entry_id) s WHERE i.entry_id = s.entry_id;
  RETURN NULL;
END $$;
CREATE TRIGGER dispute_mark_applies AFTER INSERT ON dispute_mark
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION amiable_mark_dispute();

CREATE TRIGGER open_item_stays BEFORE UPDATE ON open_item FOR EACH ROW
WHEN (NEW.entry_id <> OLD.entry_id OR NEW.entity_id <> OLD.entity_id OR NEW.account_id <> OLD.account_id
  OR NEW.side <> OLD.side OR NEW.currency <> OLD.currency OR NEW.amount_minor <> OLD.amount_minor
  OR NEW.effective_on <> OLD.effective_on OR NEW.kind <> OLD.kind OR NEW.reference <> OLD.reference)
EXECUTE FUNCTION amiable_refuse();
CREATE TRIGGER open_item_kept BEFORE DELETE ON open_item FOR EACH ROW EXECUTE FUNCTION amiable_refuse();
CREATE TRIGGER open_item_not_emptied BEFORE TRUNCATE ON open_item
FOR EACH STATEMENT EXECUTE FUNCTION amiable_refuse();

CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry FOR EACH ROW
WHEN (NEW.change IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.id <> OLD.id OR NEW.at <> OLD.at
  OR NEW.actor <> OLD.actor OR NEW.action <> OLD.action OR NEW.subject <> OLD.subject
  OR NEW.change_digest <> OLD.change_digest OR NEW.previous_hash <> OLD.previous_hash OR NEW.hash <> OLD.hash)
EXECUTE FUNCTION amiable_refuse();
CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION amiable_refuse();
CREATE TRIGGER audit_entry_not_emptied BEFORE TRUNCATE ON audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION amiable_refuse();

CREATE FUNCTION amiable_document_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'amiable: an issued document does not change' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoice_stays BEFORE UPDATE OR DELETE ON invoice FOR EACH ROW WHEN (OLD.state = 'issued')
EXECUTE FUNCTION amiable_document_stays();
CREATE TRIGGER invoice_not_emptied BEFORE TRUNCATE ON invoice
FOR EACH STATEMENT EXECUTE FUNCTION amiable_document_stays();

CREATE FUNCTION amiable_document_part_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM invoice WHERE id IN (NEW.invoice_id, OLD.invoice_id) AND state = 'issued'
  ) THEN
    RAISE EXCEPTION 'amiable: an issued document does not change' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for statement in SQLITE.split("END;")[:-1]:
            connection.exec_driver_sql(statement + "END;")
        for table in POSTED:
            for event in ("UPDATE", "DELETE"):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'amiable: posted rows do not change'); END;"
                )
        for table in DOCUMENT_PARTS:
            for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER {table}_{event.lower()}_{rows.lower()} BEFORE {event} ON {table} "
                    f"WHEN EXISTS (SELECT 1 FROM invoice WHERE id = {rows}.invoice_id AND state = 'issued') "
                    "BEGIN SELECT RAISE(ABORT, 'amiable: an issued document does not change'); END;"
                )
        return
    connection.exec_driver_sql(POSTGRES)
    for table in POSTED:
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION amiable_refuse()"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION amiable_refuse()"
        )
    for table in DOCUMENT_PARTS:
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_stays BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION amiable_document_part_stays()"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION amiable_document_stays()"
        )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose posted facts")
