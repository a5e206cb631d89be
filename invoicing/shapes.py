"""How the API tells of invoices: their lines and sums, what terms make of them, and where they go beyond the law."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, Field
from sqlmodel import Session

from ar.core.kernel import Kernel
from ar.customers.accounts import account
from ar.ledger.models import EntryKind, OpenItem
from invoicing.bodies import ADJUSTMENT, LINE, PLACE, PriceIn, example
from invoicing.documents import Detail, Standing, discounts_of, standing
from invoicing.law.table import warning_for
from invoicing.models import Invoice, InvoiceAdjustment, InvoiceLine, InvoiceStage, TaxCategory
from invoicing.terms import parse
from invoicing.terms.words import Say, words
from invoicing.totals import decimal_text

INSTALMENT = {
    "entry_id": 42,
    "reference": "FR1-2026-000123",
    "due_on": "2026-04-30",
    "amount_minor": 108_000,
    "open_minor": 108_000,
    "state": "open",
}
DISCOUNT = {"until": "2026-03-26", "percent": "2", "amount_minor": 2_160}
WARNING = {
    "rule": "Code de commerce L441-10",
    "due_on": "2026-06-14",
    "latest_on": "2026-05-15",
    "message": "Code de commerce L441-10: at most 60 days from the invoice date, or 45 days end of month",
}
DOCUMENT = {"id": 57, "number": "FR1-CN-2026-000004", "issue_on": "2026-03-20", "total_minor": 54_000}
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
    "order_reference": "",
    "note": "",
    "stage": "standard",
    "period_from": None,
    "period_to": None,
    "deliver_to": PLACE,
    "tax_currency": None,
    "tax_accounting_minor": None,
    "corrects_id": None,
    "corrects": None,
    "preceding": [],
    "following": [],
    "lines": [LINE | {"net_minor": 90_000, "adjustments": []}],
    "adjustments": [],
    "taxes": [{"category": "S", "rate": "20", "net_minor": 90_000, "tax_minor": 18_000, "exemption": None}],
    "credit_notes": [],
}


class InstalmentOut(BaseModel):
    model_config = example(INSTALMENT)

    entry_id: int
    reference: str = Field(description="Its number in the ledger")
    due_on: date
    amount_minor: int
    open_minor: int
    state: Standing


class DiscountOut(BaseModel):
    model_config = example(DISCOUNT)

    until: date
    percent: str
    amount_minor: int = Field(description="What may be taken off a payment until that day, tax included")


class WarningOut(BaseModel):
    model_config = example(WARNING)

    rule: str = Field(description="Where the law says so; empty where its table lacks the day")
    due_on: date
    latest_on: date | None = Field(description="The last day that the rule lets be agreed")
    message: str


def instalments_out(found: Detail, *, today: date) -> list[InstalmentOut]:
    """One for each due date, the first one first; an imported invoice has one."""
    return [
        InstalmentOut(
            entry_id=item.entry_id,
            reference=item.reference,
            due_on=item.due_on,
            amount_minor=item.amount_minor,
            open_minor=item.open_minor,
            state=standing(item, today=today),
        )
        for item in found.items
    ]


def discounts_out(document: Invoice | None) -> list[DiscountOut]:
    """The windows of a document's discount; none without a document."""
    return [
        DiscountOut(until=until, percent=decimal_text(percent_bp, 2), amount_minor=minor)
        for until, percent_bp, minor in discounts_of(document)
    ]


def warnings_out(session: Session, document: Invoice | None, *, language: str, say: Say) -> list[WarningOut]:
    """Where a document goes beyond the law, in `language`; at most one rule today."""
    warning = warning_for(session, document) if document else None
    if warning is None:
        return []
    message = say(warning.sentence, language=language, **warning.values)
    return [WarningOut(rule=warning.rule, due_on=warning.due_on, latest_on=warning.latest_on, message=message)]


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


class AdjustmentOut(BaseModel):
    model_config = example(ADJUSTMENT | {"base_minor": 90_000, "amount_minor": 4_500})

    reason: str
    charge: bool = Field(description="Added; else taken off")
    percent: str | None
    base_minor: int = Field(description="What a percentage is of")
    amount_minor: int


class LineOut(PriceIn):
    model_config = example(LINE | {"net_minor": 90_000, "adjustments": []})

    adjustments: list[AdjustmentOut]
    net_minor: int = Field(description="After the line's allowances and charges")


class TaxOut(BaseModel):
    model_config = example({"category": "S", "rate": "20", "net_minor": 90_000, "tax_minor": 18_000, "exemption": None})

    category: TaxCategory
    rate: str
    net_minor: int
    tax_minor: int
    exemption: str | None = Field(description="VATEX code of why no VAT is charged")


class DocumentRefOut(BaseModel):
    model_config = example(DOCUMENT)

    id: int | None
    number: str | None
    issue_on: date
    total_minor: int | None = Field(default=None, description="Of a document issued here")


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
    order_reference: str
    note: str
    stage: InvoiceStage = Field(description="Whether it asks for a deposit, or takes deposits off")
    period_from: date | None
    period_to: date | None
    deliver_to: dict[str, str] | None
    tax_currency: str | None = Field(description="The seller's, where the invoice is in another currency")
    tax_accounting_minor: int | None = Field(description="The tax in minor units of tax_currency")
    corrects_id: int | None = Field(description="Of a credit note: the invoice that it corrects")
    corrects: DocumentRefOut | None
    preceding: list[DocumentRefOut] = Field(description="What it follows, such as the deposits that it takes off")
    following: list[DocumentRefOut] = Field(description="What follows it, such as the final invoice of a deposit")
    lines: list[LineOut]
    adjustments: list[AdjustmentOut] = Field(description="Of the whole document, by VAT category and rate")
    taxes: list[TaxOut]
    credit_notes: list[CreditNoteOut]


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
        **{name: getattr(document, name) if document else empty for name, empty in _AS_STORED.items()},
        source=found.source,
        terms_words=words(agreed, language=account(session, found.item.account_id).language, say=say) if agreed else "",
        instalments=instalments_out(found, today=today),
        discounts=discounts_out(document),
        warnings=warnings_out(session, document, language=language, say=say),
        corrects_id=document.corrects_entry_id if document else None,
        corrects=_corrects(found),
        preceding=[_reference(one) for one in found.preceding],
        following=[_reference(one) for one in found.following],
        lines=[_line(line, found.adjustments) for line in found.lines],
        adjustments=[_adjustment(one) for one in found.adjustments if one.line_position is None],
        taxes=[
            TaxOut(
                category=tax.category,
                rate=decimal_text(tax.rate_bp, 2),
                net_minor=tax.net_minor,
                tax_minor=tax.tax_minor,
                exemption=tax.exemption or None,
            )
            for tax in found.taxes
        ],
        credit_notes=[
            CreditNoteOut(id=note.entry_id, number=note.number, total_minor=note.total_minor, reason=note.note)
            for note in found.credit_notes
        ],
    )


_AS_STORED: dict[str, Any] = {
    "net_minor": None,
    "tax_minor": None,
    "supplied_on": None,
    "terms": "",
    "buyer_reference": "",
    "purchase_order": "",
    "order_reference": "",
    "note": "",
    "stage": InvoiceStage.STANDARD,
    "period_from": None,
    "period_to": None,
    "deliver_to": None,
    "tax_currency": None,
    "tax_accounting_minor": None,
}
"""What is told as the document has it, and of an invoice that was imported."""


def _line(line: InvoiceLine, adjustments: Sequence[InvoiceAdjustment]) -> LineOut:
    return LineOut(
        description=line.description,
        quantity=decimal_text(line.quantity_millionths, 6),
        unit_price=decimal_text(line.unit_price_millionths, 6),
        tax_category=line.tax_category,
        tax_rate=decimal_text(line.tax_rate_bp, 2),
        unit=line.unit,
        item_code=line.item_code or None,
        order_line=line.order_line or None,
        period_from=line.period_from,
        period_to=line.period_to,
        exemption=line.exemption or None,
        supply=line.supply,
        adjustments=[_adjustment(one) for one in adjustments if one.line_position == line.position],
        net_minor=line.net_minor,
    )


def _adjustment(one: InvoiceAdjustment) -> AdjustmentOut:
    return AdjustmentOut(
        reason=one.reason,
        charge=one.charge,
        percent=None if one.percent_bp is None else decimal_text(one.percent_bp, 2),
        base_minor=one.base_minor,
        amount_minor=one.amount_minor,
    )


def _reference(document: Invoice) -> DocumentRefOut:
    return DocumentRefOut(
        id=document.entry_id,
        number=document.number,
        issue_on=document.issue_on,
        total_minor=document.total_minor,
    )


def _corrects(found: Detail) -> DocumentRefOut | None:
    one = found.corrects
    return None if one is None else DocumentRefOut(id=one.entry_id, number=one.number, issue_on=one.issue_on)
