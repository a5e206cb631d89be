"""Short messages to a customer about what just happened: received, noted, resolved, thank you.

Each is written into the outbox with the fact that it tells of, to the contact that can be written to, in that
contact's language. Who cannot be written to gets none; the pages show the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from ar.core.outbox import Draft, queue
from ar.customers.accounts import account, reachable_contacts
from ar.customers.entities import entity

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
    contact = reachable_contacts(session, [account_id]).get(account_id)
    if contact is None or contact.email is None:
        return False
    customer, seller, settings = account(session, account_id), entity(session, entity_id), kernel.settings
    language = kernel.renderer.language(contact.language or customer.language)
    link = portal_url(settings.base_url, settings.signing_key, account_id, customer.portal_epoch, now=now)
    rendered = kernel.renderer.message(
        kind,
        language=language,
        contact=contact,
        customer=Named(customer.legal_name),
        seller=seller,
        link=link,
        **context,
    )
    draft = Draft(
        dedup_key=f"note:{kind}:{about}",
        purpose=PURPOSE,
        account_id=account_id,
        subject_ref=about,
        recipient=contact.email,
        sender=seller.email or settings.mail_from,
        language=language,
        subject=rendered.subject,
        body_text=rendered.text,
        body_html=rendered.html,
    )
    queue(session, [draft], now=now)
    return True


@dataclass(frozen=True)
class Named:
    """What a message says of a customer: its name."""

    name: str
