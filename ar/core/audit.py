"""Who did what to what, before and after: append-only and hash-chained, so that tampering shows.

Each entry's hash covers the hash before it and a digest of its own content. What was changed (before and after)
is hashed with a salt of its own: an erasure may blank it, by law, and the chain still holds.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import event, text
from sqlmodel import Field, Session, SQLModel, col, select

from ar.core.db import BigId, Json, UtcDateTime, bulk_insert, is_postgres

GENESIS = "0" * 64
_CHAIN_LOCK = 0x616D6961


class AuditEntry(SQLModel, table=True):
    __tablename__ = "audit_entry"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=80)
    action: str = Field(max_length=80)
    subject: str = Field(max_length=120, index=True)
    change: dict[str, Any] | None = Field(default=None, sa_type=Json)
    salt: str | None = Field(default=None, max_length=32)
    change_digest: str = Field(max_length=64)
    previous_hash: str = Field(max_length=64, unique=True)
    hash: str = Field(max_length=64)


@dataclass(frozen=True)
class Act:
    """One thing done. `actor` is 'user:3', 'key:2', 'customer:17' or 'system'; `subject` is 'account:17'."""

    actor: str
    action: str
    subject: str
    change: Mapping[str, Any]


def record(session: Session, acts: Sequence[Act], *, now: datetime) -> None:
    """Put `acts` on the chain when this transaction commits; a rollback forgets them.

    Held back until just before the commit, so that writers queue for the chain's head as briefly as can be.
    """
    if not acts:
        return
    pending = session.info.setdefault("audit", [])
    pending.extend((act, now) for act in acts)
    if not session.info.get("audit_listens"):
        session.info["audit_listens"] = True
        event.listen(session, "before_commit", _append)
        event.listen(session, "after_soft_rollback", _forget)


def _forget(session: Session, _previous: object) -> None:
    session.info.pop("audit", None)


def _append(session: Session) -> None:
    pending: list[tuple[Act, datetime]] = session.info.pop("audit", [])
    if not pending:
        return
    if is_postgres(session):
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    head = session.exec(select(AuditEntry.hash).order_by(col(AuditEntry.id).desc()).limit(1)).first() or GENESIS
    rows = []
    for act, now in pending:
        salt = secrets.token_hex(16)
        change = json.loads(json.dumps(dict(act.change), default=str))  # days and decimals as text, as they are kept
        digest = _digest_change(salt, change)
        after = _hash(head, now, act.actor, act.action, act.subject, digest)
        rows.append(
            {
                "at": now,
                "actor": act.actor,
                "action": act.action,
                "subject": act.subject,
                "change": change,
                "salt": salt,
                "change_digest": digest,
                "previous_hash": head,
                "hash": after,
            }
        )
        head = after
    bulk_insert(session, AuditEntry, rows)


def _digest_change(salt: str, change: Mapping[str, Any]) -> str:
    return hashlib.sha256((salt + json.dumps(change, sort_keys=True, default=str)).encode()).hexdigest()


def _hash(previous: str, at: datetime, actor: str, action: str, subject: str, digest: str) -> str:
    parts = [previous, at.isoformat(timespec="microseconds"), actor, action, subject, digest]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def verify(session: Session) -> list[str]:
    """What is wrong with the chain, in words, oldest first; empty when it is whole."""
    wrong = []
    head = GENESIS
    for entry in session.exec(select(AuditEntry).order_by(col(AuditEntry.id)).execution_options(yield_per=1000)):
        if entry.previous_hash != head:
            wrong.append(f"entry {entry.id}: does not follow the entry before it")
        if entry.change is not None and _digest_change(entry.salt or "", entry.change) != entry.change_digest:
            wrong.append(f"entry {entry.id}: what it says was changed has been altered")
        found = _hash(entry.previous_hash, entry.at, entry.actor, entry.action, entry.subject, entry.change_digest)
        if found != entry.hash:
            wrong.append(f"entry {entry.id}: its date, actor, action or subject has been altered")
        head = entry.hash
    return wrong
