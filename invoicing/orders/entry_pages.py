"""Page: an order entered by hand, and accepted at once when credit covers it."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session
from starlette.datastructures import FormData

from ar.core.db import MAX_ID
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web import KernelDep, NowDep, Principal, SessionDep, TodayDep, allow, page, redirect
from ar.core.web.bodies import form_of
from ar.customers.accounts import account
from invoicing import forms
from invoicing.forms import Typed, body, context, customer_of, taken, typed
from invoicing.orders.accept import UNDECIDED, accept
from invoicing.orders.enter import enter
from invoicing.orders.models import OrderState
from invoicing.orders.shapes import OrderIn

router = APIRouter(include_in_schema=False)

FORM = forms.Form(
    fields=(
        "entity_id",
        "customer",
        "reference",
        "purchase_order",
        "buyer_reference",
        "terms",
        "wanted_on",
        "note",
        "site-name",
        "site-street",
        "site-postcode",
        "site-city",
        "site-country",
    ),
    line_fields=(*forms.TELLING, *forms.REPEATED),
    rows=3,
    more=3,
    most=60,
)


@router.get("/orders/new")
def new_order(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("orders:write")],
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
    return page(request, kernel, principal, "console/orders/new.html", **shown)


@router.post("/orders/new")
def enter_order(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    sent: Annotated[FormData, Depends(form_of)],
    do: Annotated[Literal["enter", "accept", "lines"], Form()] = "lines",
) -> Response:
    """Enter the order, accept it too when asked; with a fault, or for more lines, the form again.

    The order's reference is its name: a form that is sent twice enters one order.
    """
    given = typed(sent.multi_items()).closed_up()
    if do == "lines":
        return _form(request, session, kernel, principal, given, more=True)
    try:
        with session.begin_nested():
            made = enter(session, _order(session, given).draft(), by=principal.actor, now=now)
            assert made.id is not None
            if do == "accept" and made.state in UNDECIDED:
                made = accept(session, made.id, by=principal.actor, today=today, now=now)
    except DomainError as error:
        return _form(request, session, kernel, principal, given, error=error)
    path = f"/orders/{made.id}"
    if made.state is OrderState.HELD:
        held = _("Credit does not cover the order: it is held, and the reasons are below.")
        return redirect(kernel, principal, path, done=held, kind="warn")
    done = _("The order is entered.") if made.state is OrderState.ENTERED else _("The order is accepted.")
    return redirect(kernel, principal, path, done=done)


def _order(session: Session, given: Typed) -> OrderIn:
    country = {"site-country": given.fields.get("site-country", "").upper()}
    made = body(FORM, replace(given, fields={**given.fields, **country}))
    customer = customer_of(session, made.pop("customer", ""))
    return taken(OrderIn, made if customer is None else {**made, "account_id": customer.id})
