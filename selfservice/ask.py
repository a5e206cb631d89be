"""The way in for who has no link, or an old one: asked for by e-mail address, sent to that address alone.

The answer is the same whether the address is known or not, so that nobody learns whose customers these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.core.access.links import ASK_PATH, portal_url
from ar.core.access.tokens import digest
from ar.core.db import among
from ar.core.kernel import Kernel
from ar.core.outbox import Draft, queue
from ar.core.web import (
    KernelDep,
    NowDep,
    Search,
    SessionDep,
    client_address,
    language_of,
    public,
    set_session_cookie,
    throttle,
)
from ar.core.web.origin import form_cookie, visitor_nonce, visitor_token
from ar.customers.entities import entities
from ar.customers.models import Account, Contact, LegalEntity
from ar.customers.notes import PURPOSE, Named
from ar.ledger.models import OpenItem

router = APIRouter(include_in_schema=False)

KIND = "portal_link"
_MOST_ACCOUNTS = 20
"""Accounts that one address may be a contact of, to be sent a link for each."""


@router.get(ASK_PATH, dependencies=[public("who has no link is nobody yet")])
def ask_page(request: Request, kernel: KernelDep) -> HTMLResponse:
    return _page(request, kernel, done=False)


@router.post(ASK_PATH, dependencies=[public("who has no link is nobody yet", form=True)])
def ask(
    request: Request, session: SessionDep, kernel: KernelDep, now: NowDep, email: Annotated[Search, Form()]
) -> Response:
    """Have the link sent. Never tells whether there is anybody to send it to."""
    rate = kernel.settings.sign_in_attempts
    throttle(request, rate, "ask-link", client_address(request, kernel))
    throttle(request, rate, "ask-link-email", digest(email.lower()))
    send_links(session, kernel, email, now=now)
    return _page(request, kernel, done=True)


def send_links(session: Session, kernel: Kernel, email: str, *, now: datetime) -> int:
    """How many links were queued to the contacts with that address: one for each account, at most once in an hour."""
    query = (
        select(Contact, Account)
        .join(Account, col(Account.id) == col(Contact.account_id))
        .where(func.lower(col(Contact.email)) == email.lower(), col(Contact.bounced_at).is_(None))
        .order_by(col(Contact.id))
        .limit(_MOST_ACCOUNTS)
    )
    found = session.exec(query).all()
    if not found:
        return 0
    sellers = _sellers(session, [contact.account_id for contact, _ in found])
    usual = entities(session)[0]
    drafts = [
        _draft(kernel, contact, account, sellers.get(contact.account_id, usual), now=now) for contact, account in found
    ]
    return queue(session, drafts, now=now)


def _sellers(session: Session, account_ids: Sequence[int]) -> dict[int, LegalEntity]:
    """Who sold to each account; of several the one founded last."""
    item = OpenItem
    query = select(item.account_id, func.max(item.entity_id)).where(among(session, col(item.account_id), account_ids))
    known = {one.id: one for one in entities(session)}
    return {number: known[entity_id] for number, entity_id in session.exec(query.group_by(col(item.account_id)))}


def _draft(kernel: Kernel, contact: Contact, account: Account, seller: LegalEntity, *, now: datetime) -> Draft:
    settings = kernel.settings
    assert account.id is not None
    assert contact.email is not None
    language = kernel.renderer.language(contact.language or account.language)
    rendered = kernel.renderer.message(
        KIND,
        language=language,
        contact=contact,
        customer=Named(account.legal_name),
        seller=seller,
        link=portal_url(settings.base_url, settings.signing_key, account.id, account.portal_epoch, now=now),
        days=settings.portal_link_days,
    )
    return Draft(
        dedup_key=f"{KIND}/{contact.id}/{now:%Y-%m-%dT%H}",
        purpose=PURPOSE,
        account_id=account.id,
        subject_ref=f"contact:{contact.id}",
        recipient=contact.email,
        sender=seller.email or settings.mail_from,
        language=language,
        subject=rendered.subject,
        body_text=rendered.text,
        body_html=rendered.html,
    )


def _page(request: Request, kernel: Kernel, *, done: bool) -> HTMLResponse:
    nonce = visitor_nonce(request, kernel)
    text = kernel.renderer.page(
        "portal/ask.html",
        language=language_of(request, kernel),
        csrf_token=visitor_token(kernel, nonce),
        here=ASK_PATH,
        done=done,
    )
    response = HTMLResponse(text)
    name = form_cookie(kernel.settings)
    set_session_cookie(response, name, nonce, seconds=12 * 3600, secure=kernel.settings.secure)
    return response
