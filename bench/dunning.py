"""Deciding, recording and rendering reminders, against rendering alone plus writing the same rows raw.

On PostgreSQL two processes share the run; rendering alone and the raw writes are one process's each.

Every customer has about 20 open invoices, most of them late, a few contested, promised or with credit to set against
them. Rendering alone takes the contexts ready made; the raw writes are executemany or COPY of all the rows of the run,
to the same migrated tables, in one transaction, from tuples made beforehand.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ar.cash.checkout import in_flight
from ar.core.clock import local_date
from ar.core.db import Database, bulk_insert, connect, reserve_ids
from ar.core.kernel import Kernel
from ar.core.render import Renderer
from ar.core.settings import Settings
from ar.customers.entities import EntityDraft, found_entity
from ar.customers.models import Account, Channel, Contact
from ar.ledger.items import mark_disputed_all
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from bench import Result, in_own_process, median, peak_memory_mb, seconds
from bench.databases import fresh_postgres, fresh_sqlite, postgres_server
from bench.imports import write_raw
from dunning import message, policies
from dunning.decision import Send, decide
from dunning.facts import gather
from dunning.run import Share, run_chunks
from tests.databases import Postgres

NOW = datetime(2026, 6, 30, 10, tzinfo=UTC)
PROCESSES = 2
"""On PostgreSQL; SQLite has one writer."""
WRITTEN = {
    "dunning_notice": "true",
    "dunning_notice_item": "true",
    "outbox_message": "true",
    "dunning_decision": "true",
    "audit_entry": "action = 'dunning.decided'",
}
"""The tables that a run writes, and which of their rows are its own."""

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]
Rendering = tuple[str, str, Mapping[str, Any]]


def run(size: int | None, repeat: int) -> Result:
    """The slower of the two databases counts; both are in the line."""
    size = size or 100_000
    with postgres_server() as server:
        measured = {"sqlite": in_own_process(measure, size, None, repeat)}
        if server is not None:
            measured["postgres"] = in_own_process(measure, size, server.url, repeat)
    return Result(
        "dunning",
        min(figures["value"] for figures in measured.values()),
        "customers/s",
        max(figures["ratio"] for figures in measured.values()),
        "rendering the same messages alone plus raw executemany / COPY of the same rows",
        {"size": size, "memory_mb": max(figures["memory_mb"] for figures in measured.values()), **measured},
    )


def measure(size: int, server: str | None, repeat: int) -> dict[str, float]:
    """Seconds of a run, of rendering alone and of the raw writes, the median of each; SQLite without a server."""
    ours, renders, raws, memory = [], [], [], 0.0
    rows: Rows = {}
    renderings: list[Rendering] = []
    renderer = Renderer()
    postgres = Postgres(server) if server else None
    for _ in range(repeat):
        with fresh_postgres(postgres) if postgres else fresh_sqlite() as database:
            furnish(database, size)
            kernel = Kernel(Settings(var_dir=Path("/nowhere")), database, renderer)
            ours.append(worked(database) if postgres else seconds(partial(run_once, kernel)))
            if not rows:
                memory = peak_memory_mb()  # before the raw rows and contexts are held for comparison
                rows = read_back(database)
        with fresh_postgres(postgres) if postgres else fresh_sqlite() as database:
            furnish(database, size)
            if not renderings:
                renderings = contexts(database)
            renders.append(seconds(partial(render_all, renderer, renderings)))
            raws.append(seconds(partial(write_raw, database, rows)))
    if postgres:
        postgres.close()
    return {
        "value": round(size / 20 / median(ours)),
        "seconds": round(median(ours), 3),
        "render_seconds": round(median(renders), 3),
        "raw_seconds": round(median(raws), 3),
        "ratio": round(median(ours) / (median(renders) + median(raws)), 2),
        "messages": len(renderings),
        "rows_written": sum(len(values) for _, values in rows.values()),
        "memory_mb": memory,
    }


def furnish(database: Database, size: int) -> None:
    """A seller, size/20 customers in two languages, and `size` open invoices due from 50 days ago to 5 days ahead."""
    dice = random.Random(20260630)
    today = NOW.date()
    with database.transaction() as session:
        found_entity(session, EntityDraft("B1", "Bench", "FR", "EUR", "fr"), by="system", now=NOW)
        accounts = list(reserve_ids(session, Account, max(1, size // 20)))
        bulk_insert(session, Account, [account(n) for n in accounts])
        bulk_insert(session, Contact, [contact(n) for n in accounts])
        due = [today + timedelta(days=dice.randrange(-50, 6)) for _ in range(size)]
        ids = post(session, [invoice(accounts[n % len(accounts)], n, day) for n, day in enumerate(due)], now=NOW)
        post(session, [credit(n, today) for n in accounts[::20]], now=NOW)
        mark_disputed_all(session, [(entry, 1_000, today) for entry in ids[::33]], source="bench")


def account(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "code": f"C{number:06}",
        "legal_name": f"Customer {number}",
        "country": "FR",
        "language": "fr" if number % 2 else "en",
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "created_at": NOW,
    }


def contact(number: int) -> dict[str, Any]:
    return {
        "account_id": number,
        "name": f"Jo Customer {number}",
        "email": f"pay{number}@c{number}.example",
        "roles": [],
        "preferred_channel": Channel.EMAIL,
    }


def invoice(account_id: int, number: int, due_on: date) -> Posting:
    return Posting(
        1,
        account_id,
        EntryKind.INVOICE,
        1_500 + number * 37 % 900_000,
        "EUR",
        due_on - timedelta(days=30),
        due_on,
        f"F-{number:07}",
    )


def credit(account_id: int, today: date) -> Posting:
    return Posting(1, account_id, EntryKind.PAYMENT, 5_000, "EUR", today)


def link_for(account_id: int, epoch: int) -> str:
    return f"https://pay.example/pay/{account_id:012}-{epoch:04}-0123456789abcdef0123456789abcdef"


def worked(database: Database) -> float:
    """Seconds that PROCESSES processes take for the run, each having its share."""
    url = database.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        list(pool.map(ready, [url] * PROCESSES))
        start = time.perf_counter()
        list(pool.map(shared, [url] * PROCESSES, range(PROCESSES)))
        return time.perf_counter() - start


@cache
def _kept(url: str) -> Kernel:
    """The installation, as a worker keeps it open."""
    return Kernel(Settings(var_dir=Path("/nowhere")), connect(url), Renderer())


def ready(url: str) -> None:
    """A worker that has been at work before: its modules and templates loaded."""
    time.sleep(1)  # so that each process takes one
    _kept(url)


def shared(url: str, number: int) -> None:
    share = Share(number, PROCESSES)
    report = run_chunks(_kept(url), now=NOW, link_for=link_for, in_flight=in_flight, share=share)
    assert report.sent
    assert not report.parked


def run_once(kernel: Kernel) -> None:
    report = run_chunks(kernel, now=NOW, link_for=link_for, in_flight=in_flight)
    assert report.sent
    assert not report.parked


def contexts(database: Database) -> list[Rendering]:
    """What the run renders: kind, language and context of each message."""
    made: list[Rendering] = []
    with database.transaction() as session:  # the raw writes reuse its connection
        ids = list(session.connection().exec_driver_sql("SELECT id FROM account ORDER BY id").scalars())
        in_force = policies.policies_in_force(session, now=NOW)
        [seller] = policies.sellers(session, [1]).values()
        for facts in gather(session, ids, now=NOW, in_flight=in_flight):
            today = local_date(NOW, facts.zone)
            decision = decide(facts, in_force, today=today)
            if isinstance(decision, Send):
                link = link_for(facts.account_id, facts.epoch)
                given = message.context(decision, facts, seller, link=link, terms=None, today=today)
                made.append((decision.step.kind, facts.language, given))
    return made


def render_all(renderer: Renderer, renderings: Sequence[Rendering]) -> None:
    for kind, language, given in renderings:
        renderer.message(kind, language=language, **given)


def read_back(database: Database) -> Rows:
    """Columns and rows of each table as the run wrote them."""
    kept: Rows = {}
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    for name, ours in WRITTEN.items():
        cursor.execute(f"SELECT * FROM {name} WHERE {ours}")
        columns = [described[0] for described in cursor.description or ()]
        values = [tuple(plain(cell) for cell in row) for row in cursor.fetchall()]
        kept[name] = (columns, values)
    connection.close()
    return kept


def plain(cell: Any) -> Any:
    """JSON as the text that it was written as: PostgreSQL's driver has read it."""
    return json.dumps(cell) if isinstance(cell, list | dict) else cell
