"""Pages: the disputes to answer, one dispute with its forms, a form to note one, and the card of a customer's file."""

import secrets
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col

from ar.core.access.users import actor_names
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import plain, typed_minor
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    LongText,
    NowDep,
    Once,
    Principal,
    Search,
    SessionDep,
    TodayDep,
    allow,
    idempotent,
    page,
    paged,
    redirect,
    require_version,
)
from ar.customers.accounts import account, names_of
from ar.disputes.claim import DisputeError, dispute, open_dispute, resolve_dispute
from ar.disputes.find import item_of, order_of, search
from ar.disputes.models import Dispute, DisputeState, Outcome, Reason
from ar.disputes.notify import tell_received, tell_resolved
from ar.ledger.allocate import locked_items
from ar.ledger.items import open_items

router = APIRouter(include_in_schema=False)

Number = Annotated[int, Form(ge=1, le=2**63 - 1)]
CARD_ROWS = 8


@router.get("/disputes")
def disputes(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("disputes:read")],
    state: Annotated[Search, Query()] = "",
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """What customers contest: open ones first, those that have waited longest first."""
    chosen = DisputeState(state) if state in set(DisputeState) else None
    found = paged(session, search(chosen, account_id), key=order_of(chosen), cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/disputes/list.html",
        found=found,
        names=names_of(session, [row.account_id for row in found.items]),
        people=actor_names(session, [row.opened_by for row in found.items]),
        state=chosen,
        account_id=account_id,
        today=today,
    )


@router.get("/disputes/new")
def new_dispute(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("disputes:write")],
    account_id: Annotated[int, Query(ge=1, le=2**63 - 1)],
) -> HTMLResponse:
    """A form for what a customer contests by telephone or by letter."""
    return _form_page(request, session, kernel, principal, account_id, given={})


def _form_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    account_id: int,
    *,
    given: Mapping[str, Any],
    error: DomainError | None = None,
) -> HTMLResponse:
    found = account(session, account_id)
    items = open_items(session, account_ids=[account_id], as_of=date.max)
    return page(
        request,
        kernel,
        principal,
        "console/disputes/new.html",
        status=error.status if error else 200,
        account=found,
        items=[item for item in items if item.side == 1 and item.open_minor > item.disputed_minor],
        reasons=[reason.value for reason in Reason],
        given=given,
        error=error,
        key=secrets.token_urlsafe(16),
    )


@router.post("/disputes")
def note_dispute(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("disputes:write")],
    once: Annotated[Once, idempotent()],
    account_id: Number,
    entry_id: Number,
    reason: Annotated[Reason, Form()],
    text: Annotated[LongText, Form()],
    amount: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Note it and show it; with a fault, the form again with what is wrong."""

    def act() -> Response:
        item = locked_items(session, [entry_id])[entry_id]
        if item["account_id"] != account_id:
            raise DisputeError("This document is another customer's")
        made = open_dispute(
            session,
            entry_id=entry_id,
            amount_minor=typed_minor(amount, item["currency"]) if amount.strip() else None,
            reason=reason,
            text=text,
            by=principal.actor,
            today=today,
            now=now,
        )
        told = tell_received(session, kernel, made, now=now)
        done = _("Noted. The customer gets a receipt.") if told else _("Noted. There is no address for a receipt.")
        return redirect(kernel, principal, f"/disputes/{made.id}", done=done)

    try:
        with session.begin_nested():
            return once(session, act)
    except DomainError as error:
        given = {"entry_id": entry_id, "amount": amount, "reason": reason.value, "text": text}
        return _form_page(request, session, kernel, principal, account_id, given=given, error=error)


@router.get("/disputes/{dispute_id}")
def one_dispute(
    dispute_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("disputes:read")],
) -> HTMLResponse:
    return dispute_page(request, session, kernel, principal, dispute_id, today=today)


def dispute_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    dispute_id: int,
    *,
    today: date,
    given: Mapping[str, str] | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    """One dispute with what can be done; after a fault, with what was `given` and what is wrong."""
    found = dispute(session, dispute_id)
    item = item_of(session, found)
    shown = {"amount": plain(found.amount_minor, found.currency), "answer": "", "outcome": Outcome.REJECTED.value}
    return page(
        request,
        kernel,
        principal,
        "console/disputes/dispute.html",
        status=error.status if error else 200,
        dispute=found,
        item=item,
        account=account(session, found.account_id),
        people=actor_names(session, [found.opened_by, found.resolved_by]),
        today=today,
        given=shown | dict(given or {}),
        error=error,
        key=secrets.token_urlsafe(16),
        may_write=principal.may("disputes:write"),
        may_credit=principal.may("invoices:write"),
    )


@router.post("/disputes/{dispute_id}/resolution")
def resolve(
    dispute_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("disputes:write")],
    outcome: Annotated[Outcome, Form()],
    answer: Annotated[LongText, Form()],
    version: Number,
) -> Response:
    """Reject the dispute, or note that it was withdrawn, and answer the customer."""
    try:
        with session.begin_nested():
            require_version(version, dispute(session, dispute_id).version)
            resolved = resolve_dispute(
                session,
                dispute_id,
                outcome=outcome,
                accepted_minor=0,
                answer=answer,
                by=principal.actor,
                today=today,
                now=now,
            )
            told = tell_resolved(session, kernel, resolved, now=now)
    except DomainError as error:
        given = {"answer": answer, "outcome": outcome.value}
        return dispute_page(request, session, kernel, principal, dispute_id, today=today, given=given, error=error)
    return redirect(kernel, principal, f"/disputes/{dispute_id}", done=told_or_not(told))


def told_or_not(told: bool) -> str:
    """What a page says after a dispute was resolved."""
    if told:
        return _("Resolved, and the customer is told.")
    return _("Resolved. There is no address to write to: tell the customer yourself.")


@router.get("/customers/{account_id}/cards/disputes")
def disputes_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("disputes:read")],
) -> HTMLResponse:
    """What the customer contests, the newest first: a card of its file."""
    found = account(session, account_id)
    query = search(account_id=account_id).order_by(col(Dispute.id).desc()).limit(CARD_ROWS)
    return page(
        request,
        kernel,
        principal,
        "console/disputes/_card.html",
        account=found,
        disputes=session.exec(query).all(),
        today=today,
        may_write=principal.may("disputes:write"),
    )
