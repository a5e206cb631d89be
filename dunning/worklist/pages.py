"""Pages: the collectors' queue with its one-click outcomes, calls to make, what was handed on to a colleague."""

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col

from ar.cash.checkout import in_flight
from ar.core.errors import DomainError
from ar.core.files import download_headers
from ar.core.i18n import marked as _
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Principal,
    SessionDep,
    TodayDep,
    allow,
    page,
    paged,
    redirect,
)
from ar.core.web.types import one_line, several_lines
from ar.customers.accounts import account, accounts_by_id
from ar.disputes.models import Reason
from dunning.attention.dossier import make_dossier
from dunning.attention.escalate import EscalationNotFoundError, end_escalation, escalate, escalation, open_escalations
from dunning.attention.escalate import search as search_escalations
from dunning.attention.marks import MarkNotFoundError, dismiss, mark_by_hand, standing_marks
from dunning.attention.models import AttentionMark, Escalation, EscalationKind, MarkKind
from dunning.calls.act import CallError, Note, ask_call
from dunning.calls.models import CallOutcome, CallTask, ContactChannel, Direction, TaskState
from dunning.calls.tasks import TaskNotFoundError, end_task, search, task
from dunning.days import day_of
from dunning.models import Outcome
from dunning.pages import customer_page
from dunning.worklist.act import act_on, touched
from dunning.worklist.beside import script_of
from dunning.worklist.find import KEY, Choice, chosen, listed
from dunning.worklist.people import DEFAULT_CAPACITY, collectors, done_today
from dunning.worklist.told import standing_holds

router = APIRouter(include_in_schema=False)

Show = Literal["", "hidden", "send", "hold", "nothing", "parked"]
Line = Annotated[str, Form(max_length=400)]
DayText = Annotated[str, Form(max_length=10)]
Act = Annotated[Principal, allow("dunning:write")]


@router.get("/worklist")
def worklist(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:read")],
    show: Annotated[Show, Query()] = "",
    mine: Annotated[bool, Query()] = False,
    mark: Annotated[Literal["", "late", "difficulty", "value"], Query()] = "",
    cursor: Cursor = None,
) -> HTMLResponse:
    """Whom to act on first. Without a choice, who is to be worked on now."""
    user_id = principal.user.id if principal.user else None
    choice = Choice(
        worker_id=user_id if mine else None,
        hidden={"": False, "hidden": True}.get(show),
        outcome=Outcome(show) if show not in ("", "hidden", "parked") else None,
        parked=show == "parked",
        mark=MarkKind(mark) if mark else None,
    )
    found = paged(session, chosen(choice), key=KEY, cursor=cursor, limit=50)
    own = collectors(session).get(user_id or 0)
    return page(
        request,
        kernel,
        principal,
        "console/dunning/worklist.html",
        rows=listed(session, found.items, now=now),
        next_cursor=found.next_cursor,
        show=show,
        mine=mine,
        mark=mark,
        done=done_today(session, principal.actor, now=now),
        capacity=own.daily_capacity if own else DEFAULT_CAPACITY,
        may_act=principal.may("dunning:write"),
    )


@router.get("/calls")
def calls(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("dunning:read")],
    mine: Annotated[bool, Query()] = False,
    cursor: Cursor = None,
) -> HTMLResponse:
    """The calls to make, those due first."""
    query = search(TaskState.OPEN, owner_id=principal.user.id if mine and principal.user else None)
    found = paged(session, query, key=(col(CallTask.due_on), col(CallTask.id)), cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/dunning/calls.html",
        tasks=found.items,
        accounts=accounts_by_id(session, [one.account_id for one in found.items]),
        next_cursor=found.next_cursor,
        mine=mine,
        today=today,
    )


@router.get("/handed-on")
def handed_on(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("customers:read")],
    cursor: Cursor = None,
) -> HTMLResponse:
    """The customers that were handed on to the signed-in user, the newest first."""
    query = search_escalations(to_id=principal.user.id if principal.user else 0, open_only=True)
    found = paged(session, query, key=(col(Escalation.id).desc(),), cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/dunning/handed_on.html",
        escalations=found.items,
        accounts=accounts_by_id(session, [one.account_id for one in found.items]),
        next_cursor=found.next_cursor,
    )


@router.get("/worklist/{account_id}/script")
def call_script(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """What to say on the telephone, as the customer stands now."""
    found = account(session, account_id)
    told = script_of(session, kernel, account_id, principal.role, now=now, in_flight=in_flight)
    return page(request, kernel, principal, "console/dunning/script.html", account=found, script=told)


@router.post("/worklist/{account_id}/contact")
def note(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Act,
    outcome: Annotated[CallOutcome, Form()],
    channel: Annotated[ContactChannel, Form()] = ContactChannel.PHONE,
    direction: Annotated[Direction, Form()] = Direction.OUT,
    contact_id: Annotated[int | None, Form(ge=1, le=2**63 - 1)] = None,
    text: Annotated[str, Form(max_length=4000)] = "",
    promised_on: DayText = "",
    entry_id: Annotated[int | None, Form(ge=1, le=2**63 - 1)] = None,
    reason: Annotated[Reason, Form()] = Reason.OTHER,
    call_back: Annotated[str, Form(max_length=25)] = "",
) -> Response:
    """Log a contact and do what its outcome means; for htmx the answer takes the row's place."""
    found = account(session, account_id)
    quick = request.headers.get("hx-request") == "true"
    try:
        with session.begin_nested():
            made = Note(
                account_id=account_id,
                outcome=outcome,
                channel=channel,
                direction=direction,
                contact_id=contact_id,
                text=_text(text),
                promised_on=day_of(promised_on),
                entry_id=entry_id,
                reason=reason,
                call_back_at=_instant(call_back, found.time_zone),
            )
            event = act_on(session, kernel, made, by=principal.actor, now=now, in_flight=in_flight)
    except DomainError as error:
        if quick:
            template = "console/dunning/_noted.html"
            return page(request, kernel, principal, template, status=422, account=found, error=error, event=None)
        return customer_page(request, session, kernel, principal, found, now=now, error=error)
    if quick:
        return page(request, kernel, principal, "console/dunning/_noted.html", account=found, error=None, event=event)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Noted."))


def _instant(text: str, zone: str) -> datetime | None:
    """The instant of a local date and time field on the customer's clocks; None when it is empty. Raises CallError."""
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise CallError(f"{text[:25]!a} is not a day and hour: write it as 2026-05-31T14:30") from None
    return given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))


def _text(text: str) -> str:
    try:
        return several_lines(text.strip())
    except ValueError as error:
        raise CallError(f"The note {error}") from None


def _why(text: str) -> str:
    try:
        found = one_line(text.strip())
    except ValueError as error:
        raise CallError(f"The reason {error}") from None
    if not found:
        raise CallError("Say why: colleagues read it")
    return found


@router.post("/worklist/{account_id}/call")
def plan_call(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Act,
    due_on: DayText = "",
    why: Line = "",
) -> Response:
    """Have the customer called on a day."""
    found = account(session, account_id)
    try:
        with session.begin_nested():
            day = day_of(due_on)
            if day is None:
                raise CallError("Give the day of the call")
            ask_call(session, account_id, on=day, why=_why(why), contact_id=None, by=principal.actor, now=now)
            touched(session, kernel, account_id, now=now, in_flight=in_flight)
    except DomainError as error:
        return customer_page(request, session, kernel, principal, found, now=now, error=error)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("The call is planned."))


@router.post("/worklist/{account_id}/tasks/{task_id}/drop")
def drop_call(
    account_id: Id, task_id: Id, session: SessionDep, kernel: KernelDep, now: NowDep, principal: Act
) -> Response:
    if task(session, task_id).account_id != account_id:
        raise TaskNotFoundError(f"There is no call {task_id} to make to customer {account_id}")
    end_task(session, task_id, state=TaskState.DROPPED, why="by hand", by=principal.actor, now=now)
    touched(session, kernel, account_id, now=now, in_flight=in_flight)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("The call need not be made."))


@router.post("/worklist/{account_id}/escalate")
def hand_on(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Act,
    kind: Annotated[EscalationKind, Form()],
    why: Line = "",
) -> Response:
    """Hand the customer on: to a manager, to sales, to an agency, to counsel."""
    found = account(session, account_id)
    try:
        with session.begin_nested():
            escalate(session, account_id, kind, reason=_why(why), by=principal.actor, now=now)
            touched(session, kernel, account_id, now=now, in_flight=in_flight)
    except DomainError as error:
        return customer_page(request, session, kernel, principal, found, now=now, error=error)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Handed on."))


@router.post("/worklist/{account_id}/escalations/{escalation_id}/end")
def take_back(
    account_id: Id, escalation_id: Id, session: SessionDep, kernel: KernelDep, now: NowDep, principal: Act
) -> Response:
    _own(session, account_id, escalation_id)
    end_escalation(session, escalation_id, why="by hand", by=principal.actor, now=now)
    touched(session, kernel, account_id, now=now, in_flight=in_flight)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Taken back."))


@router.get("/worklist/{account_id}/escalations/{escalation_id}/dossier")
def dossier(
    account_id: Id,
    escalation_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    _principal: Annotated[Principal, allow("dunning:read")],
) -> Response:
    """What an agency or counsel needs, as one archive."""
    _own(session, account_id, escalation_id)
    name, content = make_dossier(kernel, escalation_id, now=now)
    return Response(content, headers=download_headers(name, "application/zip"))


def _own(session: SessionDep, account_id: int, escalation_id: int) -> None:
    if escalation(session, escalation_id).account_id != account_id:
        raise EscalationNotFoundError(f"There is no escalation {escalation_id} of customer {account_id}")


@router.post("/worklist/{account_id}/mark")
def mark_customer(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Act,
    kind: Annotated[MarkKind, Form()],
    why: Line = "",
) -> Response:
    """Mark the customer by hand."""
    found = account(session, account_id)
    try:
        with session.begin_nested():
            mark_by_hand(session, account_id, kind, words=_why(why), by=principal.actor, now=now)
            touched(session, kernel, account_id, now=now, in_flight=in_flight)
    except DomainError as error:
        return customer_page(request, session, kernel, principal, found, now=now, error=error)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Marked."))


@router.post("/worklist/{account_id}/marks/{mark_id}/dismiss")
def dismiss_mark(
    account_id: Id,
    mark_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Act,
    until: DayText = "",
    why: Line = "",
) -> Response:
    """Let a mark count for nothing for a while."""
    found, row = account(session, account_id), session.get(AttentionMark, mark_id)
    if row is None or row.account_id != account_id:
        raise MarkNotFoundError(f"There is no mark {mark_id} of customer {account_id}")
    try:
        with session.begin_nested():
            day = day_of(until)
            if day is None:
                raise CallError("Give the day until which it counts for nothing")
            dismiss(session, mark_id, until=day, why=_why(why), by=principal.actor, now=now)
            touched(session, kernel, account_id, now=now, in_flight=in_flight)
    except DomainError as error:
        return customer_page(request, session, kernel, principal, found, now=now, error=error)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Dismissed for a while."))


@router.get("/customers/{account_id}/cards/attention")
def attention_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("customers:read")],
) -> HTMLResponse:
    """Marks, holds, and where the customer is handed on to: a card of its file that sales sees as well."""
    found = account(session, account_id)
    return page(
        request,
        kernel,
        principal,
        "console/dunning/_attention.html",
        account=found,
        marks=standing_marks(session, [account_id]).get(account_id, []),
        escalations=open_escalations(session, [account_id]).get(account_id, []),
        holds=standing_holds(session, account_id, today=today),
        today=today,
        may_see=principal.may("dunning:read"),
    )
