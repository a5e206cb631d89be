"""JSON: the work-list, and the people who work it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session

from ar.core.access.users import user_of
from ar.core.web import Cursor, Id, Limit, NowDep, Page, Principal, SessionDep, allow, paged
from dunning.attention.models import MarkKind
from dunning.models import Outcome
from dunning.shapes import Amount
from dunning.worklist.find import KEY, Choice, Listed, chosen, listed
from dunning.worklist.people import DEFAULT_CAPACITY, collectors, done_today, move_rows, set_collector
from dunning.worklist.shapes import CollectorIn, CollectorOut, WaitingOut

router = APIRouter(prefix="/api/v1", tags=["dunning"])


@router.get("/worklist", summary="Read the work-list", dependencies=[allow("dunning:read")])
def read_worklist(
    session: SessionDep,
    now: NowDep,
    outcome: Annotated[Outcome | None, Query(description="Only with this last decision")] = None,
    parked: Annotated[bool, Query(description="Only those whose decision failed")] = False,
    owner_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this user's customers")] = None,
    worker_id: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Only those that this user works today, standing in or not")
    ] = None,
    mark: Annotated[MarkKind | None, Query(description="Only customers with this mark")] = None,
    hidden: Annotated[
        bool | None, Query(description="Those at rest, held or handed on instead; all of them when not given")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[WaitingOut]:
    """Customers with something overdue, by what acting today is worth; with why, by which channel, and what comes next.

    The rows are reckoned every hour and after each contact; `computed_at` says when.
    """
    choice = Choice(worker_id, owner_id, hidden, outcome, parked, mark)
    found = paged(session, chosen(choice), key=KEY, cursor=cursor, limit=limit)
    rows = listed(session, found.items, now=now)
    return Page[WaitingOut](items=[_shown(row) for row in rows], next_cursor=found.next_cursor)


def _shown(one: Listed) -> WaitingOut:
    row, told = one.row, one.waiting
    return WaitingOut(
        account_id=row.account_id,
        code=one.account.code,
        legal_name=one.account.legal_name,
        owner_id=row.owner_id,
        overdue=[Amount(currency=currency, amount_minor=minor) for currency, minor in told.overdue],
        oldest_days=told.oldest_days,
        outcome=Outcome(told.outcome) if told.outcome else None,
        decided_on=told.decided_on,
        reasons=told.reasons,
        last_step=told.last_step,
        last_on=told.last_on,
        next_step=told.next_step,
        next_on=told.next_on,
        hold_ids=told.hold_ids,
        parked=told.parked,
        worker_id=row.worker_id,
        value_minor=row.value_minor,
        currency=row.currency,
        channel=row.channel or None,
        parts=row.parts,
        contact=row.contact,
        exchange=row.exchange,
        local_time=one.local_time,
        within_hours=one.within_hours,
        marks=[mark.kind for mark in one.marks],
        task_id=row.task_id,
        hidden_for=row.hidden_for or None,
        hidden_until=row.hidden_until,
        computed_at=row.computed_at,
    )


@router.get("/collectors", summary="List collectors", dependencies=[allow("dunning:read")])
def list_collectors(session: SessionDep, now: NowDep) -> list[CollectorOut]:
    """The users about whom something is set: capacity, days away, stand-in, manager, and what they did today."""
    return [_collector(session, user_id, now) for user_id in sorted(collectors(session))]


@router.get("/collectors/{user_id}", summary="Read a collector", dependencies=[allow("dunning:read")])
def get_collector(user_id: Id, session: SessionDep, now: NowDep) -> CollectorOut:
    """What is set about a user, and the usual where nothing is."""
    user_of(session, user_id)
    return _collector(session, user_id, now)


@router.put("/collectors/{user_id}", summary="Set a collector")
def put_collector(
    user_id: Id,
    body: CollectorIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> CollectorOut:
    """Set a user's capacity, days away with a stand-in, and manager. Rows of the work-list move at once."""
    set_collector(session, user_id, body.model_dump(), by=principal.actor, now=now)
    move_rows(session, now=now)
    return _collector(session, user_id, now)


def _collector(session: Session, user_id: int, now: datetime) -> CollectorOut:
    found = collectors(session).get(user_id)
    given = found.model_dump(exclude={"user_id"}) if found else {"daily_capacity": DEFAULT_CAPACITY}
    done = done_today(session, f"user:{user_id}", now=now)
    return CollectorOut(user_id=user_id, done_today=done, **given)
