"""What the API takes for billing rules, plans and drafts, and how it tells of them and of runs."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ar.core.money import MAX_MINOR
from ar.core.web import Day, LongText, ShortText
from invoicing.billing.drafts import DraftDetail
from invoicing.billing.facts import Rule
from invoicing.billing.models import (
    Alignment,
    Basis,
    BillingPlan,
    BillingRule,
    BillingRun,
    Cadence,
    Every,
    Grouping,
)
from invoicing.billing.plans import PlanDetail, PlanDraft, PlanLineDraft
from invoicing.bodies import LINE, Number, Quantity, Rate, Reference, example
from invoicing.models import Invoice, InvoiceStage, SupplyKind, TaxCategory
from invoicing.orders.shapes import REASON, ReasonOut
from invoicing.totals import ONE, basis_points, decimal_text, millionths

RULE: dict[str, Any] = {
    "account_id": 17,
    "entity_id": None,
    "grouping": "month",
    "consolidated": True,
    "basis": "delivery",
    "cadence": "month_end",
    "month_day": None,
    "needs_purchase_order": True,
    "needs_buyer_reference": False,
    "needs_site": False,
    "minimum_minor": 0,
    "approval": False,
}
PLAN: dict[str, Any] = {
    "entity_id": 1,
    "account_id": 17,
    "reference": "SUB-2041",
    "every": "month",
    "starts_on": "2026-03-10",
    "lines": [LINE | {"description": "Hosting"}],
}
PLAN_OUT: dict[str, Any] = {
    "id": 3,
    "entity_id": 1,
    "account_id": 17,
    "reference": "SUB-2041",
    "every": "month",
    "alignment": "calendar",
    "in_advance": True,
    "starts_on": "2026-03-10",
    "ends_on": None,
    "next_on": "2026-04-01",
    "currency": "EUR",
    "terms": "",
    "purchase_order": "",
    "buyer_reference": "",
}
PERIOD: dict[str, Any] = {
    "period_from": "2026-03-10",
    "period_to": "2026-03-31",
    "document_id": 9,
    "number": "FR1-2026-000123",
    "total_minor": 76_645,
}
RUN: dict[str, Any] = {
    "id": 8,
    "started_at": "2026-03-31T18:00:00Z",
    "started_by": "system",
    "finished_at": "2026-03-31T18:00:04Z",
    "issued": 120,
    "drafted": 4,
    "held": 1,
    "waiting": 2,
    "parked": 0,
}
DRAFT_OUT: dict[str, Any] = {
    "id": 9,
    "entity_id": 1,
    "account_id": 17,
    "stage": "standard",
    "issue_on": "2026-03-16",
    "currency": "EUR",
    "net_minor": 85_500,
    "tax_minor": 17_100,
    "total_minor": 102_600,
    "purchase_order": "PO-8841",
    "order_reference": "WEB-10442",
    "created_by": "system",
    "approved_by": None,
}


class RuleIn(BaseModel):
    model_config = example(RULE) | ConfigDict(extra="forbid")

    account_id: Number
    entity_id: Number | None = Field(default=None, description="For one seller alone; for all when not given")
    grouping: Grouping = Field(default=Grouping.ORDER, description="What goes on one invoice")
    consolidated: bool = Field(default=True, description="Several orders on one invoice; else each order apart")
    basis: Basis = Field(default=Basis.DELIVERY, description="What makes a line billable")
    cadence: Cadence = Field(default=Cadence.AT_ONCE, description="When what is billable is billed")
    month_day: Annotated[int, Field(ge=1, le=31)] | None = Field(
        default=None, description="Of `month_day`; the last day of a shorter month"
    )
    needs_purchase_order: bool = False
    needs_buyer_reference: bool = False
    needs_site: bool = False
    minimum_minor: Annotated[int, Field(ge=0, le=MAX_MINOR)] = Field(
        default=0, description="Before tax, in the account's currency: an invoice of less waits for more"
    )
    approval: bool = Field(default=False, description="A draft to approve, instead of an invoice issued at once")

    def rule(self) -> Rule:
        return Rule(**self.model_dump(exclude={"account_id", "entity_id"}))


class RuleOut(RuleIn):
    model_config = example(RULE | {"changed_at": "2026-03-16T09:00:00Z", "changed_by": "user:1"}) | ConfigDict(
        from_attributes=True, extra="ignore"
    )

    changed_at: datetime
    changed_by: str


class PlanLineIn(BaseModel):
    model_config = example(LINE | {"description": "Hosting"}) | ConfigDict(extra="forbid")

    description: Annotated[LongText, Field(max_length=1000)]
    quantity: Quantity = Field(examples=["2"])
    unit_price: Quantity = Field(description="Before tax, for a whole period", examples=["450.00"])
    tax_category: TaxCategory = TaxCategory.STANDARD
    tax_rate: Rate = Field(examples=["20"])
    exemption: Annotated[str, Field(pattern=r"^VATEX-[A-Z0-9-]{1,24}$")] | None = None
    supply: SupplyKind = SupplyKind.SERVICES
    unit: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] = Field(default=ONE, examples=[ONE])
    item_code: Reference | None = None

    def draft(self) -> PlanLineDraft:
        return PlanLineDraft(
            description=self.description,
            quantity_millionths=millionths(self.quantity),
            unit_price_millionths=millionths(self.unit_price),
            category=self.tax_category,
            rate_bp=basis_points(self.tax_rate),
            supply=self.supply,
            unit=self.unit,
            item_code=self.item_code or "",
            exemption=self.exemption or "",
        )


class PlanIn(BaseModel):
    model_config = example(PLAN) | ConfigDict(extra="forbid")

    entity_id: Number
    account_id: Number
    reference: Reference = Field(description="Once for each seller")
    lines: list[PlanLineIn] = Field(min_length=1, max_length=100)
    every: Every
    starts_on: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31))] = Field(examples=["2026-03-10"])
    ends_on: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2150, 12, 31))] | None = Field(
        default=None, description="The last day; without end when not given"
    )
    in_advance: bool = Field(default=True, description="Billed on a period's first day; else on its last")
    alignment: Alignment = Field(
        default=Alignment.CALENDAR,
        description="Periods by the calendar, a first part billed by days; or from the day of the start",
    )
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    terms: ShortText | None = None
    purchase_order: Reference | None = None
    buyer_reference: Reference | None = None
    note: Annotated[LongText, Field(max_length=2000)] | None = None

    def draft(self) -> PlanDraft:
        return PlanDraft(
            entity_id=self.entity_id,
            account_id=self.account_id,
            reference=self.reference,
            lines=[line.draft() for line in self.lines],
            every=self.every,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            in_advance=self.in_advance,
            alignment=self.alignment,
            currency=self.currency,
            terms=self.terms or "",
            purchase_order=self.purchase_order or "",
            buyer_reference=self.buyer_reference or "",
            note=self.note or "",
        )


class PlanChangeIn(BaseModel):
    """References of the invoices to come; what is not sent stays as it is."""

    model_config = example({"purchase_order": "PO-9001"}) | ConfigDict(extra="forbid")

    purchase_order: Reference | None = None
    buyer_reference: Reference | None = None


class EndIn(BaseModel):
    model_config = example({"ends_on": "2026-12-31"}) | ConfigDict(extra="forbid")

    ends_on: Day


class PriceChangeIn(BaseModel):
    model_config = example({"position": 1, "unit_price": "480.00", "valid_from": "2026-07-01"}) | ConfigDict(
        extra="forbid"
    )

    position: Annotated[int, Field(ge=1, le=100)]
    unit_price: Quantity = Field(examples=["480.00"])
    valid_from: Day = Field(description="The first day at this price; a period that it cuts is billed by days")


class PlanOut(BaseModel):
    model_config = example(PLAN_OUT) | ConfigDict(from_attributes=True)

    id: int
    entity_id: int
    account_id: int
    reference: str
    every: Every
    alignment: Alignment
    in_advance: bool
    starts_on: date
    ends_on: date | None
    next_on: date | None = Field(description="The day of the next invoice; None when all is billed")
    currency: str
    terms: str
    purchase_order: str
    buyer_reference: str


class PriceOut(BaseModel):
    model_config = example({"valid_from": "2026-03-10", "unit_price": "450"})

    valid_from: date
    unit_price: str


class PlanLineOut(BaseModel):
    model_config = example(
        {
            "position": 1,
            "description": "Hosting",
            "quantity": "2",
            "unit": "C62",
            "tax_category": "S",
            "tax_rate": "20",
            "prices": [{"valid_from": "2026-03-10", "unit_price": "450"}],
        }
    )

    position: int
    description: str
    quantity: str
    unit: str
    tax_category: TaxCategory
    tax_rate: str
    prices: list[PriceOut]


class PeriodOut(BaseModel):
    model_config = example(PERIOD)

    period_from: date
    period_to: date
    document_id: int
    number: str | None = Field(description="None for a draft")
    total_minor: int


class PlanDetailOut(PlanOut):
    model_config = example(PLAN_OUT | {"lines": [], "periods": [PERIOD], "billing_held": []})

    lines: list[PlanLineOut]
    periods: list[PeriodOut] = Field(description="What is billed, the last one first")
    billing_held: list[ReasonOut]


class RunOut(BaseModel):
    model_config = example(RUN) | ConfigDict(from_attributes=True)

    id: int
    started_at: datetime
    started_by: str
    finished_at: datetime | None = Field(description="None as long as it has not ended")
    issued: int
    drafted: int
    held: int = Field(description="Orders and plans that could not be billed as they are")
    waiting: int = Field(description="Lines that wait for their day, or for the least amount")
    parked: int = Field(description="Customers whose billing failed")


class HoldOut(BaseModel):
    model_config = example(
        {"subject": "order:12", "account_id": 17, "reasons": [REASON], "held_at": "2026-03-31T18:00:04Z"}
    )

    subject: str
    account_id: int
    reasons: list[ReasonOut]
    held_at: datetime


class DraftOut(BaseModel):
    model_config = example(DRAFT_OUT | {"needs_approval": True}) | ConfigDict(from_attributes=True)

    id: int = Field(description="The document's id: a draft has no ledger entry yet")
    entity_id: int
    account_id: int
    stage: InvoiceStage
    issue_on: date
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    purchase_order: str
    order_reference: str
    created_by: str
    approved_by: str | None
    needs_approval: bool = Field(default=False, description="The customer's rule wants an approval, and it has none")


class DraftLineOut(BaseModel):
    model_config = example(LINE | {"net_minor": 90_000})

    description: str
    quantity: str
    unit_price: str
    tax_category: TaxCategory
    tax_rate: str
    net_minor: int


class DraftDetailOut(DraftOut):
    model_config = example(
        DRAFT_OUT | {"needs_approval": True, "lines": [LINE | {"net_minor": 90_000}], "order_ids": [12]}
    )

    lines: list[DraftLineOut]
    order_ids: list[int]


class DraftsIn(BaseModel):
    model_config = example({"ids": [9, 10]}) | ConfigDict(extra="forbid")

    ids: list[Number] = Field(min_length=1, max_length=500)

    def distinct(self) -> list[int]:
        return list(dict.fromkeys(self.ids))


class DiscardIn(BaseModel):
    model_config = example({"reason": "The price is last year's."}) | ConfigDict(extra="forbid")

    reason: ShortText


class IssuedOut(BaseModel):
    model_config = example({"id": 9, "invoice_id": 42, "number": "FR1-2026-000123"})

    id: int
    invoice_id: int
    number: str


def rule_out(row: BillingRule) -> RuleOut:
    return RuleOut.model_validate(row)


def run_out(row: BillingRun) -> RunOut:
    return RunOut.model_validate(row)


def plan_out(row: BillingPlan) -> PlanOut:
    return PlanOut.model_validate(row)


def plan_detail_out(found: PlanDetail, held: list[ReasonOut]) -> PlanDetailOut:
    return PlanDetailOut(
        **plan_out(found.plan).model_dump(),
        lines=[
            PlanLineOut(
                position=line.position,
                description=line.description,
                quantity=decimal_text(line.quantity_millionths, 6),
                unit=line.unit,
                tax_category=line.tax_category,
                tax_rate=decimal_text(line.tax_rate_bp, 2),
                prices=[
                    PriceOut(valid_from=one.valid_from, unit_price=decimal_text(one.unit_price_millionths, 6))
                    for one in found.prices[line.id or 0]
                ],
            )
            for line in found.lines
        ],
        periods=[
            PeriodOut(
                period_from=period.period_from,
                period_to=period.period_to,
                document_id=period.invoice_id,
                number=document.number,
                total_minor=document.total_minor,
            )
            for period, document in found.periods
        ],
        billing_held=held,
    )


def draft_out(document: Invoice, unapproved: set[int]) -> DraftOut:
    told = DraftOut.model_validate(document)
    return told.model_copy(update={"needs_approval": document.id in unapproved})


def draft_detail_out(found: DraftDetail) -> DraftDetailOut:
    assert found.document.id is not None
    waiting = {found.document.id} if found.needs_approval else set()
    return DraftDetailOut(
        **draft_out(found.document, waiting).model_dump(),
        lines=[
            DraftLineOut(
                description=line.description,
                quantity=decimal_text(line.quantity_millionths, 6),
                unit_price=decimal_text(line.unit_price_millionths, 6),
                tax_category=line.tax_category,
                tax_rate=decimal_text(line.tax_rate_bp, 2),
                net_minor=line.net_minor,
            )
            for line in found.lines
        ],
        order_ids=[one.id for one in found.orders if one.id is not None],
    )
