"""An example of what each page of experiments is given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from dunning.experiments.assign import Arm
from dunning.experiments.estimate import Outcomes, difference, means_of
from dunning.experiments.models import Experiment
from dunning.experiments.report import ArmReport, Report

ARMS = [
    Arm("as usual", 0.4),
    Arm("a week of patience <7>", 0.3, holdout_days=7),
    Arm("own", 0.3, policy="rare", timing=True),
]


def experiment(**other: Any) -> Experiment:
    given: dict[str, Any] = {
        "id": 3,
        "name": "A week of patience",
        "arms": [arm.as_data() for arm in ARMS],
        "most_days_late": 30,
        "starts_on": date(2026, 4, 1),
        "ends_on": date(2026, 6, 30),
        "salt": "x",
        "created_by": "user:2",
        "created_at": datetime(2026, 3, 20, tzinfo=UTC),
        **other,
    }
    return Experiment(**given)


def outcomes(share: float, customers: int, seed: int) -> Outcomes:
    draw = np.random.default_rng(seed)
    stake = np.exp(draw.normal(9, 1, customers))
    paid = stake * np.clip(draw.normal(share, 0.1, customers), 0, 1)
    none = np.zeros(customers)
    return Outcomes.of(stake, paid, stake * 5, none, none + 2)


def report() -> Report:
    control = outcomes(0.7, 60, 1)
    told = []
    for arm, found in zip(ARMS, (control, outcomes(0.4, 60, 2), outcomes(0.7, 12, 3)), strict=True):
        against = difference(control, found, effect=0.02, seed=1, resamples=50) if found is not control else None
        told.append(ArmReport(arm, found.customers, 120_000, 90_000, means_of(found), against))
    return Report(experiment(), date(2026, 5, 31), "EUR", 0.02, told, ("CHF",))


def empty() -> Report:
    arms = [ArmReport(arm, 0, 0, 0, None, None) for arm in ARMS]
    ended = experiment(segment="retail", ended_at=datetime(2026, 5, 1, tzinfo=UTC))
    return Report(ended, date(2026, 5, 1), "EUR", 0.02, arms, ())


TODAY = date(2026, 6, 1)
SAMPLES: dict[str, dict[str, Any]] = {
    "console/dunning/experiments.html": {
        "rows": [
            experiment(),
            experiment(starts_on=date(2026, 6, 10)),
            experiment(ends_on=date(2026, 5, 10)),
            experiment(ended_at=datetime(2026, 5, 1, tzinfo=UTC)),
            experiment(arms=[Arm("all", 0.5, timing=False).as_data(), ARMS[0].as_data()]),
        ],
        "next_cursor": "abc",
        "today": TODAY,
    },
    "console/dunning/experiments.html#none": {"rows": [], "next_cursor": None, "today": TODAY},
    "console/dunning/experiment.html": {"report": report(), "today": TODAY, "may_end": True},
    "console/dunning/experiment.html#empty": {"report": empty(), "today": TODAY, "may_end": False},
}
