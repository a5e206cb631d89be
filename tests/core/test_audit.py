from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from ar.core.audit import Act, AuditEntry, record, verify
from ar.core.db import Database

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def act(n: int) -> Act:
    change = {"before": {"name": "A"}, "after": {"name": f"B{n}", "on": NOW.date(), "rate": Decimal("0.1")}}
    return Act("user:1", "account.changed", f"account:{n}", change)


def test_chain_holds_over_transactions_and_forgets_a_rollback(database: Database) -> None:
    with database.transaction() as session:
        record(session, [act(1), act(2)], now=NOW)
    with pytest.raises(RuntimeError), database.transaction() as session:
        record(session, [act(3)], now=NOW)
        raise RuntimeError
    with database.transaction() as session:
        record(session, [act(4)], now=NOW)
    with database.reading() as session:
        assert [entry.subject for entry in session.exec(select(AuditEntry))] == ["account:1", "account:2", "account:4"]
        assert verify(session) == []


def test_database_refuses_to_change_the_trail(database: Database) -> None:
    with database.transaction() as session:
        record(session, [act(1)], now=NOW)
    for statement in ("UPDATE audit_entry SET actor = 'user:2'", "DELETE FROM audit_entry"):
        with pytest.raises(DBAPIError), database.transaction() as session:
            session.connection().execute(text(statement))


def test_erasing_what_was_changed_keeps_the_chain(database: Database) -> None:
    with database.transaction() as session:
        record(session, [act(1), act(2)], now=NOW)
    with database.transaction() as session:
        session.connection().execute(text("UPDATE audit_entry SET change = NULL, salt = NULL"))
    with database.reading() as session:
        assert verify(session) == []
