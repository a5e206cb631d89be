"""What the API of experiments takes and gives."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ar.core.web import Day, ShortText, example
from ar.core.web.types import Minor, Number
from dunning.experiments.estimate import Interval, Means, Verdict
from dunning.experiments.models import Experiment
from dunning.experiments.report import ArmReport, Report

Name = Annotated[ShortText, Field(max_length=40)]
CONTROL = {"name": "as usual", "share": 0.5, "holdout_days": 0, "policy": None, "timing": None}
TREATED = {"name": "wait a week", "share": 0.5, "holdout_days": 7, "policy": None, "timing": None}
GIVEN = {
    "name": "A week of patience",
    "arms": [CONTROL, TREATED],
    "segment": None,
    "limits": {"EUR": 5_000_000},
    "kept_out": [],
    "most_days_late": 30,
    "starts_on": "2026-04-01",
    "ends_on": "2026-06-30",
}
KEPT = {
    "id": 3,
    **GIVEN,
    "created_by": "user:2",
    "created_at": "2026-03-20T09:30:00Z",
    "ended_by": None,
    "ended_at": None,
}
INTERVAL = {"estimate": 0.021, "low": -0.004, "high": 0.046}
MEANS = {"cash_share": 0.84, "days": 6.2, "complaints": 1.5, "messages": 2.1}
DIFFERENCE = {
    "cash_share": INTERVAL,
    "days_gained": {"estimate": 0.8, "low": -0.3, "high": 1.9},
    "complaints": {"estimate": -0.2, "low": -1.1, "high": 0.7},
    "incremental_minor": {"estimate": 262_500, "low": -50_000, "high": 575_000},
    "verdict": "not_told_apart",
    "needed": 1_850,
}


class ArmBody(BaseModel):
    model_config = example(TREATED) | ConfigDict(extra="forbid")

    name: Name
    share: Annotated[float, Field(gt=0, lt=1, description="Of the customers; the shares of all arms sum to 1")]
    holdout_days: Annotated[
        int, Field(ge=0, le=30, description="Write nothing while the oldest item is at most so many days late")
    ] = 0
    policy: Annotated[ShortText, Field(max_length=60)] | None = Field(
        default=None, description="The name of another policy that is in force"
    )
    timing: bool | None = Field(default=None, description="Whether forecasts may move steps; as the policy says if not")


class ExperimentIn(BaseModel):
    model_config = example(GIVEN) | ConfigDict(extra="forbid")

    name: Annotated[ShortText, Field(max_length=60)]
    arms: Annotated[list[ArmBody], Field(min_length=2, max_length=5, description="The control first")]
    segment: Annotated[ShortText, Field(max_length=60)] | None = None
    limits: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Minor] = Field(
        default_factory=dict, max_length=50, description="What a customer may owe at most to be drawn, by currency"
    )
    kept_out: Annotated[list[Number], Field(max_length=1000, description="Accounts that are never drawn")] = []
    most_days_late: Annotated[int, Field(ge=0, le=365, description="Nobody with an older item is drawn")] = 30
    starts_on: Day
    ends_on: Day


class ExperimentOut(BaseModel):
    model_config = example(KEPT)

    id: int
    name: str
    arms: list[ArmBody]
    segment: str | None
    limits: dict[str, int]
    kept_out: list[int]
    most_days_late: int
    starts_on: date
    ends_on: date
    created_by: str
    created_at: datetime
    ended_by: str | None
    ended_at: datetime | None


class IntervalOut(BaseModel):
    """An estimate, and the bounds between which it lies at 95 %."""

    model_config = example(INTERVAL)

    estimate: float
    low: float
    high: float

    @classmethod
    def of(cls, told: Interval) -> "IntervalOut":
        return cls(estimate=round(told.estimate, 5), low=round(told.low, 5), high=round(told.high, 5))


class MinorIntervalOut(BaseModel):
    model_config = example({"estimate": 262_500, "low": -50_000, "high": 575_000})

    estimate: int
    low: int
    high: int

    @classmethod
    def of(cls, told: Interval) -> "MinorIntervalOut":
        return cls(estimate=round(told.estimate), low=round(told.low), high=round(told.high))


class MeansOut(BaseModel):
    model_config = example(MEANS)

    cash_share: float = Field(description="Of what was at stake, by amount")
    days: float = Field(description="After the due date, by amount; what is missing counts up to the last day")
    complaints: float = Field(description="Disputes, opt-outs and holds by persons, per 100 customers")
    messages: float = Field(description="Per customer")

    @classmethod
    def of(cls, told: Means) -> "MeansOut":
        return cls(**{name: round(value, 5) for name, value in told._asdict().items()})


class DifferenceOut(BaseModel):
    model_config = example(DIFFERENCE)

    cash_share: IntervalOut
    days_gained: IntervalOut
    complaints: IntervalOut
    incremental_minor: MinorIntervalOut = Field(description="Cash beyond what the stake would have brought without")
    verdict: Verdict
    needed: int | None = Field(description="Customers an arm needs to see a difference of shares of `effect`")


class ArmOut(BaseModel):
    model_config = example(
        {
            "arm": TREATED,
            "customers": 400,
            "stake_minor": 12_500_000,
            "cash_minor": 10_500_000,
            "means": MEANS,
            "against_control": DIFFERENCE,
        }
    )

    arm: ArmBody
    customers: int
    stake_minor: int
    cash_minor: int
    means: MeansOut | None
    against_control: DifferenceOut | None


class ReportOut(BaseModel):
    model_config = example(
        {
            "experiment": KEPT,
            "until": "2026-05-31",
            "currency": "EUR",
            "effect": 0.02,
            "arms": [
                {
                    "arm": CONTROL,
                    "customers": 410,
                    "stake_minor": 12_900_000,
                    "cash_minor": 10_600_000,
                    "means": MEANS,
                    "against_control": None,
                }
            ],
            "left_out": [],
        }
    )

    experiment: ExperimentOut
    until: date
    currency: str
    effect: float
    arms: list[ArmOut]
    left_out: list[str] = Field(description="Currencies whose items are left out for want of an exchange rate")


def told_report(found: Report) -> ReportOut:
    return ReportOut(
        experiment=told_experiment(found.experiment),
        until=found.until,
        currency=found.currency,
        effect=found.effect,
        arms=[_arm(one) for one in found.arms],
        left_out=list(found.left_out),
    )


def told_experiment(row: Experiment) -> ExperimentOut:
    return ExperimentOut.model_validate(row)


def _arm(one: ArmReport) -> ArmOut:
    against = None
    if one.against is not None:
        told = one.against
        against = DifferenceOut(
            cash_share=IntervalOut.of(told.cash_share),
            days_gained=IntervalOut.of(told.days_gained),
            complaints=IntervalOut.of(told.complaints),
            incremental_minor=MinorIntervalOut.of(told.incremental),
            verdict=told.verdict,
            needed=told.needed,
        )
    return ArmOut(
        arm=ArmBody(**one.arm.as_data()),
        customers=one.customers,
        stake_minor=one.stake_minor,
        cash_minor=one.cash_minor,
        means=MeansOut.of(one.means) if one.means else None,
        against_control=against,
    )
