"""The collectors' queue on PostgreSQL: the first page, a page in its middle, and one click, in milliseconds (95th
percentile), and how many rows a second the hourly refresh writes.

The ratio is that of the slower page against a bare keyset SELECT of the same rows joined with their accounts. Customers
have five open invoices each, most of them late; pages are whole HTML pages, answered in this process.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from ar.cash.checkout import in_flight
from ar.core import clock, logs
from ar.core.access.models import Role
from ar.core.db import Database, bulk_insert, reserve_ids
from ar.core.kernel import Kernel
from ar.core.render import Renderer
from ar.core.settings import Settings
from ar.customers.entities import EntityDraft, found_entity
from ar.customers.models import Account, Channel, Contact
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from bench import Result, peak_memory_mb, seconds
from bench.databases import fresh_postgres, postgres_server
from dunning.worklist.rows import refresh_all
from tests.web import client

INVOICES = 5


def run(size: int | None, repeat: int) -> Result:
    """`size` customers; each request `repeat` x 20 times."""
    size = size or 50_000
    with postgres_server() as server, tempfile.TemporaryDirectory(prefix="amiable-bench-") as folder:
        if server is None:
            raise SystemExit("the worklist bench needs PostgreSQL")
        with fresh_postgres(server) as database:
            return measure(database, Path(folder), size, repeat * 20)


def measure(database: Database, folder: Path, size: int, times: int) -> Result:
    settings = Settings(var_dir=folder, log_level="error", argon2_memory_kib=8, argon2_rounds=1)
    logs.configure(settings)
    kernel = Kernel(settings, database, Renderer())
    furnish(database, size)
    now = clock.now()
    refresh = seconds(lambda: refresh_all(kernel, now=now, in_flight=in_flight))
    again = seconds(lambda: refresh_all(kernel, now=now, in_flight=in_flight))
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    with client(kernel, Role.COLLECTOR, html=True) as browser:
        deep = middle(browser, size)
        figures = {
            "first": timed(lambda _n: ok(browser.get("/worklist")), times),
            "deep": timed(lambda _n: ok(browser.get(f"/worklist?cursor={deep}")), times),
            "resting": timed(lambda _n: ok(browser.get("/worklist?show=hidden")), times),
            "click": timed(lambda n: ok(click(browser, n + 1)), times),
        }
    with database.reading() as session:
        raw = timed(lambda _n: session.connection().execute(_RAW).all(), times)
    slower = max(figures["first"], figures["deep"])
    return Result(
        "worklist",
        slower,
        "ms p95",
        slower / raw,
        "a bare keyset SELECT of the same rows with their accounts",
        {
            "size": size,
            "first_ms": figures["first"],
            "deep_ms": figures["deep"],
            "resting_ms": figures["resting"],
            "click_ms": figures["click"],
            "bare_ms": raw,
            "refresh_rows_per_s": round(size / refresh),
            "refresh_again_rows_per_s": round(size / again),
            "memory_mb": peak_memory_mb(),
        },
    )


_RAW = text(
    "SELECT * FROM worklist_row JOIN account ON account.id = worklist_row.account_id WHERE hidden_for = '' "
    "ORDER BY value_minor DESC, account_id DESC LIMIT 51"
)


def timed(act: Callable[[int], Any], times: int) -> float:
    """The 95th percentile of `times` runs of `act`, in milliseconds, after three that do not count."""
    for n in range(3):
        act(n)
    taken = []
    for n in range(3, times + 3):
        start = time.perf_counter()
        act(n)
        taken.append((time.perf_counter() - start) * 1_000)
    return round(statistics.quantiles(taken, n=20)[-1], 1)


def ok(answer: Any) -> None:
    assert answer.status_code == 200, answer.text[:300]


def click(browser: TestClient, account_id: int) -> Any:
    return browser.post(
        f"/worklist/{account_id}/contact", data={"outcome": "left_word"}, headers={"hx-request": "true"}
    )


def middle(browser: TestClient, size: int) -> str:
    """The cursor of a page in the middle of the queue."""
    cursor = ""
    for _ in range(max(1, size // 2 // 200)):
        query = f"limit=200&hidden=false{'&cursor=' + cursor if cursor else ''}"
        answer = browser.get(f"/api/v1/worklist?{query}", headers={"accept": "application/json"})
        ok(answer)
        cursor = answer.json()["next_cursor"] or cursor
    return cursor


def furnish(database: Database, size: int) -> None:
    """A seller, `size` customers with a contact and INVOICES open invoices each."""
    now = clock.now()
    today = now.date()
    with database.transaction() as session:
        found_entity(session, EntityDraft("B1", "Bench", "FR", "EUR", "fr"), by="system", now=now)
        accounts = list(reserve_ids(session, Account, size))
        bulk_insert(session, Account, [account(n) | {"created_at": now} for n in accounts])
        bulk_insert(session, Contact, [contact(n) for n in accounts])
    for at in range(0, size, 5_000):
        with database.transaction() as session:
            postings = [
                Posting(
                    1,
                    number,
                    EntryKind.INVOICE,
                    1_500 + (number * 37 + n * 7_919) % 900_000,
                    "EUR",
                    today - timedelta(days=90),
                    today - timedelta(days=(number * 7 + n * 13) % 80 - 5),
                    f"F-{number}-{n}",
                )
                for number in accounts[at : at + 5_000]
                for n in range(INVOICES)
            ]
            post(session, postings, now=now)


def account(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "code": f"C{number:06}",
        "legal_name": f"Customer {number}",
        "country": "FR",
        "language": "fr" if number % 2 else "en",
        "currency": "EUR",
        "time_zone": "Europe/Paris",
    }


def contact(number: int) -> dict[str, Any]:
    return {
        "account_id": number,
        "name": f"Jo Customer {number}",
        "email": f"pay{number}@c{number}.example",
        "phone": f"+33 4{number:08}",
        "roles": ["billing"],
        "preferred_channel": Channel.EMAIL,
    }
