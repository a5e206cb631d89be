"""What happens to an order after it is accepted: delivered, a milestone confirmed, mended, cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.customers.checks import countries
from invoicing.draft import Place
from invoicing.models import InvoiceState
from invoicing.orders.accept import OrderStateError
from invoicing.orders.amounts import state_of, unbilled_minor
from invoicing.orders.enter import site_columns
from invoicing.orders.find import COUNTED, billed_by, lines_of, locked_order, stages_of
from invoicing.orders.models import OrderLine, OrderStage, OrderState, SalesOrder, StageKind

OPEN = frozenset({OrderState.ENTERED, OrderState.HELD, *COUNTED})


class DeliveryError(DomainError):
    """What was given cannot have been delivered or confirmed; the faults say where and why."""

    code = "bad-delivery"


class OrderChangeError(DomainError):
    """The order cannot be changed so; the faults say where and why."""

    code = "bad-order-change"


@dataclass(frozen=True)
class Delivered:
    """How much of a line was delivered now; all that is missing when not given."""

    position: int
    quantity_millionths: int | None = None


@dataclass(frozen=True)
class Change:
    """What to mend; None leaves as it is. `lines` are purchase order numbers by the line's position."""

    purchase_order: str | None = None
    buyer_reference: str | None = None
    site: Place | None = None
    lines: Mapping[int, str] = field(default_factory=dict)


def deliver(
    session: Session, order_id: int, delivered: Sequence[Delivered], *, on: date, by: str, today: date, now: datetime
) -> SalesOrder:
    """The order with what was delivered on a day added; without lines, all that is missing.

    Raises OrderNotFoundError, OrderStateError for an order that is not accepted, DeliveryError naming each fault.
    """
    found = locked_order(session, order_id)
    if found.state not in COUNTED and found.state is not OrderState.BILLED:
        raise OrderStateError(f"Order {found.reference} is {_told(found)}: accept it before it is delivered")
    lines = {line.position: line for line in session.exec(_lines(order_id))}
    faults = [] if on <= today + timedelta(days=1) else [Fault("/delivered_on", _("this day is still to come"))]
    parts = delivered or [Delivered(position) for position, line in lines.items() if _undelivered(line)]
    if not parts:
        faults.append(Fault("/lines", _("all of the order is delivered already")))
    for n, part in enumerate(parts):
        line = lines.get(part.position)
        if line is None:
            faults.append(Fault(f"/lines/{n}/position", f"the order has no line {part.position}"))
            continue
        quantity = _undelivered(line) if part.quantity_millionths is None else part.quantity_millionths
        if not 0 < quantity <= _undelivered(line):
            told = _("what is delivered is above zero, and no more than what was ordered and is not delivered yet")
            faults.append(Fault(f"/lines/{n}/quantity", told))
            continue
        line.delivered_millionths += quantity
        line.delivered_on = max(on, line.delivered_on or on)
    if faults:
        session.expire_all()
        raise DeliveryError(f"Nothing was noted: {faults[0].message}", faults=faults)
    session.flush()
    change = {"delivered_on": on, "lines": {part.position: lines[part.position].delivered_millionths for part in parts}}
    return _stand_again(session, found, "delivered", change, by=by, now=now)


def _lines(order_id: int) -> SelectOfScalar[OrderLine]:
    return select(OrderLine).where(col(OrderLine.order_id) == order_id).order_by(col(OrderLine.position))


def _undelivered(line: OrderLine) -> int:
    return line.quantity_millionths - line.delivered_millionths


def confirm(session: Session, order_id: int, position: int, *, on: date, by: str, now: datetime) -> SalesOrder:
    """The order, its milestone at `position` confirmed on a day: it is billed from then on.

    Raises OrderNotFoundError, OrderStateError, DeliveryError where there is no such milestone to confirm.
    """
    found = locked_order(session, order_id)
    if found.state not in COUNTED:
        raise OrderStateError(f"Order {found.reference} is {_told(found)}: accept it before a milestone is reached")
    query = select(OrderStage).where(col(OrderStage.order_id) == order_id, col(OrderStage.position) == position)
    stage = session.exec(query.where(col(OrderStage.kind) == StageKind.MILESTONE)).first()
    if stage is None or stage.confirmed_on is not None:
        message = f"the order has no milestone {position} that is still to be confirmed"
        raise DeliveryError(f"Nothing was noted: {message}", faults=[Fault("/position", message)])
    stage.confirmed_on = on
    session.flush()
    return _stand_again(session, found, "milestone_confirmed", {"position": position, "on": on}, by=by, now=now)


def change(session: Session, order_id: int, wanted: Change, *, by: str, now: datetime) -> SalesOrder:
    """The order with its references mended, for what is not billed yet.

    Raises OrderNotFoundError, OrderStateError for one that is closed, OrderChangeError.
    """
    found = locked_order(session, order_id)
    if found.state not in OPEN:
        raise OrderStateError(f"Order {found.reference} is {_told(found)}: there is nothing left to bill")
    lines = {line.position: line for line in session.exec(_lines(order_id))}
    faults = [Fault("/lines", f"the order has no line {n}") for n in wanted.lines if n not in lines]
    if wanted.site is not None and wanted.site.country not in countries():
        faults.append(Fault("/site/country", f"{wanted.site.country[:10]!r} is not an ISO 3166 country code"))
    if faults:
        raise OrderChangeError(f"The order was not changed: {faults[0].message}", faults=faults)
    values = {"purchase_order": wanted.purchase_order, "buyer_reference": wanted.buyer_reference}
    given = {name: value for name, value in values.items() if value is not None}
    given |= site_columns(wanted.site) if wanted.site is not None else {}
    before = {name: getattr(found, name) for name in given}
    for name, value in given.items():
        setattr(found, name, value)
    for position, purchase_order in wanted.lines.items():
        lines[position].purchase_order = purchase_order
    found.version += 1
    session.flush()
    told = {"order": found.id, "before": before, "after": given, "lines": dict(wanted.lines)}
    record(session, [Act(by, "order.changed", f"account:{found.account_id}", told)], now=now)
    return found


def cancel(session: Session, order_id: int, *, reason: str, by: str, now: datetime) -> SalesOrder:
    """The order, cancelled: what is not billed never will be, what is billed stays.

    Raises OrderNotFoundError, OrderStateError for one that is closed already, or that a draft bills.
    """
    found = locked_order(session, order_id)
    if found.state not in OPEN:
        raise OrderStateError(f"Order {found.reference} is {_told(found)}: there is nothing left to cancel")
    drafts = [one.document.id for one in billed_by(session, order_id) if one.document.state is InvoiceState.DRAFT]
    if drafts:
        raise OrderStateError(f"Draft {drafts[0]} bills order {found.reference}: discard or issue it first")
    found.state, found.cancelled_at, found.cancelled_for = OrderState.CANCELLED, now, reason
    found.unbilled_minor = 0
    found.version += 1
    session.flush()
    told = {"order": found.id, "reference": found.reference, "reason": reason}
    record(session, [Act(by, "order.cancelled", f"account:{found.account_id}", told)], now=now)
    return found


def _told(found: SalesOrder) -> str:
    return found.state.value.replace("_", " ")


def _stand_again(
    session: Session, found: SalesOrder, verb: str, told: Mapping[str, object], *, by: str, now: datetime
) -> SalesOrder:
    """The order with its state and what is left to bill reckoned anew, and the act recorded."""
    assert found.id is not None
    lines = lines_of(session, [found.id])[found.id]
    stages = stages_of(session, [(found.id, found.accepted_on)])[found.id]
    found.state = state_of(lines, stages)
    found.unbilled_minor = unbilled_minor(lines, stages, found.currency)
    found.version += 1
    session.flush()
    subject, whole = f"account:{found.account_id}", {"order": found.id, "reference": found.reference, **told}
    record(session, [Act(by, f"order.{verb}", subject, whole)], now=now)
    return found
