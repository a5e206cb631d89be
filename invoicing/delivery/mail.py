"""E-mails that bring a document: written into the outbox, one for each recipient, and what became of them.

A copy is a message of its own, so that each recipient has its own proof and one bad address holds up no other. The
link that pays is in the message, never on the stored page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from ar.core.access.links import portal_url
from ar.core.db import among
from ar.core.kernel import Kernel
from ar.core.outbox import Draft, MessageState, OutboxMessage, queue
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.customers.models import BankAccount
from ar.customers.notes import Named
from invoicing.delivery.models import Delivery, DeliveryMessage, DeliveryState, Route
from invoicing.delivery.record import note
from invoicing.delivery.states import by_mail
from invoicing.models import DocumentKind, Invoice, InvoiceInstalment

PURPOSE = "invoice.delivery"
_UNSETTLED = tuple(
    state.value for state in (MessageState.QUEUED, MessageState.CLAIMED, MessageState.UNCERTAIN, MessageState.FAILED)
)
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Sent:
    """A document, as the message that brings it tells of it; amounts in minor units."""

    number: str
    issued_on: date
    due_on: date
    total_minor: int
    currency: str
    purchase_order: str


@dataclass(frozen=True, slots=True)
class Due:
    due_on: date
    amount_minor: int


def document_link(kernel: Kernel, account_id: int, epoch: int, entry_id: int, *, now: datetime) -> str:
    """The address that opens the customer's own page of one document."""
    settings = kernel.settings
    return f"{portal_url(settings.base_url, settings.signing_key, account_id, epoch, now=now)}?document={entry_id}"


def queue_messages(session: Session, kernel: Kernel, made: Delivery, document: Invoice, *, now: datetime) -> None:
    """Put a message for each recipient of `made` into the outbox, with the files or with the link alone."""
    assert document.entry_id is not None
    buyer, seller = account(session, made.account_id), entity(session, made.entity_id)
    parts = session.exec(
        select(InvoiceInstalment)
        .where(col(InvoiceInstalment.invoice_id) == document.id)
        .order_by(col(InvoiceInstalment.position))
    ).all()
    bank = session.exec(
        select(BankAccount)
        .where(
            col(BankAccount.entity_id) == document.entity_id,
            col(BankAccount.currency) == document.currency,
            col(BankAccount.is_iban),
        )
        .order_by(col(BankAccount.id))
    ).first()
    kind = "invoice_sent" if document.kind is DocumentKind.INVOICE else "credit_note_sent"
    context = {
        "customer": Named(buyer.legal_name),
        "seller": seller,
        "link": document_link(kernel, made.account_id, buyer.portal_epoch, document.entry_id, now=now),
        "document": Sent(
            number=document.number or "",
            issued_on=document.issue_on,
            due_on=document.due_on,
            total_minor=document.total_minor,
            currency=document.currency,
            purchase_order=document.purchase_order,
        ),
        "due": [Due(part.due_on, part.amount_minor) for part in parts],
        "bank": bank,
        "attached": made.route is Route.EMAIL,
    }
    drafts, copies = [], {}
    for one in made.recipients:
        rendered = kernel.renderer.message(kind, language=one["language"], contact=Named(one["name"]), **context)
        key = f"delivery/{made.id}/{one['contact_id']}"
        copies[key] = bool(one["copy"])
        drafts.append(
            Draft(
                dedup_key=key,
                purpose=PURPOSE,
                account_id=made.account_id,
                subject_ref=f"delivery:{made.id}",
                recipient=one["email"],
                sender=seller.email or kernel.settings.mail_from,
                language=one["language"],
                subject=rendered.subject,
                body_text=rendered.text,
                body_html=rendered.html,
                attachments=[file["file_id"] for file in made.files],
            )
        )
    queue(session, drafts, now=now)
    written = select(OutboxMessage.id, OutboxMessage.dedup_key, OutboxMessage.state).where(
        among(session, col(OutboxMessage.dedup_key), list(copies))
    )
    session.add_all(
        DeliveryMessage(message_id=number or 0, delivery_id=made.id or 0, is_copy=copies[key], seen=str(state))
        for number, key, state in session.exec(written).all()
    )
    session.flush()


def delivery_guard(session: Session, messages: Sequence[OutboxMessage], _now: datetime) -> Mapping[int, str]:
    """Those of the messages that shall not go: their attempt was superseded, or they are not its customer's."""
    ids = [message.id for message in messages if message.id is not None]
    query = (
        select(DeliveryMessage.message_id, Delivery.state, Delivery.account_id)
        .join(Delivery, col(Delivery.id) == col(DeliveryMessage.delivery_id))
        .where(among(session, col(DeliveryMessage.message_id), ids))
    )
    known = {message_id: (state, account_id) for message_id, state, account_id in session.exec(query)}
    unwanted = {}
    for message in messages:
        assert message.id is not None
        state, account_id = known.get(message.id, (None, None))
        if state is None or account_id != message.account_id:
            unwanted[message.id] = "it belongs to no delivery to this customer"
        elif state is DeliveryState.SUPERSEDED:
            unwanted[message.id] = "another attempt has taken its place"
    return unwanted


def follow_messages(session: Session, *, now: datetime) -> int:
    """Bring deliveries up to what became of their messages since it was last looked at; says how many messages.

    Looks only at messages that had not come to their end: an index leads to them.
    """
    query = (
        select(DeliveryMessage, OutboxMessage)
        .join(OutboxMessage, col(OutboxMessage.id) == col(DeliveryMessage.message_id))
        .where(col(DeliveryMessage.seen).in_(_UNSETTLED), col(OutboxMessage.state) != col(DeliveryMessage.seen))
        .order_by(col(DeliveryMessage.message_id))
        .limit(_AT_ONCE)
    )
    changed = session.exec(query).all()
    if not changed:
        return 0
    news: dict[int, list[OutboxMessage]] = defaultdict(list)
    for link, message in changed:
        link.seen = message.state.value
        news[link.delivery_id].append(message)
    session.flush()
    touched = sorted(news)
    states: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    links = select(DeliveryMessage).where(among(session, col(DeliveryMessage.delivery_id), touched))
    for link in session.exec(links):
        states[link.delivery_id].append((link.seen, link.is_copy))
    held = select(Delivery).where(among(session, col(Delivery.id), touched)).with_for_update()
    for found in session.exec(held).all():
        assert found.id is not None
        after = by_mail(found.state, states[found.id])
        for message in news[found.id]:
            if message.state is MessageState.CLAIMED:
                continue
            told = f"{message.recipient}: {message.outcome or message.state.value}"
            note(session, found, f"mail-{message.state.value}", source="mail", by="system", now=now, detail=told)
        if after is not found.state:
            last = news[found.id][-1]
            told = "" if after is DeliveryState.SENT else f"{last.recipient}: {last.outcome or ''}"
            note(session, found, after.value, source="mail", by="system", now=now, state=after, detail=told)
    return len(changed)
