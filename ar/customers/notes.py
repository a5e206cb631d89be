"""Short messages to a customer about what just happened: received, noted, resolved, thank you.

Each is written into the outbox with the fact that it tells of, to the contact that can be written to, in that
contact's language. Who cannot be written to gets none; the pages show the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from ar.core.outbox import Draft, queue
from ar.customers.accounts import accounts_by_id, reachable_contacts
from ar.customers.entities import entities
from ar.customers.models import Account, Contact, LegalEntity

PURPOSE = "customer.note"
"""The purpose of notes in the outbox: they tell of what is done, so they stay wanted whatever comes after."""


def write_note(
    session: Session,
    kernel: Kernel,
    kind: str,
    *,
    account_id: int,
    entity_id: int,
    about: str,
    now: datetime,
    **context: Any,
) -> bool:
    """Queue the message `kind` about `about` ('dispute:12'), once: whether there was somebody to write to.

    `context` is what the template needs beside contact, customer, seller and link.
    """
    note = Note(account_id, entity_id, about, context)
    return write_notes(session, kernel, kind, [note], now=now) == 1


@dataclass(frozen=True)
class Note:
    """One message to write: to which customer, from which seller, about what, told by `context`."""

    account_id: int
    entity_id: int
    about: str
    context: Mapping[str, Any]


def write_notes(session: Session, kernel: Kernel, kind: str, notes: Sequence[Note], *, now: datetime) -> int:
    """The same for many: for how many of `notes` there was somebody to write to."""
    account_ids = sorted({note.account_id for note in notes})
    contacts = reachable_contacts(session, account_ids)
    customers = accounts_by_id(session, account_ids)
    sellers = {one.id: one for one in entities(session)}
    drafts = []
    for note in notes:
        contact = contacts.get(note.account_id)
        if contact is not None and contact.email is not None:
            customer, seller = customers[note.account_id], sellers[note.entity_id]
            drafts.append(_draft(kernel, kind, note, contact, contact.email, customer, seller, now=now))
    queue(session, drafts, now=now)
    return len(drafts)


def _draft(
    kernel: Kernel,
    kind: str,
    note: Note,
    contact: Contact,
    email: str,
    customer: Account,
    seller: LegalEntity,
    *,
    now: datetime,
) -> Draft:
    settings = kernel.settings
    language = kernel.renderer.language(contact.language or customer.language)
    link = portal_url(settings.base_url, settings.signing_key, note.account_id, customer.portal_epoch, now=now)
    rendered = kernel.renderer.message(
        kind,
        language=language,
        contact=contact,
        customer=Named(customer.legal_name),
        seller=seller,
        link=link,
        **note.context,
    )
    return Draft(
        dedup_key=f"note:{kind}:{note.about}",
        purpose=PURPOSE,
        account_id=note.account_id,
        subject_ref=note.about,
        recipient=email,
        sender=seller.email or settings.mail_from,
        language=language,
        subject=rendered.subject,
        body_text=rendered.text,
        body_html=rendered.html,
    )


@dataclass(frozen=True)
class Named:
    """What a message says of a customer: its name."""

    name: str
