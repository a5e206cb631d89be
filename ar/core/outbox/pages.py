"""Pages: messages to customers, those that wait for a person first; one message; the card of a customer's file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator
from sqlmodel import Session, col, select

from ar.core.access.links import masked
from ar.core.access.users import actor_names
from ar.core.audit import AuditEntry
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.outbox.decide import Decision, decide
from ar.core.outbox.find import for_a_person, message, order_of, search
from ar.core.outbox.models import Arrival, MessageChannel, MessageState, OutboxMessage
from ar.core.web import Cursor, Id, KernelDep, NowDep, Principal, Search, SessionDep, allow, page, paged, redirect
from ar.core.web.types import one_line

router = APIRouter(include_in_schema=False)

ROWS = 50
CARD_ROWS = 12
DONE = {
    Decision.ARRIVED: _("Noted: it arrived."),
    Decision.SEND_AGAIN: _("It is sent once more, if it is still wanted."),
    Decision.CANCEL: _("Cancelled: it will not go out."),
}


@dataclass(frozen=True)
class Happening:
    """One thing that happened to a message: `what` is a state or the action of an audit entry."""

    at: datetime
    what: str
    by: str
    why: str


@router.get("/messages")
def messages(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
    state: Annotated[Search, Query()] = "",
    purpose: Annotated[Search, Query()] = "",
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    channel: Annotated[Search, Query()] = "",
    arrival: Annotated[Search, Query()] = "",
    cursor: Cursor = None,
) -> HTMLResponse:
    """Those whose fate a person must decide, then all, the newest first."""
    chosen = MessageState(state) if state in set(MessageState) else None
    by = MessageChannel(channel) if channel in set(MessageChannel) else None
    back = Arrival(arrival) if arrival in set(Arrival) else None
    query = search(chosen, purpose, account_id, channel=by, arrival=back)
    found = paged(session, query, key=order_of(chosen), cursor=cursor, limit=ROWS)
    filtered = bool(chosen or purpose or account_id or by or back or cursor)
    return page(
        request,
        kernel,
        principal,
        "console/messages/list.html",
        found=found,
        waiting=[] if filtered else for_a_person(session, limit=ROWS),
        state=chosen,
        purpose=purpose,
        account_id=account_id,
        channel=by,
        arrival=back,
    )


@router.get("/messages/{message_id}")
def one_message(
    message_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    return _message_page(request, session, kernel, principal, message_id)


def _message_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    message_id: int,
    *,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = message(session, message_id)
    acts = session.exec(select(AuditEntry).where(AuditEntry.subject == f"message:{message_id}")).all()
    return page(
        request,
        kernel,
        principal,
        "console/messages/message.html",
        status=error.status if error else 200,
        message=found,
        text=masked(found.body_text),
        happenings=_happenings(found, acts, actor_names(session, [act.actor for act in acts])),
        error=error,
        may_write=principal.may("dunning:write"),
    )


def _happenings(found: OutboxMessage, acts: Sequence[AuditEntry], people: Mapping[str, str]) -> list[Happening]:
    """What happened to the message, the newest first."""
    told = [Happening(found.queued_at, "written", "", "")]
    if found.claimed_at is not None:
        told.append(Happening(found.claimed_at, "claimed", "", ""))
    if found.ended_at is not None and found.ended_at not in [act.at for act in acts]:
        told.append(Happening(found.ended_at, found.state.value, "", found.outcome or ""))
    told += [
        Happening(act.at, act.action, people.get(act.actor, act.actor), str((act.change or {}).get("reason") or ""))
        for act in acts
    ]
    return sorted(told, key=lambda happening: happening.at)[::-1]


@router.post("/messages/{message_id}/decision")
def decide_by_hand(
    message_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    decision: Annotated[Decision, Form()],
    reason: Annotated[str, Form(max_length=400), AfterValidator(one_line)] = "",
) -> Response:
    """Carry out the decision and show the message; where its state does not allow it, say so."""
    try:
        decide(session, message_id, decision, reason=reason.strip(), actor=principal.actor, now=now)
    except DomainError as error:
        return _message_page(request, session, kernel, principal, message_id, error=error)
    return redirect(kernel, principal, f"/messages/{message_id}", done=DONE[decision])


@router.get("/customers/{account_id}/cards/messages")
def messages_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """What was written to the customer, the newest first: a card of its file."""
    query = search(account_id=account_id).order_by(col(OutboxMessage.id).desc()).limit(CARD_ROWS)
    return page(
        request,
        kernel,
        principal,
        "console/messages/_card.html",
        account_id=account_id,
        messages=session.exec(query).all(),
    )
