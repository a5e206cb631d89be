"""How the API tells what an invoice's terms make of it: instalments, discounts, and where they go beyond the law."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from invoicing.documents import Detail, Standing, discounts_of, standing
from invoicing.law.table import warning_for
from invoicing.models import Invoice
from invoicing.terms.words import Say
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


def example(given: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [given]})


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
