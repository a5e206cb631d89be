"""How two arms differ, with intervals: resampling whole customers, for a customer's invoices are no separate draws.

Pure. Percentile intervals of the bootstrap over customers (B. Efron and R. Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13). Ratios of sums, so that large customers count by their amounts. Figures are statistics:
they are floats, and never booked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 2_000
LEAST_CUSTOMERS = 20
"""An arm with fewer customers who owed anything gets no verdict."""

_AT_ONCE = 2_000_000
_ALPHA_Z, _POWER_Z = 1.959964, 0.841621  # two-sided 5 %, power 80 %


class Verdict(StrEnum):
    TOO_FEW = "too_few"
    NOT_TOLD_APART = "not_told_apart"
    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True)
class Outcomes:
    """What became of the customers of an arm, a row for each.

    Columns: stake (minor units at stake), cash (what came of it), waited (minor units times the days after the due
    date on which they came, or were still missing), complaints, messages.
    """

    rows: Floats

    @classmethod
    def of(cls, stake: Floats, cash: Floats, waited: Floats, complaints: Floats, messages: Floats) -> Outcomes:
        return cls(np.column_stack([stake, cash, waited, complaints, messages]).astype(np.float64))

    @property
    def customers(self) -> int:
        return len(self.rows)

    @property
    def owing(self) -> int:
        return int((self.rows[:, 0] > 0).sum()) if self.customers else 0

    @property
    def stake(self) -> float:
        return float(self.rows[:, 0].sum()) if self.customers else 0.0


class Means(NamedTuple):
    """Share of the stake that came in, mean days after the due date, complaints per 100 customers, messages each."""

    cash_share: float
    days: float
    complaints: float
    messages: float


class Interval(NamedTuple):
    """An estimate with the bounds between which it lies at 95 %."""

    estimate: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class Difference:
    """A treated arm against the control: more is more in the treated arm, but `days_gained` are days earlier."""

    cash_share: Interval
    days_gained: Interval
    complaints: Interval
    incremental: Interval
    verdict: Verdict
    needed: int | None


def means_of(outcomes: Outcomes) -> Means | None:
    """None for an arm without anything at stake."""
    if not outcomes.stake:
        return None
    told = _means(outcomes.rows.sum(axis=0)[None, :], outcomes.customers)[0]
    return Means(*(float(value) for value in told))


def _means(sums: Floats, customers: int) -> Floats:
    """Cash share, days, complaints per 100 and messages of each row of sums; no stake counts as one minor unit."""
    stake = np.maximum(sums[:, 0], 1.0)
    return np.column_stack(
        [sums[:, 1] / stake, sums[:, 2] / stake, 100 * sums[:, 3] / customers, sums[:, 4] / customers]
    )


def _resampled(outcomes: Outcomes, draw: np.random.Generator, resamples: int) -> Floats:
    """The means of so many redraws of the arm's customers, with replacement."""
    count, found = outcomes.customers, []
    step = max(1, _AT_ONCE // count)
    for start in range(0, resamples, step):
        picked = draw.integers(0, count, (min(step, resamples - start), count))
        found.append(_means(outcomes.rows[picked].sum(axis=1), count))
    return np.concatenate(found)


def difference(
    control: Outcomes, treated: Outcomes, *, effect: float, seed: int, resamples: int = RESAMPLES
) -> Difference | None:
    """The treated arm against the control, with 95 % intervals; None while an arm has nothing at stake.

    `incremental` is the cash, in minor units, that the treated stake brought beyond what it would have without:
    the difference of shares times the stake. `needed` is how many customers an arm needs to see a difference of shares
    of `effect` with a power of 80 %.
    """
    here, there = means_of(control), means_of(treated)
    if here is None or there is None:
        return None
    draw = np.random.default_rng(seed)
    spread = _resampled(treated, draw, resamples) - _resampled(control, draw, resamples)
    cash = _interval(there.cash_share - here.cash_share, spread[:, 0])
    complaints = _interval(there.complaints - here.complaints, spread[:, 2])
    stake = treated.stake
    return Difference(
        cash_share=cash,
        days_gained=_interval(here.days - there.days, -spread[:, 1]),
        complaints=complaints,
        incremental=Interval(*(bound * stake for bound in cash)),
        verdict=_verdict(cash, min(control.owing, treated.owing)),
        needed=needed(control, effect=effect),
    )


def _interval(estimate: float, spread: Floats) -> Interval:
    low, high = np.quantile(spread, [0.025, 0.975])
    return Interval(float(estimate), float(low), float(high))


def _verdict(cash: Interval, owing: int) -> Verdict:
    if owing < LEAST_CUSTOMERS:
        return Verdict.TOO_FEW
    if cash.holds_zero:
        return Verdict.NOT_TOLD_APART
    return Verdict.BETTER if cash.estimate > 0 else Verdict.WORSE


def needed(control: Outcomes, *, effect: float) -> int | None:
    """Customers an arm needs to tell a difference of cash shares of `effect` from none: 5 % two-sided, power 80 %.

    By the variance of the linearised ratio: each customer's residual cash - share x stake over the mean stake.
    """
    told = means_of(control)
    if told is None or control.customers < 2:
        return None
    stake, cash = control.rows[:, 0], control.rows[:, 1]
    residuals = (cash - told.cash_share * stake) / stake.mean()
    return int(np.ceil(2 * residuals.var(ddof=1) * ((_ALPHA_Z + _POWER_Z) / effect) ** 2))
