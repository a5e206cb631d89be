"""Pages: what customers wrote back with what is proposed, one message, and the exchange with a customer as a card."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web import Cursor, Id, KernelDep, NowDep, Principal, SessionDep, allow, local_path, page, paged, redirect
from ar.core.web.types import one_line
from ar.customers.accounts import account, account_by_code, accounts_by_id
from dunning.replies.act import accept, assign, dismiss, handle, reply_by_id
from dunning.replies.find import exchange_of, order_of, quoted, search, shown_of
from dunning.replies.kinds import ReplyKind, ReplyState
from dunning.replies.model import likely
from dunning.replies.models import Reply, ReplyProposal

router = APIRouter(include_in_schema=False)
KINDS = tuple(kind.value for kind in ReplyKind)
ON_A_CARD = 12


@router.get("/replies")
def replies(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
    state: Annotated[str, Query(pattern="^(open|handled|all)?$")] = "open",
    kind: Annotated[str, Query(max_length=24)] = "",
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    unassigned: Annotated[bool, Query()] = False,
    cursor: Cursor = None,
) -> HTMLResponse:
    """The inbox: messages that wait for a person, with what is proposed."""
    chosen = ReplyState(state) if state in ("open", "handled") else None
    of_kind = ReplyKind(kind) if kind in KINDS else None
    query = search(chosen, of_kind, account_id, unassigned=unassigned)
    found = paged(session, query, key=order_of(), cursor=cursor, limit=30)
    accounts = sorted({number for one in found.items for number in (one.account_id, *one.suggested) if number})
    return page(
        request,
        kernel,
        principal,
        "console/replies/list.html",
        rows=found.items,
        next_cursor=found.next_cursor,
        proposals=shown_of(session, found.items),
        customers=accounts_by_id(session, accounts),
        quoted=quoted,
        state=state or "all",
        kind=kind if of_kind else "",
        kinds=KINDS,
        account_id=account_id,
        unassigned=unassigned,
        may_act=principal.may("dunning:write"),
    )


@router.get("/replies/{reply_id}")
def reply(
    reply_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """One message whole, and what can be done for it."""
    return reply_page(request, session, kernel, principal, reply_by_id(session, reply_id))


def reply_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    found: Reply,
    *,
    error: DomainError | None = None,
) -> HTMLResponse:
    assert found.id is not None
    customers = accounts_by_id(session, sorted({n for n in (found.account_id, *found.suggested) if n}))
    return page(
        request,
        kernel,
        principal,
        "console/replies/reply.html",
        status=error.status if error else 200,
        row=found,
        proposals=shown_of(session, [found])[found.id],
        customers=customers,
        error=error,
        may_act=principal.may("dunning:write"),
    )


def _done(
    act: Callable[[], Any],
    reply_id: int,
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    *,
    done: str,
    back: str,
) -> Response:
    """Do `act` and go back; what it refuses is said on the message's own page, and nothing is done by halves."""
    reply_by_id(session, reply_id)
    nested = session.begin_nested()
    try:
        act()
        session.flush()
    except DomainError as error:
        nested.rollback()
        session.expire_all()
        return reply_page(request, session, kernel, principal, reply_by_id(session, reply_id), error=error)
    return redirect(kernel, principal, local_path(back, f"/replies/{reply_id}"), done=done)


def _own(session: Session, reply_id: int, proposal_id: int) -> int:
    """The proposal, when it is the reply's; else an id that there is not."""
    one = session.get(ReplyProposal, proposal_id)
    return proposal_id if one is not None and one.reply_id == reply_id else 0


@router.post("/replies/{reply_id}/proposals/{proposal_id}/accept")
def accept_proposal(
    reply_id: Id,
    proposal_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    back: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Do what is proposed."""
    return _done(
        lambda: accept(session, _own(session, reply_id, proposal_id), by=principal.actor, now=now),
        reply_id,
        request,
        session,
        kernel,
        principal,
        done=_("Done."),
        back=back,
    )


@router.post("/replies/{reply_id}/proposals/{proposal_id}/dismiss")
def dismiss_proposal(
    reply_id: Id,
    proposal_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    back: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Lay a proposal aside."""
    return _done(
        lambda: dismiss(session, _own(session, reply_id, proposal_id), by=principal.actor, now=now),
        reply_id,
        request,
        session,
        kernel,
        principal,
        done=_("Laid aside."),
        back=back,
    )


@router.post("/replies/{reply_id}/handled")
def mark_handled(
    reply_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    back: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """A person is done with it."""
    return _done(
        lambda: handle(session, reply_id, by=principal.actor, now=now),
        reply_id,
        request,
        session,
        kernel,
        principal,
        done=_("Handled: reminders wait for it no longer."),
        back=back,
    )


@router.post("/replies/{reply_id}/account")
def set_account(
    reply_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    code: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Say whose message it is, by the customer's code."""

    def act() -> None:
        found = account_by_code(session, _line(code))
        assign(session, reply_id, found.id or 0, likely=likely, by=principal.actor, now=now)

    return _done(act, reply_id, request, session, kernel, principal, done=_("Set to this customer."), back="")


@router.get("/customers/{account_id}/cards/thread")
def thread_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """What was written to the customer and by it, in the order of time, over all channels: a card of its file."""
    found = account(session, account_id)
    exchanged = exchange_of(session, account_id, limit=ON_A_CARD)
    return page(
        request,
        kernel,
        principal,
        "console/replies/_thread.html",
        account=found,
        exchanged=exchanged,
        quoted=quoted,
    )


def _line(text: str) -> str:
    try:
        return one_line(text)
    except ValueError:
        return ""
