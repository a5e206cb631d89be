"""Importing neutral invoices, against writing all the rows that it writes, raw: executemany or COPY per table.

The raw writes go to the same migrated tables, with their indexes, constraints and triggers, in one transaction,
from tuples made beforehand.
"""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ar.core.db import Database
from ar.customers.entities import EntityDraft, found_entity
from bench import Result, in_own_process, median, peak_memory_mb, seconds
from bench.databases import fresh_postgres, fresh_sqlite, postgres_server
from invoicing.imports.profiles import NEUTRAL
from invoicing.imports.run import import_invoices
from tests.databases import Postgres

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]
TABLES = ("account", "contact", "ledger_entry", "open_item", "allocation", "dispute_mark", "import_batch")


def write_file(path: Path, size: int) -> None:
    """A neutral CSV of `size` invoices of size/20 customers: 3 of 4 paid, 1 of 33 contested."""
    dice = random.Random(20260630)
    customers = max(1, size // 20)
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(
            "customer_code,customer_name,email,language,country,currency,invoice_number,issue_date,due_date,amount,"
            "paid_date,disputed\n"
        )
        for n in range(size):
            who = dice.randrange(customers)
            issue = date(2025, 1, 1) + timedelta(days=n * 540 // size)
            due = issue + timedelta(days=dice.choice((30, 45, 60)))
            paid = min(due + timedelta(days=dice.randrange(-5, 40)), NOW.date()) if dice.random() < 0.75 else ""
            out.write(
                f"C{who:06},Customer {who},pay{who}@c{who}.example,{'fr' if who % 2 else 'en'},FR,EUR,F-{n:07},"
                f"{issue},{due},{dice.randrange(100, 5_000_000) / 100:.2f},{paid},"
                f"{'yes' if dice.random() < 0.03 else 'no'}\n"
            )


def run(size: int | None, repeat: int) -> Result:
    """The slower of the two databases counts; both are in the line."""
    size = size or 100_000
    with tempfile.TemporaryDirectory(prefix="amiable-bench-") as folder, postgres_server() as server:
        path = Path(folder) / "invoices.csv"
        write_file(path, size)
        measured = {"sqlite": in_own_process(measure, path, None, repeat)}
        if server is not None:
            measured["postgres"] = in_own_process(measure, path, server.url, repeat)
    for figures in measured.values():
        figures["value"] = round(size / figures["seconds"])
    return Result(
        "import",
        min(figures["value"] for figures in measured.values()),
        "invoices/s",
        max(figures["ratio"] for figures in measured.values()),
        "raw executemany / COPY of all the rows it writes",
        {"size": size, "memory_mb": max(figures["memory_mb"] for figures in measured.values()), **measured},
    )


def measure(path: Path, server: str | None, repeat: int) -> dict[str, float]:
    """Seconds of an import and of the raw writes, the median of each, taken in turn; SQLite without a server."""
    ours, raws, memory = [], [], 0.0
    rows: Rows = {}
    postgres = Postgres(server) if server else None
    for _ in range(repeat):
        with fresh_postgres(postgres) if postgres else fresh_sqlite() as database:
            found_seller(database)
            ours.append(seconds(partial(imported, database, path)))
            if not rows:
                memory = peak_memory_mb()  # before the raw rows are held for comparison
                rows = read_back(database)
        with fresh_postgres(postgres) if postgres else fresh_sqlite() as database:
            found_seller(database)
            raws.append(seconds(partial(write_raw, database, rows)))
    if postgres:
        postgres.close()
    return {
        "seconds": round(median(ours), 3),
        "raw_seconds": round(median(raws), 3),
        "ratio": round(median(ours) / median(raws), 2),
        "rows_written": sum(len(values) for _, values in rows.values()),
        "memory_mb": memory,
    }


def found_seller(database: Database) -> None:
    with database.transaction() as session:
        found_entity(session, EntityDraft("B1", "Bench", "FR", "EUR", "fr"), by="system", now=NOW)


def imported(database: Database, path: Path) -> None:
    with database.transaction() as session, path.open("rb") as stream:
        report = import_invoices(
            session,
            stream,
            file_name=path.name,
            profile=NEUTRAL,
            entity_code=None,
            by="system",
            today=NOW.date(),
            now=NOW,
        )
    assert report.refused == report.unchanged == 0


def read_back(database: Database) -> Rows:
    """Columns and rows of each table as the import wrote them, before the triggers worked on the open items."""
    kept: Rows = {}
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    for name in TABLES:
        cursor.execute(f"SELECT * FROM {name}")
        columns = [described[0] for described in cursor.description or ()]
        values = [tuple(row) for row in cursor.fetchall()]
        if name == "open_item":
            whole, open_, marked = (columns.index(c) for c in ("amount_minor", "open_minor", "disputed_minor"))
            values = [
                tuple(row[whole] if n == open_ else 0 if n == marked else cell for n, cell in enumerate(row))
                for row in values
            ]
        kept[name] = (columns, [tuple(_plain(cell) for cell in row) for row in values])
    connection.close()
    return kept


def _plain(cell: Any) -> Any:
    return str(cell).replace("'", '"') if isinstance(cell, list | dict) else cell


def write_raw(database: Database, rows: Rows) -> None:
    """All the rows, one statement a table, through the driver alone, committed once."""
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    if database.is_postgres:
        with driver.cursor() as cursor:
            for name, (columns, values) in rows.items():
                with cursor.copy(f"COPY {name} ({','.join(columns)}) FROM STDIN") as copy:
                    for value in values:
                        copy.write_row(value)
        driver.commit()
    else:
        driver.execute("BEGIN IMMEDIATE")
        for name, (columns, values) in rows.items():
            driver.executemany(
                f"INSERT INTO {name} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})", values
            )
        driver.execute("COMMIT")
    connection.close()
