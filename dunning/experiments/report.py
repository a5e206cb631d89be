"""What an experiment has shown so far, in the figures that a person decides by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from dunning.experiments.assign import Arm, arms_of
from dunning.experiments.estimate import Difference, Means, Outcomes, difference, means_of
from dunning.experiments.models import Experiment
from dunning.experiments.outcomes import gather_outcomes, until_of

EFFECT = 0.02
"""The difference of cash shares for which the needed number of customers is told, unless another is asked."""


@dataclass(frozen=True)
class ArmReport:
    """One arm. `stake_minor` and `cash_minor` in minor units of the report's currency; `against` is the control."""

    arm: Arm
    customers: int
    stake_minor: int
    cash_minor: int
    means: Means | None
    against: Difference | None


@dataclass(frozen=True)
class Report:
    """An experiment up to and with the day `until`; items in a currency of `left_out` had no exchange rate."""

    experiment: Experiment
    until: date
    currency: str
    effect: float
    arms: Sequence[ArmReport]
    left_out: Sequence[str]


def report(session: Session, experiment: Experiment, *, today: date, currency: str, effect: float = EFFECT) -> Report:
    """Arm by arm, the control first, the others each against it, by the ledger up to `today`."""
    assert experiment.id is not None
    found = gather_outcomes(session, experiment, today=today, currency=currency)
    arms = arms_of(experiment.arms)
    control = found.arms.get(arms[0].name)
    told = []
    for at, arm in enumerate(arms):
        outcomes = found.arms.get(arm.name)
        against = None
        if at and control is not None and outcomes is not None:
            against = difference(control, outcomes, effect=effect, seed=experiment.id * 100 + at)
        told.append(_arm_report(arm, outcomes, against))
    return Report(experiment, until_of(experiment, today=today), currency, effect, told, found.left_out)


def _arm_report(arm: Arm, outcomes: Outcomes | None, against: Difference | None) -> ArmReport:
    if outcomes is None:
        return ArmReport(arm, 0, 0, 0, None, None)
    stake, cash = (int(minor) for minor in outcomes.rows[:, :2].sum(axis=0))
    return ArmReport(arm, outcomes.customers, stake, cash, means_of(outcomes), against)
