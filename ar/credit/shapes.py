"""What the API of credit takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ar.core.money import MAX_MINOR
from ar.core.render import Renderer
from ar.core.web import Day, Number, example
from ar.core.web.types import several_lines
from ar.credit.decision import CreditAnswer, Held, Reason
from ar.credit.limits import LimitDraft
from ar.credit.models import CreditLimit, CreditOverride, HoldReason, WithoutLimit
from ar.credit.rules import RuleDraft
from ar.credit.words import kept_reasons, told

LIMIT: dict[str, Any] = {
    "account_id": 17,
    "entity_id": None,
    "covers_group": False,
    "currency": "EUR",
    "amount_minor": 5_000_000,
    "valid_from": "2026-01-01",
    "valid_to": None,
    "reason": "Accounts of 2025 read: equity of EUR 400,000",
}
HOLD: dict[str, Any] = {"account_id": 17, "reason": "insolvency", "words": "Safeguard proceedings opened on 2 March"}
RULE: dict[str, Any] = {
    "segment": "retail",
    "without_limit": "refuse",
    "overdue_days": 30,
    "overdue_minor": 500_000,
    "currency": "EUR",
}
REASON: dict[str, Any] = {
    "code": "over-limit",
    "message": "The limit is €50,000.00; €46,200.00 is owed or ordered; this order of €9,000.00 would go €5,200.00 "
    "above it",
    "data": {
        "limit": {"minor": 5_000_000, "currency": "EUR"},
        "exposure": {"minor": 4_620_000, "currency": "EUR"},
        "order": {"minor": 900_000, "currency": "EUR"},
        "difference": {"minor": 520_000, "currency": "EUR"},
        "limit_id": 4,
        "holder": "",
        "seller": "",
    },
}
STANDING: dict[str, Any] = {
    "limit_id": 4,
    "amount_minor": 5_000_000,
    "currency": "EUR",
    "owed_minor": 4_000_000,
    "ordered_minor": 620_000,
    "order_minor": 900_000,
    "holder": "",
    "seller": "",
    "exposure_minor": 4_620_000,
    "left_minor": -520_000,
}
ANSWER: dict[str, Any] = {
    "account_id": 17,
    "as_of": "2026-03-16",
    "granted": False,
    "reasons": [REASON],
    "currency": "EUR",
    "limit_minor": 5_000_000,
    "exposure_minor": 4_620_000,
    "order_minor": 900_000,
    "free_minor": 380_000,
    "overdue_minor": 120_000,
    "overdue_currency": "EUR",
    "days_late": 12,
    "limits": [STANDING],
}
CHECK: dict[str, Any] = {
    "account_id": 17,
    "amount_minor": 900_000,
    "currency": "EUR",
    "unbilled_minor": 620_000,
    "entity_id": 1,
}

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(ge=0, le=MAX_MINOR)]
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400), AfterValidator(several_lines)
]


class LimitIn(BaseModel):
    model_config = example(LIMIT) | ConfigDict(extra="forbid")

    account_id: Number
    entity_id: Number | None = Field(default=None, description="Only with this seller; with all when not given")
    covers_group: bool = Field(default=False, description="Shared with every account below this one")
    currency: Currency
    amount_minor: Amount | None = Field(description="Minor units; null takes back the limit before it")
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="The last day")
    reason: Words

    def draft(self) -> LimitDraft:
        return LimitDraft(**self.model_dump())


class LimitOut(BaseModel):
    model_config = example(LIMIT | {"id": 4, "set_by": "user:2", "set_at": "2026-01-02T09:00:00Z"})

    id: int
    account_id: int
    entity_id: int | None
    covers_group: bool
    currency: str
    amount_minor: int | None
    valid_from: date
    valid_to: date | None
    reason: str
    set_by: str
    set_at: datetime


class HoldIn(BaseModel):
    model_config = example(HOLD) | ConfigDict(extra="forbid")

    account_id: Number
    reason: HoldReason
    words: Words = Field(description="Why, for colleagues and for the trail")


class LiftIn(BaseModel):
    model_config = example({"words": "The plan was confirmed by the court"}) | ConfigDict(extra="forbid")

    words: Words = Field(description="Why it may go on")


class HoldEventOut(BaseModel):
    model_config = example(HOLD | {"id": 3, "lifts_id": None, "made_by": "user:2", "made_at": "2026-03-03T08:00:00Z"})

    id: int
    account_id: int
    lifts_id: int | None = Field(description="The hold that this event lifts; null where it places one")
    reason: HoldReason
    words: str
    made_by: str
    made_at: datetime


class HeldOut(BaseModel):
    model_config = example({"id": 3, "reason": "insolvency", "words": HOLD["words"], "since": "2026-03-03"})

    id: int
    reason: HoldReason
    words: str
    since: date


class RuleIn(BaseModel):
    model_config = example(RULE) | ConfigDict(extra="forbid")

    segment: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)] | None = Field(
        default=None, description="Of customers; every segment without a rule of its own when not given"
    )
    without_limit: WithoutLimit = Field(
        default=WithoutLimit.ACCEPT, description="What becomes of orders where no limit is set"
    )
    overdue_days: Annotated[int, Field(ge=0, le=3650)] | None = Field(
        default=None, description="Refuse when something is later than this; never when not given"
    )
    overdue_minor: Amount | None = Field(default=None, description="Refuse when more is overdue; never when not given")
    currency: Currency | None = Field(default=None, description="Of the overdue amount")

    def draft(self) -> RuleDraft:
        return RuleDraft(**self.model_dump())


class RuleOut(BaseModel):
    model_config = example(RULE | {"id": 2, "set_by": "user:2", "set_at": "2026-01-02T09:00:00Z"})

    id: int
    segment: str | None
    without_limit: WithoutLimit
    overdue_days: int | None
    overdue_minor: int | None
    currency: str | None
    set_by: str
    set_at: datetime


class CheckIn(BaseModel):
    model_config = example(CHECK) | ConfigDict(extra="forbid")

    account_id: Number
    amount_minor: Amount = Field(description="Of the order, VAT included")
    currency: Currency
    unbilled_minor: Amount = Field(default=0, description="Ordered before and not billed yet, in the same currency")
    entity_id: Number | None = Field(default=None, description="The seller; the limits of each are asked without it")


class ReasonOut(BaseModel):
    model_config = example(REASON)

    code: str
    message: str = Field(description="In the language of whoever asks")
    data: dict[str, Any]


class StandingOut(BaseModel):
    model_config = example(STANDING)

    limit_id: int
    amount_minor: int
    currency: str
    owed_minor: int = Field(description="Open items less credits; below zero for a customer in credit")
    ordered_minor: int = Field(description="Ordered and not billed yet")
    order_minor: int = Field(description="The order in question")
    holder: str = Field(description="Whose group shares the limit; empty for a limit of the account alone")
    seller: str = Field(description="Whose orders alone it limits; empty for all")
    exposure_minor: int
    left_minor: int = Field(description="Left after the order; below zero by how much it goes above")


class AnswerOut(BaseModel):
    model_config = example(ANSWER)

    account_id: int
    as_of: date
    granted: bool
    reasons: list[ReasonOut]
    currency: str
    limit_minor: int | None = Field(description="The tightest limit; null where none is set")
    exposure_minor: int = Field(description="Owed or ordered, the order in question left out")
    order_minor: int
    free_minor: int | None
    overdue_minor: int = Field(description="Overdue and uncontested, credits set against the oldest")
    overdue_currency: str
    days_late: int
    limits: list[StandingOut]


class CreditOut(AnswerOut):
    model_config = example(
        ANSWER
        | {
            "granted": True,
            "order_minor": 0,
            "holds": [],
            "limits": [STANDING | {"order_minor": 0, "left_minor": 380_000}],
        }
    )

    holds: list[HeldOut]


class OverrideOut(BaseModel):
    model_config = example(
        {
            "id": 5,
            "account_id": 17,
            "subject": "order:12",
            "reasons": [REASON],
            "reason": "A transfer of EUR 20,000 is on its way, the bank's slip is in the file",
            "granted_by": "user:2",
            "granted_at": "2026-03-16T09:30:00Z",
        }
    )

    id: int
    account_id: int
    subject: str
    reasons: list[ReasonOut] = Field(description="What spoke against it then")
    reason: str = Field(description="Why it was let through")
    granted_by: str
    granted_at: datetime


def reasons_out(reasons: Sequence[Reason], renderer: Renderer, language: str) -> list[ReasonOut]:
    return [
        ReasonOut(code=one.code, message=told(renderer, one, language=language), data=dict(one.data)) for one in reasons
    ]


def _shown(answer: CreditAnswer, renderer: Renderer, language: str) -> dict[str, Any]:
    return {
        "account_id": answer.account_id,
        "as_of": answer.as_of,
        "granted": answer.granted,
        "reasons": reasons_out(answer.reasons, renderer, language),
        "currency": answer.currency,
        "limit_minor": answer.limit_minor,
        "exposure_minor": answer.exposure_minor,
        "order_minor": answer.order_minor,
        "free_minor": answer.free_minor,
        "overdue_minor": answer.overdue_minor,
        "overdue_currency": answer.overdue_currency,
        "days_late": answer.days_late,
        "limits": [StandingOut.model_validate(one) for one in answer.standings],
    }


def answer_out(answer: CreditAnswer, *, renderer: Renderer, language: str) -> AnswerOut:
    return AnswerOut(**_shown(answer, renderer, language))


def credit_out(answer: CreditAnswer, holds: Sequence[Held], *, renderer: Renderer, language: str) -> CreditOut:
    return CreditOut(**_shown(answer, renderer, language), holds=[HeldOut.model_validate(one) for one in holds])


def limit_out(row: CreditLimit) -> LimitOut:
    return LimitOut.model_validate(row)


def override_out(row: CreditOverride, *, renderer: Renderer, language: str) -> OverrideOut:
    reasons = reasons_out(kept_reasons(row.answer), renderer, language)
    return OverrideOut(**row.model_dump(exclude={"answer"}), reasons=reasons)
