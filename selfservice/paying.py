"""Ways to pay: any amount, with what the customer left before, by transfer, by itself; what is left, and taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from ar.cash.autopay.agree import autopays_of, items_of, remove_with_autopay, turn_off, turn_on
from ar.cash.checkout import PageWish, open_page
from ar.cash.models import Method
from ar.cash.online.charge import ChargeWish, charge_saved
from ar.cash.online.methods import make_default, methods_of
from ar.cash.online.setups import returned_setup, start_setup
from ar.cash.online.transfers import awaited, start_transfer, virtual_accounts
from ar.cash.payment_states import PaymentState
from ar.cash.receive import Target
from ar.cash.reconcile import returned_charge
from ar.cash.wishes import OnAccount, Wish
from ar.core.errors import DomainError
from ar.core.money import typed_minor
from ar.core.web import Id
from ar.customers.accounts import account
from selfservice.frame import VisitDep, shown
from selfservice.position import Position, positions, references_of, references_of_items, sellers
from selfservice.visits import Visit, Visitor

router = APIRouter(include_in_schema=False)

BY_PAGE, BY_TRANSFER, BY_SAVED = "page", "transfer", "saved"
USUAL = "usual"
"""Notice as long as is usual for the method."""

_DONE = {
    PaymentState.SETTLED: "paid",
    PaymentState.FAILED: "unpaid",
    PaymentState.INTENDED: "unpaid",
}


class WayError(DomainError):
    """What was chosen on the form goes together with nothing that can be paid."""

    code = "bad-way-to-pay"


def pay_by(visit: Visit, visitor: Visitor, wish: Wish, way: str, *, save: bool) -> Response:
    """Go where the wish is paid: the gateway's page, the page of a transfer, or back at once when it was charged.

    `way` is BY_PAGE, BY_TRANSFER, or BY_SAVED with a method's number, as in 'saved:3'. Raises DomainError.
    """
    base = visit.kernel.settings.base_url
    kind, _, number = way.partition(":")
    if kind == BY_TRANSFER:
        start_transfer(visit.kernel, wish, by=visitor.actor, now=visit.now)
        return RedirectResponse("/portal/transfers", 303)
    if kind == BY_SAVED:
        if not number.isdecimal() or not number.isascii() or len(number) > 18:
            raise WayError("Choose a saved card or bank account")
        wanted = ChargeWish(wish, int(number), by=visitor.actor, return_url=f"{base}/portal/charged")
        done = charge_saved(visit.kernel, wanted, now=visit.now)
        if done.url:
            return RedirectResponse(done.url, 303)
        if done.state is PaymentState.FAILED:
            return RedirectResponse(f"/portal?done=declined&why={quote(done.failure)}", 303)
        return RedirectResponse(f"/portal?done={_DONE.get(done.state, 'pending')}", 303)
    page = PageWish(
        wish,
        Method.ONLINE,
        visitor.language,
        f"{base}/portal/paid?session={{CHECKOUT_SESSION_ID}}",
        f"{base}/portal?done=unpaid",
        save=save,
    )
    return RedirectResponse(open_page(visit.kernel, page, now=visit.now)[1], 303)


@router.get("/portal/charged")
def charged(visit: VisitDep) -> RedirectResponse:
    """Back from the bank that asked about a charge."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
    state = returned_charge(visit.kernel, account_id=visitor.account_id, now=visit.now)
    return RedirectResponse(f"/portal?done={_DONE.get(state, 'pending')}", 303)


# -- any amount ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Purpose:
    """What an amount may be for: part of an invoice, or on account with a seller. `open_minor` None: any amount."""

    value: str
    reference: str
    seller: str
    currency: str
    open_minor: int | None


def purposes(found: Sequence[Position], currency: str) -> list[Purpose]:
    """What a customer may pay any amount for; on account in its own `currency`."""
    made = [
        Purpose(f"item:{row.entry_id}", row.reference, position.seller.name, row.currency, row.payable_minor)
        for position in found
        for row in position.invoices
        if row.payable_minor
    ]
    return made + [
        Purpose(f"account:{position.seller.id}", "", position.seller.name, currency, None) for position in found
    ]


@router.get("/portal/amount")
def amount_form(
    request: Request,
    visit: VisitDep,
    purpose: Annotated[str, Query(alias="for", max_length=40)] = "",
) -> HTMLResponse:
    """Choose an amount, and what it is for."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        return _amount_page(request, session, visit, visitor, given={"purpose": purpose, "amount": ""})


def _amount_page(
    request: Request,
    session: Session,
    visit: Visit,
    visitor: Visitor,
    *,
    given: dict[str, str],
    error: DomainError | None = None,
) -> HTMLResponse:
    found = positions(session, visitor.account_id)
    return shown(
        request,
        visit,
        visitor,
        "portal/amount.html",
        found[0].seller,
        purposes=purposes(found, account(session, visitor.account_id).currency),
        saved=methods_of(session, visitor.account_id),
        given=given,
        error=error,
        status_code=200 if error is None else error.status,
    )


@router.post("/portal/amount")
def pay_amount(
    request: Request,
    visit: VisitDep,
    purpose: Annotated[str, Form(max_length=40)],
    amount: Annotated[str, Form(max_length=30)],
    way: Annotated[str, Form(max_length=40)] = BY_PAGE,
    save: Annotated[str, Form(max_length=1)] = "",
) -> Response:
    """Pay it, in no transaction: the gateway is asked on the way."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        found = positions(session, visitor.account_id)
        own = account(session, visitor.account_id).currency
    try:
        chosen = next((one for one in purposes(found, own) if one.value == purpose), None)
        if chosen is None:
            raise WayError("Choose what the amount is for: an open invoice, or your account")
        minor = typed_minor(amount, chosen.currency)
        number = int(chosen.value.partition(":")[2])
        if chosen.open_minor is None:
            wish = Wish(visitor.account_id, [], OnAccount(number, chosen.currency, minor))
        else:
            wish = Wish(visitor.account_id, [Target(number, minor)])
        return pay_by(visit, visitor, wish, way, save=bool(save))
    except DomainError as error:
        with visit.kernel.database.reading() as session:
            given = {"purpose": purpose, "amount": amount}
            return _amount_page(request, session, visit, visitor, given=given, error=error)


@router.get("/portal/transfers")
def transfers(request: Request, visit: VisitDep) -> HTMLResponse:
    """Where to transfer to, and what is awaited."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        waiting = awaited(session, visitor.account_id)
        return shown(
            request,
            visit,
            visitor,
            "portal/transfers.html",
            positions(session, visitor.account_id)[0].seller,
            transfers=waiting,
            references=references_of(session, [one.id or 0 for one in waiting]),
            accounts=virtual_accounts(session, visitor.account_id),
        )


# -- what the customer left, and autopay ---------------------------------------------------------------------------


@router.get("/portal/methods")
def methods(
    request: Request,
    visit: VisitDep,
    done: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """What is left to be charged, and what is paid by itself."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        return _methods_page(request, session, visit, visitor, done=done)


def _methods_page(
    request: Request,
    session: Session,
    visit: Visit,
    visitor: Visitor,
    *,
    done: str = "",
    error: DomainError | None = None,
    given: dict[str, str] | None = None,
) -> HTMLResponse:
    own = account(session, visitor.account_id)
    found = items_of(session, visitor.account_id, limit=20)
    return shown(
        request,
        visit,
        visitor,
        "portal/methods.html",
        positions(session, visitor.account_id)[0].seller,
        saved=methods_of(session, visitor.account_id),
        autopays=[one for one in autopays_of(session, visitor.account_id) if one.ended_at is None],
        items=found,
        item_references=references_of_items(session, [one.entry_id for one in found]),
        currency=own.currency,
        sellers=[one.name for one in sellers(session).values()],
        done=done,
        error=error,
        given=given or {"limit": "", "offset_days": "0", "notice_days": USUAL},
        status_code=200 if error is None else error.status,
    )


@router.post("/portal/methods/add")
def add_method(visit: VisitDep) -> Response:
    """Go to the gateway's page to leave a card or a bank account there. To go is to agree that it is kept."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
    base = visit.kernel.settings.base_url
    url = start_setup(
        visit.kernel,
        account_id=visitor.account_id,
        language=visitor.language,
        success_url=f"{base}/portal/methods/added?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{base}/portal/methods",
        by=visitor.actor,
        now=visit.now,
    )
    return RedirectResponse(url, 303)


@router.get("/portal/methods/added")
def method_added(visit: VisitDep, left: Annotated[str, Query(alias="session", max_length=200)]) -> RedirectResponse:
    """Back from that page: what was left, asked for now."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
    kept = returned_setup(visit.kernel, account_id=visitor.account_id, session_number=left, now=visit.now)
    return RedirectResponse(f"/portal/methods?done={'kept' if kept else 'nothing'}", 303)


@router.post("/portal/methods/{method_id}/default")
def choose_default(method_id: Id, visit: VisitDep) -> RedirectResponse:
    """Offer this one first."""
    with visit.kernel.database.transaction() as session:
        visitor = visit.by(session)
        make_default(session, visitor.account_id, method_id, by=visitor.actor, now=visit.now)
    return RedirectResponse("/portal/methods", 303)


@router.post("/portal/methods/{method_id}/remove")
def remove_method(method_id: Id, visit: VisitDep) -> RedirectResponse:
    """Take it back: it is charged no more."""
    with visit.kernel.database.transaction() as session:
        visitor = visit.by(session)
        remove_with_autopay(session, visitor.account_id, method_id, by=visitor.actor, now=visit.now)
    return RedirectResponse("/portal/methods?done=removed", 303)


@router.post("/portal/autopay")
def autopay_on(
    request: Request,
    visit: VisitDep,
    method_id: Annotated[int, Form(ge=1, le=2**63 - 1)],
    limit: Annotated[str, Form(max_length=30)],
    offset_days: Annotated[int, Form(ge=-30, le=30)] = 0,
    notice_days: Annotated[str, Form(pattern=r"^(usual|[0-9]{1,2})$")] = USUAL,
    agree: Annotated[str, Form(max_length=1)] = "",
) -> Response:
    """Have due invoices paid by a saved method from now on, within a limit and after notice."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
    try:
        if not agree:
            raise WayError("Please tick that you agree, so that we may collect")
        with visit.kernel.database.transaction() as session:
            currency = account(session, visitor.account_id).currency
            turn_on(
                session,
                visit.kernel,
                account_id=visitor.account_id,
                method_id=method_id,
                currency=currency,
                limit_minor=typed_minor(limit, currency),
                offset_days=offset_days,
                notice_days=None if notice_days == USUAL else int(notice_days),
                by=visitor.actor,
                now=visit.now,
            )
    except DomainError as error:
        with visit.kernel.database.reading() as session:
            given = {"limit": limit, "offset_days": str(offset_days), "notice_days": notice_days}
            return _methods_page(request, session, visit, visitor, error=error, given=given)
    return RedirectResponse("/portal/methods?done=on", 303)


@router.post("/portal/autopay/{autopay_id}/end")
def autopay_off(autopay_id: Id, visit: VisitDep) -> RedirectResponse:
    """Pay nothing by itself any more."""
    with visit.kernel.database.transaction() as session:
        visitor = visit.by(session)
        turn_off(session, visitor.account_id, autopay_id, by=visitor.actor, now=visit.now)
    return RedirectResponse("/portal/methods?done=off", 303)
