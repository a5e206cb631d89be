"""Numbers that no text message goes to, learned from the provider and from those who say STOP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among, is_postgres
from ar.core.sms.models import SmsNumber


class Learned(StrEnum):
    STOPPED = "stopped"
    STARTED = "started"
    FAILED = "failed"


@dataclass(frozen=True)
class NumberNews:
    """What was learned of `number` (E.164): its owner wants no more, wants them again, or none can reach it."""

    number: str
    what: Learned
    words: str


def learn_numbers(session: Session, news: Sequence[NumberNews], *, now: datetime) -> None:
    """Keep what was learned, the last word on a number last. What is known already changes nothing."""
    changes: dict[str, dict[str, Any]] = {}
    for one in news:
        change = changes.setdefault(one.number, {"stopped_at": None, "failed_at": None})
        change["words"] = one.words[:200]
        if one.what is Learned.FAILED:
            change["failed_at"] = now
        else:
            change["stopped_at"] = now if one.what is Learned.STOPPED else None
            change["said"] = True
    if not changes:
        return
    query = select(SmsNumber).where(among(session, col(SmsNumber.number), sorted(changes)))
    known = {one.number: one for one in session.exec(query.with_for_update())}
    rows, acts = [], []
    for number, change in changes.items():
        before = known.get(number)
        stopped, failed = change["stopped_at"], change["failed_at"]
        if before is not None:
            stopped = before.stopped_at or stopped if stopped or not change.get("said") else None
            failed = before.failed_at or failed
        if (stopped, failed) == ((before.stopped_at, before.failed_at) if before else (None, None)):
            continue
        rows.append({"number": number, "stopped_at": stopped, "failed_at": failed, "words": change["words"]})
        what = {"stopped": bool(stopped), "unreachable": bool(failed), "reason": change["words"]}
        acts.append(Act("system", "sms.number-changed", f"number:…{number[-4:]}", what))
    if rows:
        insert = postgresql.insert if is_postgres(session) else sqlite.insert
        statement = insert(SmsNumber)
        kept = {name: statement.excluded[name] for name in ("stopped_at", "failed_at", "words")}
        statement = statement.on_conflict_do_update(index_elements=["number"], set_=kept)
        session.connection().execute(statement, rows)
        session.expire_all()
    record(session, acts, now=now)


def barred(session: Session, numbers: Sequence[str]) -> Mapping[str, str]:
    """Which of `numbers` take no text message, each with the reason."""
    query = select(SmsNumber).where(among(session, col(SmsNumber.number), sorted(set(numbers))))
    reasons = {}
    for one in session.exec(query):
        if one.stopped_at is not None:
            reasons[one.number] = "the owner of this number wants no text messages"
        elif one.failed_at is not None:
            reasons[one.number] = f"no text message reaches this number: {one.words}"
    return reasons
