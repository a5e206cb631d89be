"""Naive methods, which a model must beat to be worth its keep. Pure.

The customer's own late rate, its own days, and the due date itself: what anyone could say without a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from prediction.curves import Curves, from_hazards
from prediction.features import CLIP, NAMES, Ends
from prediction.outcomes import Floats, Ints
from prediction.rhythm import rhythm
from prediction.tally import Tally

PRIOR: Final = 5.0
"""Invoices of the whole portfolio that a customer's own late rate is mixed with."""


def late_rate(table: Floats) -> Floats:
    """The customer's own share of late payments, drawn to the portfolio's; from the lines of `features`."""
    settled = table[:, NAMES.index("settled")]
    own = np.nan_to_num(table[:, NAMES.index("late_rate")])
    everyone = table[:, NAMES.index("portfolio_late_rate")]
    everyone = np.where(np.isnan(everyone), 0.5, everyone)
    return np.asarray((own * settled + PRIOR * everyone) / (settled + PRIOR))


def median_late(ends: Ends, rows: Ints, days: Ints) -> Ints:
    """The median days late of the customer's paid invoices before each day; 0, the due date, where there is none."""
    first, last = CLIP
    width = last - first + 1
    tally = Tally(
        ends.customer[ends.paid] * width + ends.late - first,
        ends.history.closed[ends.paid],
        groups=ends.customers * width,
    )
    who, back = np.unique(np.stack([ends.customer[rows], days]), axis=1, return_inverse=True)
    lines = (who[0][:, None] * width + np.arange(width)).ravel()
    counts = tally.before(lines, np.repeat(who[1], width)).count.reshape(-1, width)
    reached = counts.cumsum(axis=1)
    middle = (reached * 2 >= reached[:, -1:]).argmax(axis=1) + first
    return np.where(reached[:, -1] > 0, middle, 0)[back.ravel()]


@dataclass(frozen=True)
class NaivePayer:
    """Serves where there is too little to learn from: curves of the customer's own past, drawn to the portfolio's."""

    tail: float

    def curves(self, ends: Ends, rows: Ints, days: Ints) -> Curves:
        """The payment curve of each question."""
        return from_hazards(days - ends.history.due[rows], rhythm(ends, rows, days), self.tail)
