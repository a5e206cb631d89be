"""JSON: orders entered, accepted by credit, delivered, mended and cancelled."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session, col

from ar.core.db import MAX_ID
from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    Search,
    SessionDep,
    TodayDep,
    allow,
    etag,
    idempotent,
    paged,
    require_match,
)
from invoicing.billing.holds import reasons_of
from invoicing.orders.accept import accept, let_through
from invoicing.orders.deliver import cancel, change, confirm, deliver
from invoicing.orders.enter import enter
from invoicing.orders.find import order, search
from invoicing.orders.models import OrderState, SalesOrder
from invoicing.orders.shapes import (
    CancelIn,
    ChangeIn,
    ConfirmIn,
    DeliverIn,
    OrderDetailOut,
    OrderIn,
    OrderOut,
    OverrideIn,
    order_detail_out,
    order_out,
)

router = APIRouter(prefix="/api/v1", tags=["orders"])


def _told(session: Session, kernel: Kernel, principal: Principal, found: SalesOrder) -> OrderDetailOut:
    held = reasons_of(session, f"order:{found.id}")
    return order_detail_out(session, kernel, found, held, language=principal.language)


def _answer(
    once: Once, session: Session, kernel: Kernel, principal: Principal, act: Callable[[], SalesOrder]
) -> Response:
    return once(session, lambda: _told(session, kernel, principal, act()))


@router.post("/orders", status_code=201, summary="Enter an order", response_model=OrderDetailOut)
def post_order(
    body: OrderIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("orders:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Enter an order. Its reference is its name: sent again with the same content it is the same order, with other
    content a conflict. It is billed once it is accepted."""
    return _answer(once, session, kernel, principal, lambda: enter(session, body.draft(), by=principal.actor, now=now))


@router.get("/orders", summary="List orders", dependencies=[allow("orders:read")])
def get_orders(
    session: SessionDep,
    account_id: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only this account's")] = None,
    entity_id: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only this legal entity's")] = None,
    state: OrderState | None = None,
    reference: Annotated[Search, Query(description="The whole reference")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[OrderOut]:
    """Orders, the last entered first."""
    query = search(account_id=account_id, entity_id=entity_id, state=state, reference=reference)
    return paged(session, query, key=(col(SalesOrder.id).desc(),), cursor=cursor, limit=limit).map(order_out)


@router.get("/orders/{order_id}", summary="Read an order")
def get_order(
    order_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("orders:read")],
    response: Response,
) -> OrderDetailOut:
    """One order: what credit said, what is delivered and billed of each line, and what holds its billing."""
    found = order(session, order_id)
    response.headers["ETag"] = etag(found.version)
    return _told(session, kernel, principal, found)


@router.patch("/orders/{order_id}", summary="Mend an order's references")
def patch_order(
    order_id: Id,
    body: ChangeIn,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("orders:write")],
    response: Response,
) -> OrderDetailOut:
    """Change what invoices need of the order. Send the ETag that you read as If-Match."""
    require_match(request, order(session, order_id).version)
    changed = change(session, order_id, body.change(), by=principal.actor, now=now)
    response.headers["ETag"] = etag(changed.version)
    return _told(session, kernel, principal, changed)


@router.post("/orders/{order_id}/accept", summary="Accept an order, if credit covers it", response_model=OrderDetailOut)
def post_accept(
    order_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Ask credit: the order comes back `accepted`, or `held` with the reasons under `credit`."""
    by = principal.actor
    return _answer(once, session, kernel, principal, lambda: accept(session, order_id, by=by, today=today, now=now))


@router.post("/orders/{order_id}/override", summary="Accept an order against credit", response_model=OrderDetailOut)
def post_override(
    order_id: Id,
    body: OverrideIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:override")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Let an order through that credit refuses, for a written reason. Not by who entered it."""
    by, reason = principal.actor, body.reason

    def act() -> SalesOrder:
        return let_through(session, order_id, reason=reason, by=by, today=today, now=now)

    return _answer(once, session, kernel, principal, act)


@router.post("/orders/{order_id}/deliver", summary="Note a delivery", response_model=OrderDetailOut)
def post_deliver(
    order_id: Id,
    body: DeliverIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Add what was delivered: all that is missing, or quantities by line."""
    by, on = principal.actor, body.delivered_on or today

    def act() -> SalesOrder:
        return deliver(session, order_id, body.parts(), on=on, by=by, today=today, now=now)

    return _answer(once, session, kernel, principal, act)


@router.post("/orders/{order_id}/confirm", summary="Confirm a milestone", response_model=OrderDetailOut)
def post_confirm(
    order_id: Id,
    body: ConfirmIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("orders:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Say that a milestone is reached: the next run bills it."""
    by, on = principal.actor, body.confirmed_on or today

    def act() -> SalesOrder:
        return confirm(session, order_id, body.position, on=on, by=by, now=now)

    return _answer(once, session, kernel, principal, act)


@router.post("/orders/{order_id}/cancel", summary="Cancel an order", response_model=OrderDetailOut)
def post_cancel(
    order_id: Id,
    body: CancelIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("orders:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Cancel what is not billed of an order; what is billed stays."""
    by, reason = principal.actor, body.reason
    return _answer(once, session, kernel, principal, lambda: cancel(session, order_id, reason=reason, by=by, now=now))
