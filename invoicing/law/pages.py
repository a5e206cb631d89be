"""Pages: the law of late payment, with the form that adds to it; the card of the interest agreed with a customer."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter
from pydantic import ValidationError as Invalid
from sqlmodel import Session, col, select

from ar.core.access.users import actor_names
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
    NowDep,
    Principal,
    Search,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    page,
    paged,
    redirect,
)
from ar.customers.accounts import account
from invoicing.law.contract import (
    RateDraft,
    agree_rate,
    agreed_on,
    agreed_rates,
    floor_warnings,
    rates_of,
)
from invoicing.law.table import LawDraft, add_law, value_text
from invoicing.models import LateLaw, LawKind

router = APIRouter(include_in_schema=False)

PATH = "/admin/late-payment-law"
BLANK = dict.fromkeys(("jurisdiction", "kind", "value", "currency", "valid_from", "valid_to", "source"), "")
_DAY = TypeAdapter(Day)


@router.get(PATH)
def law_page(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    principal: Annotated[Principal, allow("law:read")],
    cursor: Cursor = None,
) -> HTMLResponse:
    return _page(request, kernel, session, principal, cursor=cursor)


@router.post(PATH)
def add(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("law:write")],
    jurisdiction: Annotated[Search, Form()],
    kind: Annotated[LawKind, Form()],
    value: Annotated[Search, Form()],
    valid_from: Annotated[Day, Form()],
    source: Annotated[ShortText, Form()],
    valid_to: Annotated[Search, Form()] = "",
    currency: Annotated[Search, Form()] = "",
) -> Response:
    """Add a row; with a fault, the page again with what is wrong."""
    given = {
        "jurisdiction": jurisdiction.upper(),
        "kind": kind.value,
        "value": value.replace(",", "."),
        "valid_from": valid_from.isoformat(),
        "valid_to": valid_to,
        "currency": currency.upper(),
        "source": source,
    }
    try:
        last = _DAY.validate_python(valid_to) if valid_to else None
    except Invalid:
        return _page(request, kernel, session, principal, given=given, error=DomainError(_("That is not a day.")))
    draft = LawDraft(
        given["jurisdiction"], kind, given["value"], valid_from, last, source, currency=given["currency"] or None
    )
    try:
        add_law(session, draft, by=principal.actor, now=now)
    except DomainError as error:
        return _page(request, kernel, session, principal, given=given, error=error)
    return redirect(kernel, principal, PATH, done=_("It is in the table, and holds from its first day on."))


def _page(
    request: Request,
    kernel: Kernel,
    session: Session,
    principal: Principal,
    *,
    cursor: str | None = None,
    given: dict[str, str] | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = paged(session, select(LateLaw), key=[col(LateLaw.id).desc()], cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/invoicing/law.html",
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        found=found,
        kinds=[kind.value for kind in LawKind],
        value_text=value_text,
        given=given or BLANK,
        may_add=principal.may("law:write"),
    )


@router.get("/customers/{account_id}/cards/late-payment")
def rates_card(
    account_id: Id,
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:read")],
) -> HTMLResponse:
    """The card of a customer's file: what interest is agreed for what it pays late."""
    template = "console/invoicing/_rates.html"
    return _rates(request, kernel, session, principal, account_id, today=today, template=template)


@router.post("/customers/{account_id}/contract-rates")
def new_rate(
    account_id: Id,
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:write")],
    valid_from: Annotated[Day, Form()],
    source: Annotated[ShortText, Form()],
    percent: Annotated[Search, Form()] = "",
) -> Response:
    """Enter a rate; without one the law's own holds again. With a fault, the form again with what is wrong."""
    draft = RateDraft(account_id, percent.replace(",", ".") or None, valid_from, source)
    try:
        agree_rate(session, draft, by=principal.actor, now=now)
    except DomainError as error:
        given = {"percent": percent, "valid_from": valid_from.isoformat(), "source": source}
        return _rates(request, kernel, session, principal, account_id, today=today, given=given, error=error)
    return redirect(kernel, principal, f"/customers/{account_id}", done=_("Entered. It holds from its first day on."))


def _rates(
    request: Request,
    kernel: Kernel,
    session: Session,
    principal: Principal,
    account_id: int,
    *,
    today: date,
    template: str = "console/invoicing/rates.html",
    given: dict[str, str] | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = account(session, account_id)
    rows = rates_of(session, account_id)
    agreed = agreed_on(agreed_rates(session, [account_id]).get(account_id, ()), today)
    return page(
        request,
        kernel,
        principal,
        template,
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        account=found,
        rows=rows,
        agreed=agreed,
        warnings=floor_warnings(session, agreed.percent, on=today) if agreed and agreed.percent is not None else [],
        people=actor_names(session, [row.entered_by for row in rows]),
        value_text=value_text,
        given=given or {"percent": "", "valid_from": today.isoformat(), "source": ""},
        may_write=principal.may("credit:write"),
    )
