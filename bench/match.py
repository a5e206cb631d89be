"""Bank lines matched and applied on two processes with PostgreSQL, writes included, against COPY of the rows written.

The lines and items are those of match_truth.py, in the product's own tables; what was applied is read back and compared
with the truth. The raw writes go to the same furnished tables, with their indexes and triggers.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from typing import Any

from sqlmodel import func, select

from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.cash.matching.directory import directory
from ar.cash.matching.models import AliasKind, CashApplication, CashPolicy, PayerAlias
from ar.cash.matching.run import match_all
from ar.core.db import Database, bulk_insert, connect
from ar.customers.entities import EntityDraft, found_entity
from ar.customers.models import Account, BankAccount
from ar.ledger.models import Book, Entry, EntryKind, OpenItem
from bench import Result, in_own_process, peak_memory_mb, seconds
from bench.databases import fresh_postgres, postgres_server
from bench.imports import Rows, write_raw
from bench.match_score import POLICY, SEED
from bench.match_truth import Paid, World, make_world
from tests.cash.matching.lines import NOTHING
from tests.databases import Postgres

NOW = datetime(2026, 6, 30, 20, tzinfo=UTC)
PROCESSES = 2
_AT_ONCE = 50_000
WRITTEN = ("ledger_entry", "open_item", "payment", "cash_application", "allocation", "audit_entry", "job")
"""What applying writes, besides proposals and what is learnt of payers, in the order of their foreign keys."""


def run(size: int | None, repeat: int) -> Result:
    """`size` bank lines against ten times as many open items. Measured once: what is furnished is large."""
    size = size or 50_000
    with postgres_server() as server:
        if server is None:
            raise SystemExit("this bench needs PostgreSQL")
        figures = in_own_process(measure, size, server.url)
    extra = {"size": size, "processes": PROCESSES, "seed": SEED, "repeat": min(repeat, 1), **figures}
    against = "raw COPY of the rows it writes, on one connection"
    return Result("match", figures["value"], "payments/s", figures["ratio"], against, extra)


def measure(size: int, server: str) -> dict[str, float]:
    """Seconds from the first line to the last commit, and of the raw writes; how much was applied, and wrongly."""
    world = make_world(SEED, payments=size, items=10 * size, customers=size * 2 // 5)
    postgres = Postgres(server)
    with fresh_postgres(postgres) as database:
        furnish(database, world)
        before = heads(database)
        url = database.engine.url.render_as_string(hide_password=False)
        spent, memory = worked(url, size)
        applied, wrong = judged(database, world.payments)
        rows = read_back(database, before)
    with fresh_postgres(postgres) as database:
        furnish(database, world)
        raw = seconds(lambda: write_raw(database, rows))
    postgres.close()
    return {
        "value": round(size / spent),
        "seconds": round(spent, 2),
        "raw_seconds": round(raw, 2),
        "ratio": round(spent / raw, 2),
        "match_rate": round(applied / size, 4),
        "match_error": round(wrong / max(1, applied), 6),
        "rows_written": sum(len(values) for _, values in rows.values()),
        "memory_mb": memory,
    }


def worked(url: str, size: int) -> tuple[float, float]:
    """Seconds that PROCESSES processes take for all lines, each having its share; and the most memory of one."""
    shares = [list(range(1 + n, size + 1, PROCESSES)) for n in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        list(pool.map(ready, [url] * PROCESSES))
        start = time.perf_counter()
        memory = max(pool.map(matched, [url] * PROCESSES, shares))
        return time.perf_counter() - start, memory


@cache
def _kept(url: str) -> Database:
    """The database, as a worker keeps it open from chunk to chunk."""
    return connect(url)


def ready(url: str) -> None:
    """A worker that has been at work before: its modules loaded, the customers' names read."""
    time.sleep(1)  # so that each process takes one
    with _kept(url).transaction() as session:
        directory(session)


def matched(url: str, lines: list[int]) -> float:
    report = match_all(_kept(url), lines, NOTHING, now=NOW)
    assert not report.parked, report.parked
    return peak_memory_mb()


def judged(database: Database, payments: Sequence[Paid]) -> tuple[int, int]:
    """How many lines were applied, and how many of them not as they were meant."""
    with database.reading() as session:
        made = {act.bank_line_id: act.content for act in session.exec(select(CashApplication))}
        lines = session.exec(select(func.count()).where(BankLine.state == LineState.APPLIED)).one()
        settled = session.exec(select(func.count()).where(OpenItem.open_minor < OpenItem.amount_minor)).one()
    assert lines == len(made)
    assert settled > 0
    wrong = 0
    for paid in payments:
        if content := made.get(paid.incoming.id):
            cleared: Counter[int] = Counter()
            for _, entry_id, minor in content["parts"]:
                if entry_id is not None:
                    cleared[entry_id] += minor
            for debit_id, credit_id, minor in content["nettings"]:
                cleared[debit_id] += minor
                cleared[credit_id] += minor
            let_off = frozenset((entry_id, minor) for entry_id, minor, _ in content["residuals"])
            wrong += not paid.truth.settled or (frozenset(cleared.items()), let_off) != (
                paid.truth.cleared, paid.truth.let_off,
            )  # fmt: skip
    return len(made), wrong


def furnish(database: Database, world: World) -> None:
    """The seller and its accounts, the customers, what is open, what is known of payers, and the bank lines."""
    with database.transaction() as session:
        seller = found_entity(session, EntityDraft("B1", "Bench", "FR", "EUR", "fr"), by="system", now=NOW)
        entity_id = seller.id or 0
        currencies = sorted({item.currency for item in world.items})
        for n, currency in enumerate(currencies, start=1):
            account = BankAccount(
                id=n, entity_id=entity_id, iban=f"FR7630006000011234567{n:06}", holder="Bench", currency=currency
            )
            session.add(account)
            session.flush()
            session.add(_statement(n, currency, len(world.payments)))
        session.add(
            CashPolicy(
                entity_id=entity_id, apply_above=POLICY.apply_above, tolerance_minor=POLICY.tolerance_minor,
                tolerance_bp=POLICY.tolerance_bp, tolerance_book=Book.PAYMENT_DIFFERENCES,
                charges_minor=POLICY.charges_minor,
            )
        )  # fmt: skip
        bulk_insert(session, Account, [_account(customer) for customer in world.customers])
        known = [customer for customer in world.customers if customer.known]
        bulk_insert(session, PayerAlias, [_alias(n, customer) for n, customer in enumerate(known, start=1)])
        for start in range(0, len(world.items), _AT_ONCE):
            items = world.items[start : start + _AT_ONCE]
            bulk_insert(session, Entry, [_entry(item) for item in items])
            bulk_insert(session, OpenItem, [_item(item) for item in items])
        places = {currency: n for n, currency in enumerate(currencies, start=1)}
        bulk_insert(session, BankLine, [_line(paid, places[paid.incoming.currency]) for paid in world.payments])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("ledger_entry", "account", "payer_alias"):
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
            )
        connection.exec_driver_sql("ANALYZE")


def _statement(number: int, currency: str, lines: int) -> BankStatement:
    return BankStatement(
        id=number,
        bank_account_id=number,
        format="camt053",
        digest=f"{number:064}",
        currency=currency,
        lines_read=lines,
        lines_added=lines,
        imported_by="system",
        imported_at=NOW,
    )


def _account(customer: Any) -> dict[str, Any]:
    return {
        "id": customer.id,
        "code": customer.code,
        "legal_name": customer.name,
        "country": "FR",
        "language": "fr",
        "currency": customer.currency,
        "time_zone": "Europe/Paris",
        "parent_id": customer.parent_id,
        "created_at": NOW,
    }


def _alias(number: int, customer: Any) -> dict[str, Any]:
    return {
        "id": number,
        "kind": AliasKind.IBAN,
        "value": customer.iban,
        "account_id": customer.id,
        "confirmed": 2,
        "refused": 0,
        "seen_at": NOW,
    }


def _entry(item: Any) -> dict[str, Any]:
    owed = item.side == 1
    return {
        "id": item.entry_id,
        "entity_id": item.entity_id,
        "account_id": item.account_id,
        "kind": item.kind,
        "debit": Book.RECEIVABLE if owed else Book.SALES,
        "credit": (Book.LATE_CHARGES if item.kind is EntryKind.LATE_CHARGE else Book.SALES)
        if owed
        else Book.RECEIVABLE,
        "amount_minor": item.amount_minor,
        "currency": item.currency,
        "effective_on": item.effective_on,
        "due_on": item.due_on,
        "reference": item.reference,
        "memo": "",
        "source": "bench",
        "posted_at": NOW,
    }


def _item(item: Any) -> dict[str, Any]:
    names = (
        "entry_id", "entity_id", "account_id", "kind", "side", "currency", "amount_minor", "open_minor",
        "effective_on", "due_on", "reference", "reference_key", "purchase_order", "discount_until", "discount_minor",
    )  # fmt: skip
    return {name: getattr(item, name) for name in names}


def _line(paid: Paid, bank_account_id: int) -> dict[str, Any]:
    one = paid.incoming
    return {
        "id": one.id,
        "statement_id": bank_account_id,
        "bank_account_id": bank_account_id,
        "entity_id": one.entity_id,
        "identity": f"{one.id:064}",
        "booked_on": one.received_on,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "kind": "",
        "counterparty_name": one.payer_name,
        "counterparty_iban": one.payer_iban,
        "bank_reference": "",
        "end_to_end_id": "",
        "mandate_id": "",
        "batch_reference": "",
        "structured_reference": "",
        "remittance": "\n".join(one.texts),
        "return_reason": "",
        "charges_minor": one.charges_minor,
        "state": LineState.OPEN,
        "state_reason": "",
        "decided_by": "",
    }


def heads(database: Database) -> dict[str, int]:
    """The highest key of each table before the run."""
    with database.engine.connect() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT coalesce(max({_key(name)}), 0) FROM {name}").scalar_one()
            for name in WRITTEN
        }


def _key(name: str) -> str:
    return "entry_id" if name == "open_item" else "id"


def read_back(database: Database, before: dict[str, int]) -> Rows:
    """Columns and rows of each table as the run wrote them."""
    kept: Rows = {}
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    for name in WRITTEN:
        key = _key(name)
        cursor.execute(f"SELECT * FROM {name} WHERE {key} > {before[name]} ORDER BY {key}")
        columns = [described[0] for described in cursor.description or ()]
        values = [tuple(json.dumps(c) if isinstance(c, list | dict) else c for c in row) for row in cursor.fetchall()]
        if name == "open_item":  # as posted: the allocations settle it again
            at, whole = columns.index("open_minor"), columns.index("amount_minor")
            values = [(*row[:at], row[whole], *row[at + 1 :]) for row in values]
        kept[name] = (columns, values)
    connection.close()
    return kept
