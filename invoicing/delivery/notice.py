"""A word to a new customer before its first invoice: when it comes, how, how to pay, and what to correct before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.core.access.links import portal_url
from ar.core.calendars import local_day_start
from ar.core.db import among
from ar.core.kernel import Kernel
from ar.core.outbox import Draft, OutboxMessage, queue
from ar.customers.accounts import account, contacts_of
from ar.customers.entities import entity
from ar.customers.models import Account, Contact
from ar.customers.notes import Named
from ar.ledger.models import EntryKind, OpenItem
from invoicing.delivery.models import Papers, Route
from invoicing.delivery.preferences import preference_for
from invoicing.models import DocumentKind, Invoice, InvoiceState

PURPOSE = "first_invoice.notice"
KIND = "first_invoice_notice"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Expected:
    """The first invoice, as the message tells of it; the amount in minor units, None where it is not known yet."""

    on: date
    amount_minor: int | None
    currency: str


def announce_first_invoice(
    session: Session,
    kernel: Kernel,
    *,
    account_id: int,
    entity_id: int,
    expected_on: date,
    amount_minor: int | None = None,
    currency: str | None = None,
    now: datetime,
) -> bool:
    """Have the customer told of its first invoice, once; whether it will be told now that was not before.

    The message goes out some days before `expected_on` (a setting), or at once where that is near; it is not sent
    once the invoice is. Who was invoiced before, opted out of such messages or cannot be written to gets none.
    `amount_minor` is in `currency`, the account's where none is given. Raises AccountNotFoundError,
    EntityNotFoundError.
    """
    customer, seller, settings = account(session, account_id), entity(session, entity_id), kernel.settings
    contact = next(
        (one for one in contacts_of(session, account_id) if one.email and not (one.bounced_at or one.opted_out_at)),
        None,
    )
    if contact is None or contact.email is None:
        return False
    if invoiced(session, [account_id]):
        return False
    preference = preference_for(session, account_id, entity_id, Papers.INVOICE)
    language = kernel.renderer.language(contact.language or customer.language)
    rendered = kernel.renderer.message(
        KIND,
        language=language,
        contact=contact,
        customer=Named(customer.legal_name),
        seller=seller,
        link=portal_url(settings.base_url, settings.signing_key, account_id, customer.portal_epoch, now=now),
        expected=Expected(expected_on, amount_minor, currency or customer.currency),
        route=(preference.route if preference else Route.EMAIL).value,
        recipient=contact.email,
        address=_address(customer),
    )
    early = expected_on - timedelta(days=settings.first_invoice_notice_days)
    draft = Draft(
        dedup_key=f"first-invoice/{account_id}",
        purpose=PURPOSE,
        account_id=account_id,
        subject_ref=f"account:{account_id}",
        recipient=contact.email,
        sender=seller.email or settings.mail_from,
        language=language,
        subject=rendered.subject,
        body_text=rendered.text,
        body_html=rendered.html,
        send_after=max(now, local_day_start(early, customer.time_zone)),
    )
    return queue(session, [draft], now=now) == 1


def _address(customer: Account) -> str:
    place = " ".join(part for part in (customer.postcode, customer.city) if part)
    return ", ".join(part for part in (customer.street, place) if part)


def invoiced(session: Session, account_ids: Sequence[int]) -> set[int]:
    """Those of the accounts that have an invoice already, issued here or imported."""
    query = select(OpenItem.account_id).where(
        among(session, col(OpenItem.account_id), account_ids), col(OpenItem.kind) == EntryKind.INVOICE
    )
    return set(session.exec(query.distinct()))


def notice_guard(session: Session, messages: Sequence[OutboxMessage], _now: datetime) -> Mapping[int, str]:
    """Those of the notices that come too late: the first invoice is issued."""
    accounts = [message.account_id for message in messages if message.account_id is not None]
    late = invoiced(session, accounts)
    return {
        message.id: "the first invoice has been issued meanwhile"
        for message in messages
        if message.id is not None and message.account_id in late
    }


def announce_drafts(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """The rota's job: have customers told whose first invoice is drafted, and of which nothing was told yet."""
    told = 0
    with kernel.database.transaction() as session:
        for draft in _first_drafts(session):
            told += announce_first_invoice(
                session,
                kernel,
                account_id=draft.account_id,
                entity_id=draft.entity_id,
                expected_on=max(draft.issue_on, now.date()),
                amount_minor=draft.total_minor,
                currency=draft.currency,
                now=now,
            )
    return f"{told} customers told of their first invoice"


def _first_drafts(session: Session) -> list[Invoice]:
    """The oldest draft of each account that has no invoice, was told of none and can be written to; some hundred at a
    time."""
    drafted = col(Invoice.account_id)
    drafts = (
        select(Invoice)
        .where(
            col(Invoice.state) == InvoiceState.DRAFT,
            col(Invoice.kind) == DocumentKind.INVOICE,
            ~select(OpenItem.entry_id)
            .where(col(OpenItem.account_id) == drafted, col(OpenItem.kind) == EntryKind.INVOICE)
            .exists(),
            ~select(OutboxMessage.id)
            .where(col(OutboxMessage.account_id) == drafted, col(OutboxMessage.purpose) == PURPOSE)
            .exists(),
            select(Contact.id)
            .where(
                col(Contact.account_id) == drafted,
                col(Contact.email).is_not(None),
                col(Contact.bounced_at).is_(None),
                col(Contact.opted_out_at).is_(None),
            )
            .exists(),
        )
        .order_by(col(Invoice.account_id), col(Invoice.id))
        .limit(_AT_ONCE)
    )
    first: dict[int, Invoice] = {}
    for draft in session.exec(drafts):
        first.setdefault(draft.account_id, draft)
    return list(first.values())
