"""Pages: the list of customers, and the file of one: a frame whose cards each room fills."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import col

from ar.core.access.permissions import Permission
from ar.core.access.users import actor_names
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.money import currencies
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Principal,
    Search,
    SessionDep,
    ShortText,
    allow,
    page,
    paged,
    redirect,
    require_version,
)
from ar.customers.accounts import (
    AccountDraft,
    ContactDraft,
    account,
    add_contact,
    change_account,
    children,
    contacts_of,
    identifiers_of,
    open_account,
    opt_out,
    search,
    segments,
)
from ar.customers.links import fresh_link, revoke_links
from ar.customers.models import Account, AccountKind

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Card:
    """One card of a customer's file: the room that owns it serves it at /customers/{id}/cards/{name}."""

    name: str
    title: str
    permission: Permission


@router.get("/customers")
def customers(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("customers:read")],
    q: Annotated[Search, Query()] = "",
    segment: Annotated[Search, Query()] = "",
    cursor: Cursor = None,
) -> HTMLResponse:
    found = paged(session, search(q, segment), key=(col(Account.legal_name), col(Account.id)), cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/customers/list.html",
        found=found,
        q=q,
        segment=segment,
        segments=segments(session),
        may_open=principal.may("customers:write"),
    )


@router.get("/customers/new")
def new_customer(
    request: Request, kernel: KernelDep, principal: Annotated[Principal, allow("customers:write")]
) -> HTMLResponse:
    return page(request, kernel, principal, "console/customers/new.html", given={}, error=None, currencies=currencies())


@router.post("/customers")
def open_customer(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
    code: Annotated[str, Form(max_length=60)],
    legal_name: Annotated[str, Form(max_length=200)],
    country: Annotated[ShortText, Form()],
    language: Annotated[ShortText, Form()],
    currency: Annotated[ShortText, Form()],
    kind: Annotated[AccountKind, Form()] = AccountKind.COMPANY,
    email: Annotated[str, Form(max_length=320)] = "",
    street: Annotated[Search, Form()] = "",
    postcode: Annotated[Search, Form(max_length=20)] = "",
    city: Annotated[Search, Form(max_length=100)] = "",
) -> Response:
    """Open the account and show its file; with a fault, the form again with what is wrong."""
    contacts = (ContactDraft(email=email),) if email else ()
    draft = AccountDraft(
        code=code.strip(),
        legal_name=legal_name.strip(),
        country=country,
        language=language,
        currency=currency,
        kind=kind,
        street=street or None,
        postcode=postcode or None,
        city=city or None,
        contacts=contacts,
    )
    try:
        made = open_account(session, draft, by=principal.actor, now=now)
    except DomainError as error:
        given = {
            "code": code,
            "legal_name": legal_name,
            "country": country,
            "language": language,
            "currency": currency,
            "kind": kind.value,
            "email": email,
            "street": street,
            "postcode": postcode,
            "city": city,
        }
        return page(
            request,
            kernel,
            principal,
            "console/customers/new.html",
            given=given,
            error=error,
            currencies=currencies(),
            status_code=error.status,
        )
    return RedirectResponse(f"/customers/{made.id}", 303)


@router.get("/customers/{account_id}")
def customer_file(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("customers:read")],
) -> HTMLResponse:
    found = account(session, account_id)
    cards: tuple[Card, ...] = request.app.state.cards
    return page(
        request,
        kernel,
        principal,
        "console/customers/file.html",
        account=found,
        parent=None if found.parent_id is None else account(session, found.parent_id),
        children=children(session, account_id),
        contacts=contacts_of(session, account_id),
        identifiers=identifiers_of(session, account_id),
        people=actor_names(session, [f"user:{found.owner_id}", f"user:{found.sales_owner_id}"]),
        cards=[card for card in cards if principal.may(card.permission)],
        may_write=principal.may("customers:write"),
    )


@router.post("/customers/{account_id}/address")
def change_address(
    account_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
    version: Annotated[int, Form(ge=1, le=2**63 - 1)],
    street: Annotated[Search, Form()] = "",
    postcode: Annotated[Search, Form(max_length=20)] = "",
    city: Annotated[Search, Form(max_length=100)] = "",
) -> RedirectResponse:
    """Where invoices say that the customer is; an empty field clears it."""
    require_version(version, account(session, account_id).version)
    changes = {"street": street or None, "postcode": postcode or None, "city": city or None}
    change_account(session, account_id, changes, by=principal.actor, now=now)
    return RedirectResponse(f"/customers/{account_id}", 303)


@router.post("/customers/{account_id}/kind")
def change_kind(
    account_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
    version: Annotated[int, Form(ge=1, le=2**63 - 1)],
    kind: Annotated[AccountKind, Form()],
) -> Response:
    """What the law takes the customer for. What was printed already stays as it is."""
    require_version(version, account(session, account_id).version)
    change_account(session, account_id, {"kind": kind}, by=principal.actor, now=now)
    done = _("Changed. It holds for what is issued and reckoned from now on.")
    return redirect(kernel, principal, f"/customers/{account_id}", done=done)


@router.post("/customers/{account_id}/contacts")
def new_contact(
    account_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
    name: Annotated[str, Form(max_length=200)] = "",
    email: Annotated[str, Form(max_length=320)] = "",
    phone: Annotated[str, Form(max_length=40)] = "",
) -> RedirectResponse:
    draft = ContactDraft(name=name.strip(), email=email.strip() or None, phone=phone.strip() or None)
    add_contact(session, account_id, draft, by=principal.actor, now=now)
    return RedirectResponse(f"/customers/{account_id}", 303)


@router.post("/customers/{account_id}/contacts/{contact_id}/opt-out")
def no_courtesy_mail(
    account_id: Id,
    contact_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
) -> RedirectResponse:
    opt_out(session, account_id, contact_id, by=principal.actor, now=now)
    return RedirectResponse(f"/customers/{account_id}", 303)


@router.post("/customers/{account_id}/portal-link")
def portal_link(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
) -> HTMLResponse:
    """A fresh link to the customer's own pages, to pass on by telephone or chat: shown, and kept nowhere."""
    return page(
        request,
        kernel,
        principal,
        "console/customers/portal_link.html",
        account=account(session, account_id),
        url=fresh_link(session, kernel.settings, account_id, by=principal.actor, now=now),
        days=kernel.settings.portal_link_days,
    )


@router.post("/customers/{account_id}/portal-link/revoke")
def revoke_portal_links(
    account_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
) -> Response:
    revoke_links(session, account_id, by=principal.actor, now=now)
    done = _("Revoked: no link made until now opens this customer's pages any more.")
    return redirect(kernel, principal, f"/customers/{account_id}", done=done)
