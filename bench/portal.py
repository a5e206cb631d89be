"""The customer's page over one uvicorn worker, against a bare FastAPI route with one indexed SELECT and a rendered
template of the same size.

Both are asked by the same client in another process, over a few kept connections, in turns.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvicorn

from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.db import connect
from ar.core.kernel import Kernel, build
from ar.core.settings import Settings
from ar.customers.accounts import AccountDraft, open_account
from ar.customers.entities import EntityDraft, found_entity
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from ar.schema import upgrade
from bench import Result, median
from tests.cash.serving import free_port

CONNECTIONS = 4
OPEN_INVOICES = 8
CUSTOMERS = 500
TURNS = 5


def run(size: int | None, repeat: int) -> Result:
    """`size` requests of each, in short turns: whatever else the machine does meanwhile falls on both alike."""
    size = size or 2_000
    with tempfile.TemporaryDirectory(prefix="amiable-bench-") as folder:
        settings = Settings(var_dir=Path(folder), portal_requests="100000000/minute", log_level="warning")
        kernel = build(settings)
        upgrade(kernel.database)
        links = furnish(kernel)
        with serving(folder, "product") as product, serving(folder, "bare") as bare:
            cookies = visit(product, links)
            page = httpx.get(f"{product}/portal", cookies=cookies)
            assert page.status_code == 200
            assert page.text.count("<tr>") > OPEN_INVOICES
            plain = f"{bare}/items/{len(page.text)}"
            assert abs(len(httpx.get(plain).text) - len(page.text)) < len(page.text) / 10
            ours, raws = [], []
            for _ in range(max(repeat, 3) * TURNS):
                raws.append(asyncio.run(rate(plain, {}, size // TURNS)))
                ours.append(asyncio.run(rate(f"{product}/portal", cookies, size // TURNS)))
            memory = max(psutil.Process(pid_of(url)).memory_info().rss for url in (product,)) / 2**20
    return Result(
        "portal",
        median(ours),
        "requests/s",
        median([our / raw for our, raw in zip(ours, raws, strict=True)]),
        "a bare FastAPI route with one indexed SELECT and a rendered template of the same size",
        {"size": size, "page_bytes": len(page.text), "bare": round(median(raws)), "memory_mb": round(memory, 1)},
    )


def furnish(kernel: Kernel) -> list[str]:
    """A seller, CUSTOMERS customers with OPEN_INVOICES open invoices each; the links of their pages."""
    now = clock.now()
    today = now.date()
    with kernel.database.transaction() as session:
        seller = found_entity(session, EntityDraft("B1", "Bench", "FR", "EUR", "fr"), by="system", now=now)
        assert seller.id is not None
        accounts = [
            open_account(session, AccountDraft(f"C{n}", f"Customer {n}", "FR", "fr", "EUR"), by="system", now=now)
            for n in range(CUSTOMERS)
        ]
        postings = [
            Posting(
                seller.id,
                one.id or 0,
                EntryKind.INVOICE,
                10_000 + n,
                "EUR",
                today - timedelta(days=40),
                today + timedelta(days=n - 4),
                f"F-{one.code}-{n}",
            )
            for one in accounts
            for n in range(OPEN_INVOICES)
        ]
        post(session, postings, now=now)
    key = kernel.settings.signing_key
    return [portal_url("", key, one.id or 0, 1, now=now) for one in accounts]


def visit(address: str, links: list[str]) -> dict[str, str]:
    answer = httpx.get(f"{address}{links[CUSTOMERS // 2]}")
    assert answer.status_code == 303
    return dict(answer.cookies)


async def rate(url: str, cookies: dict[str, str], size: int) -> float:
    """Requests answered in a second, over CONNECTIONS kept connections."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(cookies=cookies, limits=limits, timeout=30) as client:

        async def ask(count: int) -> None:
            for _ in range(count):
                answer = await client.get(url)
                assert answer.status_code == 200

        await asyncio.gather(*(ask(20) for _ in range(CONNECTIONS)))
        start = time.perf_counter()
        await asyncio.gather(*(ask(size // CONNECTIONS) for _ in range(CONNECTIONS)))
        return size // CONNECTIONS * CONNECTIONS / (time.perf_counter() - start)


@contextmanager
def serving(folder: str, what: str) -> Iterator[str]:
    """The product's app, or the bare one, on the database in `folder`, by one uvicorn worker in its own process."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.portal", what, folder, str(port)])
    _PIDS[address := f"http://127.0.0.1:{port}"] = process.pid
    try:
        for _ in range(300):
            try:
                httpx.get(f"{address}/health")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        yield address
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(10)


_PIDS: dict[str, int] = {}


def pid_of(address: str) -> int:
    return _PIDS[address]


def product(folder: str) -> Any:
    from ar.app import create_app
    from ar.core import logs

    settings = Settings(var_dir=Path(folder), portal_requests="100000000/minute", log_level="warning")
    logs.configure(settings)
    return create_app(replace(build(settings), settings=settings))


def bare(folder: str) -> Any:
    """What the framework can do: one indexed SELECT and a template, in a synchronous route."""
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse
    from jinja2 import Environment
    from sqlmodel import Session, col, select

    from ar.ledger.models import OpenItem

    app = FastAPI()
    engine = connect(f"sqlite:///{folder}/amiable.db").engine.execution_options(amiable_read_only=True)
    page = Environment(autoescape=True).from_string(
        "<!doctype html><title>Open</title><table>{% for row in rows %}<tr><td>{{ row.reference }}</td>"
        "<td>{{ row.due_on }}</td><td>{{ row.open_minor }}</td><td>{{ filling }}</td></tr>\n{% endfor %}</table>"
    )

    @app.get("/items/{length}")
    def items(length: int) -> HTMLResponse:
        with Session(engine) as session:
            rows = session.exec(select(OpenItem).where(col(OpenItem.account_id) == CUSTOMERS // 2)).all()
        return HTMLResponse(page.render(rows=rows, filling="x" * (length // OPEN_INVOICES - 70)))

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


if __name__ == "__main__":
    apps = {"product": product, "bare": bare}
    uvicorn.run(
        apps[sys.argv[1]](sys.argv[2]), host="127.0.0.1", port=int(sys.argv[3]), access_log=False, log_level="error"
    )
