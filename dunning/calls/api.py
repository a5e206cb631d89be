"""JSON: the call log, and the calls to make."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.cash.checkout import in_flight
from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
    Limit,
    LongText,
    NowDep,
    Number,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    allow,
    example,
    idempotent,
    paged,
)
from ar.core.web.types import Minor
from ar.disputes.models import Reason
from dunning.calls.act import Note, ask_call
from dunning.calls.models import (
    CallOutcome,
    CallTask,
    ContactChannel,
    ContactEvent,
    Direction,
    TaskSource,
    TaskState,
)
from dunning.calls.tasks import end_task, search, task
from dunning.promises import Part
from dunning.worklist.act import act_on, touched
from dunning.worklist.beside import script_of

router = APIRouter(prefix="/api/v1", tags=["calls"])

OneAccount = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account")]

EVENT = {
    "id": 9,
    "account_id": 17,
    "contact_id": 5,
    "channel": "phone",
    "direction": "out",
    "outcome": "spoke",
    "note": "Will look for the delivery note.",
    "call_back_at": None,
    "seconds": 240,
    "task_id": None,
    "promise_id": None,
    "dispute_id": None,
    "at": "2026-03-24T09:40:00Z",
    "noted_by": "user:3",
}
TASK = {
    "id": 4,
    "account_id": 17,
    "entity_id": 1,
    "notice_id": None,
    "contact_id": None,
    "owner_id": 3,
    "source": "step",
    "why": "",
    "entry_ids": [41],
    "due_on": "2026-03-25",
    "due_at": None,
    "state": "open",
    "over_at": None,
    "over_by": "",
    "over_for": "",
    "made_at": "2026-03-24T09:05:00Z",
    "made_by": "system",
}


class PromisedPart(BaseModel):
    model_config = example({"entry_id": 41, "amount_minor": 40_000}) | ConfigDict(extra="forbid")

    entry_id: Number
    amount_minor: Minor | None = Field(default=None, description="Minor units; all that can be promised when null")


class EventIn(BaseModel):
    """A promise wants its day, a dispute its invoice, a wrong number its contact, a call back its hour."""

    model_config = example(
        {"account_id": 17, "outcome": "promise", "promised_on": "2026-04-15", "note": "After their own customer paid."}
    ) | ConfigDict(extra="forbid")

    account_id: Number
    outcome: CallOutcome
    channel: ContactChannel = ContactChannel.PHONE
    direction: Direction = Direction.OUT
    contact_id: Number | None = None
    task_id: Number | None = Field(default=None, description="The call to make that this was")
    note: LongText | None = None
    seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(default=None, description="How long it took")
    call_back_at: AwareDatetime | None = None
    promised_on: Day | None = None
    items: Annotated[list[PromisedPart], Field(max_length=200)] = Field(
        default=[], description="What is promised; when empty, all that is asked for and late"
    )
    entry_id: Number | None = Field(default=None, description="The invoice that is contested")
    amount_minor: Minor | None = Field(default=None, description="What of it is contested; all when null")
    reason: Reason = Reason.OTHER


class EventOut(BaseModel):
    model_config = example(EVENT)

    id: int
    account_id: int
    contact_id: int | None
    channel: ContactChannel
    direction: Direction
    outcome: CallOutcome
    note: str
    call_back_at: datetime | None
    seconds: int | None
    task_id: int | None
    promise_id: int | None
    dispute_id: int | None
    at: datetime
    noted_by: str


class TaskIn(BaseModel):
    model_config = example(
        {"account_id": 17, "due_on": "2026-03-25", "why": "Ask about the order of May"}
    ) | ConfigDict(extra="forbid")

    account_id: Number
    due_on: Day
    why: ShortText
    contact_id: Number | None = None


class TaskOut(BaseModel):
    model_config = example(TASK)

    id: int
    account_id: int
    entity_id: int | None
    notice_id: int | None
    contact_id: int | None
    owner_id: int | None
    source: TaskSource
    why: str
    entry_ids: list[int] = Field(description="The items it is about; empty for all that is open")
    due_on: date
    due_at: datetime | None = Field(description="Where an hour was agreed")
    state: TaskState
    over_at: datetime | None
    over_by: str
    over_for: str
    made_at: datetime
    made_by: str


class TaskDetailOut(TaskOut):
    model_config = example(TASK | {"script": "Who is called\nJo Baker – Moulin du Lac\n"})

    script: str = Field(description="What to say, from how the customer stands now, in the customer's language")


class WhyIn(BaseModel):
    model_config = example({"why": "Settled at the counter"}) | ConfigDict(extra="forbid")

    why: ShortText


@router.get("/call-log", summary="Read the call log", dependencies=[allow("dunning:read")])
def list_events(
    session: SessionDep, account_id: OneAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[EventOut]:
    """Contacts with customers, the newest first."""
    query = select(ContactEvent)
    if account_id is not None:
        query = query.where(col(ContactEvent.account_id) == account_id)
    found = paged(session, query, key=(col(ContactEvent.id).desc(),), cursor=cursor, limit=limit)
    return found.map(EventOut.model_validate)


@router.post("/call-log", status_code=201, summary="Log a contact", response_model=EventOut)
def post_event(
    body: EventIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Note what came of a contact, and do what it means: take the promise, open the dispute, plan the call back."""
    note = Note(
        account_id=body.account_id,
        outcome=body.outcome,
        channel=body.channel,
        direction=body.direction,
        contact_id=body.contact_id,
        task_id=body.task_id,
        text=body.note or "",
        seconds=body.seconds,
        call_back_at=body.call_back_at,
        promised_on=body.promised_on,
        parts=[Part(one.entry_id, one.amount_minor) for one in body.items],
        entry_id=body.entry_id,
        amount_minor=body.amount_minor,
        reason=body.reason,
    )

    def act() -> EventOut:
        made = act_on(session, kernel, note, by=principal.actor, now=now, in_flight=in_flight)
        return EventOut.model_validate(made)

    return once(session, act)


@router.get("/call-tasks", summary="List calls to make", dependencies=[allow("dunning:read")])
def list_tasks(
    session: SessionDep,
    state: Annotated[TaskState | None, Query(description="Only in this state")] = None,
    account_id: OneAccount = None,
    owner_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this user's")] = None,
    until: Annotated[Day | None, Query(description="Only those due by this day")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TaskOut]:
    """Calls to make, those due first."""
    query = search(state, account_id, owner_id, until)
    key = (col(CallTask.due_on), col(CallTask.id))
    return paged(session, query, key=key, cursor=cursor, limit=limit).map(TaskOut.model_validate)


@router.post("/call-tasks", status_code=201, summary="Ask for a call", response_model=TaskOut)
def post_task(
    body: TaskIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Have the customer's collector call it on a day; asking twice on one day for one reason is asking once."""

    def act() -> TaskOut:
        made = ask_call(
            session,
            body.account_id,
            on=body.due_on,
            why=body.why,
            contact_id=body.contact_id,
            by=principal.actor,
            now=now,
        )
        touched(session, kernel, body.account_id, now=now, in_flight=in_flight)
        return TaskOut.model_validate(made)

    return once(session, act)


@router.get("/call-tasks/{task_id}", summary="Read a call to make", dependencies=[allow("dunning:read")])
def get_task(task_id: Id, session: SessionDep, kernel: KernelDep, now: NowDep) -> TaskDetailOut:
    """A call to make with its script."""
    found = task(session, task_id)
    told = script_of(session, kernel, found.account_id, None, task=found, now=now, in_flight=in_flight)
    return TaskDetailOut(**TaskOut.model_validate(found).model_dump(), script=told)


@router.post("/call-tasks/{task_id}/drop", summary="Drop a call")
def post_drop(
    task_id: Id,
    body: WhyIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> TaskOut:
    """Say that a call need not be made, and why."""
    found = end_task(session, task_id, state=TaskState.DROPPED, why=body.why, by=principal.actor, now=now)
    touched(session, kernel, found.account_id, now=now, in_flight=in_flight)
    return TaskOut.model_validate(found)
