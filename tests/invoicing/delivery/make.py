"""Documents issued, made and planned for delivery, for the tests of this package."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact, change_account
from ar.customers.entities import add_bank_account, entity
from ar.rota import ROTA, deliver_outbox
from invoicing.delivery.models import Delivery, DeliveryEvent, Route
from invoicing.delivery.preferences import PreferenceDraft, set_preference
from invoicing.issue import issue
from invoicing.models import Invoice
from tests.invoicing.make import NOW, TODAY, customer, draft, seller

ZOE = ContactDraft(name="Zoé Petit", email="zoe@nordlicht.example", language="fr", roles=("billing",))


def company(kernel: Kernel, *contacts: ContactDraft, vat: str | None = "FR40303265045") -> tuple[int, int]:
    """A seller that can be paid, and a customer with an address and these contacts: their ids."""
    with kernel.database.transaction() as session:
        entity_id, account_id = seller(session), customer(session)
        entity(session, entity_id).vat_number = vat
        iban = "FR1420041010050500013M02606"
        add_bank_account(session, entity_id, iban=iban, holder="Seller", currency="EUR", by="system", now=NOW)
        place = {"street": "12 rue des Lilas", "postcode": "69003", "city": "Lyon"}
        change_account(session, account_id, place, by="system", now=NOW)
        for contact in contacts:
            add_contact(session, account_id, contact, by="system", now=NOW)
    return entity_id, account_id


def wants(kernel: Kernel, account_id: int, route: Route, **more: Any) -> None:
    with kernel.database.transaction() as session:
        set_preference(session, account_id, PreferenceDraft(route=route, **more), by="user:1", now=NOW)


def billed(kernel: Kernel, entity_id: int, account_id: int, *, count: int = 1, **changes: Any) -> list[Invoice]:
    """Invoices issued at NOW, with their files made and their delivery planned."""
    with kernel.database.transaction() as session:
        made = [
            issue(session, draft(entity_id, account_id, **changes), by="user:1", today=TODAY, now=NOW)
            for _ in range(count)
        ]
    worked(kernel)
    return made


def worked(kernel: Kernel, now: datetime = NOW) -> None:
    run_due(kernel, ROTA.handlers, now=now, limit=100)


def mailed(kernel: Kernel, now: datetime = NOW + timedelta(minutes=1)) -> None:
    deliver_outbox(kernel, {}, now)


def attempts(kernel: Kernel) -> list[Delivery]:
    with kernel.database.reading() as session:
        found = list(session.exec(select(Delivery).order_by(col(Delivery.id))))
        session.expunge_all()
    return found


def attempt_of(kernel: Kernel) -> Delivery:
    """The last attempt of all."""
    return attempts(kernel)[-1]


def codes(kernel: Kernel, delivery_id: int | None) -> list[str]:
    """What happened to an attempt, in order."""
    with kernel.database.reading() as session:
        query = select(DeliveryEvent.code).where(col(DeliveryEvent.delivery_id) == delivery_id)
        return list(session.exec(query.order_by(col(DeliveryEvent.id))))


def written(session: Session, purpose: str) -> Sequence[OutboxMessage]:
    query = select(OutboxMessage).where(col(OutboxMessage.purpose) == purpose).order_by(col(OutboxMessage.id))
    return session.exec(query).all()
