"""Into which arm a customer falls: by its number and the experiment's salt, always the same. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dunning.case import Trial

_PARTS = 2**52


@dataclass(frozen=True, slots=True)
class Arm:
    """What is done with a share of the customers: nothing while the oldest item is at most `holdout_days` late,
    another policy, or forecasts that move steps, or not. What is not given stays as it is without an experiment."""

    name: str
    share: float
    holdout_days: int = 0
    policy: str | None = None
    timing: bool | None = None

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    def trial(self, experiment_id: int) -> Trial:
        return Trial(experiment_id, self.name, self.holdout_days, self.policy, self.timing)


def arms_of(stored: Sequence[Mapping[str, Any]]) -> list[Arm]:
    return [Arm(**told) for told in stored]


def arm_for(arms: Sequence[Arm], salt: str, account_id: int) -> Arm:
    """The arm of a customer: arms get their shares of customers, whatever else is known of these."""
    digest = hashlib.sha256(f"{salt}:{account_id}".encode()).digest()
    place = (int.from_bytes(digest[:8], "big") >> 12) / _PARTS
    for arm in arms:
        place -= arm.share
        if place < 0:
            return arm
    return arms[-1]
