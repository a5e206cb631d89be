"""What a person, or the customer's own visit, says of a delivery: it came back, it is settled, it was opened."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from ar.core.db import among
from ar.core.errors import Fault
from ar.customers.accounts import ContactNotFoundError
from ar.customers.models import Contact
from invoicing.delivery.models import Delivery, DeliveryState, Route
from invoicing.delivery.record import DeliveryStateError, locked, note
from invoicing.models import InvoiceInstalment

_ON_THE_WAY = (DeliveryState.PLANNED, DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.UNCERTAIN)


def came_back(
    session: Session, delivery_id: int, *, reason: str, contact_id: int | None, by: str, now: datetime
) -> Delivery:
    """The delivery, refused: its e-mail bounced, or its letter was returned.

    The addresses it went to, or the one of `contact_id`, are not written to again until they are changed. Raises
    DeliveryNotFoundError, ContactNotFoundError for one that it did not go to, or DeliveryStateError for one that never
    left.
    """
    found = locked(session, delivery_id)
    if found.state in (DeliveryState.PLANNED, DeliveryState.FAILED, DeliveryState.SUPERSEDED, DeliveryState.REFUSED):
        raise DeliveryStateError(f"This delivery is {found.state.value}: only what was sent can come back")
    mailed = found.route in (Route.EMAIL, Route.LINK)
    if contact_id is not None and (not mailed or contact_id not in [one["contact_id"] for one in found.recipients]):
        told = f"this delivery did not go to contact {contact_id}"
        raise ContactNotFoundError(told, faults=[Fault("/contact_id", told)])
    if mailed:
        gone_to = [one for one in found.recipients if contact_id in (None, one["contact_id"])]
        query = select(Contact).where(among(session, col(Contact.id), [one["contact_id"] for one in gone_to]))
        addresses = {one["email"] for one in gone_to}
        for contact in session.exec(query):
            if contact.email in addresses and contact.bounced_at is None:  # an address changed since is another one
                contact.bounced_at = now
    code = "bounced" if mailed else "returned"
    note(session, found, code, source="person", by=by, now=now, state=DeliveryState.REFUSED, detail=reason)
    return found


def settled(session: Session, delivery_id: int, *, reason: str, by: str, now: datetime) -> Delivery:
    """The delivery, which a person knows to have reached the customer. Raises DeliveryNotFoundError, or
    DeliveryStateError for one that another attempt replaced."""
    found = locked(session, delivery_id)
    if found.state is DeliveryState.SUPERSEDED:
        raise DeliveryStateError("Another attempt has taken the place of this one")
    note(session, found, "settled", source="person", by=by, now=now, state=DeliveryState.DELIVERED, detail=reason)
    return found


def unopened(session: Session, account_id: int, entry_id: int) -> list[int]:
    """The attempts on the way to the account whose document, of that ledger entry, its page has not shown yet."""
    query = (
        select(Delivery.id)
        .join(InvoiceInstalment, col(InvoiceInstalment.invoice_id) == col(Delivery.invoice_id))
        .where(
            col(InvoiceInstalment.entry_id) == entry_id,
            col(Delivery.account_id) == account_id,
            col(Delivery.state).in_(_ON_THE_WAY),
        )
        .order_by(col(Delivery.id))
    )
    return [number for number in session.exec(query) if number is not None]


def opened(session: Session, delivery_ids: list[int], *, by: str, now: datetime) -> None:
    """Record the first opening of a document on its customer's page: when, and no more of who it was."""
    query = select(Delivery).where(among(session, col(Delivery.id), delivery_ids)).with_for_update()
    for found in session.exec(query.execution_options(populate_existing=True)).all():
        if found.state in _ON_THE_WAY:
            note(session, found, "opened", source="portal", by=by, now=now, state=DeliveryState.OPENED)
