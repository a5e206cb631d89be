"""A policy tried on the past before it goes live: what it would have written, beside what those in force would have.

Nothing is written but the result. The past is taken as it went: that customers paid because of the messages which they
truly got cannot be known, so what a message brings in is no figure of a simulation; an experiment tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlmodel import Session

from ar.core.calendars import is_business_day
from ar.core.errors import DomainError
from dunning import late, policies
from dunning.circumstances import risk_of
from dunning.message import Charged
from dunning.policies import Scope
from dunning.policy import Policies, Policy
from dunning.simulation.figures import Example, Outcome, examples_of, outcome_of
from dunning.simulation.history import DAY, History
from dunning.simulation.read import bank_ages, drawn, population, read_histories
from dunning.simulation.replay import Ages, Lived, replay
from dunning.simulation.spans import Window

SAMPLE = 500
MOST = 5_000
MONTHS = 6

UNKNOWN = (
    "customers_react",  # some paid because of the messages that they truly got, and would not have for others
    "as_today",  # contacts, opt-outs, bounces, segments, zones and the policies in force are those of today
    "evening_before",  # a morning knows what was booked by the evening before
    "no_rests",  # rests after conversations, unread replies, habits and experiments are left out
    "weekly_forecasts",  # forecasts are those of one scoring a week
)
"""Codes of what a simulation does not know, as pages put them into words and docs/simulation.md explains them."""


class SimulationError(DomainError):
    """The simulation cannot be made as asked."""

    code = "bad-simulation"


@dataclass(frozen=True)
class Simulation:
    """Two sets of policies over the days from `first` to `last`, for `sampled` of the `customers` there were.

    What is counted is of the sample; times `factor` it stands for all.
    """

    policy: str
    first: date
    last: date
    customers: int
    sampled: int
    seed: int
    candidate: Outcome
    in_force: Outcome
    examples: tuple[Example, ...]
    lives: tuple[Lived, ...] = ()

    @property
    def factor(self) -> float:
        """By how much the counts of the sample are scaled up to stand for all."""
        return round(self.customers / self.sampled, 4) if self.sampled else 1.0

    def as_data(self) -> dict[str, Any]:
        """As stored and as the API gives it."""
        return {
            "policy": self.policy,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "customers": self.customers,
            "sampled": self.sampled,
            "factor": self.factor,
            "seed": self.seed,
            "candidate": self.candidate.as_data(),
            "in_force": self.in_force.as_data(),
            "examples": [{**asdict(example), "day": example.day.isoformat()} for example in self.examples],
            "unknown": list(UNKNOWN),
        }


def with_draft(in_force: Policies, policy: Policy, scope: Scope) -> Policies:
    """The policies in force with this one in its place; one that is only for who is given it, as if all were."""
    named = {**in_force.by_name, policy.name: policy}
    if scope.entity_id is not None:
        return replace(in_force, by_name=named, by_entity={**in_force.by_entity, scope.entity_id: policy})
    if scope.segment is not None:
        return replace(in_force, by_name=named, by_segment={**in_force.by_segment, scope.segment: policy.name})
    if scope.named:
        return Policies(policy, {}, {}, named)
    return replace(in_force, by_name=named, company=policy)


def months_before(day: date, months: int) -> tuple[date, date]:
    """The window of so many months that ends the day before `day`."""
    return day - relativedelta(months=months), day - DAY


def simulate(
    session: Session,
    policy: Policy,
    *,
    scope: Scope = policies.COMPANY,
    first: date,
    last: date,
    sample: int = SAMPLE,
    seed: int = 1,
    now: datetime,
) -> Simulation:
    """Live the days from `first` to `last` again with `policy`, and with those in force at `now` alone.

    Raises SimulationError for a window that is no past one, or a sample outside 1 to 5,000.
    """
    if not first <= last < now.date() or (last - first).days > 366:
        raise SimulationError("give a window of past days, of a year at most")
    if not 1 <= sample <= MOST:
        raise SimulationError(f"a sample is of 1 to {MOST:,} customers")
    in_force = policies.policies_in_force(session, now=now)
    candidate = with_draft(in_force, policy, scope)
    ahead = 1 - min(candidate.first_offset, in_force.first_offset)
    window = Window(first, last, ahead)
    ids = population(session, window)
    chosen = drawn(ids, sample, seed=seed)
    heeded = any(_heeds_forecasts(one) for one in (*_every(candidate), *_every(in_force)))
    histories = read_histories(session, chosen, window, forecasts=heeded, now=now)
    ages = bank_ages(session, window)
    tried, usual = (_live(histories, which, window, ages) for which in (candidate, in_force))
    return Simulation(
        policy=policy.label,
        first=first,
        last=last,
        customers=len(ids),
        sampled=len(histories),
        seed=seed,
        candidate=outcome_of(tried, _charges(session, tried)),
        in_force=outcome_of(usual, _charges(session, usual)),
        examples=tuple(examples_of(tried, seed=seed)),
        lives=tuple(tried),
    )


def _every(which: Policies) -> list[Policy]:
    return [which.company, *which.by_entity.values(), *which.by_name.values()]


def _heeds_forecasts(policy: Policy) -> bool:
    return policy.timing.enabled or any(step.when.risks for step in policy.steps)


def _live(histories: Sequence[History], which: Policies, window: Window, ages: Ages) -> list[Lived]:
    every = [window.first + n * DAY for n in range((window.last - window.first).days + 1)]

    @cache
    def business_days(country: str) -> list[date]:
        return [day for day in every if is_business_day(day, country)]

    return [
        replay(
            history,
            which,
            business_days(history.base.country),
            ages=ages,
            risk_of=risk_of,
            window=(window.first, window.last),
        )
        for history in histories
    ]


def _charges(session: Session, lives: Sequence[Lived]) -> list[Charged]:
    """What the messages would have told of interest and fixed sums, by the law's table; once for each item."""
    sends = [
        (sent.facts, sent.send, sent.day)
        for lived in lives
        for sent in lived.sent
        if any(line.step.charges for line in sent.send.lines)
    ]
    sellers = policies.sellers(session, sorted({send.entity_id for _, send, _ in sends}))
    countries: Mapping[int, str] = {entity_id: seller.country for entity_id, seller in sellers.items()}
    return [charge for told in late.charges_for(session, sends, countries) for charge in told]
