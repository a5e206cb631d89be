"""What the test gateway keeps: its objects, the answers given under idempotency keys, and the events to send.

A small SQLite file of its own; every change is one immediate transaction, so requests at once queue for it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS object (id TEXT PRIMARY KEY, kind TEXT NOT NULL, intent TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS object_intent ON object (intent, kind);
CREATE INDEX IF NOT EXISTS object_customer ON object (kind, json_extract(body, '$.customer'));
CREATE TABLE IF NOT EXISTS answer (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payload TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  next_at REAL, delivered INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS later (
  session TEXT NOT NULL, act TEXT NOT NULL, due_at REAL NOT NULL, PRIMARY KEY (session, act));
"""

KEY_SECONDS = 24 * 3600
"""How long an idempotency key is remembered, as at Stripe."""


@dataclass(frozen=True)
class Kept:
    """One transaction on the store."""

    connection: sqlite3.Connection

    def get(self, thing_id: str) -> dict[str, Any] | None:
        found = self.connection.execute("SELECT body FROM object WHERE id = ?", (thing_id,)).fetchone()
        return json.loads(found[0]) if found else None

    def put(self, thing: dict[str, Any]) -> None:
        intent = thing.get("payment_intent")
        self.connection.execute(
            "INSERT INTO object (id, kind, intent, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET intent = excluded.intent, body = excluded.body",
            (thing["id"], thing["object"], intent, json.dumps(thing)),
        )

    def of_intent(self, intent: str, kind: str) -> list[dict[str, Any]]:
        query = "SELECT body FROM object WHERE intent = ? AND kind = ? ORDER BY rowid"
        return [json.loads(row[0]) for row in self.connection.execute(query, (intent, kind))]

    def of_customer(self, customer: str, kind: str) -> list[dict[str, Any]]:
        """What a customer has of a kind, the oldest first."""
        query = "SELECT body FROM object WHERE kind = ? AND json_extract(body, '$.customer') = ? ORDER BY rowid"
        return [json.loads(row[0]) for row in self.connection.execute(query, (kind, customer))]

    def answered(self, key: str, *, at: int) -> tuple[str, int, str] | None:
        """What was answered under `key`: the request, the status and the body."""
        self.connection.execute("DELETE FROM answer WHERE at < ?", (at - KEY_SECONDS,))
        found = self.connection.execute("SELECT request, status, body FROM answer WHERE key = ?", (key,)).fetchone()
        return tuple(found) if found else None

    def answer(self, key: str, request: str, status: int, body: str, *, at: int) -> None:
        self.connection.execute("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", (key, request, status, body, at))

    def emit(self, event: dict[str, Any], *, at: float) -> None:
        self.connection.execute(
            "INSERT INTO event (id, payload, next_at) VALUES (?, ?, ?)", (event["id"], json.dumps(event), at)
        )

    def later(self, thing: str, act: str, *, due_at: float) -> None:
        """Something that will happen to a session or an intent by itself, at `due_at` (epoch seconds)."""
        self.connection.execute("INSERT OR REPLACE INTO later VALUES (?, ?, ?)", (thing, act, due_at))

    def due(self, *, at: float) -> list[tuple[str, str]]:
        """What is due to happen by `at`: (session or intent, act), each given once."""
        query = "DELETE FROM later WHERE due_at <= ? RETURNING session, act"
        return [(row[0], row[1]) for row in self.connection.execute(query, (at,)).fetchall()]

    def due_events(self, *, at: float, lease: float) -> list[tuple[str, bytes, int]]:
        """Events to send now (id, payload, tries so far), oldest first; nobody else gets them for `lease` seconds."""
        query = "SELECT id, payload, tries FROM event WHERE delivered = 0 AND next_at <= ? ORDER BY number LIMIT 20"
        rows = self.connection.execute(query, (at,)).fetchall()
        self.connection.executemany("UPDATE event SET next_at = ? WHERE id = ?", [(at + lease, row[0]) for row in rows])
        return [(row[0], row[1].encode(), row[2]) for row in rows]

    def sent(self, event_id: str) -> None:
        self.connection.execute("UPDATE event SET delivered = 1, tries = tries + 1 WHERE id = ?", (event_id,))

    def not_sent(self, event_id: str, *, again_at: float | None) -> None:
        """To be tried `again_at`, or no more."""
        self.connection.execute("UPDATE event SET tries = tries + 1, next_at = ? WHERE id = ?", (again_at, event_id))

    def next_due(self) -> float | None:
        """When the next event or act is due, in epoch seconds."""
        waiting = "SELECT next_at AS due FROM event WHERE delivered = 0 UNION ALL SELECT due_at FROM later"
        query = f"SELECT min(due) FROM ({waiting})"  # noqa: S608
        return self.connection.execute(query).fetchone()[0]  # type: ignore[no-any-return]

    def events(self) -> list[bytes]:
        """Every event so far, as it is sent, in order."""
        return [row[0].encode() for row in self.connection.execute("SELECT payload FROM event ORDER BY number")]


@dataclass(frozen=True)
class Store:
    path: Path

    def prepare(self) -> None:
        """Make the file and its tables when they are not there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_TABLES)
        finally:
            connection.close()

    @contextmanager
    def open(self) -> Iterator[Kept]:
        """One transaction: kept when the block ends well, forgotten when it raises."""
        connection = self._connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield Kept(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection
