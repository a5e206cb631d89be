"""Deliveries made of new entries of the audit trail, for each subscription that asks for their kind.

Entries are numbered under the lock of the chain's head, so they become visible in the order of their ids: one number
tells how far this has come.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.core.audit import AuditEntry
from ar.core.db import is_postgres
from ar.core.webhooks.events import PING, wanted
from ar.core.webhooks.models import DeliveryState, WebhookCursor, WebhookDelivery, WebhookSubscription

CHUNK = 1000


def spread(session: Session, *, now: datetime) -> bool:
    """Make the deliveries of the next CHUNK entries; whether there may be more. Any number may call it at once."""
    cursor = _cursor(session)
    subscriptions = session.exec(select(WebhookSubscription).where(col(WebhookSubscription.active))).all()
    if not subscriptions:
        cursor.entry_id = last_entry(session)
        session.flush()
        return False
    query = select(AuditEntry.id, AuditEntry.action, AuditEntry.subject).where(col(AuditEntry.id) > cursor.entry_id)
    entries = session.exec(query.order_by(col(AuditEntry.id)).limit(CHUNK)).all()
    rows = [
        {
            "subscription_id": one.id,
            "entry_id": entry_id,
            "event_type": action,
            "state": DeliveryState.PENDING,
            "queued_at": now,
            "next_at": now,
        }
        for entry_id, action, subject in entries
        for one in subscriptions
        if entry_id is not None and entry_id > one.after_entry and _tells(one, action, subject)
    ]
    if rows:
        session.connection().execute(insert(WebhookDelivery), rows)
    if entries and entries[-1][0] is not None:
        cursor.entry_id = entries[-1][0]
        session.flush()
    return len(entries) == CHUNK


def _tells(one: WebhookSubscription, action: str, subject: str) -> bool:
    if action == PING:
        return subject == f"webhook:{one.id}"
    return wanted(one.event_types, action)


def last_entry(session: Session) -> int:
    """The number of the newest entry of the audit trail; 0 for an empty one."""
    return session.exec(select(func.max(AuditEntry.id))).one() or 0


def _cursor(session: Session) -> WebhookCursor:
    """The cursor, locked; made on first use at the end of the trail."""
    found = session.get(WebhookCursor, 1, with_for_update=True)
    if found is None:
        last = last_entry(session)
        known = select(func.coalesce(func.min(WebhookSubscription.after_entry), last))
        make = postgresql.insert if is_postgres(session) else sqlite.insert
        start = {"id": 1, "entry_id": session.exec(known).one()}
        session.connection().execute(make(WebhookCursor).values(start).on_conflict_do_nothing(index_elements=["id"]))
        found = session.get(WebhookCursor, 1, with_for_update=True)
        assert found is not None
    return found
