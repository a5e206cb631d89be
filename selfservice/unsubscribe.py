"""The way out of courtesy mail, by the link of its header: asked for on a page, or by a mail program in one click.

Looking changes nothing, for mail is looked through by machines. A POST needs no form of ours (RFC 8058): whoever holds
the link may spare its contact courtesy mail, and nothing else. Reminders of what is due still come.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from ar.core.access.links import UNSUBSCRIBE_PATH, LinkError, read_contact
from ar.core.kernel import Kernel
from ar.core.web import KernelDep, NowDep, SessionDep, client_address, language_of, public, throttle
from ar.customers.accounts import opt_out
from ar.customers.models import Contact

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Path(max_length=60)]


@router.get(UNSUBSCRIBE_PATH + "/{token}", dependencies=[public("the link is the key")])
def unsubscribe_page(token: Token, request: Request, session: SessionDep, kernel: KernelDep) -> HTMLResponse:
    """What the button does, and the button. Changes nothing."""
    contact = _contact(request, session, kernel, token)
    return _page(request, kernel, token, contact, done=contact.opted_out_at is not None)


@router.post(UNSUBSCRIBE_PATH + "/{token}", dependencies=[public("the link is the key")])
def unsubscribe(token: Token, request: Request, session: SessionDep, kernel: KernelDep, now: NowDep) -> HTMLResponse:
    """Spare the contact courtesy mail. Doing it twice changes nothing."""
    throttle(request, kernel.settings.api_requests, "unsubscribe", client_address(request, kernel))
    contact = _contact(request, session, kernel, token)
    assert contact.id is not None
    opt_out(session, contact.account_id, contact.id, by=f"customer:{contact.account_id}", now=now)
    return _page(request, kernel, token, contact, done=True)


def _contact(request: Request, session: Session, kernel: Kernel, token: str) -> Contact:
    """Raises LinkError, also when the contact is gone."""
    request.state.error_page = "portal/error.html"
    found = session.get(Contact, read_contact(kernel.settings.signing_key, token))
    if found is None:
        raise LinkError
    return found


def _page(request: Request, kernel: Kernel, token: str, contact: Contact, *, done: bool) -> HTMLResponse:
    text = kernel.renderer.page(
        "portal/unsubscribe.html",
        language=kernel.renderer.language(contact.language) if contact.language else language_of(request, kernel),
        here=f"{UNSUBSCRIBE_PATH}/{token}",
        done=done,
    )
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})
