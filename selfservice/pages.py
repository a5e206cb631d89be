"""The customer's own pages: what is open, pay it, contest it, promise it, see what became of it."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ar.cash.declines import words_of
from ar.cash.online.methods import methods_of
from ar.cash.receive import Target
from ar.cash.reconcile import returned
from ar.cash.wishes import Wish
from ar.core.errors import DomainError
from ar.core.files import download_headers, headers_of
from ar.core.files import read as read_file
from ar.core.money import plain, typed_minor
from ar.core.web import Day, Id, KernelDep, LongText, NowDep, SessionDep, public
from ar.disputes.claim import disputes_of, open_dispute
from ar.disputes.models import Reason
from ar.disputes.notify import tell_received
from ar.ledger.statement import statements
from invoicing.delivery.act import opened, unopened
from invoicing.einvoice.find import file_of, with_page
from invoicing.models import FileFormat
from invoicing.receipts.make import make_receipt
from invoicing.statements.facts import Show
from invoicing.statements.make import StatementFormat, make_statement
from selfservice.frame import VisitDep, shown
from selfservice.notices import notices_of
from selfservice.paying import BY_PAGE, pay_by
from selfservice.position import (
    Position,
    own_advices,
    own_document,
    own_invoice,
    own_promises,
    positions,
    recent_payments,
    sellers,
)
from selfservice.visits import Visit, Visitor, begin, customer, language_cookie, visit_cookie

router = APIRouter(include_in_schema=False)

FLASHES = ("paid", "pending", "unpaid", "declined", "contested", "promised")


@router.get("/pay/{token}", dependencies=[public("the link is the key")])
def open_link(
    token: str,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    document: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Response:
    """Begin a visit, on the page of `document` where the link names one. Looking at the link changes nothing."""
    request.state.error_page = "portal/error.html"
    cookie = begin(kernel, session, token, secrets.token_bytes(8), now=now)
    response = RedirectResponse(f"/portal/invoices/{document}" if document else "/portal", 303)
    response.set_cookie(
        visit_cookie(kernel.settings),
        cookie,
        max_age=kernel.settings.portal_session_hours * 3600,
        httponly=True,
        secure=kernel.settings.secure,
        samesite="lax",
        path="/",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/portal")
def home(
    request: Request,
    visit: VisitDep,
    done: Annotated[str, Query(max_length=20)] = "",
    why: Annotated[str, Query(max_length=60)] = "",
) -> HTMLResponse:
    """What is open. The page that is asked for most: its session begins and ends in the route's own thread."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        found = positions(session, visitor.account_id)
        saved = methods_of(session, visitor.account_id)
        notices = notices_of(session, visitor.account_id)
    return shown(
        request,
        visit,
        visitor,
        "portal/home.html",
        found[0].seller,
        positions=found,
        saved=saved,
        notices=notices,
        today=visitor.today,
        why=words_of(why),
        done=done if done in FLASHES else "",
    )


@router.get("/portal/history")
def history(request: Request, session: SessionDep, visit: VisitDep) -> HTMLResponse:
    """The account's statement of the last 180 days, its payments, disputes and promises."""
    visitor = visit.by(session)
    today = visitor.today
    found = positions(session, visitor.account_id)
    since = today - timedelta(days=180)
    told = statements(session, visitor.account_id, since=since, until=today)
    return shown(
        request,
        visit,
        visitor,
        "portal/history.html",
        found[0].seller,
        today=today,
        since=since,
        statements=told,
        with_page=with_page(session, [line.entry_id for each in told for line in each.lines]),
        payments=recent_payments(session, visitor.account_id),
        advices=own_advices(session, visitor.account_id),
        disputes=disputes_of(session, visitor.account_id),
        promises=own_promises(session, visitor.account_id),
        sellers=sellers(session),
    )


@router.get("/portal/statement")
def statement(
    visit: VisitDep,
    form: Annotated[StatementFormat, Query(alias="format")] = StatementFormat.PDF,
    since: Annotated[Day | None, Query()] = None,
    until: Annotated[Day | None, Query()] = None,
    show: Annotated[Show, Query()] = Show.MOVEMENTS,
) -> Response:
    """The customer's own statement, to keep: of a period, or of what is open."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
    last = until or visitor.today
    made = make_statement(
        visit.kernel,
        visitor.account_id,
        since=since or last - timedelta(days=180),
        until=last,
        show=show,
        form=form,
        now=visit.now,
    )
    return Response(made.content, headers=download_headers(made.name, made.media_type))


@router.post("/portal/pay")
def pay(
    visit: VisitDep,
    entry: Annotated[list[int], Form(max_length=100)],
    way: Annotated[str, Form(max_length=40)] = BY_PAGE,
    save: Annotated[str, Form(max_length=1)] = "",
) -> Response:
    """Pay the chosen invoices, in no transaction: the gateway is asked on the way."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        chosen = chosen_targets(positions(session, visitor.account_id), entry)
    return pay_by(visit, visitor, Wish(visitor.account_id, chosen), way, save=bool(save))


class NothingChosenError(DomainError):
    code = "nothing-chosen"


def chosen_targets(found: Sequence[Position], entries: Sequence[int]) -> list[Target]:
    """What is to be paid of the chosen open items. Raises NothingChosenError when that is nothing."""
    wanted = set(entries)
    targets = [
        Target(invoice.entry_id, invoice.payable_minor + invoice.disputed_minor)
        for position in found
        for invoice in position.invoices
        if invoice.entry_id in wanted and invoice.open_minor > invoice.in_flight_minor
    ]
    if not targets:
        raise NothingChosenError("Choose at least one invoice that is open and not being paid already")
    return targets


@router.get("/portal/paid")
def paid(visit: VisitDep, checkout: Annotated[str, Query(alias="session", max_length=200)]) -> RedirectResponse:
    """Back from the payment page: how the payment stands, asked of the gateway now."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
    state = returned(visit.kernel, account_id=visitor.account_id, session_id=checkout, now=visit.now)
    done = {"settled": "paid", "failed": "unpaid", "intended": "unpaid"}.get(state.value, "pending")
    return RedirectResponse(f"/portal?done={done}", 303)


@router.get("/portal/invoices/{entry_id}/contest")
def contest_form(entry_id: Id, request: Request, session: SessionDep, visit: VisitDep) -> HTMLResponse:
    visitor = visit.by(session)
    invoice = own_invoice(session, visitor.account_id, entry_id)
    return shown(
        request,
        visit,
        visitor,
        "portal/contest.html",
        sellers(session)[invoice.entity_id],
        invoice=invoice,
        reasons=[reason.value for reason in Reason],
        given={
            "amount": plain(invoice.open_minor - invoice.disputed_minor, invoice.currency),
            "reason": "",
            "text": "",
        },
        error=None,
    )


@router.post("/portal/invoices/{entry_id}/contest")
def contest(
    entry_id: Id,
    request: Request,
    session: SessionDep,
    visit: VisitDep,
    reason: Annotated[Reason, Form()],
    text: Annotated[LongText, Form()],
    amount: Annotated[str, Form(max_length=30)] = "",
) -> Response:
    """Contest part of an invoice: a person looks into it, and meanwhile nobody asks for that part."""
    visitor = visit.by(session)
    invoice = own_invoice(session, visitor.account_id, entry_id)
    try:
        minor = typed_minor(amount, invoice.currency) if amount.strip() else None
        made = open_dispute(
            session,
            entry_id=entry_id,
            amount_minor=minor,
            reason=reason,
            text=text,
            by=visitor.actor,
            today=visitor.today,
            now=visit.now,
        )
    except DomainError as error:
        return shown(
            request,
            visit,
            visitor,
            "portal/contest.html",
            sellers(session)[invoice.entity_id],
            invoice=invoice,
            reasons=[each.value for each in Reason],
            given={"amount": amount, "reason": reason.value, "text": text},
            error=error,
            status_code=error.status,
        )
    tell_received(session, visit.kernel, made, now=visit.now)
    return RedirectResponse("/portal?done=contested", 303)


@router.get("/portal/invoices/{entry_id}")
def invoice_page(entry_id: Id, request: Request, visit: VisitDep) -> HTMLResponse:
    """The customer's own invoice or credit note, paid or not; the first opening of what was delivered is recorded."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        found = own_document(session, visitor.account_id, entry_id)
        open_items = {row.entry_id: row for each in positions(session, visitor.account_id) for row in each.invoices}
        seller = sellers(session)[found.item.entity_id]
        fresh = unopened(session, visitor.account_id, entry_id)
        has_page = bool(with_page(session, [entry_id]))
    _record_opening(visit, visitor, fresh)
    return shown(
        request,
        visit,
        visitor,
        "portal/document.html",
        seller,
        found=found,
        standing=found.standing(today=visitor.today),
        parts=[open_items[item.entry_id] for item in found.items if item.entry_id in open_items],
        has_page=has_page,
    )


def _record_opening(visit: Visit, visitor: Visitor, delivery_ids: list[int]) -> None:
    """When it was first opened, in a transaction of its own: a page is otherwise only read."""
    if delivery_ids:
        with visit.kernel.database.transaction() as session:
            opened(session, delivery_ids, by=visitor.actor, now=visit.now)


@router.get("/portal/invoices/{entry_id}/documents/{format}")
def document(entry_id: Id, format: FileFormat, visit: VisitDep) -> Response:  # noqa: A002
    """A file of the customer's own invoice or credit note, paid or not."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
        stored = file_of(session, entry_id, format, account_id=visitor.account_id)
        fresh = unopened(session, visitor.account_id, entry_id)
        content = read_file(stored, visit.kernel.settings.files)
        headers = headers_of(stored)
    _record_opening(visit, visitor, fresh)
    return Response(content, headers=headers)


@router.get("/portal/payments/{payment_id}/receipt")
def receipt(payment_id: Id, visit: VisitDep) -> Response:
    """The receipt of the customer's own payment, in the language of the pages."""
    with visit.kernel.database.reading() as session:
        visitor = visit.by(session)
    made = make_receipt(
        visit.kernel, payment_id, account_id=visitor.account_id, language=visitor.language, now=visit.now
    )
    return Response(made.content, headers=download_headers(made.name, "application/pdf"))


@router.post("/portal/language", dependencies=[customer()])
def choose_language(
    kernel: KernelDep,
    language: Annotated[str, Form(max_length=8)],
    next: Annotated[str, Form(max_length=200)] = "/portal",  # noqa: A002
) -> RedirectResponse:
    """Show these pages in another language, on this browser."""
    target = next if next.startswith("/portal") else "/portal"
    response = RedirectResponse(quote(target, safe="/"), 303)
    response.set_cookie(
        language_cookie(kernel.settings),
        kernel.renderer.language(language),
        max_age=365 * 86_400,
        httponly=True,
        secure=kernel.settings.secure,
        samesite="lax",
        path="/",
    )
    return response


@router.post("/portal/leave")
def leave(session: SessionDep, visit: VisitDep) -> HTMLResponse:
    """End the visit on this browser."""
    visitor = visit.by(session)
    kernel = visit.kernel
    response = HTMLResponse(kernel.renderer.page("portal/bye.html", language=visitor.language))
    response.delete_cookie(visit_cookie(kernel.settings), path="/", secure=kernel.settings.secure, httponly=True)
    return response
