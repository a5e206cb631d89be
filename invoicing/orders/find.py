"""Reading orders: one, a list, their lines and stages as facts, and what invoices billed of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, func
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.db import among, table
from ar.core.errors import NotFoundError
from ar.credit.exposure import Unbilled
from invoicing.draft import Place
from invoicing.models import Invoice, InvoiceState
from invoicing.orders.amounts import LineFacts, StageFacts
from invoicing.orders.models import OrderBilling, OrderLine, OrderStage, OrderState, SalesOrder, StageKind

COUNTED = (OrderState.ACCEPTED, OrderState.DELIVERED, OrderState.PARTLY_BILLED)
"""Orders of these states are billed, and count against the customer's credit with what is not billed yet."""


class OrderNotFoundError(NotFoundError):
    code = "order-not-found"


@dataclass(frozen=True)
class Billed:
    """An invoice or draft that bills something of an order."""

    document: Invoice
    quantities: dict[int, int]
    stage: int | None = None


def order(session: Session, order_id: int) -> SalesOrder:
    """Raises OrderNotFoundError."""
    found = session.get(SalesOrder, order_id)
    if found is None:
        raise OrderNotFoundError(f"There is no order {order_id}")
    return found


def locked_order(session: Session, order_id: int) -> SalesOrder:
    """The order, held until the transaction ends. Raises OrderNotFoundError."""
    query = select(SalesOrder).where(col(SalesOrder.id) == order_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise OrderNotFoundError(f"There is no order {order_id}")
    return found


def search(
    *,
    account_id: int | None = None,
    entity_id: int | None = None,
    state: OrderState | None = None,
    reference: str = "",
) -> SelectOfScalar[SalesOrder]:
    """Orders that meet every condition given; `reference` is the whole reference."""
    query = select(SalesOrder)
    if account_id is not None:
        query = query.where(col(SalesOrder.account_id) == account_id)
    if entity_id is not None:
        query = query.where(col(SalesOrder.entity_id) == entity_id)
    if state is not None:
        query = query.where(col(SalesOrder.state) == state)
    if reference:
        query = query.where(col(SalesOrder.reference) == reference)
    return query


def site_of(found: SalesOrder) -> Place | None:
    """Where the order is delivered to; None when that was not said."""
    if not found.site_country:
        return None
    return Place(found.site_name, found.site_country, found.site_street, found.site_postcode, found.site_city)


def lines_of(session: Session, order_ids: Sequence[int]) -> dict[int, list[LineFacts]]:
    """The lines of each order, in order."""
    found: dict[int, list[LineFacts]] = defaultdict(list)
    columns = table(OrderLine).columns
    query = select_columns(*columns).where(among(session, columns.order_id, order_ids))
    for row in session.connection().execute(query.order_by(columns.order_id, columns.position)):
        left = None if row.discount_minor is None else row.discount_minor - row.billed_discount_minor
        found[row.order_id].append(
            LineFacts(
                id=row.id,
                position=row.position,
                supply=row.supply,
                description=row.description,
                quantity=row.quantity_millionths,
                unit=row.unit,
                unit_price=row.unit_price_millionths,
                category=row.tax_category,
                rate_bp=row.tax_rate_bp,
                billed=row.billed_millionths,
                delivered=row.delivered_millionths,
                delivered_on=row.delivered_on,
                discount_bp=row.discount_bp,
                discount_left_minor=left,
                exemption=row.exemption,
                item_code=row.item_code,
                family=row.family,
                purchase_order=row.purchase_order,
                order_line=row.order_line,
            )
        )
    return found


def stages_of(session: Session, orders: Sequence[tuple[int, date | None]]) -> dict[int, list[StageFacts]]:
    """The deposits and milestones of each order, in order; `orders` are (id, accepted on)."""
    accepted = dict(orders)
    note = aliased(Invoice)
    credited = exists().where(col(note.corrects_entry_id) == col(Invoice.entry_id))
    query = (
        select(OrderStage, Invoice, credited)
        .outerjoin(Invoice, col(Invoice.id) == col(OrderStage.invoice_id))
        .where(among(session, col(OrderStage.order_id), list(accepted)))
        .order_by(col(OrderStage.order_id), col(OrderStage.position))
    )
    found: dict[int, list[StageFacts]] = defaultdict(list)
    for stage, document, was_credited in session.exec(query):
        issued = document is not None and document.state is InvoiceState.ISSUED
        ready = stage.confirmed_on if stage.kind is StageKind.MILESTONE else accepted[stage.order_id]
        found[stage.order_id].append(
            StageFacts(
                id=stage.id or 0,
                position=stage.position,
                kind=stage.kind,
                label=stage.label,
                percent_bp=stage.percent_bp,
                net_minor=stage.net_minor,
                ready_on=min((day for day in (stage.due_on, stage.confirmed_on) if day), default=ready),
                invoice_id=stage.invoice_id,
                number=document.number if issued else None,
                issued_on=document.issue_on if issued else None,
                credited=bool(was_credited),
            )
        )
    return found


def unbilled_of(session: Session, account_ids: Sequence[int]) -> list[Unbilled]:
    """What is ordered and not owed yet of these accounts, tax included, by account, seller and currency.

    That is what is accepted and on no invoice, and what drafts bill: a draft is in no ledger before it is issued.
    """
    orders = (col(SalesOrder.account_id), col(SalesOrder.entity_id), col(SalesOrder.currency))
    accepted = select_columns(*orders, func.sum(col(SalesOrder.unbilled_minor))).where(
        among(session, col(SalesOrder.account_id), account_ids), col(SalesOrder.state).in_(COUNTED)
    )
    documents = (col(Invoice.account_id), col(Invoice.entity_id), col(Invoice.currency))
    drafted = select_columns(*documents, func.sum(col(Invoice.total_minor))).where(
        among(session, col(Invoice.account_id), account_ids), col(Invoice.state) == InvoiceState.DRAFT
    )
    rows = session.connection().execute(accepted.group_by(*orders).union_all(drafted.group_by(*documents)))
    return [Unbilled(account_id, entity_id, currency, int(minor)) for account_id, entity_id, currency, minor in rows]


def billed_by(session: Session, order_id: int) -> list[Billed]:
    """The invoices and drafts that bill the order, the first one first, each with the quantities by line."""
    quantities: dict[int, dict[int, int]] = defaultdict(dict)
    line = OrderLine
    rows = select(OrderBilling).join(line, col(line.id) == col(OrderBilling.order_line_id))
    for row in session.exec(rows.where(col(line.order_id) == order_id)):
        quantities[row.invoice_id][row.order_line_id] = row.quantity_millionths
    staged = select(OrderStage).where(col(OrderStage.order_id) == order_id, col(OrderStage.invoice_id).is_not(None))
    stages = {stage.invoice_id: stage.position for stage in session.exec(staged) if stage.invoice_id is not None}
    ids = sorted({*quantities, *stages})
    query = select(Invoice).where(among(session, col(Invoice.id), ids)).order_by(col(Invoice.id))
    return [Billed(one, quantities.get(one.id or 0, {}), stages.get(one.id or 0)) for one in session.exec(query)]
