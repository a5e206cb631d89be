"""Pages: the list of orders, and one order with what holds it, what was delivered and what was billed."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col
from starlette.datastructures import FormData

from ar.core.access.users import actor_names
from ar.core.db import MAX_ID
from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import typed_plain
from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
    NowDep,
    Principal,
    Search,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    page,
    paged,
    redirect,
    require_version,
)
from ar.core.web.bodies import form_of
from ar.customers.accounts import names_of
from ar.customers.entities import entities
from invoicing.billing.holds import reasons_of
from invoicing.draft import Place
from invoicing.forms import FormError, Typed, beside, taken, typed
from invoicing.orders.accept import UNDECIDED, accept, let_through
from invoicing.orders.deliver import OPEN, Change, Delivered, cancel, change, confirm, deliver
from invoicing.orders.find import COUNTED, billed_by, lines_of, order, search, site_of, stages_of
from invoicing.orders.models import OrderState, SalesOrder
from invoicing.orders.shapes import DeliverIn, reasons_told
from invoicing.totals import decimal_text

router = APIRouter(include_in_schema=False)

Version = Annotated[int, Form(ge=1, le=MAX_ID)]
NOTHING = Typed({}, {})


@router.get("/orders")
def orders(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("orders:read")],
    state: Annotated[Search, Query()] = "",
    reference: Annotated[Search, Query()] = "",
    account_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    chosen = OrderState(state) if state in set(OrderState) else None
    query = search(account_id=account_id, state=chosen, reference=reference)
    found = paged(session, query, key=(col(SalesOrder.id).desc(),), cursor=cursor, limit=50)
    filters = {"state": chosen or "", "reference": reference}
    return page(
        request,
        kernel,
        principal,
        "console/orders/list.html",
        found=found,
        names=names_of(session, [one.account_id for one in found.items]),
        states=list(OrderState),
        filters=filters if account_id is None else filters | {"account_id": account_id},
        may_bill=principal.may("invoices:read"),
        may_write=principal.may("orders:write"),
    )


@router.get("/orders/{order_id}")
def order_page(
    order_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:read")],
) -> HTMLResponse:
    return _page(request, session, kernel, principal, order_id, today=today)


def _page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    order_id: int,
    *,
    today: date,
    given: Typed = NOTHING,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = order(session, order_id)
    language = principal.language
    names = {"delivered_on", *(f"lines-{position}-quantity" for position in given.lines)}
    faults, others = beside(error, given, names, lambda sentence: kernel.renderer.text(sentence, language=language))
    people = [one for one in (found.entered_by, found.accepted_by, found.override_by) if one]
    return page(
        request,
        kernel,
        principal,
        "console/orders/order.html",
        status=error.status if error else 200,
        flashes=[("bad", told) for told in others],
        given=given.by_name(),
        faults=faults,
        order=found,
        buyer=names_of(session, [found.account_id])[found.account_id],
        seller=next(one for one in entities(session) if one.id == found.entity_id),
        site=site_of(found),
        lines=lines_of(session, [order_id])[order_id],
        stages=stages_of(session, [(order_id, found.accepted_on)]).get(order_id, []),
        billed=billed_by(session, order_id),
        credit=reasons_told(kernel, found.credit_reasons, language=language),
        held=reasons_told(kernel, reasons_of(session, f"order:{order_id}"), language=language),
        people=actor_names(session, people),
        decimal=decimal_text,
        today=today,
        may_write=principal.may("orders:write"),
        undecided=found.state in UNDECIDED,
        deliverable=found.state in COUNTED,
        open=found.state in OPEN,
        may_override=principal.may("credit:override") and found.state is OrderState.HELD,
    )


def _done(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    order_id: int,
    act: Callable[[], SalesOrder],
    *,
    version: int,
    today: date,
    done: str,
    held: str = "",
    given: Typed = NOTHING,
) -> Response:
    """What a form does, and the order's page after it; with a fault, the page again with what is wrong."""
    try:
        with session.begin_nested():
            require_version(version, order(session, order_id).version)
            after = act()
    except DomainError as error:
        return _page(request, session, kernel, principal, order_id, today=today, given=given, error=error)
    if after.state is OrderState.HELD:
        return redirect(kernel, principal, f"/orders/{order_id}", done=held, kind="warn")
    return redirect(kernel, principal, f"/orders/{order_id}", done=done)


@router.post("/orders/{order_id}/accept")
def accept_order(
    order_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    version: Version,
) -> Response:
    return _done(
        request,
        session,
        kernel,
        principal,
        order_id,
        lambda: accept(session, order_id, by=principal.actor, today=today, now=now),
        version=version,
        today=today,
        done=_("The order is accepted."),
        held=_("Credit does not cover the order: it is held, and the reasons are below."),
    )


@router.post("/orders/{order_id}/override")
def override_order(
    order_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:override")],
    version: Version,
    reason: Annotated[Search, Form()] = "",
) -> Response:
    return _done(
        request,
        session,
        kernel,
        principal,
        order_id,
        lambda: let_through(session, order_id, reason=reason, by=principal.actor, today=today, now=now),
        version=version,
        today=today,
        done=_("The order is let through. Your reason is kept with it."),
    )


@router.post("/orders/{order_id}/deliver")
def deliver_order(
    order_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    version: Version,
    delivered_on: Annotated[Day, Form()],
    sent: Annotated[FormData, Depends(form_of)],
    what: Annotated[Literal["all", "parts"], Form()] = "all",
) -> Response:
    """All that is missing was delivered on a day, or the parts entered beside the lines."""
    given = typed(sent.multi_items())
    return _done(
        request,
        session,
        kernel,
        principal,
        order_id,
        lambda: deliver(
            session,
            order_id,
            _parts(given) if what == "parts" else (),
            on=delivered_on,
            by=principal.actor,
            today=today,
            now=now,
        ),
        version=version,
        today=today,
        done=_("The delivery is noted."),
        given=given,
    )


def _parts(given: Typed) -> list[Delivered]:
    lines = [
        {"position": position, "quantity": typed_plain(line.get("quantity", ""))}
        for position, line in given.lines.items()
    ]
    if not lines:
        message = _("Enter beside at least one line how much of it was delivered.")
        raise FormError(message, faults=[Fault("/lines", message)])
    return taken(DeliverIn, {"lines": lines}).parts()


@router.post("/orders/{order_id}/confirm")
def confirm_milestone(
    order_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    version: Version,
    position: Annotated[int, Form(ge=1, le=1000)],
) -> Response:
    return _done(
        request,
        session,
        kernel,
        principal,
        order_id,
        lambda: confirm(session, order_id, position, on=today, by=principal.actor, now=now),
        version=version,
        today=today,
        done=_("The milestone is confirmed: the next run bills it."),
    )


@router.post("/orders/{order_id}/references")
def mend_order(
    order_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    version: Version,
    purchase_order: Annotated[Search, Form(max_length=60)] = "",
    buyer_reference: Annotated[Search, Form(max_length=60)] = "",
    site_name: Annotated[Search, Form(max_length=100)] = "",
    site_street: Annotated[Search, Form()] = "",
    site_postcode: Annotated[Search, Form(max_length=20)] = "",
    site_city: Annotated[Search, Form(max_length=100)] = "",
    site_country: Annotated[Search, Form(max_length=2)] = "",
) -> Response:
    """What invoices need of the order. A site without a country is none."""
    site = Place(site_name, site_country.upper(), site_street, site_postcode, site_city) if site_country else None
    wanted = Change(purchase_order, buyer_reference, site)
    return _done(
        request,
        session,
        kernel,
        principal,
        order_id,
        lambda: change(session, order_id, wanted, by=principal.actor, now=now),
        version=version,
        today=today,
        done=_("The order is mended: the next run bills it if nothing else is missing."),
        held=_("The order is mended. It is still held for want of credit."),
    )


@router.post("/orders/{order_id}/cancel")
def cancel_order(
    order_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    version: Version,
    reason: Annotated[ShortText, Form()],
) -> Response:
    return _done(
        request,
        session,
        kernel,
        principal,
        order_id,
        lambda: cancel(session, order_id, reason=reason, by=principal.actor, now=now),
        version=version,
        today=today,
        done=_("The order is cancelled. What is billed of it stays."),
    )
