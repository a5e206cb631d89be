"""The people who work the list: capacity, absences and stand-ins, managers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlmodel import Session, col
from sqlmodel import select as pick

from ar.core.access.models import User
from ar.core.access.users import user_of
from ar.core.audit import Act, record
from ar.core.calendars import local_day_start
from ar.core.clock import local_date
from ar.core.db import table
from ar.core.errors import DomainError, Fault
from dunning.calls.models import ContactEvent
from dunning.worklist.models import Collector, WorklistRow

DEFAULT_CAPACITY = 500


class CollectorError(DomainError):
    code = "bad-collector"


def collectors(session: Session) -> dict[int, Collector]:
    """Every user about whom something is set, by its id."""
    return {found.user_id: found for found in session.exec(pick(Collector))}


def away(found: Collector, today: date) -> bool:
    return found.away_from is not None and found.away_until is not None and found.away_from <= today <= found.away_until


def worker(people: Mapping[int, Collector], owner_id: int | None, *, today: date) -> int | None:
    """Who works the customers of `owner_id` today: itself or, while it is away, who stands in, and so on.

    The owner again where nobody stands in, or where those who stand in for each other are all away. Pure.
    """
    seen: set[int] = set()
    at = owner_id
    while at is not None and at not in seen:
        found = people.get(at)
        if found is None or not away(found, today):
            return at
        seen.add(at)
        at = found.stand_in_id
    return owner_id


def set_collector(session: Session, user_id: int, changes: Mapping[str, Any], *, by: str, now: datetime) -> Collector:
    """What is set about a user, with `changes` made; the rows of the work-list move at the next refresh.

    Raises NotFoundError for an unknown user, CollectorError.
    """
    user_of(session, user_id)
    found = session.get(Collector, user_id) or Collector(user_id=user_id, daily_capacity=DEFAULT_CAPACITY)
    wanted = found.model_dump() | dict(changes)
    faults = []
    if (wanted["away_from"] is None) != (wanted["away_until"] is None):
        faults.append(Fault("/away_until", "give the first and the last day, or neither"))
    elif wanted["away_from"] is not None and wanted["away_until"] < wanted["away_from"]:
        faults.append(Fault("/away_until", "is before the first day"))
    faults += [
        Fault(f"/{name}", "is no other active user")
        for name in ("stand_in_id", "manager_id")
        if wanted[name] is not None and (wanted[name] == user_id or not _active(session, wanted[name]))
    ]
    if faults:
        raise CollectorError(f"Not set: {faults[0].pointer} {faults[0].message}", faults=faults)
    for name, value in changes.items():
        setattr(found, name, value)
    session.add(found)
    session.flush()
    change = {name: str(value) if value is not None else None for name, value in changes.items()}
    record(session, [Act(by, "collector.set", f"user:{user_id}", change)], now=now)
    return found


def _active(session: Session, user_id: int) -> bool:
    found = session.get(User, user_id)
    return found is not None and found.active


def move_rows(session: Session, *, now: datetime) -> None:
    """Put every row into the queue of who works it today, by UTC's day; the hourly refresh goes by the customer's."""
    people, today = collectors(session), local_date(now, "UTC")
    row = table(WorklistRow).c
    owners = select(row.owner_id).where(row.owner_id.is_not(None)).distinct()
    moved = {
        owner: worker(people, owner, today=today) for owner in sorted(session.connection().execute(owners).scalars())
    }
    if moved:
        to = case(*((row.owner_id == owner, at) for owner, at in moved.items()), else_=row.owner_id)
        session.connection().execute(
            update(table(WorklistRow)).where(row.owner_id.is_not(None), row.worker_id != to).values(worker_id=to)
        )


def done_today(session: Session, actor: str, *, now: datetime) -> int:
    """How many customers `actor` has had contact with since midnight UTC."""
    start = local_day_start(now.date(), "UTC", hour=0)
    query = select(func.count(func.distinct(col(ContactEvent.account_id)))).where(
        col(ContactEvent.noted_by) == actor, col(ContactEvent.at) >= start
    )
    return int(session.connection().execute(query).scalar_one())
