"""Pages: how a customer is billed, drafts to approve, subscriptions, and what runs did and held back."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from ar.core.access.users import actor_names
from ar.core.db import MAX_ID
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import plain, typed_minor
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Once,
    Principal,
    Search,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    idempotent,
    page,
    paged,
    redirect,
)
from ar.customers.accounts import account, names_of
from ar.customers.entities import entities
from invoicing.billing.drafts import (
    approve_drafts,
    discard_draft,
    draft_detail,
    drafts,
    issue_drafts,
    unapproved,
)
from invoicing.billing.facts import Rule
from invoicing.billing.holds import holds, parked
from invoicing.billing.jobs import want_run
from invoicing.billing.models import Basis, BillingHold, BillingParked, BillingRun, Cadence, Grouping
from invoicing.billing.rules import as_rule, rules_of, set_rule
from invoicing.models import Invoice
from invoicing.orders.shapes import reasons_told
from invoicing.totals import decimal_text

router = APIRouter(include_in_schema=False)


@router.get("/customers/{account_id}/cards/billing")
def billing_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
) -> HTMLResponse:
    """The card of a customer's file."""
    return _rules(request, session, kernel, principal, account_id, template="console/billing/_card.html")


def _rules(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    account_id: int,
    *,
    template: str = "console/billing/customer.html",
    error: DomainError | None = None,
) -> HTMLResponse:
    found = account(session, account_id)
    rows = rules_of(session, account_id)
    general = next((as_rule(row) for row in rows if row.entity_id is None), Rule())
    return page(
        request,
        kernel,
        principal,
        template,
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        account=found,
        rows=rows,
        given=general,
        minimum=plain(general.minimum_minor, found.currency) if general.minimum_minor else "",
        sellers=[(one.id, one.name) for one in entities(session)],
        groupings=list(Grouping),
        bases=list(Basis),
        cadences=list(Cadence),
        may_write=principal.may("invoices:write"),
        may_order=principal.may("orders:write"),
    )


@router.post("/customers/{account_id}/billing-rule")
def set_billing_rule(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    grouping: Annotated[Grouping, Form()],
    basis: Annotated[Basis, Form()],
    cadence: Annotated[Cadence, Form()],
    entity_id: Annotated[int, Form(ge=0, le=MAX_ID)] = 0,
    month_day: Annotated[int | None, Form(ge=1, le=31)] = None,
    minimum: Annotated[Search, Form(max_length=40)] = "",
    consolidated: Annotated[bool, Form()] = False,
    needs_purchase_order: Annotated[bool, Form()] = False,
    needs_buyer_reference: Annotated[bool, Form()] = False,
    needs_site: Annotated[bool, Form()] = False,
    approval: Annotated[bool, Form()] = False,
) -> Response:
    """Set the rule for all sellers, or for one; with a fault, the form again with what is wrong."""
    found = account(session, account_id)
    try:
        rule = Rule(
            grouping,
            consolidated,
            basis,
            cadence,
            month_day,
            needs_purchase_order,
            needs_buyer_reference,
            needs_site,
            typed_minor(minimum, found.currency) if minimum else 0,
            approval,
        )
        set_rule(session, account_id, entity_id or None, rule, by=principal.actor, now=now)
    except DomainError as error:
        return _rules(request, session, kernel, principal, account_id, error=error)
    done = _("From the next run on, this customer is billed so.")
    return redirect(kernel, principal, f"/customers/{account_id}", done=done)


@router.get("/billing")
def billing_page(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
    cursor: Cursor = None,
) -> HTMLResponse:
    runs = paged(session, select(BillingRun), key=(col(BillingRun.id).desc(),), cursor=cursor, limit=20)
    held = paged(session, holds(), key=(col(BillingHold.subject),), cursor=None, limit=200)
    failed = paged(session, parked(), key=(col(BillingParked.account_id),), cursor=None, limit=50)
    ids = [one.account_id for one in held.items] + [one.account_id for one in failed.items]
    return page(
        request,
        kernel,
        principal,
        "console/billing/runs.html",
        runs=runs,
        held=[(one, reasons_told(kernel, one.reasons, language=principal.language)) for one in held.items],
        more_held=held.next_cursor is not None,
        failed=failed.items,
        names=names_of(session, ids),
        people=actor_names(session, [one.started_by for one in runs.items]),
        key=f"run-{runs.items[0].id if runs.items else 0}",
        may_write=principal.may("invoices:write"),
    )


@router.post("/billing")
def bill_now(
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    def act() -> Response:
        want_run(session, by=principal.actor, now=now)
        return redirect(kernel, principal, "/billing", done=_("Billing has begun: load the page again in a moment."))

    return once(session, act)


@router.get("/drafts")
def drafts_page(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
    account_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    key = (col(Invoice.account_id), col(Invoice.id))
    found = paged(session, drafts(account_id=account_id), key=key, cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/billing/drafts.html",
        found=found,
        waiting=unapproved(session, found.items),
        names=names_of(session, [one.account_id for one in found.items]),
        filters={} if account_id is None else {"account_id": account_id},
        may_approve=principal.may("invoices:approve"),
        may_write=principal.may("invoices:write"),
    )


@router.get("/drafts/{document_id}")
def draft_page(
    document_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
) -> HTMLResponse:
    return _draft(request, session, kernel, principal, document_id)


def _draft(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    document_id: int,
    *,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = draft_detail(session, document_id)
    document = found.document
    people = [one for one in (document.created_by, document.approved_by) if one]
    return page(
        request,
        kernel,
        principal,
        "console/billing/draft.html",
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        found=found,
        document=document,
        buyer=names_of(session, [document.account_id])[document.account_id],
        seller=next(one for one in entities(session) if one.id == document.entity_id),
        people=actor_names(session, people),
        decimal=decimal_text,
        may_approve=principal.may("invoices:approve"),
        may_write=principal.may("invoices:write"),
    )


@router.post("/drafts/{document_id}/approve")
def approve_draft(
    document_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:approve")],
) -> Response:
    try:
        with session.begin_nested():
            approve_drafts(session, [document_id], by=principal.actor, now=now)
    except DomainError as error:
        return _refused(request, session, kernel, principal, document_id, error)
    return redirect(kernel, principal, "/drafts", done=_("The draft is approved: it may be issued."))


@router.post("/drafts/{document_id}/issue")
def issue_draft(
    document_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    def act() -> Response:
        issue_drafts(session, [document_id], by=principal.actor, today=today, now=now)
        entry_id = session.get_one(Invoice, document_id).entry_id
        return redirect(kernel, principal, f"/invoices/{entry_id}", done=_("The invoice is issued."))

    try:
        with session.begin_nested():
            return once(session, act)
    except DomainError as error:
        return _refused(request, session, kernel, principal, document_id, error)


@router.post("/drafts/{document_id}/discard")
def discard_one(
    document_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    reason: Annotated[ShortText, Form()],
) -> Response:
    try:
        with session.begin_nested():
            discard_draft(session, document_id, reason=reason, by=principal.actor, now=now)
    except DomainError as error:
        return _refused(request, session, kernel, principal, document_id, error)
    return redirect(kernel, principal, "/drafts", done=_("The draft is gone. What it billed is billable again."))


def _refused(
    request: Request, session: Session, kernel: Kernel, principal: Principal, document_id: int, error: DomainError
) -> Response:
    """The draft's page with what is wrong; the error itself where there is no such draft."""
    session.expire_all()
    try:
        return _draft(request, session, kernel, principal, document_id, error=error)
    except DomainError:
        raise error from None
