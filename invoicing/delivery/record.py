"""Writing down what happened to a delivery: the event, where it now stands, and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, NotFoundError
from invoicing.delivery.models import Delivery, DeliveryEvent, DeliveryState


class DeliveryNotFoundError(NotFoundError):
    code = "delivery-not-found"


class DeliveryStateError(ConflictError):
    """The delivery is in a state that this does not fit."""

    code = "delivery-state"


def delivery(session: Session, delivery_id: int) -> Delivery:
    """Raises DeliveryNotFoundError."""
    found = session.get(Delivery, delivery_id)
    if found is None:
        raise DeliveryNotFoundError(f"There is no delivery {delivery_id}")
    return found


def locked(session: Session, delivery_id: int) -> Delivery:
    """The delivery, its row held until the transaction ends. Raises DeliveryNotFoundError."""
    found = session.get(Delivery, delivery_id, populate_existing=True, with_for_update=True)
    if found is None:
        raise DeliveryNotFoundError(f"There is no delivery {delivery_id}")
    return found


def note(
    session: Session,
    found: Delivery,
    code: str,
    *,
    source: str,
    by: str,
    now: datetime,
    state: DeliveryState | None = None,
    detail: str = "",
    outside_id: str | None = None,
    at: datetime | None = None,
) -> None:
    """Append what happened, at `at` where that is not now; with `state`, the delivery comes to it for that reason."""
    assert found.id is not None
    before = found.state
    if state is not None:
        found.state, found.reason = state, detail[:400]
    found.changed_at = now
    event = DeliveryEvent(
        delivery_id=found.id,
        at=at or now,
        by=by,
        source=source,
        code=code,
        state=state,
        detail=detail[:1000],
        outside_id=outside_id,
    )
    session.add(event)
    session.flush()
    change: dict[str, Any] = {"delivery": found.id, "detail": detail}
    if state is not None:
        change |= {"before": before, "after": state}
    record(session, [Act(by, f"delivery.{code}", f"account:{found.account_id}", change)], now=now)


def events_of(session: Session, delivery_id: int) -> list[DeliveryEvent]:
    """What happened to a delivery, in the order in which it was written down."""
    query = select(DeliveryEvent).where(col(DeliveryEvent.delivery_id) == delivery_id)
    return list(session.exec(query.order_by(col(DeliveryEvent.id))))
