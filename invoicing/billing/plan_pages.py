"""Pages: subscriptions, one of them, and the forms that add one, change its price from a day on, and end it."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col
from starlette.datastructures import FormData

from ar.core.db import MAX_ID
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import typed_plain
from ar.core.web import Cursor, Id, KernelDep, NowDep, Principal, SessionDep, TodayDep, allow, page, paged, redirect
from ar.core.web.bodies import form_of
from ar.customers.accounts import account, names_of
from invoicing import forms
from invoicing.billing.holds import reasons_of
from invoicing.billing.models import Alignment, BillingPlan, Every
from invoicing.billing.plans import add_plan, change_price, end_plan, plan_detail, search_plans
from invoicing.billing.shapes import EndIn, PlanIn, PriceChangeIn
from invoicing.forms import Typed, beside, body, context, customer_of, taken, typed
from invoicing.orders.shapes import reasons_told
from invoicing.totals import decimal_text, millionths

router = APIRouter(include_in_schema=False)

SentForm = Annotated[FormData, Depends(form_of)]
NOTHING = Typed({}, {})
FORM = forms.Form(
    fields=(
        "entity_id",
        "customer",
        "reference",
        "every",
        "alignment",
        "in_advance",
        "starts_on",
        "ends_on",
        "terms",
        "purchase_order",
        "buyer_reference",
    ),
    line_fields=("description", "item_code", "quantity", "unit_price", *forms.REPEATED),
    rows=1,
    more=1,
    most=5,
)


@router.get("/plans")
def plans_page(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
    account_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    query = search_plans(account_id=account_id)
    found = paged(session, query, key=(col(BillingPlan.id).desc(),), cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/billing/plans.html",
        found=found,
        names=names_of(session, [one.account_id for one in found.items]),
        filters={} if account_id is None else {"account_id": account_id},
        may_write=principal.may("invoices:write"),
    )


@router.get("/plans/new")
def new_plan(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:write")],
    account_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> HTMLResponse:
    fields = {} if account_id is None else {"customer": account(session, account_id).code}
    return _form(request, session, kernel, principal, Typed(fields, {}))


def _form(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    given: Typed,
    *,
    more: bool = False,
    error: DomainError | None = None,
) -> HTMLResponse:
    def say(sentence: str) -> str:
        return kernel.renderer.text(sentence, language=principal.language)

    shown = context(session, FORM, given, error=error, rows=FORM.rows_for(given, more=more), say=say)
    shown |= {"every": list(Every), "alignments": list(Alignment)}
    return page(request, kernel, principal, "console/billing/new_plan.html", **shown)


@router.post("/plans/new")
def enter_plan(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    sent: SentForm,
    do: Annotated[Literal["enter", "lines"], Form()] = "lines",
) -> Response:
    """Add the subscription; with a fault, or for more lines, the form again. Sent twice it adds one."""
    given = typed(sent.multi_items()).closed_up()
    if do == "lines":
        return _form(request, session, kernel, principal, given, more=True)
    try:
        with session.begin_nested():
            made = body(FORM, given)
            customer = customer_of(session, made.pop("customer", ""))
            wanted = taken(PlanIn, made if customer is None else {**made, "account_id": customer.id})
            added = add_plan(session, wanted.draft(), by=principal.actor, now=now)
    except DomainError as error:
        return _form(request, session, kernel, principal, given, error=error)
    done = _("The subscription is added: the next run bills what is due of it.")
    return redirect(kernel, principal, f"/plans/{added.id}", done=done)


@router.get("/plans/{plan_id}")
def plan_page(
    plan_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:read")],
) -> HTMLResponse:
    return _plan(request, session, kernel, principal, plan_id, today=today)


def _plan(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    plan_id: int,
    *,
    today: date,
    given: Typed = NOTHING,
    error: DomainError | None = None,
) -> HTMLResponse:
    def say(sentence: str) -> str:
        return kernel.renderer.text(sentence, language=principal.language)

    found = plan_detail(session, plan_id)
    faults, others = beside(error, given, set(given.fields), say)
    return page(
        request,
        kernel,
        principal,
        "console/billing/plan.html",
        status=error.status if error else 200,
        flashes=[("bad", told) for told in others],
        given=given.fields,
        faults=faults,
        found=found,
        plan=found.plan,
        buyer=names_of(session, [found.plan.account_id])[found.plan.account_id],
        held=reasons_told(kernel, reasons_of(session, f"plan:{plan_id}"), language=principal.language),
        decimal=decimal_text,
        today=today,
        may_write=principal.may("invoices:write"),
    )


@router.post("/plans/{plan_id}/end")
def end_one(
    plan_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    sent: SentForm,
    ends_on: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    given = typed(sent.multi_items())
    try:
        with session.begin_nested():
            wanted = taken(EndIn, {"ends_on": ends_on} if ends_on else {})
            end_plan(session, plan_id, ends_on=wanted.ends_on, by=principal.actor, now=now)
    except DomainError as error:
        return _plan(request, session, kernel, principal, plan_id, today=today, given=given, error=error)
    return redirect(kernel, principal, f"/plans/{plan_id}", done=_("The subscription ends on that day."))


@router.post("/plans/{plan_id}/prices")
def price_from_a_day(
    plan_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    sent: SentForm,
    position: Annotated[str, Form(max_length=40)] = "",
    unit_price: Annotated[str, Form(max_length=40)] = "",
    valid_from: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """A line's price for a whole period, from a day on that is not billed yet."""
    given = typed(sent.multi_items())
    values = {"position": position, "unit_price": typed_plain(unit_price), "valid_from": valid_from}
    try:
        with session.begin_nested():
            wanted = taken(PriceChangeIn, {name: value for name, value in values.items() if value})
            change_price(
                session,
                plan_id,
                wanted.position,
                unit_price_millionths=millionths(wanted.unit_price),
                valid_from=wanted.valid_from,
                by=principal.actor,
                now=now,
            )
    except DomainError as error:
        return _plan(request, session, kernel, principal, plan_id, today=today, given=given, error=error)
    return redirect(kernel, principal, f"/plans/{plan_id}", done=_("The price changes on that day."))
