"""Issuing invoices of five lines from orders by the real billing run, against COPY of all the rows that it writes.

The raw writes go to the same migrated tables, with their indexes, constraints and triggers, in one transaction, from
tuples made beforehand; the documents as drafts, for the database takes no lines of an issued one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ar.core.db import Database, bulk_insert, reserve_ids
from ar.core.kernel import Kernel
from ar.core.render import Renderer
from ar.core.settings import Settings
from ar.customers.entities import EntityDraft, found_entity
from ar.customers.models import Account
from bench import Result, in_own_process, median, peak_memory_mb, seconds
from bench.databases import fresh_postgres, postgres_server
from bench.dunning import account
from bench.imports import Rows, write_raw
from invoicing.billing.run import bill
from invoicing.models import SupplyKind, TaxCategory
from invoicing.orders.models import OrderLine, OrderState, SalesOrder
from invoicing.totals import MILLION
from tests.databases import Postgres

NOW = datetime(2026, 6, 30, 20, tzinfo=UTC)
TODAY = date(2026, 6, 30)
LINES = 5
ORDERS_EACH = 5
TABLES = (
    "ledger_entry",
    "open_item",
    "invoice",
    "invoice_line",
    "invoice_tax",
    "invoice_instalment",
    "billing_run",
    "billing_document",
    "order_billing",
    "number_sequence",
    "job",
    "audit_entry",
)
"""What a run writes, in the order in which the tables refer to each other."""


def run(size: int | None, repeat: int) -> Result:
    """`size` invoices, one for each order. Without PostgreSQL there is nothing to measure."""
    size = size or 10_000
    with postgres_server() as server:
        if server is None:
            raise SystemExit("this bench needs PostgreSQL")
        figures = in_own_process(measure, size, server.url, repeat)
    return Result(
        "issue",
        figures["value"],
        "invoices/s",
        figures["ratio"],
        "raw COPY of all the rows it writes",
        {"size": size, **figures},
    )


def measure(size: int, server: str, repeat: int) -> dict[str, float]:
    """Seconds of a run and of the raw writes, the median of each, taken in turn."""
    ours, raws, memory = [], [], 0.0
    rows: Rows = {}
    renderer = Renderer()
    postgres = Postgres(server)
    for _ in range(repeat):
        with fresh_postgres(postgres) as database:
            furnish(database, size)
            before = heads(database)
            kernel = Kernel(Settings(var_dir=Path("/nowhere")), database, renderer)
            ours.append(seconds(partial(run_once, kernel, size)))
            if not rows:
                memory = peak_memory_mb()  # before the raw rows are held for comparison
                rows = read_back(database, before)
        with fresh_postgres(postgres) as database:
            furnish(database, size)
            raws.append(seconds(partial(write_raw, database, rows)))
    postgres.close()
    return {
        "value": round(size / median(ours)),
        "seconds": round(median(ours), 3),
        "raw_seconds": round(median(raws), 3),
        "ratio": round(median(ours) / median(raws), 2),
        "rows_written": sum(len(values) for _, values in rows.values()),
        "memory_mb": memory,
    }


def run_once(kernel: Kernel, size: int) -> None:
    report = bill(kernel, by="system", now=NOW)
    assert (report.issued, report.held, report.parked) == (size, 0, ()), str(report)


def furnish(database: Database, size: int) -> None:
    """A seller, size/5 customers, and `size` delivered orders of five lines at two rates, one with a discount."""
    with database.transaction() as session:
        found_entity(session, EntityDraft("B1", "Bench", "FR", "EUR", "fr"), by="system", now=NOW)
        accounts = list(reserve_ids(session, Account, max(1, size // ORDERS_EACH)))
        bulk_insert(session, Account, [account(n) for n in accounts])
        ids = list(reserve_ids(session, SalesOrder, size))
        bulk_insert(session, SalesOrder, [order(n, accounts[at % len(accounts)]) for at, n in enumerate(ids)])
        lines = list(reserve_ids(session, OrderLine, size * LINES))
        bulk_insert(session, OrderLine, [line(n, ids[at // LINES], at % LINES) for at, n in enumerate(lines)])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def order(number: int, account_id: int) -> dict[str, Any]:
    return {
        "id": number,
        "entity_id": 1,
        "account_id": account_id,
        "reference": f"WEB-{number}",
        "digest": "",
        "state": OrderState.DELIVERED,
        "currency": "EUR",
        "terms": "net 30",
        "purchase_order": f"PO-{number}",
        "buyer_reference": "",
        "site_name": "",
        "site_street": "",
        "site_postcode": "",
        "site_city": "",
        "site_country": "",
        "note": "",
        "net_minor": 0,
        "tax_minor": 0,
        "total_minor": 0,
        "unbilled_minor": 0,
        "entered_by": "system",
        "entered_at": NOW,
        "accepted_on": TODAY,
        "credit_reasons": [],
    }


def line(number: int, order_id: int, at: int) -> dict[str, Any]:
    quantity = (at + 1) * MILLION
    return {
        "id": number,
        "order_id": order_id,
        "position": at + 1,
        "supply": SupplyKind.GOODS,
        "description": f"Article {at + 1} of the order",
        "item_code": f"A-{at}",
        "family": "",
        "quantity_millionths": quantity,
        "unit": "C62",
        "unit_price_millionths": (number % 900 + 1) * MILLION,
        "discount_bp": None,
        "discount_minor": None,
        "tax_category": TaxCategory.STANDARD,
        "tax_rate_bp": 550 if at == 4 else 2000,
        "exemption": "",
        "purchase_order": "",
        "order_line": "",
        "delivered_millionths": quantity,
        "delivered_on": TODAY,
        "billed_millionths": 0,
        "billed_discount_minor": 0,
    }


def heads(database: Database) -> dict[str, int]:
    """How many rows each table has before the run."""
    with database.engine.connect() as connection:
        return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in TABLES}


def read_back(database: Database, before: dict[str, int]) -> Rows:
    """Columns and rows of each table as the run wrote them; those that were there before are left out."""
    kept: Rows = {}
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    for name in TABLES:
        order_by = "ORDER BY id" if name in ("audit_entry", "job") else ""
        cursor.execute(f"SELECT * FROM {name} {order_by}")
        columns = [described[0] for described in cursor.description or ()]
        values = [tuple(row) for row in cursor.fetchall()][before[name] :]
        kept[name] = (columns, [_plain(name, columns, row) for row in values])
    connection.close()
    return kept


def _plain(name: str, columns: list[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row as COPY takes it: an issued document as a draft."""
    cells = [
        str(cell).replace("'", '"').replace("None", "null") if isinstance(cell, list | dict) else cell for cell in row
    ]
    if name == "invoice":
        cells[columns.index("state")] = "draft"
    return tuple(cells)
