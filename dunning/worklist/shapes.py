"""What the API of the work-list takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ar.core.web import Day, Number, example
from dunning.attention.models import MarkKind
from dunning.models import Outcome
from dunning.shapes import AMOUNT, REASON, Amount

COLLECTOR = {
    "daily_capacity": 500,
    "away_from": "2026-04-06",
    "away_until": "2026-04-17",
    "stand_in_id": 4,
    "manager_id": 2,
}
PARTS = {
    "asked_minor": 120_000,
    "unpaid_permille": 620,
    "basis": "prediction",
    "days_late": 12,
    "uplift_permille": 350,
    "broken_promises": 0,
    "cost_minor": 480,
    "minutes": 8,
}
CONTACT = {
    "id": 5,
    "name": "Jo Baker",
    "roles": ["billing"],
    "phone": "+33 4 50 00 00 00",
    "email": "jo@moulin.example",
}


class WaitingOut(BaseModel):
    """One customer of the work-list."""

    model_config = example(
        {
            "account_id": 17,
            "code": "C-1001",
            "legal_name": "Moulin du Lac",
            "owner_id": 3,
            "worker_id": 4,
            "value_minor": 25_560,
            "currency": "EUR",
            "channel": "phone",
            "parts": PARTS,
            "contact": CONTACT,
            "exchange": {"kind": "notice", "what": "friendly", "note": "", "at": "2026-03-16T09:00:00+00:00"},
            "local_time": "09:40",
            "within_hours": True,
            "marks": ["late"],
            "task_id": None,
            "hidden_for": None,
            "hidden_until": None,
            "computed_at": "2026-03-24T09:30:00Z",
            "overdue": [AMOUNT],
            "oldest_days": 12,
            "outcome": "hold",
            "decided_on": "2026-03-24",
            "reasons": [REASON],
            "last_step": "friendly",
            "last_on": "2026-03-16",
            "next_step": "question",
            "next_on": "2026-03-25",
            "hold_ids": [],
            "parked": None,
        }
    )

    account_id: int
    code: str
    legal_name: str
    owner_id: int | None
    worker_id: int | None = Field(description="Who works it today: the owner, or who stands in")
    value_minor: int = Field(description="What acting today is worth, in minor units of `currency`: a rank")
    currency: str = Field(description="The reporting currency")
    channel: str | None = Field(description="By which acting is worth most; null where there is none")
    parts: dict[str, Any] = Field(description="What the value is made of; shares in thousandths")
    contact: dict[str, Any] | None
    exchange: dict[str, Any] | None = Field(description="The last message or contact")
    local_time: str = Field(description="On the customer's clocks, now")
    within_hours: bool
    marks: list[MarkKind]
    task_id: int | None = Field(description="The nearest call to make")
    hidden_for: str | None = Field(description="Why it is not to be worked on now")
    hidden_until: date | None
    computed_at: datetime
    overdue: list[Amount]
    oldest_days: int = Field(description="Days late of the oldest open item")
    outcome: Outcome | None = Field(description="The last decision; none yet when null")
    decided_on: date | None
    reasons: list[dict[str, Any]] = Field(description="Codes with their figures")
    last_step: str | None
    last_on: date | None
    next_step: str | None
    next_on: date | None = Field(description="The first day on which the next step may be taken")
    hold_ids: list[int]
    parked: str | None = Field(description="Why the last decision failed, when it did")


class CollectorIn(BaseModel):
    model_config = example(COLLECTOR) | ConfigDict(extra="forbid")

    daily_capacity: Annotated[int, Field(ge=1, le=5_000, description="Customers a day")] = 500
    away_from: Day | None = None
    away_until: Day | None = Field(default=None, description="The last day away")
    stand_in_id: Number | None = Field(default=None, description="Who works its customers meanwhile")
    manager_id: Number | None = Field(default=None, description="Whom its hard cases go to")


class CollectorOut(BaseModel):
    model_config = example({"user_id": 3, **COLLECTOR, "done_today": 41})

    user_id: int
    daily_capacity: int
    away_from: date | None = None
    away_until: date | None = None
    stand_in_id: int | None = None
    manager_id: int | None = None
    done_today: int = Field(description="Customers it had contact with since midnight UTC")
