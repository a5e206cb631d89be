"""Ageing of every account as of a day, against the one raw SQL query, by the bare driver, that gives the same table."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import text

from ar.core.db import Database, bulk_insert, reserve_ids
from ar.customers.entities import EntityDraft, found_entity
from ar.customers.models import Account
from ar.ledger.ageing import AgeingRow, ageing
from bench import Result, in_own_process, median, peak_memory_mb, seconds
from bench.databases import fresh_postgres, fresh_sqlite, postgres_server
from tests.databases import Postgres

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
TODAY = NOW.date()
PER_ACCOUNT = 20

NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :size)",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(1 AS bigint), :size))",
}
DUE = {
    "sqlite": "date(:today, (40 - i * 7919 % 160) || ' days')",
    "postgresql": "CAST(:today AS date) + CAST(40 - i * 7919 % 160 AS integer)",
}
RAW = """
SELECT account_id, entity_id, currency,
  sum(CASE WHEN side = -1 THEN open_minor ELSE 0 END),
  sum(CASE WHEN side = 1 AND due_on >= {d0} THEN open_minor ELSE 0 END),
  sum(CASE WHEN side = 1 AND due_on < {d0} AND due_on >= {d30} THEN open_minor ELSE 0 END),
  sum(CASE WHEN side = 1 AND due_on < {d30} AND due_on >= {d60} THEN open_minor ELSE 0 END),
  sum(CASE WHEN side = 1 AND due_on < {d60} AND due_on >= {d90} THEN open_minor ELSE 0 END),
  sum(CASE WHEN side = 1 AND due_on < {d90} THEN open_minor ELSE 0 END)
FROM open_item WHERE effective_on <= {d0} AND open_minor > 0
GROUP BY account_id, entity_id, currency
"""


def run(size: int | None, repeat: int) -> Result:
    """The slower of the two databases counts; both are in the line."""
    size = size or 1_000_000
    with postgres_server() as server:
        measured = {"sqlite": in_own_process(measure, size, None, repeat)}
        if server is not None:
            measured["postgres"] = in_own_process(measure, size, server.url, repeat)
    return Result(
        "ageing",
        max(figures["seconds"] for figures in measured.values()),
        "s",
        max(figures["ratio"] for figures in measured.values()),
        "one raw SQL query that gives the same table",
        {"size": size, "memory_mb": max(figures["memory_mb"] for figures in measured.values()), **measured},
    )


def measure(size: int, server: str | None, repeat: int) -> dict[str, float]:
    """Seconds of the ageing and of the raw query, taken in turn, the median of each; SQLite without a server."""
    postgres = Postgres(server) if server else None
    with fresh_postgres(postgres) if postgres else fresh_sqlite() as database:
        furnish(database, size)
        assert sorted(map(as_raw, aged(database))) == sorted(map(tuple, raw(database)))
        ours, raws = [], []
        for _ in range(max(repeat, 3)):
            raws.append(seconds(partial(raw, database)))
            ours.append(seconds(partial(aged, database)))
    if postgres:
        postgres.close()
    return {
        "seconds": round(median(ours), 3),
        "raw_seconds": round(median(raws), 3),
        "ratio": round(median(ours) / median(raws), 2),
        "memory_mb": peak_memory_mb(),
    }


def furnish(database: Database, size: int) -> None:
    """`size` open items of size/20 accounts: due from 40 days ahead to 120 days ago, one in 25 in credit."""
    dialect = database.engine.dialect.name
    with database.transaction() as session:
        found_entity(session, EntityDraft("B1", "Bench", "FR", "EUR", "fr"), by="system", now=NOW)
        accounts = list(reserve_ids(session, Account, max(1, size // PER_ACCOUNT)))
        bulk_insert(session, Account, [account(number) for number in accounts])
        given = {"size": size, "accounts": len(accounts), "today": TODAY.isoformat(), "now": NOW}
        entries = (
            "INSERT INTO ledger_entry (id, entity_id, account_id, kind, debit, credit, amount_minor, currency,"
            " effective_on, due_on, reference, memo, source, posted_at) "
            f"{NUMBERS[dialect]} SELECT i, 1, 1 + i % :accounts,"
            " CASE WHEN i % 25 = 0 THEN 'payment' ELSE 'invoice' END,"
            " CASE WHEN i % 25 = 0 THEN 'bank' ELSE 'receivable' END,"
            " CASE WHEN i % 25 = 0 THEN 'receivable' ELSE 'sales' END,"
            f" 1000 + i * 37 % 900000, 'EUR', {DUE[dialect]}, {DUE[dialect]}, 'F-' || i, '', 'bench', :now FROM n"
        )
        items = (
            "INSERT INTO open_item (entry_id, entity_id, account_id, kind, side, currency, amount_minor, open_minor,"
            " effective_on, due_on, reference) SELECT id, entity_id, account_id, kind,"
            " CASE WHEN kind = 'invoice' THEN 1 ELSE -1 END, currency, amount_minor, amount_minor, :first, due_on,"
            " reference FROM ledger_entry"
        )
        given["now"] = NOW.replace(tzinfo=None).isoformat(" ") if dialect == "sqlite" else NOW
        session.connection().execute(text(entries), given)
        first: Any = TODAY - timedelta(days=160)
        session.connection().execute(text(items), {"first": first.isoformat() if dialect == "sqlite" else first})
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def account(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "code": f"C{number:06}",
        "legal_name": f"Customer {number}",
        "country": "FR",
        "language": "en",
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "created_at": NOW,
    }


def aged(database: Database) -> list[AgeingRow]:
    with database.reading() as session:
        return ageing(session, as_of=TODAY)


def as_raw(row: AgeingRow) -> tuple[object, ...]:
    return (row.account_id, row.entity_id, row.currency, -row.credits, *row.buckets)


def raw(database: Database) -> list[Any]:
    days = {f"d{days}": f"'{day_before(days)}'" for days in (0, 30, 60, 90)}
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute(RAW.format(**days))
    rows = list(cursor.fetchall())
    connection.close()
    return rows


def day_before(days: int) -> date:
    return TODAY - timedelta(days=days)
