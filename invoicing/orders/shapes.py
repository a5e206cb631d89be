"""What the API takes for an order, and how it tells of one."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from ar.core.kernel import Kernel
from ar.core.money import MAX_MINOR
from ar.core.web import Day, LongText, ShortText
from ar.credit.decision import Reason
from ar.credit.words import told
from invoicing.bodies import LINE, PLACE, Number, PlaceIn, Quantity, Rate, Reference, example
from invoicing.models import InvoiceState, SupplyKind, TaxCategory
from invoicing.orders.amounts import LineFacts, StageFacts
from invoicing.orders.deliver import Change, Delivered
from invoicing.orders.enter import LineDraft, OrderDraft, StageDraft
from invoicing.orders.find import billed_by, lines_of, site_of, stages_of
from invoicing.orders.models import OrderState, SalesOrder, StageKind
from invoicing.totals import ONE, basis_points, decimal_text, millionths

ORDER_LINE = LINE | {"family": "tables", "discount_percent": "5"}
STAGE = {"kind": "deposit", "label": None, "percent": "30", "amount_minor": None, "due_on": None}
ORDER = {
    "entity_id": 1,
    "account_id": 17,
    "reference": "WEB-10442",
    "lines": [ORDER_LINE],
    "purchase_order": "PO-8841",
    "site": PLACE,
}
REASON = {"code": "within-limit", "message": "The limit is €5,000.00; €0.00 is owed or ordered"}
SUMMARY: dict[str, Any] = {
    "id": 12,
    "entity_id": 1,
    "account_id": 17,
    "reference": "WEB-10442",
    "state": "accepted",
    "currency": "EUR",
    "net_minor": 85_500,
    "tax_minor": 17_100,
    "total_minor": 102_600,
    "unbilled_minor": 102_600,
    "purchase_order": "PO-8841",
    "buyer_reference": "",
    "accepted_on": "2026-03-16",
    "entered_at": "2026-03-16T09:00:00Z",
}
BILLED = {"document_id": 9, "invoice_id": 42, "number": "FR1-2026-000123", "draft": False, "total_minor": 102_600}


class OrderLineIn(BaseModel):
    model_config = example(ORDER_LINE) | ConfigDict(extra="forbid")

    description: Annotated[LongText, Field(max_length=1000)]
    quantity: Quantity = Field(description="A decimal above zero", examples=["2"])
    unit_price: Quantity = Field(description="Before tax and discount", examples=["450.00"])
    discount_percent: Rate | None = Field(default=None, description="Or give an amount", examples=["5"])
    discount_minor: Annotated[int, Field(gt=0, le=MAX_MINOR)] | None = Field(
        default=None, description="Minor units for the whole line, before tax; or give a percentage"
    )
    tax_category: TaxCategory = TaxCategory.STANDARD
    tax_rate: Rate = Field(description="In percent; 0 for every category but S", examples=["20"])
    exemption: Annotated[str, Field(pattern=r"^VATEX-[A-Z0-9-]{1,24}$")] | None = None
    supply: SupplyKind = SupplyKind.GOODS
    unit: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] = Field(default=ONE, examples=[ONE])
    item_code: Reference | None = None
    family: Reference | None = Field(default=None, description="The product family, by which invoices may be grouped")
    purchase_order: Reference | None = Field(default=None, description="The customer's, where it is the line's own")
    order_line: Reference | None = Field(default=None, description="The line of the customer's purchase order")
    wanted_on: Day | None = None

    def draft(self) -> LineDraft:
        return LineDraft(
            description=self.description,
            quantity_millionths=millionths(self.quantity),
            unit_price_millionths=millionths(self.unit_price),
            category=self.tax_category,
            rate_bp=basis_points(self.tax_rate),
            supply=self.supply,
            unit=self.unit,
            discount_bp=None if self.discount_percent is None else basis_points(self.discount_percent),
            discount_minor=self.discount_minor,
            exemption=self.exemption or "",
            item_code=self.item_code or "",
            family=self.family or "",
            purchase_order=self.purchase_order or "",
            order_line=self.order_line or "",
            wanted_on=self.wanted_on,
        )


class StageIn(BaseModel):
    model_config = example(STAGE) | ConfigDict(extra="forbid")

    kind: StageKind
    label: ShortText | None = Field(default=None, description="A milestone's name, which its invoice tells")
    percent: Annotated[str, Field(max_length=8, pattern=r"^\d{1,3}(\.\d{1,2})?$")] | None = Field(
        default=None, description="Of the order before tax; or give an amount", examples=["30"]
    )
    amount_minor: Annotated[int, Field(gt=0, le=MAX_MINOR)] | None = Field(
        default=None, description="Minor units before tax; or give a percentage"
    )
    due_on: Day | None = Field(
        default=None, description="When it is billed; a deposit without a day on acceptance, a milestone when confirmed"
    )

    def draft(self) -> StageDraft:
        share = None if self.percent is None else round_bp(self.percent)
        return StageDraft(self.kind, self.label or "", share, self.amount_minor, self.due_on)


def round_bp(text: str) -> int:
    """Hundredths of a percent of a decimal that may be 100."""
    whole, _, decimals = text.partition(".")
    return int(whole) * 100 + int(decimals.ljust(2, "0"))


class OrderIn(BaseModel):
    model_config = example(ORDER) | ConfigDict(extra="forbid")

    entity_id: Number
    account_id: Number
    reference: Reference = Field(description="Once for each seller: the same order sent again is the same order")
    lines: list[OrderLineIn] = Field(min_length=1, max_length=1000)
    stages: list[StageIn] = Field(
        default=[],
        max_length=60,
        description="Deposits, which the final invoice takes off; or milestones, which make it",
    )
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="The account's when not given"
    )
    terms: ShortText | None = Field(default=None, description="As on an invoice; net 30 when not given")
    purchase_order: Reference | None = None
    buyer_reference: Reference | None = None
    site: PlaceIn | None = Field(default=None, description="Where it is delivered to")
    wanted_on: Day | None = None
    note: Annotated[LongText, Field(max_length=2000)] | None = None

    def draft(self) -> OrderDraft:
        return OrderDraft(
            entity_id=self.entity_id,
            account_id=self.account_id,
            reference=self.reference,
            lines=[line.draft() for line in self.lines],
            currency=self.currency,
            terms=self.terms or "",
            purchase_order=self.purchase_order or "",
            buyer_reference=self.buyer_reference or "",
            site=self.site.place() if self.site else None,
            wanted_on=self.wanted_on,
            note=self.note or "",
            stages=[stage.draft() for stage in self.stages],
        )


class DeliveredIn(BaseModel):
    model_config = example({"position": 1, "quantity": "1"}) | ConfigDict(extra="forbid")

    position: Annotated[int, Field(ge=1, le=1000)]
    quantity: Quantity | None = Field(default=None, description="All that is missing when not given", examples=["1"])


class DeliverIn(BaseModel):
    model_config = example({"delivered_on": "2026-03-18", "lines": [{"position": 1, "quantity": "1"}]}) | ConfigDict(
        extra="forbid"
    )

    delivered_on: Day | None = Field(default=None, description="Today when not given")
    lines: list[DeliveredIn] = Field(default=[], max_length=1000, description="All that is missing when empty")

    def parts(self) -> list[Delivered]:
        return [
            Delivered(one.position, None if one.quantity is None else millionths(one.quantity)) for one in self.lines
        ]


class ConfirmIn(BaseModel):
    model_config = example({"position": 2, "confirmed_on": "2026-04-30"}) | ConfigDict(extra="forbid")

    position: Annotated[int, Field(ge=1, le=1000)] = Field(description="Of the milestone")
    confirmed_on: Day | None = Field(default=None, description="Today when not given")


class LineReferenceIn(BaseModel):
    model_config = example({"position": 1, "purchase_order": "PO-8842"}) | ConfigDict(extra="forbid")

    position: Annotated[int, Field(ge=1, le=1000)]
    purchase_order: Annotated[str, Field(max_length=60)]


class ChangeIn(BaseModel):
    """References to mend; what is not sent stays as it is."""

    model_config = example({"purchase_order": "PO-8842"}) | ConfigDict(extra="forbid")

    purchase_order: Reference | None = None
    buyer_reference: Reference | None = None
    site: PlaceIn | None = None
    lines: list[LineReferenceIn] = Field(default=[], max_length=1000)

    def change(self) -> Change:
        return Change(
            self.purchase_order,
            self.buyer_reference,
            self.site.place() if self.site else None,
            {one.position: one.purchase_order.strip() for one in self.lines},
        )


class OverrideIn(BaseModel):
    model_config = example({"reason": "The parent company guarantees it by letter of 12 March."}) | ConfigDict(
        extra="forbid"
    )

    reason: LongText = Field(description="A sentence that auditors can read")


class CancelIn(BaseModel):
    model_config = example({"reason": "The customer changed its mind."}) | ConfigDict(extra="forbid")

    reason: ShortText


class ReasonOut(BaseModel):
    model_config = example(REASON)

    code: str
    message: str


class OrderOut(BaseModel):
    model_config = example(SUMMARY) | ConfigDict(from_attributes=True)

    id: int
    entity_id: int
    account_id: int
    reference: str
    state: OrderState
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    unbilled_minor: int = Field(description="Still to be billed, tax included")
    purchase_order: str
    buyer_reference: str
    accepted_on: date | None
    entered_at: datetime


class OrderLineOut(BaseModel):
    model_config = example(
        {
            "position": 1,
            "description": "Walnut table, oiled",
            "item_code": "",
            "family": "tables",
            "quantity": "2",
            "delivered": "1",
            "delivered_on": "2026-03-18",
            "billed": "1",
            "unit": "C62",
            "unit_price": "450",
            "discount_percent": "5",
            "discount_minor": None,
            "tax_category": "S",
            "tax_rate": "20",
            "purchase_order": "",
        }
    )

    position: int
    description: str
    item_code: str
    family: str
    quantity: str
    delivered: str
    delivered_on: date | None
    billed: str
    unit: str
    unit_price: str
    discount_percent: str | None
    discount_minor: int | None = Field(description="What no invoice has taken off yet")
    tax_category: TaxCategory
    tax_rate: str
    purchase_order: str


class StageOut(BaseModel):
    model_config = example(
        {"position": 1, "kind": "deposit", "label": "", "net_minor": 25_650, "ready_on": "2026-03-16", "document_id": 9}
    )

    position: int
    kind: StageKind
    label: str
    net_minor: int
    ready_on: date | None = Field(description="None for a milestone that is still to be confirmed")
    document_id: int | None = Field(description="The invoice or draft that bills it")


class BilledOut(BaseModel):
    model_config = example(BILLED)

    document_id: int
    invoice_id: int | None = Field(description="None for a draft")
    number: str | None
    draft: bool
    total_minor: int


class OrderDetailOut(OrderOut):
    model_config = example(
        SUMMARY
        | {
            "terms": "",
            "site": PLACE,
            "note": "",
            "credit": [REASON],
            "override_reason": None,
            "billing_held": [],
            "cancelled_for": None,
            "lines": [
                {
                    "position": 1,
                    "description": "Walnut table, oiled",
                    "item_code": "",
                    "family": "tables",
                    "quantity": "2",
                    "delivered": "0",
                    "delivered_on": None,
                    "billed": "0",
                    "unit": "C62",
                    "unit_price": "450",
                    "discount_percent": "5",
                    "discount_minor": None,
                    "tax_category": "S",
                    "tax_rate": "20",
                    "purchase_order": "",
                }
            ],
            "stages": [],
            "billed_by": [BILLED],
        }
    )

    terms: str
    site: PlaceIn | None
    note: str
    credit: list[ReasonOut] = Field(description="What credit said when it was asked last")
    override_reason: str | None = Field(description="Why it was let through although credit refused it")
    billing_held: list[ReasonOut] = Field(description="Why it is not billed, and how to mend that")
    cancelled_for: str | None
    lines: list[OrderLineOut]
    stages: list[StageOut]
    billed_by: list[BilledOut]


def reasons_told(kernel: Kernel, kept: Sequence[Mapping[str, Any]], *, language: str) -> list[ReasonOut]:
    """Reasons that were kept as data, in `language`."""
    found = [Reason(one["code"], one["words"], one["data"]) for one in kept]
    return [ReasonOut(code=one.code, message=told(kernel.renderer, one, language=language)) for one in found]


def order_out(found: SalesOrder) -> OrderOut:
    return OrderOut.model_validate(found)


def order_detail_out(
    session: Session, kernel: Kernel, found: SalesOrder, held: Sequence[Mapping[str, Any]], *, language: str
) -> OrderDetailOut:
    """The order whole; `held` are the reasons why it is not billed, as they are kept."""
    assert found.id is not None
    site = site_of(found)
    place = None
    if site is not None:
        place = PlaceIn(
            name=site.name,
            street=site.street or None,
            postcode=site.postcode or None,
            city=site.city or None,
            country=site.country,
        )
    return OrderDetailOut(
        **order_out(found).model_dump(),
        terms=found.terms,
        site=place,
        note=found.note,
        credit=reasons_told(kernel, found.credit_reasons, language=language),
        override_reason=found.override_reason,
        billing_held=reasons_told(kernel, held, language=language),
        cancelled_for=found.cancelled_for,
        lines=[_line(line) for line in lines_of(session, [found.id])[found.id]],
        stages=[_stage(one) for one in stages_of(session, [(found.id, found.accepted_on)]).get(found.id, [])],
        billed_by=[
            BilledOut(
                document_id=one.document.id or 0,
                invoice_id=one.document.entry_id,
                number=one.document.number,
                draft=one.document.state is InvoiceState.DRAFT,
                total_minor=one.document.total_minor,
            )
            for one in billed_by(session, found.id)
        ],
    )


def _line(line: LineFacts) -> OrderLineOut:
    return OrderLineOut(
        position=line.position,
        description=line.description,
        item_code=line.item_code,
        family=line.family,
        quantity=decimal_text(line.quantity, 6),
        delivered=decimal_text(line.delivered, 6),
        delivered_on=line.delivered_on,
        billed=decimal_text(line.billed, 6),
        unit=line.unit,
        unit_price=decimal_text(line.unit_price, 6),
        discount_percent=None if line.discount_bp is None else decimal_text(line.discount_bp, 2),
        discount_minor=line.discount_left_minor,
        tax_category=line.category,
        tax_rate=decimal_text(line.rate_bp, 2),
        purchase_order=line.purchase_order,
    )


def _stage(stage: StageFacts) -> StageOut:
    return StageOut(
        position=stage.position,
        kind=stage.kind,
        label=stage.label,
        net_minor=stage.net_minor,
        ready_on=stage.ready_on,
        document_id=stage.invoice_id,
    )
