"""Pages: the deliveries with what to do, one with its proof, a customer's wishes, and the cards of other pages."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator
from sqlmodel import Session, col

from ar.core.access.users import actor_names
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Principal,
    Search,
    SessionDep,
    ShortText,
    allow,
    page,
    paged,
    redirect,
)
from ar.core.web.types import several_lines
from ar.customers.accounts import account
from ar.customers.entities import entities
from ar.customers.models import ContactRole
from invoicing.delivery.act import came_back, settled
from invoicing.delivery.deposit import put_aside
from invoicing.delivery.find import deliveries_of, listed, order, proof, search
from invoicing.delivery.models import Delivery, DeliveryState, Papers, Route
from invoicing.delivery.plan import deliver_again
from invoicing.delivery.preferences import (
    SOURCES,
    PreferenceDraft,
    drop_preference,
    preferences_of,
    set_preference,
)
from invoicing.delivery.sites import complete_task, refuse_task, take_task, task
from invoicing.models import FileFormat

router = APIRouter(include_in_schema=False)

Writer = Annotated[Principal, allow("deliveries:write")]
Reader = Annotated[Principal, allow("deliveries:read")]
CARD_ROWS = 8


@router.get("/deliveries")
def deliveries(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Reader,
    state: Annotated[Search, Query()] = "waiting",
    route: Annotated[Search, Query()] = "",
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """What was delivered, and first of all what waits for a person."""
    waiting = state == "waiting"
    chosen = DeliveryState(state) if state in set(DeliveryState) else None
    way = Route(route) if route in set(Route) else None
    query = search(chosen, way, account_id, waiting=waiting)
    found = paged(session, query, key=order(), cursor=cursor, limit=50)
    filters = {"state": "waiting" if waiting else chosen.value if chosen else "all", "route": way.value if way else ""}
    return page(
        request,
        kernel,
        principal,
        "console/delivery/list.html",
        rows=listed(session, found.items),
        next_cursor=found.next_cursor,
        filters=filters if account_id is None else filters | {"account_id": account_id},
        states=[one.value for one in DeliveryState],
        routes=[one.value for one in Route],
        aside=put_aside(session, limit=10),
    )


@router.get("/deliveries/{delivery_id}")
def one_delivery(
    delivery_id: Id, request: Request, session: SessionDep, kernel: KernelDep, principal: Reader
) -> HTMLResponse:
    return _delivery_page(request, session, kernel, principal, delivery_id)


def _delivery_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    delivery_id: int,
    *,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = proof(session, delivery_id)
    return page(
        request,
        kernel,
        principal,
        "console/delivery/delivery.html",
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        found=found,
        people=actor_names(session, [event.by for event in found.events]),
        routes=[one.value for one in Route],
        may_write=principal.may("deliveries:write"),
    )


@router.post("/deliveries/{delivery_id}/again")
def again(
    delivery_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Writer,
    route: Annotated[Route | None, Form()] = None,
) -> Response:
    """Deliver once more, by the same way or another, and show the new attempt."""
    try:
        with session.begin_nested():
            made = deliver_again(session, kernel, delivery_id, route=route, by=principal.actor, now=now)
    except DomainError as error:
        return _delivery_page(request, session, kernel, principal, delivery_id, error=error)
    return redirect(kernel, principal, f"/deliveries/{made.id}", done=_("A new attempt is on its way."))


@router.post("/deliveries/{delivery_id}/came-back")
def back(
    delivery_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Writer,
    reason: Annotated[ShortText, Form()],
) -> Response:
    """Record that the e-mail bounced, or that the letter was returned."""
    try:
        with session.begin_nested():
            came_back(session, delivery_id, reason=reason, contact_id=None, by=principal.actor, now=now)
    except DomainError as error:
        return _delivery_page(request, session, kernel, principal, delivery_id, error=error)
    return redirect(kernel, principal, f"/deliveries/{delivery_id}", done=_("Noted: it came back."))


@router.post("/deliveries/{delivery_id}/settled")
def done(
    delivery_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Writer,
    reason: Annotated[ShortText, Form()],
) -> Response:
    """Record that the document reached the customer."""
    try:
        with session.begin_nested():
            settled(session, delivery_id, reason=reason, by=principal.actor, now=now)
    except DomainError as error:
        return _delivery_page(request, session, kernel, principal, delivery_id, error=error)
    return redirect(kernel, principal, f"/deliveries/{delivery_id}", done=_("Noted: the customer has it."))


@router.post("/upload-tasks/{task_id}")
def work_on_task(
    task_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Writer,
    decision: Annotated[str, Form(pattern="^(take|complete|refuse)$")],
    words: Annotated[Search, Form(max_length=120)] = "",
) -> Response:
    """Take the task, or end it with the portal's reference, or with the reason why it was not taken."""
    found = task(session, task_id)
    try:
        with session.begin_nested():
            if decision == "take":
                take_task(session, task_id, by=principal.actor, now=now)
            elif decision == "complete":
                complete_task(session, task_id, reference=words, by=principal.actor, now=now)
            else:
                refuse_task(session, task_id, reason=words, by=principal.actor, now=now)
    except DomainError as error:
        return _delivery_page(request, session, kernel, principal, found.delivery_id, error=error)
    return redirect(kernel, principal, f"/deliveries/{found.delivery_id}", done=_("Noted."))


@router.get("/customers/{account_id}/cards/deliveries")
def deliveries_card(
    account_id: Id, request: Request, session: SessionDep, kernel: KernelDep, principal: Reader
) -> HTMLResponse:
    """How the customer wants its documents, and what was delivered last: a card of its file."""
    query = search(account_id=account_id).order_by(col(Delivery.id).desc()).limit(CARD_ROWS)
    return page(
        request,
        kernel,
        principal,
        "console/delivery/_card.html",
        account=account(session, account_id),
        preferences=preferences_of(session, account_id),
        sellers={one.id: one.name for one in entities(session)},
        rows=listed(session, session.exec(query).all()),
        may_write=principal.may("deliveries:write"),
    )


@router.get("/invoices/{invoice_id}/cards/deliveries")
def invoice_card(
    invoice_id: Id, request: Request, session: SessionDep, kernel: KernelDep, principal: Reader
) -> HTMLResponse:
    """The attempts to deliver an invoice: a card of its page."""
    rows = listed(session, deliveries_of(session, invoice_id))
    return page(request, kernel, principal, "console/delivery/_invoice.html", rows=rows)


@router.get("/customers/{account_id}/delivery")
def preferences(
    account_id: Id, request: Request, session: SessionDep, kernel: KernelDep, principal: Writer
) -> HTMLResponse:
    return _preferences_page(request, session, kernel, principal, account_id, given={})


def _preferences_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    account_id: int,
    *,
    given: Mapping[str, Any],
    error: DomainError | None = None,
) -> HTMLResponse:
    return page(
        request,
        kernel,
        principal,
        "console/delivery/preferences.html",
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        account=account(session, account_id),
        preferences=preferences_of(session, account_id),
        sellers={one.id: one.name for one in entities(session)},
        routes=[one.value for one in Route],
        papers=[one.value for one in Papers],
        formats=[one.value for one in FileFormat],
        roles=[one.value for one in ContactRole],
        sources=SOURCES,
        given={
            "route": Route.EMAIL.value,
            "papers": Papers.ANY.value,
            "entity_id": "",
            "formats": [],
            "roles": [ContactRole.BILLING.value],
            "copy_roles": [],
            "site_name": "",
            "site_url": "",
            "site_fields": "",
        }
        | dict(given),
    )


@router.post("/customers/{account_id}/delivery")
def prefer(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Writer,
    route: Annotated[Route, Form()],
    papers: Annotated[Papers, Form()] = Papers.ANY,
    entity_id: Annotated[str, Form(pattern=r"^([1-9][0-9]{0,17})?$")] = "",
    formats: Annotated[list[str] | None, Form(max_length=3)] = None,
    roles: Annotated[list[str] | None, Form(max_length=4)] = None,
    copy_roles: Annotated[list[str] | None, Form(max_length=4)] = None,
    site_name: Annotated[Search, Form(max_length=120)] = "",
    site_url: Annotated[Search, Form()] = "",
    site_fields: Annotated[str, Form(max_length=4000), AfterValidator(several_lines)] = "",
) -> Response:
    """Set a preference; with a fault, the form again with what is wrong."""
    given: dict[str, Any] = {
        "route": route,
        "papers": papers,
        "formats": formats or [],
        "roles": roles or [],
        "copy_roles": copy_roles or [],
        "site_name": site_name,
        "site_url": site_url,
    }
    draft = PreferenceDraft(
        **given, entity_id=int(entity_id) if entity_id else None, site_fields=_fields_of(site_fields)
    )
    try:
        with session.begin_nested():
            set_preference(session, account_id, draft, by=principal.actor, now=now)
    except DomainError as error:
        shown = given | {"entity_id": entity_id, "site_fields": site_fields}
        return _preferences_page(request, session, kernel, principal, account_id, given=shown, error=error)
    done = _("Kept. It holds for documents that are issued from now on.")
    return redirect(kernel, principal, f"/customers/{account_id}/delivery", done=done)


def _fields_of(text: str) -> list[dict[str, str]]:
    """One field a line, 'label = source'; what is no source is typed as it stands."""
    fields = []
    for line in text.splitlines():
        label, _equals, value = (part.strip() for part in line.partition("="))
        if label or value:
            known = value in SOURCES
            fields.append(
                {"label": label[:200], "source": value if known else "text", "text": "" if known else value[:200]}
            )
    return fields


@router.post("/customers/{account_id}/delivery/{preference_id}/drop")
def drop(
    account_id: Id, preference_id: Id, session: SessionDep, kernel: KernelDep, now: NowDep, principal: Writer
) -> Response:
    drop_preference(session, account_id, preference_id, by=principal.actor, now=now)
    return redirect(kernel, principal, f"/customers/{account_id}/delivery", done=_("Dropped."))
