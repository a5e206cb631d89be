"""Pages: a customer's dunning with the next message as it would read, and its card."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from ar.cash.checkout import in_flight
from ar.core.clock import local_date
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.render import RenderedMessage
from ar.core.web import Id, KernelDep, NowDep, Principal, SessionDep, allow, page, redirect
from ar.core.web.types import one_line
from ar.customers.accounts import account
from ar.customers.models import Account
from dunning import late, message, policies
from dunning.case import CustomerFacts
from dunning.days import DayError, day_of
from dunning.facts import gather
from dunning.holds import HoldError, HoldNotFoundError, hold, lift
from dunning.models import DunningHold, Promise, PromiseSource
from dunning.promises import Part, PromiseNotFoundError, cancel_promise, promise
from dunning.worklist.act import touched
from dunning.worklist.beside import beside
from dunning.worklist.find import row_of_account
from dunning.worklist.told import asked_of, described, foreseen, living_promises, notices_of, standing_holds

router = APIRouter(include_in_schema=False)


SAMPLE_LINK = "/pay/…"


@router.get("/worklist/{account_id}")
def customer(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """One customer: what is asked and what is not, what was written, what comes next, and what a person can do."""
    return customer_page(request, session, kernel, principal, account(session, account_id), now=now)


def customer_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    found: Account,
    *,
    now: datetime,
    error: DomainError | None = None,
) -> HTMLResponse:
    return page(
        request,
        kernel,
        principal,
        "console/dunning/customer.html",
        status=error.status if error else 200,
        error=error,
        may_act=principal.may("dunning:write"),
        **_told(session, kernel, found, now=now),
    )


def _told(session: Session, kernel: Kernel, found: Account, *, now: datetime) -> dict[str, Any]:
    assert found.id is not None
    [facts] = gather(session, [found.id], now=now, in_flight=in_flight)
    today = local_date(now, found.time_zone)
    [row] = described(session, [found], now=now, in_flight=in_flight)
    return {
        "account": found,
        "row": row,
        "listed": row_of_account(session, found.id),
        "asked": asked_of(facts, today=today),
        "today": today,
        "notices": notices_of(session, found.id),
        "holds": standing_holds(session, found.id, today=today),
        "promises": living_promises(session, found.id),
        "preview": _preview(session, kernel, facts, now=now, today=today),
        **beside(session, found.id),
    }


def _preview(
    session: Session, kernel: Kernel, facts: CustomerFacts, *, now: datetime, today: date
) -> tuple[date, RenderedMessage] | None:
    """The next message and its day, as it would read if nothing changed until then."""
    coming = foreseen(facts, policies.policies_in_force(session, now=now), today=today)
    if coming is None or facts.contact is None:
        return None
    day, send = coming
    seller = policies.sellers(session, [send.entity_id])[send.entity_id]
    [terms] = late.terms_for(session, [(facts.account_id, seller.country, day)])
    given = message.context(send, facts, seller, link=kernel.settings.base_url + SAMPLE_LINK, terms=terms, today=day)
    language = facts.contact.language or facts.language
    return day, kernel.renderer.message(send.step.kind, language=language, **given)


@router.post("/worklist/{account_id}/hold")
def hold_customer(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    reason: Annotated[str, Form(max_length=400)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Write no reminder to the customer for a while."""
    found = account(session, account_id)
    try:
        hold(session, account_id, until=day_of(until), reason=_line(reason), by=principal.actor, now=now)
        touched(session, kernel, account_id, now=now, in_flight=in_flight)
    except DomainError as error:
        return customer_page(request, session, kernel, principal, found, now=now, error=error)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Held: no reminder is written meanwhile."))


@router.post("/worklist/{account_id}/holds/{hold_id}/lift")
def lift_hold(
    account_id: Id,
    hold_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> Response:
    row = session.get(DunningHold, hold_id)
    if row is None or row.account_id != account_id:
        raise HoldNotFoundError(f"there is no hold {hold_id} of customer {account_id}")
    lift(session, hold_id, by=principal.actor, now=now)
    touched(session, kernel, account_id, now=now, in_flight=in_flight)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Lifted: the next run looks afresh."))


@router.post("/worklist/{account_id}/promise")
def take_promise(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    due_on: Annotated[str, Form(max_length=10)] = "",
    entry: Annotated[list[int] | None, Form(max_length=200)] = None,
) -> Response:
    """Note what the customer promised, by telephone say: the chosen invoices, by a day."""
    found = account(session, account_id)
    try:
        day = day_of(due_on)
        if day is None:
            raise DayError("give the day by which the customer will pay")
        parts = [Part(entry_id) for entry_id in entry or []]
        source = PromiseSource.PHONE
        promise(session, account_id, items=parts, due_on=day, by=principal.actor, now=now, source=source)
        touched(session, kernel, account_id, now=now, in_flight=in_flight)
    except DomainError as error:
        return customer_page(request, session, kernel, principal, found, now=now, error=error)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("Noted: reminders leave it out until then."))


@router.post("/worklist/{account_id}/promises/{promise_id}/cancel")
def take_promise_back(
    account_id: Id,
    promise_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> Response:
    row = session.get(Promise, promise_id)
    if row is None or row.account_id != account_id:
        raise PromiseNotFoundError(f"there is no promise {promise_id} of customer {account_id}")
    cancel_promise(session, promise_id, by=principal.actor, now=now)
    touched(session, kernel, account_id, now=now, in_flight=in_flight)
    return redirect(kernel, principal, f"/worklist/{account_id}", done=_("The promise is cancelled."))


@router.get("/customers/{account_id}/cards/dunning")
def dunning_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """What was written to the customer and what comes next: a card of its file."""
    found = account(session, account_id)
    told = _told(session, kernel, found, now=now)
    return page(request, kernel, principal, "console/dunning/_card.html", **told)


def _line(text: str) -> str:
    try:
        return one_line(text)
    except ValueError as error:
        raise HoldError(f"the reason {error}") from None
