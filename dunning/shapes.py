"""What the API of dunning takes and gives."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ar.core.web import example
from ar.core.web.types import ShortText
from dunning.kept import Per
from dunning.models import HoldKind, Outcome, PromiseSource, PromiseState

RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
AMOUNT = {"currency": "EUR", "amount_minor": 120_000}
REASON = {"code": "promised", "reference": "2026-000041", "amount_minor": 40_000, "currency": "EUR"}
HOLD = {"account_id": 17, "until": "2026-04-30", "reason": "New address for invoices, being checked"}
PROMISE = {"account_id": 17, "items": [{"entry_id": 41, "amount_minor": 40_000}], "due_on": "2026-04-15"}


class Amount(BaseModel):
    model_config = example(AMOUNT)

    currency: str
    amount_minor: int


class RunIn(BaseModel):
    """A dry run decides and records nothing; a real one is queued as a job for every customer whose turn it is."""

    model_config = example({"dry_run": True, "account_ids": [17]})

    dry_run: bool = False
    account_ids: list[RowId] = Field(
        default=[], max_length=200, description="For a dry run: these accounts; when empty, the first 200 due now"
    )


class LineOut(BaseModel):
    model_config = example({"entry_id": 41, "reference": "2026-000041", "step": "friendly", **AMOUNT})

    entry_id: int
    reference: str
    step: str
    currency: str
    amount_minor: int


class DecisionOut(BaseModel):
    model_config = example(
        {
            "account_id": 17,
            "outcome": "send",
            "entity_id": 1,
            "step": "friendly",
            "lines": [{"entry_id": 41, "reference": "2026-000041", "step": "friendly", **AMOUNT}],
            "reasons": [REASON],
        }
    )

    account_id: int
    outcome: Outcome
    entity_id: int | None = Field(default=None, description="The seller who would sign")
    step: str | None = None
    lines: list[LineOut] = []
    reasons: list[dict[str, Any]]


class RunOut(BaseModel):
    model_config = example({"state": "queued", "decisions": []})

    state: Literal["decided", "queued", "already_queued"]
    decisions: list[DecisionOut] = Field(default=[], description="Of a dry run")


class NoticeOut(BaseModel):
    model_config = example(
        {
            "id": 5,
            "account_id": 17,
            "entity_id": 1,
            "step": "friendly",
            "cycle": "2026-03-16",
            "policy": "friendly-five 1",
            "message_key": "dunning:17:1:friendly:2026-03-16",
            "written_at": "2026-03-16T09:00:00Z",
            "cancelled_at": None,
            "cancelled_for": None,
        }
    )

    id: int
    account_id: int
    entity_id: int
    step: str
    cycle: date = Field(description="The customer's local day for which it was written")
    policy: str
    message_key: str
    written_at: datetime
    cancelled_at: datetime | None
    cancelled_for: str | None


class HoldIn(BaseModel):
    model_config = example(HOLD)

    account_id: RowId
    until: date | None = Field(default=None, description="Its last day; without end when null")
    reason: ShortText
    kind: HoldKind = HoldKind.PERSON


class HoldOut(BaseModel):
    model_config = example(
        {
            "id": 3,
            **HOLD,
            "kind": "person",
            "made_by": "user:3",
            "created_at": "2026-03-24T09:00:00Z",
            "lifted_by": None,
            "lifted_at": None,
        }
    )

    id: int
    account_id: int
    kind: HoldKind
    until: date | None
    reason: str
    made_by: str
    created_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


class PartIn(BaseModel):
    model_config = example({"entry_id": 41, "amount_minor": 40_000})

    entry_id: RowId
    amount_minor: int | None = Field(
        default=None, gt=0, le=10**15, description="Minor units; all that is open and not contested when null"
    )


class PromiseIn(BaseModel):
    model_config = example(PROMISE)

    account_id: RowId
    items: list[PartIn] = Field(min_length=1, max_length=200)
    due_on: date
    source: PromiseSource = Field(default=PromiseSource.PERSON, description="How it reached you")


class PromiseOut(BaseModel):
    model_config = example(
        {
            "id": 4,
            "account_id": 17,
            "entity_id": 1,
            "currency": "EUR",
            "amount_minor": 40_000,
            "due_on": "2026-04-15",
            "source": "phone",
            "state": "alive",
            "made_by": "user:3",
            "created_at": "2026-03-24T09:00:00Z",
            "judged_at": None,
        }
    )

    id: int
    account_id: int
    entity_id: int
    currency: str
    amount_minor: int
    due_on: date
    source: PromiseSource
    state: PromiseState
    made_by: str
    created_at: datetime
    judged_at: datetime | None


RATE = {
    "number": None,
    "currency": "EUR",
    "matured": 40,
    "kept": 31,
    "matured_minor": 9_400_000,
    "kept_minor": 7_900_000,
    "by_count": "77.5",
    "by_amount": "84.0",
}


class KeptRateOut(BaseModel):
    model_config = example(RATE)

    number: int | None = Field(description="The account's or the user's; null for all, and where there is no collector")
    currency: str
    matured: int = Field(description="Promises judged: kept, partly kept or broken")
    kept: int
    matured_minor: int
    kept_minor: int
    by_count: Decimal | None = Field(description="Per cent; null when nothing has matured")
    by_amount: Decimal | None


class KeptRatesOut(BaseModel):
    model_config = example(
        {"since": "2025-03-25", "until": "2026-03-24", "grace_days": 2, "per": "all", "rates": [RATE]}
    )

    since: date
    until: date
    grace_days: int = Field(description="Business days after the promised day that still count as kept")
    per: Per
    rates: list[KeptRateOut]
