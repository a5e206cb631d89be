"""JSON: invoices issued, listed, read and credited. An invoice's id is that of its ledger entry."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col

from ar.core.errors import Fault
from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    LongText,
    NowDep,
    Once,
    Page,
    Principal,
    Search,
    SessionDep,
    TodayDep,
    allow,
    idempotent,
    paged,
)
from ar.disputes.api import DISPUTE, DisputeOut
from ar.ledger.models import EntryKind, OpenItem
from invoicing.bodies import CreditIn, InvoiceIn, example
from invoicing.credit import credit
from invoicing.credited import Credited, CreditError, locked_invoice, of_lines, worded_amount
from invoicing.documents import Standing, detail, issued_here, search
from invoicing.issue import issue
from invoicing.models import DocumentKind, Invoice
from invoicing.settle import settle_dispute
from invoicing.shapes import (
    InvoiceDetailOut,
    InvoiceOut,
    detail_out,
    invoice_out,
)

router = APIRouter(prefix="/api/v1", tags=["invoices"])


class AcceptIn(BaseModel):
    model_config = example({"accepted_minor": 54_000, "answer": "One table came damaged."}) | ConfigDict(extra="forbid")

    accepted_minor: Annotated[int, Field(gt=0, le=10**15, description="Minor units; at most what is contested")]
    answer: LongText | None = Field(default=None, description="Sent to the customer")


class AcceptedOut(BaseModel):
    model_config = example(
        {
            "dispute": DISPUTE | {"state": "resolved", "outcome": "accepted", "accepted_minor": 54_000, "version": 2},
            "credit_note_id": 57,
            "credit_note_number": "FR1-CN-2026-000004",
            "adjustment_id": None,
        }
    )

    dispute: DisputeOut
    credit_note_id: int | None = Field(description="None for an imported invoice: its tax is not known here")
    credit_note_number: str | None
    adjustment_id: int | None = Field(description="The ledger entry of what no credit note holds")


def _issued(
    session: Session, kernel: Kernel, document: Invoice, *, principal: Principal, today: date
) -> InvoiceDetailOut:
    assert document.entry_id is not None
    return detail_out(session, kernel, detail(session, document.entry_id), language=principal.language, today=today)


@router.post("/invoices", status_code=201, summary="Issue an invoice", response_model=InvoiceDetailOut)
def post_invoice(
    body: InvoiceIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Issue an invoice: it takes the next number of its series, is owed from now on, and never changes again.

    Terms beyond what the law lets companies agree are issued all the same; `warnings` names the rule.
    """

    def act() -> InvoiceDetailOut:
        issued = issue(session, body.draft(), by=principal.actor, today=today, now=now)
        return _issued(session, kernel, issued, principal=principal, today=today)

    return once(session, act)


@router.get("/invoices", summary="List invoices", dependencies=[allow("invoices:read")])
def get_invoices(
    session: SessionDep,
    today: TodayDep,
    kind: DocumentKind = DocumentKind.INVOICE,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    entity_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this legal entity's")] = None,
    state: Annotated[Standing | None, Query(description="Open takes in overdue")] = None,
    due_from: Annotated[date | None, Query(description="Due on that day or later")] = None,
    due_to: Annotated[date | None, Query(description="Due on that day or earlier")] = None,
    number: Annotated[Search, Query(description="The whole number")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[InvoiceOut]:
    """Invoices, issued here or imported, the last booked first; of one in instalments each that is asked for."""
    query = search(
        today=today,
        kind=EntryKind(kind.value),
        account_id=account_id,
        entity_id=entity_id,
        state=state,
        due_from=due_from,
        due_to=due_to,
        number=number,
    )
    found = paged(session, query, key=(col(OpenItem.entry_id).desc(),), cursor=cursor, limit=limit)
    here = issued_here(session, found.items)
    return found.map(lambda item: invoice_out(item, here=item.entry_id in here, today=today))


@router.get("/invoices/{invoice_id}", summary="Read an invoice")
def get_invoice(
    invoice_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:read")],
    response: Response,
) -> InvoiceDetailOut:
    """One invoice or credit note with its lines; its ETag changes with what is open or contested of it."""
    found = detail(session, invoice_id)
    told = detail_out(session, kernel, found, language=principal.language, today=today)
    parts = (found.open_minor, found.disputed_minor, len(found.credit_notes), told.state.value)
    response.headers["ETag"] = '"' + "-".join(map(str, parts)) + '"'
    return told


@router.post(
    "/invoices/{invoice_id}/credit-notes",
    status_code=201,
    summary="Credit an invoice",
    response_model=InvoiceDetailOut,
)
def post_credit_note(
    invoice_id: Id,
    body: CreditIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Issue a credit note for all or part of an invoice; it settles what is open, the rest stays in credit."""

    def act() -> InvoiceDetailOut:
        part = _credited(session, kernel, invoice_id, body)
        note = credit(session, invoice_id, reason=body.reason, part=part, by=principal.actor, today=today, now=now)
        return _issued(session, kernel, note, principal=principal, today=today)

    return once(session, act)


def _credited(session: Session, kernel: Kernel, invoice_id: int, body: CreditIn) -> Credited | None:
    """What is to be credited; None for all of it. Raises CreditError, ItemNotFoundError."""
    given = [name for name in ("of_lines", "amount_minor", "lines") if getattr(body, name) is not None]
    if len(given) > 1:
        message = "say in one way what to credit: of_lines, amount_minor or lines"
        raise CreditError(message, faults=[Fault(f"/{given[1]}", message)])
    if body.lines is not None:
        return Credited([line.line() for line in body.lines])
    if body.of_lines is not None:
        return of_lines(session, locked_invoice(session, invoice_id), [one.part() for one in body.of_lines])
    if body.amount_minor is not None:
        return worded_amount(session, kernel, locked_invoice(session, invoice_id), body.amount_minor)
    return None


@router.post(
    "/disputes/{dispute_id}/credit",
    status_code=201,
    summary="Accept a dispute and credit it",
    response_model=AcceptedOut,
)
def post_dispute_credit(
    dispute_id: Id,
    body: AcceptIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Accept all or part of what is contested: it is credited on the invoice, and the customer is told."""

    def act() -> AcceptedOut:
        settled = settle_dispute(
            session,
            kernel,
            dispute_id,
            accepted_minor=body.accepted_minor,
            answer=body.answer or "",
            by=principal.actor,
            today=today,
            now=now,
        )
        return AcceptedOut(
            dispute=DisputeOut.model_validate(settled.dispute),
            credit_note_id=settled.credit_note.entry_id if settled.credit_note else None,
            credit_note_number=settled.credit_note.number if settled.credit_note else None,
            adjustment_id=settled.adjustment_id,
        )

    return once(session, act)
