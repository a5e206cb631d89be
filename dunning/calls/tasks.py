"""Calls to make: added by steps, people and broken promises; dropped by themselves when their reason is gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col
from sqlmodel import select as pick
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among, is_postgres, table
from ar.core.errors import ConflictError, NotFoundError
from ar.customers.models import Account
from dunning.attention.facts import taken_out
from dunning.calls.models import CallTask, TaskSource, TaskState
from dunning.case import CustomerFacts
from dunning.decision import asks
from dunning.facts import InFlight, gather
from dunning.models import Promise, PromiseItem, PromiseState


class TaskNotFoundError(NotFoundError):
    code = "call-task-not-found"


class TaskOverError(ConflictError):
    """The call was made, or dropped, already."""

    code = "call-task-over"


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A call to make; see CallTask. Without an owner it is the customer's own collector's."""

    key: str
    account_id: int
    source: TaskSource
    due_on: date
    why: str = ""
    entity_id: int | None = None
    notice_id: int | None = None
    contact_id: int | None = None
    owner_id: int | None = None
    entry_ids: tuple[int, ...] = ()
    due_at: datetime | None = None
    by: str = "system"


def step_key(account_id: int, entity_id: int, step: str, cycle: date) -> str:
    """The one name of the call that a policy's step asks for."""
    return f"call:{account_id}:{entity_id}:{step}:{cycle.isoformat()}"


def add_tasks(session: Session, drafts: Sequence[TaskDraft], *, now: datetime) -> int:
    """How many of `drafts` were added; one whose key is known already is left out."""
    if not drafts:
        return 0
    session.flush()
    ids = sorted({draft.account_id for draft in drafts})
    query = select(col(Account.id), col(Account.owner_id)).where(among(session, col(Account.id), ids))
    owners = {row.id: row.owner_id for row in session.connection().execute(query)}
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(CallTask).on_conflict_do_nothing(index_elements=["key"])
    rows = [_row(draft, owners.get(draft.account_id), now) for draft in drafts]
    result = session.connection().execute(statement, rows, execution_options={"preserve_rowcount": True})
    return cast(CursorResult[Any], result).rowcount


def _row(draft: TaskDraft, owner_id: int | None, now: datetime) -> dict[str, Any]:
    return {
        "key": draft.key,
        "account_id": draft.account_id,
        "entity_id": draft.entity_id,
        "notice_id": draft.notice_id,
        "contact_id": draft.contact_id,
        "owner_id": draft.owner_id if draft.owner_id is not None else owner_id,
        "source": draft.source,
        "why": draft.why[:400],
        "entry_ids": list(draft.entry_ids),
        "due_on": draft.due_on,
        "due_at": draft.due_at,
        "state": TaskState.OPEN,
        "over_by": "",
        "over_for": "",
        "made_at": now,
        "made_by": draft.by,
    }


def search(
    state: TaskState | None = None,
    account_id: int | None = None,
    owner_id: int | None = None,
    until: date | None = None,
) -> SelectOfScalar[CallTask]:
    """A query for the calls in that state, of that account or owner, due by `until`, where given."""
    query = pick(CallTask)
    if state is not None:
        query = query.where(col(CallTask.state) == state)
    if account_id is not None:
        query = query.where(col(CallTask.account_id) == account_id)
    if owner_id is not None:
        query = query.where(col(CallTask.owner_id) == owner_id)
    if until is not None:
        query = query.where(col(CallTask.due_on) <= until)
    return query


def task(session: Session, task_id: int, *, lock: bool = False) -> CallTask:
    """Raises TaskNotFoundError."""
    found = session.get(CallTask, task_id, with_for_update=lock or None)
    if found is None:
        raise TaskNotFoundError(f"There is no call {task_id} to make")
    return found


def end_task(session: Session, task_id: int, *, state: TaskState, why: str, by: str, now: datetime) -> CallTask:
    """The call made, or dropped for `why` by a person. Raises TaskNotFoundError, TaskOverError."""
    found = task(session, task_id, lock=True)
    if found.state is not TaskState.OPEN:
        raise TaskOverError(f"Call {task_id} is {found.state.value} already")
    found.state, found.over_at, found.over_by, found.over_for = state, now, by, why[:400]
    session.add(found)
    session.flush()
    change = {"task": task_id, "state": state.value, "why": why}
    record(session, [Act(by, "call.ended", f"account:{found.account_id}", change)], now=now)
    return found


def why_gone(
    facts: CustomerFacts, entry_ids: Collection[int], source: TaskSource, out: str | None, *, today: date
) -> str | None:
    """Why a call about these items (all, when none are named) need not be made any more; None while it should be.

    The rule is that of reminders: something must still be asked, and nobody ordered silence. A call that a person, or
    the customer, asked for stands.
    """
    if source in (TaskSource.PERSON, TaskSource.CALL_BACK):
        return None
    if out in ("agency", "legal"):
        return "handed_on"
    if any(hold.until is None or hold.until >= today for hold in facts.holds):
        return "held"
    about = [ask for ask in asks(facts) if not entry_ids or ask.item.entry_id in entry_ids]
    if not about:
        return "paid"
    if any(ask.amount_minor for ask in about):
        return None
    if any(ask.contested_minor for ask in about):
        return "contested"
    if any(ask.promised_minor or ask.planned_minor for ask in about):
        return "promised"
    return "being_paid"


def drop_gone(
    session: Session, account_ids: Sequence[int], *, now: datetime, in_flight: InFlight, by: str = "system"
) -> dict[int, str]:
    """Drop the open calls of these accounts whose reason is gone: their ids, with the reason."""
    one = table(CallTask).c
    query = select(one.id, one.account_id, one.entry_ids, one.source)
    query = query.where(among(session, col(CallTask.account_id), account_ids), col(CallTask.state) == TaskState.OPEN)
    tasks = session.connection().execute(query).all()
    if not tasks:
        return {}
    ids = sorted({row.account_id for row in tasks})
    facts = {found.account_id: found for found in gather(session, ids, now=now, in_flight=in_flight)}
    out = taken_out(session, ids, now=now)
    gone: dict[int, str] = {}
    for task_id, account_id, entry_ids, source in tasks:
        about = facts[account_id]
        why = why_gone(about, entry_ids, source, out.get(account_id), today=local_date(now, about.zone))
        if why is not None:
            gone[task_id] = why
    _record_dropped(session, gone, by=by, now=now)
    return gone


def _record_dropped(session: Session, gone: Mapping[int, str], *, by: str, now: datetime) -> None:
    for why in sorted(set(gone.values())):
        ids = [task_id for task_id, reason in gone.items() if reason == why]
        statement = update(table(CallTask)).where(among(session, col(CallTask.id), ids))
        session.connection().execute(statement.values(state=TaskState.DROPPED, over_at=now, over_by=by, over_for=why))
    if gone:
        change = {"dropped": {str(task_id): why for task_id, why in gone.items()}}
        record(session, [Act(by, "call.dropped", "call_task", change)], now=now)


def open_accounts(session: Session) -> list[int]:
    """The accounts that a call is to be made to, by id."""
    query = select(col(CallTask.account_id)).where(col(CallTask.state) == TaskState.OPEN).distinct()
    return sorted(session.connection().execute(query).scalars())


def due_tasks(session: Session, account_ids: Sequence[int]) -> dict[int, tuple[int, date, datetime | None]]:
    """The nearest open call of each account: its id, day, and instant where an hour was agreed."""
    query = (
        select(col(CallTask.account_id), table(CallTask).c.id, col(CallTask.due_on), col(CallTask.due_at))
        .where(among(session, col(CallTask.account_id), account_ids), col(CallTask.state) == TaskState.OPEN)
        .order_by(col(CallTask.due_on).desc(), col(CallTask.id).desc())
    )
    return {account: (task_id, on, at) for account, task_id, on, at in session.connection().execute(query)}


def call_after_broken(session: Session, *, now: datetime, within: timedelta = timedelta(days=3)) -> int:
    """Add a call for each promise judged broken, wholly or in part, lately; how many were added."""
    query = (
        select(
            table(Promise).c.id,
            col(Promise.account_id),
            col(Promise.entity_id),
            col(Account.time_zone),
            col(PromiseItem.entry_id),
        )
        .join(PromiseItem, col(PromiseItem.promise_id) == col(Promise.id))
        .join(Account, col(Account.id) == col(Promise.account_id))
        .where(
            col(Promise.state).in_((PromiseState.BROKEN, PromiseState.PARTLY)), col(Promise.judged_at) >= now - within
        )
    )
    found: dict[int, tuple[int, int, str, list[int]]] = {}
    for promise_id, account_id, entity_id, zone, entry_id in session.connection().execute(query):
        found.setdefault(promise_id, (account_id, entity_id, zone, []))[3].append(entry_id)
    drafts = [
        TaskDraft(
            f"call:promise:{promise_id}",
            account_id,
            TaskSource.BROKEN_PROMISE,
            local_date(now, zone),
            entity_id=entity_id,
            entry_ids=tuple(sorted(entries)),
        )
        for promise_id, (account_id, entity_id, zone, entries) in sorted(found.items())
    ]
    return add_tasks(session, drafts, now=now)
