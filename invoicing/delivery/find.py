"""Deliveries looked up: lists, those that wait for a person, and the proof of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.db import among
from ar.customers.accounts import names_of
from invoicing.delivery.models import Delivery, DeliveryEvent, DeliveryState, PrintLetter, Route, UploadTask
from invoicing.delivery.record import delivery, events_of
from invoicing.delivery.sites import task_of
from invoicing.documents import detail
from invoicing.models import Invoice

FOR_A_PERSON = (DeliveryState.FAILED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
"""States that wait for a person, as do planned letters and uploads."""


@dataclass(frozen=True)
class Listed:
    """A delivery in a list: of which document, to whom."""

    delivery: Delivery
    number: str
    entry_id: int
    kind: str
    customer: str


@dataclass(frozen=True)
class Proof:
    """All that is known of one attempt. `letter` and `task` are there where it went that way; `last`: none came after
    it."""

    listed: Listed
    events: Sequence[DeliveryEvent]
    letter: PrintLetter | None
    task: UploadTask | None
    last: bool


def search(
    state: DeliveryState | None = None,
    route: Route | None = None,
    account_id: int | None = None,
    *,
    waiting: bool = False,
) -> SelectOfScalar[Delivery]:
    """A query for the deliveries in that state, by that way and to that account, where given; `waiting`: only those
    that wait for a person."""
    query = select(Delivery)
    if waiting:
        by_hand = (col(Delivery.state) == DeliveryState.PLANNED) & col(Delivery.route).in_([Route.PAPER, Route.UPLOAD])
        query = query.where(col(Delivery.state).in_(FOR_A_PERSON) | by_hand)
    if state is not None:
        query = query.where(col(Delivery.state) == state)
    if route is not None:
        query = query.where(col(Delivery.route) == route)
    if account_id is not None:
        query = query.where(col(Delivery.account_id) == account_id)
    return query


def order() -> tuple[Any, ...]:
    """The order of a list: the newest first."""
    return (col(Delivery.id).desc(),)


def listed(session: Session, deliveries: Sequence[Delivery]) -> list[Listed]:
    """The deliveries with their documents' numbers and their customers' names, in their order."""
    query = select(Invoice.id, Invoice.number, Invoice.entry_id, Invoice.kind).where(
        among(session, col(Invoice.id), sorted({one.invoice_id for one in deliveries}))
    )
    documents = {row[0]: row for row in session.exec(query)}
    names = names_of(session, sorted({one.account_id for one in deliveries}))
    told = []
    for one in deliveries:
        _id, number, entry_id, kind = documents[one.invoice_id]
        told.append(Listed(one, number or "", entry_id or 0, str(kind), names[one.account_id]))
    return told


def proof(session: Session, delivery_id: int) -> Proof:
    """Raises DeliveryNotFoundError."""
    found = delivery(session, delivery_id)
    [told] = listed(session, [found])
    later = select(Delivery.id).where(
        col(Delivery.invoice_id) == found.invoice_id, col(Delivery.attempt) > found.attempt
    )
    letter = session.exec(select(PrintLetter).where(col(PrintLetter.delivery_id) == delivery_id)).first()
    return Proof(
        listed=told,
        events=events_of(session, delivery_id),
        letter=letter,
        task=task_of(session, delivery_id),
        last=session.exec(later.limit(1)).first() is None,
    )


def deliveries_of(session: Session, entry_id: int) -> list[Delivery]:
    """The attempts to deliver the invoice or credit note of a ledger entry, the newest first; none for an imported one.

    Raises InvoiceNotFoundError.
    """
    document = detail(session, entry_id).document
    if document is None:
        return []
    query = select(Delivery).where(col(Delivery.invoice_id) == document.id)
    return list(session.exec(query.order_by(col(Delivery.attempt).desc())))
