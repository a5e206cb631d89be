"""Copies of invoices, and the statement of account, for a contact who asked: the one answer that goes out by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.core.access.links import portal_url
from ar.core.clock import local_date
from ar.core.db import among
from ar.core.errors import DomainError
from ar.core.files import StoredFile, store
from ar.core.kernel import Kernel
from ar.core.mail import MAX_ATTACHED_BYTES
from ar.core.outbox import Draft, queue
from ar.customers.accounts import account
from ar.customers.entities import entities
from ar.customers.models import Account, Contact, LegalEntity
from ar.customers.notes import Named
from ar.ledger.models import OpenItem
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.thread import ANSWER_PURPOSE
from dunning.replies.tokens import reply_address
from invoicing.einvoice.find import file_of
from invoicing.models import FileFormat
from invoicing.statements.facts import Show
from invoicing.statements.make import StatementFile, StatementFormat, make_statement

KIND = "copy_sent"
_MOST_FILES = 20
_STATEMENT_DAYS = 90


@dataclass(frozen=True)
class _Wanted:
    account_id: int
    today: date
    statement: bool
    entry_ids: tuple[int, ...]


def send_copies(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: write the answer to reply `reply_id` with what proposal `proposal_id` names, once.

    It goes to contact `contact_id` at the address that we have of it; to nobody when that contact is not the
    customer's any more, or its mail came back.
    """
    with kernel.database.reading() as session:
        wanted = _wanted(session, arguments)
    if wanted is None:
        return "nothing to send: the contact or the proposal is gone"
    made = _statement(kernel, wanted, now=now) if wanted.statement else None
    with kernel.database.transaction() as session:
        return _answer(session, kernel, arguments, made, now=now)


def _wanted(session: Session, arguments: dict[str, Any]) -> _Wanted | None:
    found = _found(session, arguments)
    if found is None:
        return None
    reply, proposal, _ = found
    customer = account(session, reply.account_id or 0)
    attached, rest = _files(session, customer.id or 0, proposal.data.get("entry_ids") or ())
    statement = bool(proposal.data.get("statement")) or bool(rest) or not attached
    return _Wanted(
        customer.id or 0,
        _today(customer, arguments, reply),
        statement,
        tuple(proposal.data.get("entry_ids") or ()),
    )


def _today(customer: Account, _arguments: dict[str, Any], reply: Reply) -> date:
    return local_date(reply.received_at, customer.time_zone)


def _found(session: Session, arguments: dict[str, Any]) -> tuple[Reply, ReplyProposal, Contact] | None:
    reply = session.get(Reply, arguments["reply_id"])
    proposal = session.get(ReplyProposal, arguments["proposal_id"])
    contact = session.get(Contact, arguments["contact_id"])
    if reply is None or proposal is None or contact is None or contact.account_id != reply.account_id:
        return None
    return (reply, proposal, contact) if contact.email and contact.bounced_at is None else None


def _files(session: Session, account_id: int, entry_ids: Sequence[int]) -> tuple[list[StoredFile], list[int]]:
    """The printed invoices to attach, and those of `entry_ids` that cannot be: imported, or too much together."""
    attached, rest, size = [], [], 0
    for entry_id in entry_ids[:_MOST_FILES]:
        try:
            stored = file_of(session, entry_id, FileFormat.PDF, account_id=account_id)
        except DomainError:  # imported, being made, or failed: the statement and the page tell of it
            rest.append(entry_id)
            continue
        if size + stored.size > MAX_ATTACHED_BYTES // 2:
            rest.append(entry_id)
            continue
        size += stored.size
        attached.append(stored)
    return attached, [*rest, *entry_ids[_MOST_FILES:]]


def _statement(kernel: Kernel, wanted: _Wanted, *, now: datetime) -> StatementFile | None:
    since = wanted.today - timedelta(days=_STATEMENT_DAYS)
    try:
        return make_statement(
            kernel,
            wanted.account_id,
            since=since,
            until=wanted.today,
            show=Show.OPEN,
            form=StatementFormat.PDF,
            now=now,
        )
    except DomainError:  # longer than is printed: the customer's page shows it
        return None


def _answer(
    session: Session, kernel: Kernel, arguments: dict[str, Any], made: StatementFile | None, *, now: datetime
) -> str:
    found = _found(session, arguments)
    if found is None:
        return "nothing to send: the contact or the proposal is gone"
    reply, proposal, contact = found
    customer = account(session, reply.account_id or 0)
    entry_ids = list(proposal.data.get("entry_ids") or ())
    attached, _ = _files(session, customer.id or 0, entry_ids)
    file_ids = [one.id for one in attached if one.id is not None]
    if made is not None:
        kept = store(
            session,
            kernel.settings.files,
            name=made.name,
            content=made.content,
            media_type=made.media_type,
            subject_ref=f"reply:{reply.id}",
            stored_by="system",
            max_bytes=MAX_ATTACHED_BYTES,
            now=now,
        )
        file_ids.append(kept.id or 0)
    draft = _draft(session, kernel, reply, proposal, contact, customer, entry_ids, file_ids, made is not None, now=now)
    queued = queue(session, [draft], now=now)
    return f"{len(file_ids)} files to {contact.email}" if queued else "it was written before"


def _draft(
    session: Session,
    kernel: Kernel,
    reply: Reply,
    proposal: ReplyProposal,
    contact: Contact,
    customer: Account,
    entry_ids: list[int],
    file_ids: list[int],
    statement: bool,
    *,
    now: datetime,
) -> Draft:
    settings = kernel.settings
    seller = _seller(session, entry_ids)
    query = select(OpenItem.reference).where(
        among(session, col(OpenItem.entry_id), entry_ids), OpenItem.account_id == customer.id
    )
    language = kernel.renderer.language(contact.language or customer.language)
    rendered = kernel.renderer.message(
        KIND,
        language=language,
        contact=contact,
        customer=Named(customer.legal_name),
        seller=seller,
        link=portal_url(settings.base_url, settings.signing_key, customer.id or 0, customer.portal_epoch, now=now),
        references=sorted(reference for reference in session.exec(query) if reference),
        attached=bool(file_ids),
        statement=statement,
    )
    return Draft(
        dedup_key=f"reply-answer:{proposal.id}",
        purpose=ANSWER_PURPOSE,
        account_id=customer.id,
        subject_ref=f"reply:{reply.id}",
        recipient=contact.email or "",
        sender=(seller.email if seller else None) or settings.mail_from,
        language=language,
        subject=rendered.subject,
        body_text=rendered.text,
        body_html=rendered.html,
        headers=threading_headers(reply, reply_address(settings, customer.id or 0)),
        attachments=file_ids,
    )


def threading_headers(reply: Reply, answer_to: str | None) -> dict[str, str]:
    """The headers by which mail programs set an answer under the message that it answers."""
    headers = {"Reply-To": answer_to} if answer_to else {}
    if reply.message_id and reply.message_id.isascii():
        headers |= {"In-Reply-To": f"<{reply.message_id}>", "References": f"<{reply.message_id}>"}
    return headers


def _seller(session: Session, entry_ids: list[int]) -> LegalEntity | None:
    """Who signs: the seller of the first invoice, else the first one."""
    sellers = {one.id: one for one in entities(session)}
    query = select(OpenItem.entity_id).where(among(session, col(OpenItem.entry_id), entry_ids)).limit(1)
    owner = session.exec(query).first()
    return sellers.get(owner) or next(iter(sellers.values()), None)
