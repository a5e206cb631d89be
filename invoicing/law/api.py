"""JSON: the law of late payment, what it adds to a late invoice, and the rates agreed with customers instead."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col, select

from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    idempotent,
    paged,
)
from ar.customers.accounts import account
from invoicing.documents import detail
from invoicing.law.contract import RateDraft, agree_rate, floor_warnings, percent_text, rates_of
from invoicing.law.interest import DAY_COUNT
from invoicing.law.late import LateInterest, late_interest
from invoicing.law.models import ContractRate
from invoicing.law.table import LawDraft, add_law, value_text
from invoicing.models import LateLaw, LawKind

router = APIRouter(prefix="/api/v1", tags=["late payment"])

LAW: dict[str, Any] = {
    "jurisdiction": "FR",
    "kind": "interest",
    "value": "12.15",
    "currency": None,
    "valid_from": "2026-01-01",
    "valid_to": "2026-06-30",
    "source": "Code de commerce L441-10: ECB rate 2.15 % + 10 points",
}
SEGMENT: dict[str, Any] = {
    "entry_id": 42,
    "reference": "FR1-2026-000123",
    "due_on": "2026-04-30",
    "from_on": "2026-05-01",
    "to_on": "2026-05-31",
    "days": 31,
    "balance_minor": 108_000,
    "percent": "12.15",
    "interest_minor": 1_114,
    "source": "Code de commerce L441-10: ECB rate 2.15 % + 10 points",
}


RATE: dict[str, Any] = {"percent": "5", "valid_from": "2026-05-01", "source": "Framework contract, article 7"}
FLOOR: dict[str, Any] = {
    "country": "FR",
    "floor_percent": "7.86",
    "message": "Code de commerce L441-10, II: three times the legal rate: a contract agrees on at least 7.86 % a year; "
    "5 % is agreed",
}
LATE: dict[str, Any] = {
    "invoice_id": 42,
    "applies": True,
    "as_of": "2026-05-31",
    "currency": "EUR",
    "day_count": DAY_COUNT,
    "interest_minor": 1_114,
    "fixed_minor": 4_000,
    "fixed_currency": "EUR",
    "fixed_source": "Code de commerce D441-5",
    "total_minor": 5_114,
    "segments": [SEGMENT],
}


def example(given: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [given]})


class LawIn(BaseModel):
    model_config = example(LAW) | ConfigDict(extra="forbid")

    jurisdiction: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(description="A country, or EU")
    kind: LawKind
    value: Annotated[str, StringConstraints(max_length=13)] = Field(
        description="A decimal: percent a year, days, or an amount of `currency`"
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="Of a fixed compensation alone"
    )
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="The last day; a rate needs one")
    source: ShortText = Field(description="Where the law says so")

    def draft(self) -> LawDraft:
        return LawDraft(
            jurisdiction=self.jurisdiction,
            kind=self.kind,
            value=self.value,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            source=self.source,
            currency=self.currency,
        )


class LawOut(BaseModel):
    model_config = example(LAW | {"id": 4, "entered_by": "user:1"})

    id: int | None
    jurisdiction: str
    kind: LawKind
    value: str
    currency: str | None
    valid_from: date
    valid_to: date | None
    source: str
    entered_by: str


class SegmentOut(BaseModel):
    model_config = example(SEGMENT)

    entry_id: int
    reference: str
    due_on: date
    from_on: date
    to_on: date = Field(description="Included")
    days: int
    balance_minor: int = Field(description="What was open on each of these days")
    percent: str = Field(description="A year")
    interest_minor: int = Field(description="Rounded half up, once for the segment")
    source: str


class LateInterestOut(BaseModel):
    model_config = example(LATE)

    invoice_id: int
    applies: bool = Field(description="False for a consumer, to whom the law between professionals gives nothing")
    as_of: date
    currency: str
    day_count: str = Field(description="Actual days over 365, also in leap years")
    interest_minor: int
    fixed_minor: int = Field(description="Once for the invoice, between professionals; 0 when nothing was late")
    fixed_currency: str | None
    fixed_source: str
    total_minor: int | None = Field(description="None where the fixed sum is in another currency")
    segments: list[SegmentOut]


class ContractRateIn(BaseModel):
    model_config = example(RATE) | ConfigDict(extra="forbid")

    percent: Annotated[str, StringConstraints(max_length=8)] | None = Field(
        description="A decimal, percent a year; null gives the law's own rate back"
    )
    valid_from: Day
    source: ShortText = Field(description="Where it is agreed")


class FloorOut(BaseModel):
    model_config = example(FLOOR)

    country: str = Field(description="Of the seller whose law says so")
    floor_percent: str | None = Field(description="The least that may be agreed; null where the table does not tell")
    message: str


class ContractRateOut(BaseModel):
    model_config = example(RATE | {"id": 3, "account_id": 17, "entered_by": "user:2", "warnings": [FLOOR]})

    id: int
    account_id: int
    percent: str | None
    valid_from: date
    source: str
    entered_by: str
    warnings: list[FloorOut] = Field(description="Where it was below what the law lets be agreed, on its first day")


def rate_out(session: Session, row: ContractRate, *, say: Callable[..., str]) -> ContractRateOut:
    found = [] if row.percent is None else floor_warnings(session, row.percent, on=row.valid_from)
    return ContractRateOut(
        **row.model_dump(exclude={"percent", "entered_at"}),
        percent=None if row.percent is None else value_text(row.percent),
        warnings=[
            FloorOut(
                country=one.country,
                floor_percent=None if one.floor_percent is None else percent_text(one.floor_percent),
                message=say(one.sentence, **one.values),
            )
            for one in found
        ],
    )


def law_out(row: LateLaw) -> LawOut:
    return LawOut(**row.model_dump(exclude={"value", "entered_at"}), value=value_text(row.value))


def late_out(invoice_id: int, late: LateInterest) -> LateInterestOut:
    return LateInterestOut(
        invoice_id=invoice_id,
        applies=late.applies,
        as_of=late.as_of,
        currency=late.currency,
        day_count=DAY_COUNT,
        interest_minor=late.interest_minor,
        fixed_minor=late.fixed.minor if late.fixed else 0,
        fixed_currency=late.fixed.currency if late.fixed else None,
        fixed_source=late.fixed_source,
        total_minor=late.total_minor,
        segments=[
            SegmentOut(
                entry_id=part.entry_id,
                reference=part.reference,
                due_on=part.due_on,
                from_on=part.segment.first,
                to_on=part.segment.last,
                days=part.segment.days,
                balance_minor=part.segment.balance_minor,
                percent=value_text(part.segment.percent),
                interest_minor=part.segment.interest_minor,
                source=part.segment.source,
            )
            for part in late.parts
        ],
    )


@router.get("/late-payment-law", summary="List the law of late payment", dependencies=[allow("law:read")])
def get_law(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[LawOut]:
    """Rates, longest terms and fixed sums by jurisdiction and period, the last entered first."""
    found = paged(session, select(LateLaw), key=[col(LateLaw.id).desc()], cursor=cursor, limit=limit)
    return found.map(law_out)


@router.post("/late-payment-law", status_code=201, summary="Add to the law of late payment", response_model=LawOut)
def post_law(
    body: LawIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("law:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Add a figure. Rows never change: on a day the one that begins last holds, of equals the last entered."""
    return once(session, lambda: law_out(add_law(session, body.draft(), by=principal.actor, now=now)))


@router.get(
    "/invoices/{invoice_id}/late-interest",
    summary="Reckon the interest on a late invoice",
    dependencies=[allow("invoices:read")],
)
def get_late_interest(
    invoice_id: Id,
    session: SessionDep,
    today: TodayDep,
    as_of: Annotated[Day | None, Query(description="The day, included; today when not given")] = None,
) -> LateInterestOut:
    """Statutory interest and fixed sum of an invoice, by stretches of one balance and one rate; nothing is booked."""
    found = detail(session, invoice_id)
    return late_out(found.item.entry_id, late_interest(session, found, as_of=as_of or today))


@router.get("/accounts/{account_id}/contract-rates", summary="List the interest agreed with a customer")
def get_rates(
    account_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("credit:read")],
) -> list[ContractRateOut]:
    """The rates of late interest agreed with a customer, the last entered first."""
    account(session, account_id)
    say = partial(kernel.renderer.text, language=principal.language)
    return [rate_out(session, row, say=say) for row in rates_of(session, account_id)]


@router.post(
    "/accounts/{account_id}/contract-rates",
    status_code=201,
    summary="Enter the interest agreed with a customer",
    response_model=ContractRateOut,
)
def post_rate(
    account_id: Id,
    body: ContractRateIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Enter a rate, in force from its first day. Rows stay; one below the law's floor is taken and warned of."""
    draft = RateDraft(account_id, body.percent, body.valid_from, body.source)
    say = partial(kernel.renderer.text, language=principal.language)
    return once(session, lambda: rate_out(session, agree_rate(session, draft, by=principal.actor, now=now), say=say))
