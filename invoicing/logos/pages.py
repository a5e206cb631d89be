"""The administrator's page of the sellers: what heads their documents, where they are paid, and their logo."""

from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from ar.core.errors import DomainError
from ar.core.files import headers_of, read
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web import (
    Id,
    KernelDep,
    NowDep,
    Principal,
    Search,
    SessionDep,
    ShortText,
    allow,
    page,
    redirect,
    require_version,
)
from ar.customers.entities import add_bank_account, change_entity, entities, entity
from ar.customers.models import BankAccount
from invoicing.logos.change import logo_file, prove, put_logo, take_away
from invoicing.logos.models import SellerLogo
from invoicing.logos.picture import MAX_BYTES

router = APIRouter(include_in_schema=False)

PATH = "/admin/legal-entities"


@router.get(PATH)
def sellers(
    request: Request, kernel: KernelDep, session: SessionDep, principal: Annotated[Principal, allow("users:read")]
) -> HTMLResponse:
    return _page(request, kernel, session, principal)


@router.post(PATH + "/{entity_id}")
def change(
    entity_id: Id,
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
    version: Annotated[int, Form(ge=1, le=2**63 - 1)],
    name: Annotated[ShortText, Form()],
    street: Annotated[Search, Form()] = "",
    postcode: Annotated[Search, Form(max_length=20)] = "",
    city: Annotated[Search, Form(max_length=100)] = "",
    email: Annotated[Search, Form()] = "",
    phone: Annotated[Search, Form(max_length=40)] = "",
    vat_number: Annotated[Search, Form(max_length=20)] = "",
    registration: Annotated[Search, Form(max_length=40)] = "",
) -> Response:
    """What heads the documents made from now on; an empty field clears it."""
    given = {"street": street, "postcode": postcode, "city": city, "email": email, "phone": phone}
    given |= {"vat_number": vat_number, "registration": registration}
    try:
        require_version(version, entity(session, entity_id).version)
        changes = {"name": name} | {field: value or None for field, value in given.items()}
        change_entity(session, entity_id, changes, by=principal.actor, now=now)
    except DomainError as error:
        return _page(request, kernel, session, principal, error=error)
    return redirect(kernel, principal, PATH, done=_("Changed, for the documents made from now on."))


@router.post(PATH + "/{entity_id}/bank-accounts")
def add_bank(
    entity_id: Id,
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
    iban: Annotated[ShortText, Form()],
    holder: Annotated[ShortText, Form()],
    currency: Annotated[ShortText, Form(pattern=r"^[A-Z]{3}$")],
) -> Response:
    """Where the seller is paid in that currency; the BIC follows from the IBAN."""
    try:
        add_bank_account(session, entity_id, iban=iban, holder=holder, currency=currency, by=principal.actor, now=now)
    except DomainError as error:
        return _page(request, kernel, session, principal, error=error)
    return redirect(kernel, principal, PATH, done=_("The bank account is there."))


@router.get(PATH + "/{entity_id}/logo", dependencies=[allow("users:read")])
def download(entity_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    stored = logo_file(session, entity_id)
    return Response(read(stored, kernel.settings.files), headers=headers_of(stored))


@router.post(PATH + "/{entity_id}/logo")
def put(
    entity_id: Id,
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
    file: Annotated[UploadFile, File()],
) -> Response:
    """Put the logo; with a file that cannot be one, the page again with what is wrong."""
    try:
        content = file.file.read(MAX_BYTES + 1)
        proved = prove(content, now=now)
        put_logo(session, kernel.settings.files, entity_id, content, proved, by=principal.actor, now=now)
    except DomainError as error:
        return _page(request, kernel, session, principal, error=error)
    return redirect(kernel, principal, PATH, done=_("The documents made from now on have this logo."))


@router.post(PATH + "/{entity_id}/logo/removal")
def remove(
    entity_id: Id,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
) -> Response:
    take_away(session, entity_id, by=principal.actor, now=now)
    return redirect(kernel, principal, PATH, done=_("The documents made from now on have no logo."))


def _page(
    request: Request, kernel: Kernel, session: Session, principal: Principal, *, error: DomainError | None = None
) -> HTMLResponse:
    banks: dict[int, list[BankAccount]] = defaultdict(list)
    for one in session.exec(select(BankAccount).order_by(col(BankAccount.id))):
        banks[one.entity_id].append(one)
    return page(
        request,
        kernel,
        principal,
        "console/invoicing/sellers.html",
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        sellers=entities(session),
        banks=banks,
        logos={one.entity_id: one for one in session.exec(select(SellerLogo))},
        may_change=principal.may("users:write"),
    )
