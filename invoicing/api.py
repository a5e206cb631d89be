"""JSON: invoices issued, listed, read and credited. An invoice's id is that of its ledger entry."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col

from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Day,
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
    ShortText,
    TodayDep,
    allow,
    idempotent,
    paged,
)
from ar.customers.accounts import account
from ar.disputes.api import DISPUTE, DisputeOut
from ar.ledger.models import EntryKind, OpenItem
from invoicing.credit import credit
from invoicing.documents import Detail, Standing, detail, issued_here, search, standing
from invoicing.issue import InvoiceDraft, issue
from invoicing.models import DocumentKind, Invoice, TaxCategory
from invoicing.settle import settle_dispute
from invoicing.shapes import (
    INSTALMENT,
    DiscountOut,
    InstalmentOut,
    WarningOut,
    discounts_out,
    instalments_out,
    warnings_out,
)
from invoicing.terms import parse
from invoicing.terms.words import words
from invoicing.totals import Line, basis_points, decimal_text, millionths

router = APIRouter(prefix="/api/v1", tags=["invoices"])

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


def _quantity(text: str) -> str:
    millionths(text)
    return text


def _rate(text: str) -> str:
    basis_points(text)
    return text


Quantity = Annotated[str, StringConstraints(max_length=20), AfterValidator(_quantity)]
Rate = Annotated[str, StringConstraints(max_length=8), AfterValidator(_rate)]
Reference = Annotated[ShortText, Field(max_length=60)]

LINE = {
    "description": "Walnut table, oiled",
    "quantity": "2",
    "unit_price": "450.00",
    "tax_category": "S",
    "tax_rate": "20",
}
DRAFT = {
    "entity_id": 1,
    "account_id": 17,
    "lines": [LINE],
    "terms": "45 days end of month",
    "purchase_order": "PO-8841",
    "buyer_reference": "Atelier 3",
}
INVOICE = {
    "id": 42,
    "kind": "invoice",
    "number": "FR1-2026-000123",
    "entity_id": 1,
    "account_id": 17,
    "state": "open",
    "issue_on": "2026-03-16",
    "due_on": "2026-04-30",
    "currency": "EUR",
    "amount_minor": 108_000,
    "open_minor": 108_000,
    "disputed_minor": 0,
    "issued_here": True,
}
DETAIL = INVOICE | {
    "source": "invoice:9",
    "net_minor": 90_000,
    "tax_minor": 18_000,
    "supplied_on": "2026-03-12",
    "terms": "45 days end of month",
    "terms_words": "45 jours fin de mois",
    "instalments": [INSTALMENT],
    "discounts": [],
    "warnings": [],
    "buyer_reference": "Atelier 3",
    "purchase_order": "PO-8841",
    "note": "",
    "corrects_id": None,
    "lines": [LINE | {"net_minor": 90_000}],
    "taxes": [{"category": "S", "rate": "20", "net_minor": 90_000, "tax_minor": 18_000}],
    "credit_notes": [],
}


def example(given: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [given]})


class LineIn(BaseModel):
    model_config = example(LINE) | ConfigDict(extra="forbid")

    description: Annotated[LongText, Field(max_length=1000)]
    quantity: Quantity = Field(description="A decimal; negative to take something off", examples=["2"])
    unit_price: Quantity = Field(description="Before tax, in the invoice's currency", examples=["450.00"])
    tax_category: TaxCategory = Field(default=TaxCategory.STANDARD, description="VAT category of EN 16931")
    tax_rate: Rate = Field(description="In percent; 0 for every category but S", examples=["20"])

    def line(self) -> Line:
        return Line(
            self.description,
            millionths(self.quantity),
            millionths(self.unit_price),
            self.tax_category,
            basis_points(self.tax_rate),
        )


class InvoiceIn(BaseModel):
    model_config = example(DRAFT) | ConfigDict(extra="forbid")

    entity_id: Number
    account_id: Number
    lines: list[LineIn] = Field(min_length=1, max_length=1000)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="The account's when not given"
    )
    issue_on: date | None = Field(default=None, description="Today when not given")
    due_on: date | None = Field(
        default=None, description="Counted by the terms when not given; not beside instalments or a discount"
    )
    supplied_on: Day | None = Field(
        default=None,
        description="The day of the supply, where it is not the day of issue; sales to another EU country need it",
    )
    terms: ShortText | None = Field(
        default=None,
        description="net 30 (also when not given), end of month + 45, 45 days end of month, net 30 on the 10th, "
        "cash with order, 2/10 net 30, or instalments: 30% net 0; 70% net 60",
    )
    series: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,8}$")] = Field(default="", description="A sequence of its own")
    buyer_reference: Reference | None = None
    purchase_order: Reference | None = None
    note: Annotated[LongText, Field(max_length=2000)] | None = None

    def draft(self) -> InvoiceDraft:
        return InvoiceDraft(
            entity_id=self.entity_id,
            account_id=self.account_id,
            lines=[line.line() for line in self.lines],
            currency=self.currency,
            issue_on=self.issue_on,
            due_on=self.due_on,
            supplied_on=self.supplied_on,
            terms=self.terms or "",
            series=self.series,
            buyer_reference=self.buyer_reference or "",
            purchase_order=self.purchase_order or "",
            note=self.note or "",
        )


class CreditIn(BaseModel):
    model_config = example({"reason": "one table came damaged", "lines": [LINE | {"quantity": "1"}]}) | ConfigDict(
        extra="forbid"
    )

    reason: ShortText
    lines: list[LineIn] | None = Field(
        default=None, min_length=1, max_length=1000, description="What to credit; all of the invoice when not given"
    )


class InvoiceOut(BaseModel):
    model_config = example(INVOICE)

    id: int = Field(description="That of its ledger entry; in a list an invoice in instalments comes once for each")
    kind: EntryKind
    number: str
    entity_id: int
    account_id: int
    state: Standing
    issue_on: date
    due_on: date
    currency: str
    amount_minor: int
    open_minor: int
    disputed_minor: int
    issued_here: bool = Field(description="Whether there is a document with lines; else it was imported")


class LineOut(LineIn):
    model_config = example(LINE | {"net_minor": 90_000})

    net_minor: int


class TaxOut(BaseModel):
    model_config = example({"category": "S", "rate": "20", "net_minor": 90_000, "tax_minor": 18_000})

    category: TaxCategory
    rate: str
    net_minor: int
    tax_minor: int


class CreditNoteOut(BaseModel):
    model_config = example({"id": 57, "number": "FR1-CN-2026-000004", "total_minor": 54_000, "reason": "damaged"})

    id: int | None
    number: str | None
    total_minor: int
    reason: str


class InvoiceDetailOut(InvoiceOut):
    model_config = example(DETAIL)

    source: str
    net_minor: int | None
    tax_minor: int | None
    supplied_on: date | None
    terms: str
    terms_words: str = Field(description="As the invoice prints them, in the customer's language")
    instalments: list[InstalmentOut] = Field(description="What falls due when: one, or several that make the amount")
    discounts: list[DiscountOut] = Field(description="For early payment, the first to end first")
    warnings: list[WarningOut] = Field(description="Where the due date goes beyond the law; it was issued all the same")
    buyer_reference: str
    purchase_order: str
    note: str
    corrects_id: int | None = Field(description="Of a credit note: the invoice that it corrects")
    lines: list[LineOut]
    taxes: list[TaxOut]
    credit_notes: list[CreditNoteOut]


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


def invoice_out(item: OpenItem, *, here: bool, today: date) -> InvoiceOut:
    return InvoiceOut(
        id=item.entry_id,
        kind=item.kind,
        number=item.reference,
        entity_id=item.entity_id,
        account_id=item.account_id,
        state=standing(item, today=today),
        issue_on=item.effective_on,
        due_on=item.due_on,
        currency=item.currency,
        amount_minor=item.amount_minor,
        open_minor=item.open_minor,
        disputed_minor=item.disputed_minor,
        issued_here=here,
    )


def detail_out(session: Session, kernel: Kernel, found: Detail, *, language: str, today: date) -> InvoiceDetailOut:
    """The whole invoice; its terms in the customer's language, warnings in `language`."""
    document = found.document
    agreed = parse(document.terms) if document and document.terms else None
    say = kernel.renderer.text
    whole = invoice_out(found.item, here=document is not None, today=today).model_copy(
        update={
            "number": found.number,
            "state": found.standing(today=today),
            "due_on": found.due_on,
            "amount_minor": found.amount_minor,
            "open_minor": found.open_minor,
            "disputed_minor": found.disputed_minor,
        }
    )
    return InvoiceDetailOut(
        **whole.model_dump(),
        source=found.source,
        net_minor=document.net_minor if document else None,
        tax_minor=document.tax_minor if document else None,
        supplied_on=document.supplied_on if document else None,
        terms=document.terms if document else "",
        terms_words=words(agreed, language=account(session, found.item.account_id).language, say=say) if agreed else "",
        instalments=instalments_out(found, today=today),
        discounts=discounts_out(document),
        warnings=warnings_out(session, document, language=language, say=say),
        buyer_reference=document.buyer_reference if document else "",
        purchase_order=document.purchase_order if document else "",
        note=document.note if document else "",
        corrects_id=document.corrects_entry_id if document else None,
        lines=[
            LineOut(
                description=line.description,
                quantity=decimal_text(line.quantity_millionths, 6),
                unit_price=decimal_text(line.unit_price_millionths, 6),
                tax_category=line.tax_category,
                tax_rate=decimal_text(line.tax_rate_bp, 2),
                net_minor=line.net_minor,
            )
            for line in found.lines
        ],
        taxes=[
            TaxOut(
                category=tax.category,
                rate=decimal_text(tax.rate_bp, 2),
                net_minor=tax.net_minor,
                tax_minor=tax.tax_minor,
            )
            for tax in found.taxes
        ],
        credit_notes=[
            CreditNoteOut(id=note.entry_id, number=note.number, total_minor=note.total_minor, reason=note.note)
            for note in found.credit_notes
        ],
    )


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
    lines = None if body.lines is None else [line.line() for line in body.lines]

    def act() -> InvoiceDetailOut:
        note = credit(session, invoice_id, reason=body.reason, lines=lines, by=principal.actor, today=today, now=now)
        return _issued(session, kernel, note, principal=principal, today=today)

    return once(session, act)


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
