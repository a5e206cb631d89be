"""When an invoice will be paid, as a chance for every day around its due date. Pure.

The days run from 30 before the due date (all earlier ones are counted there) to 28 after it one by one, then by weeks
to 63, then for ever at one daily rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from prediction.outcomes import Floats, Ints

FIRST: Final = np.array([*range(-30, 29), 29, 36, 43, 50, 57], dtype=np.int64)
"""First day of each step, in days after the due date."""
LAST: Final = np.array([*range(-30, 29), 35, 42, 49, 56, 63], dtype=np.int64)
STEPS: Final = len(FIRST)
LONGEST: Final = 1000
"""Days ahead beyond which no day of payment is told."""
ON_TIME: Final = int(np.searchsorted(LAST, 0)) + 1
"""Steps that end on the due date or before it."""


def step_of(days_late: Ints) -> Ints:
    """The step that holds each number of days after the due date; STEPS for those beyond the last."""
    return np.searchsorted(LAST, days_late).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Curves:
    """For each question, the chance of being still unpaid at the end of each step, and what is read off it.

    `start` is the scoring day in days after the due date; steps that ended before it have chance 1. `tail` is the
    daily rate of payment after the last step.
    """

    start: Ints
    unpaid: Floats
    tail: float

    def late_probability(self) -> Floats:
        """The chance of payment after the due date; 1 once that has passed."""
        return np.where(self.start > 0, 1.0, self.unpaid[:, ON_TIME - 1])

    def unpaid_in(self, days: int) -> Floats:
        """The chance of being unpaid at the end of the day `days` after the scoring day."""
        asked = self.start + days
        step = step_of(asked)
        inside = np.minimum(step, STEPS - 1)
        line = np.arange(len(asked))
        before = np.where(inside > 0, self.unpaid[line, np.maximum(inside - 1, 0)], 1.0)
        part = np.clip((asked - FIRST[inside] + 1) / (LAST[inside] - FIRST[inside] + 1), 0.0, 1.0)
        within = before + (self.unpaid[line, inside] - before) * part
        beyond = self.unpaid[:, -1] * np.exp(-self.tail * (asked - np.maximum(self.start - 1, LAST[-1])))
        return np.asarray(np.where(step < STEPS, within, beyond), dtype=np.float64)

    def quantile(self, share: float) -> Ints:
        """The first day, after the due date, by which the chance of payment is `share` or more."""
        paid = 1.0 - self.unpaid
        step = (paid < share).sum(axis=1)
        out = np.empty(len(step), dtype=np.int64)
        inside = step < STEPS
        at = step[inside]
        before = np.where(at > 0, paid[inside, np.maximum(at - 1, 0)], 0.0)
        gained = np.maximum(paid[inside, at] - before, 1e-12)
        width = LAST[at] - FIRST[at] + 1
        out[inside] = FIRST[at] + np.ceil((share - before) / gained * width).astype(np.int64) - 1
        left = np.maximum(self.unpaid[~inside, -1], 1e-12)
        wait = np.minimum(np.log(left / (1.0 - share)) / self.tail, LONGEST)
        out[~inside] = np.maximum(self.start[~inside], LAST[-1]) + np.ceil(wait).astype(np.int64)
        return np.clip(out, self.start, np.maximum(self.start, 0) + LONGEST)


def from_hazards(start: Ints, hazards: Floats, tail: float) -> Curves:
    """Curves from the chance of payment within each step given that it has not come before."""
    alive = LAST[None, :] >= start[:, None]
    return Curves(start, np.cumprod(np.where(alive, 1.0 - hazards, 1.0), axis=1).astype(np.float64), tail)


def mix(first: Curves, second: Curves, weight: Floats) -> Curves:
    """`weight` of the first and the rest of the second, question by question."""
    share = weight[:, None]
    return Curves(first.start, share * first.unpaid + (1.0 - share) * second.unpaid, first.tail)
