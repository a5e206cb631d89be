"""Drafts and readings shared by the outbox tests."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from sqlmodel import select

from ar.core.db import Database
from ar.core.outbox import Draft, OutboxMessage, queue

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def draft(number: int, *, purpose: str = "reminder", **other: object) -> Draft:
    fields = {
        "dedup_key": f"notice/{number}",
        "purpose": purpose,
        "account_id": number,
        "subject_ref": f"notice:{number}",
        "recipient": f"c{number}@client.example",
        "sender": "Seller <billing@seller.example>",
        "language": "en",
        "subject": f"Invoice {number}",
        "body_text": f"Invoice {number} is due.",
        "body_html": f"<p>Invoice {number} is due.</p>",
    }
    return Draft(**(fields | other))  # type: ignore[arg-type]


def fill(database: Database, count: int, *, now: datetime = NOW) -> None:
    with database.transaction() as session:
        assert queue(session, [draft(number) for number in range(count)], now=now) == count


def states(database: Database) -> Counter[str]:
    with database.reading() as session:
        return Counter(session.exec(select(OutboxMessage.state)).all())


def messages(database: Database) -> dict[str, OutboxMessage]:
    """Every message by its dedup key."""
    with database.reading() as session:
        found = session.exec(select(OutboxMessage)).all()
        session.expunge_all()
    return {message.dedup_key: message for message in found}
