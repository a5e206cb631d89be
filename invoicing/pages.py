"""Pages: the list of invoices and one invoice, issued here or imported; and the form that accepts a dispute."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import AfterValidator, Field
from sqlmodel import Session, col

from ar.core.errors import DomainError
from ar.core.i18n import long_day
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import typed_minor
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Once,
    Principal,
    Search,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    idempotent,
    page,
    paged,
    redirect,
    require_version,
)
from ar.core.web.types import several_lines
from ar.customers.accounts import names_of
from ar.customers.entities import entities
from ar.disputes.claim import dispute
from ar.disputes.pages import dispute_page, told_or_not
from ar.ledger.models import OpenItem
from invoicing.credit import credit
from invoicing.credited import Credited, CreditError, LinePart, locked_invoice, of_lines, worded_amount
from invoicing.documents import Detail, Standing, detail, discounts_of, search, standing
from invoicing.einvoice.find import list_files
from invoicing.law.interest import DAY_COUNT
from invoicing.law.late import LateInterest, late_interest
from invoicing.law.rules import LawMissingError
from invoicing.law.table import warning_for
from invoicing.models import InvoiceStage
from invoicing.settle import settle_dispute
from invoicing.terms import parse
from invoicing.terms.words import words
from invoicing.totals import decimal_text, millionths

router = APIRouter(include_in_schema=False)


@router.get("/invoices")
def invoices(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:read")],
    state: Annotated[Search, Query()] = "",
    number: Annotated[Search, Query()] = "",
    due_from: Annotated[Search, Query()] = "",
    due_to: Annotated[Search, Query()] = "",
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    chosen = Standing(state) if state in set(Standing) else None
    query = search(
        today=today,
        account_id=account_id,
        state=chosen,
        due_from=_day(due_from),
        due_to=_day(due_to),
        number=number,
    )
    found = paged(session, query, key=(col(OpenItem.entry_id).desc(),), cursor=cursor, limit=50)
    filters = {"state": chosen or "", "number": number, "due_from": due_from, "due_to": due_to}
    return page(
        request,
        kernel,
        principal,
        "console/invoicing/list.html",
        found=found,
        names=names_of(session, [item.account_id for item in found.items]),
        standings={item.entry_id: standing(item, today=today) for item in found.items},
        today=today,
        filters=filters if account_id is None else filters | {"account_id": account_id},
        may_import=principal.may("import:write"),
    )


def _day(text: str) -> date | None:
    """The day of a form's date field; one that is not filled in, or not a day, filters nothing."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@router.get("/invoices/{invoice_id}")
def invoice(
    invoice_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:read")],
) -> HTMLResponse:
    found = detail(session, invoice_id)
    item, document = found.item, found.document
    state = found.standing(today=today)
    agreed = parse(document.terms) if document and document.terms else None
    language, say = principal.language, kernel.renderer.text
    late, unknown = _late(session, found, today=today) if state is Standing.OVERDUE else (None, None)
    return page(
        request,
        kernel,
        principal,
        "console/invoicing/invoice.html",
        found=found,
        item=item,
        standing=state,
        standings=[standing(one, today=today) for one in found.items],
        terms_words=words(agreed, language=language, say=say) if agreed else "",
        discounts=discounts_of(document),
        warning=warning_for(session, document) if document else None,
        late=late,
        unknown=unknown,
        day_count=DAY_COUNT,
        today=today,
        buyer=names_of(session, [item.account_id])[item.account_id],
        seller=next(one for one in entities(session) if one.id == item.entity_id),
        decimal=decimal_text,
        files=list_files(session, document) if document else (),
        may_make=principal.may("invoices:write"),
        more=_more(found, kernel, language=language),
        adjustments=[one for one in found.adjustments if one.line_position is None],
        creditable_minor=found.creditable_minor,
        may_credit=principal.may("invoices:write") and bool(found.lines) and found.creditable_minor > 0,
    )


def _more(found: Detail, kernel: Kernel, *, language: str) -> list[tuple[str, str]]:
    """What some documents say and others do not, with its name, in `language`."""
    document = found.document
    if document is None:
        return []

    def say(sentence: str) -> str:
        return kernel.renderer.text(sentence, language=language)

    days = [long_day(day, language=language) for day in (document.period_from, document.period_to) if day]
    place = document.deliver_to or {}
    told = (
        (_("Stage"), say(_STAGES[document.stage]) if document.stage in _STAGES else ""),
        (_("Order"), document.order_reference),
        (_("Period"), " – ".join(days)),
        (_("Delivered to"), ", ".join(part for part in place.values() if part)),
    )
    return [(say(name), value) for name, value in told if value]


_STAGES = {InvoiceStage.DEPOSIT: _("Deposit"), InvoiceStage.FINAL: _("Final invoice")}


def _late(session: Session, found: Detail, *, today: date) -> tuple[LateInterest | None, LawMissingError | None]:
    """What the law adds to a late invoice, or what its table lacks to tell it."""
    try:
        return late_interest(session, found, as_of=today), None
    except LawMissingError as error:
        return None, error


@router.post("/invoices/{invoice_id}/credit-notes")
def credit_invoice(
    invoice_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    reason: Annotated[ShortText, Form()],
    once: Annotated[Once, idempotent()],
    quantity: Annotated[list[Annotated[str, Field(max_length=20)]], Form(max_length=1000)] = [],  # noqa: B006
    amount: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Credit quantities of an invoice's lines, an amount, or all of it, and show the credit note."""

    def act() -> Response:
        part = _credited(session, kernel, invoice_id, quantity, amount.strip())
        note = credit(session, invoice_id, reason=reason, part=part, by=principal.actor, today=today, now=now)
        return RedirectResponse(f"/invoices/{note.entry_id}", status_code=303)

    return once(session, act)


def _credited(
    session: Session, kernel: Kernel, invoice_id: int, quantities: Sequence[str], amount: str
) -> Credited | None:
    """What the form asks to credit; None for all of it. Raises CreditError, AmountError."""
    wanted = [(n, text.strip().replace(",", ".")) for n, text in enumerate(quantities, start=1) if text.strip()]
    if wanted and amount:
        raise CreditError("Say either quantities or an amount to credit")
    if amount:
        found = locked_invoice(session, invoice_id)
        return worded_amount(session, kernel, found, typed_minor(amount, found.currency))
    if not wanted:
        return None
    try:
        parts = [LinePart(position, millionths(text)) for position, text in wanted]
    except ValueError as error:
        raise CreditError(f"The invoice was not credited: {error}") from None
    return of_lines(session, locked_invoice(session, invoice_id), parts)


@router.post("/disputes/{dispute_id}/credit")
def accept_dispute(
    dispute_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
    version: Annotated[int, Form(ge=1, le=2**63 - 1)],
    amount: Annotated[str, Form(max_length=40)],
    answer: Annotated[str, Form(max_length=4000), AfterValidator(several_lines)] = "",
) -> Response:
    """Accept all or part of a dispute, from its page; with a fault, the page again with what is wrong."""

    def act() -> Response:
        contested = dispute(session, dispute_id)
        require_version(version, contested.version)
        settled = settle_dispute(
            session,
            kernel,
            dispute_id,
            accepted_minor=typed_minor(amount, contested.currency),
            answer=answer.strip(),
            by=principal.actor,
            today=today,
            now=now,
        )
        return redirect(kernel, principal, f"/disputes/{dispute_id}", done=told_or_not(settled.told))

    try:
        with session.begin_nested():
            return once(session, act)
    except DomainError as error:
        given = {"amount": amount, "answer": answer}
        return dispute_page(request, session, kernel, principal, dispute_id, today=today, given=given, error=error)
