"""What the API takes for an invoice or a credit note."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ar.core.db import MAX_ID
from ar.core.money import MAX_MINOR
from ar.core.web import Day, LongText, ShortText
from invoicing.credited import LinePart
from invoicing.draft import InvoiceDraft, Place
from invoicing.models import SupplyKind, TaxCategory
from invoicing.totals import ONE, Adjustment, Line, basis_points, millionths

Number = Annotated[int, Field(ge=1, le=MAX_ID)]


def _quantity(text: str) -> str:
    millionths(text)
    return text


def _rate(text: str) -> str:
    basis_points(text)
    return text


Quantity = Annotated[str, StringConstraints(max_length=20), AfterValidator(_quantity)]
Rate = Annotated[str, StringConstraints(max_length=8), AfterValidator(_rate)]
Reference = Annotated[ShortText, Field(max_length=60)]

ADJUSTMENT = {"reason": "Trade discount", "percent": "5", "amount_minor": None, "charge": False}
LINE = {
    "description": "Walnut table, oiled",
    "quantity": "2",
    "unit_price": "450.00",
    "tax_category": "S",
    "tax_rate": "20",
}
PLACE = {"name": "Atelier 3", "street": "4 quai Perrache", "postcode": "69002", "city": "Lyon", "country": "FR"}
DRAFT = {
    "entity_id": 1,
    "account_id": 17,
    "lines": [LINE],
    "adjustments": [ADJUSTMENT],
    "terms": "45 days end of month",
    "purchase_order": "PO-8841",
    "buyer_reference": "Atelier 3",
}


def example(given: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [given]})


class AdjustmentIn(BaseModel):
    model_config = example(ADJUSTMENT) | ConfigDict(extra="forbid")

    reason: ShortText
    percent: Rate | None = Field(default=None, description="Of what it adjusts; or give an amount", examples=["5"])
    amount_minor: Annotated[int, Field(gt=0, le=MAX_MINOR)] | None = Field(
        default=None, description="Minor units, before tax; or give a percentage"
    )
    charge: bool = Field(default=False, description="Added as a charge; else taken off as an allowance")

    def adjustment(self) -> Adjustment:
        percent_bp = None if self.percent is None else basis_points(self.percent)
        return Adjustment(self.reason, percent_bp, self.amount_minor, self.charge)


class PriceIn(BaseModel):
    """What every line of an invoice has."""

    model_config = example(LINE) | ConfigDict(extra="forbid")

    description: Annotated[LongText, Field(max_length=1000)]
    quantity: Quantity = Field(description="A decimal; negative to take something off", examples=["2"])
    unit_price: Quantity = Field(description="Before tax, in the invoice's currency", examples=["450.00"])
    tax_category: TaxCategory = Field(default=TaxCategory.STANDARD, description="VAT category of EN 16931")
    tax_rate: Rate = Field(description="In percent; 0 for every category but S", examples=["20"])
    unit: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] = Field(
        default=ONE, description="Code of UN/ECE recommendation 20: C62 one, HUR hour, KGM kilogram", examples=[ONE]
    )
    item_code: Reference | None = Field(default=None, description="The seller's number of the article")
    order_line: Reference | None = Field(default=None, description="The line of the customer's purchase order")
    period_from: Day | None = Field(default=None, description="Of what is billed for a time")
    period_to: Day | None = None
    exemption: Annotated[str, Field(pattern=r"^VATEX-[A-Z0-9-]{1,24}$")] | None = Field(
        default=None, description="VATEX code of why no VAT is charged", examples=["VATEX-EU-132"]
    )
    supply: SupplyKind = SupplyKind.GOODS


class LineIn(PriceIn):
    adjustments: list[AdjustmentIn] = Field(default=[], max_length=20, description="Allowances and charges of the line")

    def line(self) -> Line:
        return Line(
            self.description,
            millionths(self.quantity),
            millionths(self.unit_price),
            self.tax_category,
            basis_points(self.tax_rate),
            adjustments=tuple(one.adjustment() for one in self.adjustments),
            unit=self.unit,
            item_code=self.item_code or "",
            order_line=self.order_line or "",
            period_from=self.period_from,
            period_to=self.period_to,
            exemption=self.exemption or "",
            supply=self.supply,
        )


class PlaceIn(BaseModel):
    model_config = example(PLACE) | ConfigDict(extra="forbid")

    name: ShortText
    street: ShortText | None = None
    postcode: Annotated[ShortText, Field(max_length=20)] | None = None
    city: Annotated[ShortText, Field(max_length=100)] | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(examples=["FR"])

    def place(self) -> Place:
        return Place(self.name, self.country, self.street or "", self.postcode or "", self.city or "")


class InvoiceIn(BaseModel):
    model_config = example(DRAFT) | ConfigDict(extra="forbid")

    entity_id: Number
    account_id: Number
    lines: list[LineIn] = Field(min_length=1, max_length=1000)
    adjustments: list[AdjustmentIn] = Field(
        default=[], max_length=20, description="Of the whole invoice, shared out over its VAT rates"
    )
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
    period_from: Day | None = Field(default=None, description="Of an invoice for a time, such as a month")
    period_to: Day | None = None
    terms: ShortText | None = Field(
        default=None,
        description="net 30 (also when not given), end of month + 45, 45 days end of month, net 30 on the 10th, "
        "cash with order, 2/10 net 30, or instalments: 30% net 0; 70% net 60",
    )
    series: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,8}$")] = Field(default="", description="A sequence of its own")
    buyer_reference: Reference | None = None
    purchase_order: Reference | None = None
    order_reference: Reference | None = Field(default=None, description="The seller's own number of the order")
    deliver_to: PlaceIn | None = Field(default=None, description="Where the goods went, if not to the customer")
    note: Annotated[LongText, Field(max_length=2000)] | None = None

    def draft(self) -> InvoiceDraft:
        return InvoiceDraft(
            entity_id=self.entity_id,
            account_id=self.account_id,
            lines=[line.line() for line in self.lines],
            adjustments=[one.adjustment() for one in self.adjustments],
            currency=self.currency,
            issue_on=self.issue_on,
            due_on=self.due_on,
            supplied_on=self.supplied_on,
            period_from=self.period_from,
            period_to=self.period_to,
            terms=self.terms or "",
            series=self.series,
            buyer_reference=self.buyer_reference or "",
            purchase_order=self.purchase_order or "",
            order_reference=self.order_reference or "",
            deliver_to=self.deliver_to.place() if self.deliver_to else None,
            note=self.note or "",
        )


class LinePartIn(BaseModel):
    model_config = example({"position": 1, "quantity": "1"}) | ConfigDict(extra="forbid")

    position: Annotated[int, Field(ge=1, le=1000)]
    quantity: Quantity | None = Field(default=None, description="All that is left of the line when not given")

    def part(self) -> LinePart:
        return LinePart(self.position, None if self.quantity is None else millionths(self.quantity))


class CreditIn(BaseModel):
    """What to credit: lines of the invoice, an amount, or lines of its own; all of the invoice when none is given."""

    model_config = example(
        {"reason": "one table came damaged", "of_lines": [{"position": 1, "quantity": "1"}]}
    ) | ConfigDict(extra="forbid")

    reason: ShortText
    of_lines: list[LinePartIn] | None = Field(default=None, min_length=1, max_length=1000)
    amount_minor: Annotated[int, Field(gt=0, le=MAX_MINOR)] | None = Field(
        default=None, description="Minor units, tax included; shared out over the invoice's VAT rates"
    )
    lines: list[LineIn] | None = Field(default=None, min_length=1, max_length=1000)
