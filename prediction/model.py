"""The payment-time model: the chance that an open invoice is paid on each day, learnt by gradient boosting. Pure.

A discrete-time hazard: each question (an invoice on a scoring day) becomes one line per step of its curve, from the
scoring day until it was paid or the history ends, so invoices still open teach as well. Late probability, quantiles
and expected date are all read off the one curve.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from prediction.curves import FIRST, LAST, ON_TIME, STEPS, Curves, from_hazards, step_of
from prediction.features import AMOUNT, CUSTOMER, INVOICE, NAMES, STANDING, Ends, features, month_day
from prediction.outcomes import NEVER, Bools, Floats, History, Ints, weekday
from prediction.rhythm import rhythm, weekday_shares

SEED: Final = 20
MAX_CELLS: Final = 250_000
"""Training lines; above it, questions are drawn at random."""
CHUNK: Final = 2000
"""Questions scored at once, to bound memory."""
FEW_PAYMENTS: Final = 5000
"""Below it, smaller trees: there is too little to learn fine distinctions from."""
LATER_DAYS: Final = 30
LATER_QUESTION_DAYS: Final = 14
"""Up to so many days past its date an invoice is asked about a second time in training."""

STEP_NAMES: Final = (
    "step",
    "lead",
    "step_weekday",
    "step_day",
    "step_to_month_end",
    "step_usual",
    "step_weekday_share",
    "step_to_recent",
    "step_to_last",
)
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "customer": CUSTOMER,
    "amount": ("amount", *AMOUNT),
    "standing": STANDING,
    "invoice": tuple(name for name in INVOICE if name != "amount"),
}
"""What a reason may be about: each group of features is set to its typical value, to see what it changes."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Boosted trees on one thread: on more threads than idle cores they wait for one another at every split, and take
    ten times as long; and the pages are served on the other cores."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="openmp"):
        yield


@dataclass(frozen=True, eq=False)
class Questions:
    """Invoices on their scoring days, with all that is known of them then. Arrays by question."""

    due: Ints
    days: Ints
    table: Floats
    usual: Floats
    shares: Floats

    @classmethod
    def of(cls, ends: Ends, rows: Ints, days: Ints) -> Questions:
        return cls(
            ends.history.due[rows],
            days,
            features(ends, rows, days),
            rhythm(ends, rows, days),
            weekday_shares(ends, rows, days),
        )

    def lines(self, question: Ints, step: Ints) -> Floats:
        """A line for each (question, step): the question's features, and what the step itself says."""
        day = self.due[question] + FIRST[step]
        single = (FIRST[step] == LAST[step]) & (step > 0)
        month, left, _ = month_day(day)
        kind = weekday(day)
        recent = self.table[:, NAMES.index("recent_late")]
        last = self.table[:, NAMES.index("last_late")]
        own = [
            FIRST[step].astype(float),
            (day - self.days[question]).astype(float),
            np.where(single, kind, np.nan),
            np.where(single, month, np.nan),
            np.where(single, left, np.nan),
            self.usual[question, step],
            np.where(single, self.shares[question, kind], np.nan),
            FIRST[step] - recent[question],
            FIRST[step] - last[question],
        ]
        return np.column_stack([self.table[question], *own])

    def without(self, group: str, typical: Typical) -> Questions:
        """The same with this group of features at its typical values; the customer's comes with its rhythm."""
        at = [NAMES.index(name) for name in GROUPS[group]]
        table = self.table.copy()
        table[:, at] = typical.features[at]
        if group != "customer":
            return replace(self, table=table)
        usual = np.broadcast_to(typical.usual, self.usual.shape)
        return replace(self, table=table, usual=usual, shares=np.broadcast_to(typical.shares, self.shares.shape))


@dataclass(frozen=True, eq=False)
class Typical:
    """The middle of what was learnt from: features, rhythm by step, and shares of the weekdays."""

    features: Floats
    usual: Floats
    shares: Floats


@dataclass(frozen=True, eq=False)
class PaymentModel:
    """A fitted model: a classifier of steps, the columns it uses, and the daily rate after the last step."""

    classifier: Any
    used: Ints
    tail: float
    typical: Typical

    def curves(self, ends: Ends, rows: Ints, days: Ints) -> Curves:
        """The payment curve of each question."""
        parts = [
            self._curves(Questions.of(ends, rows[i : i + CHUNK], days[i : i + CHUNK]), STEPS)
            for i in range(0, max(len(rows), 1), CHUNK)
        ]
        return Curves(np.concatenate([p.start for p in parts]), np.concatenate([p.unpaid for p in parts]), self.tail)

    def effects(self, ends: Ends, rows: Ints, days: Ints) -> dict[str, Floats]:
        """By group of features: how much it adds to the chance of being late, against a typical invoice.

        For an invoice past its date, the chance of being open LATER_DAYS after the scoring day is told instead.
        """
        found: dict[str, list[Floats]] = {name: [] for name in GROUPS}
        for i in range(0, max(len(rows), 1), CHUNK):
            asked = Questions.of(ends, rows[i : i + CHUNK], days[i : i + CHUNK])
            given = self._open_late(asked)
            for name in GROUPS:
                found[name].append(given - self._open_late(asked.without(name, self.typical)))
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def _open_late(self, asked: Questions) -> Floats:
        start = asked.days - asked.due
        stop = np.where(start > 0, np.minimum(step_of(start + LATER_DAYS) + 1, STEPS), ON_TIME)
        return self._curves(asked, stop).unpaid[:, -1]

    def _curves(self, asked: Questions, stop: Ints | int) -> Curves:
        """Curves by steps before `stop`; after it they stay level."""
        start = asked.days - asked.due
        alive = LAST[None, :] >= start[:, None]
        alive &= np.arange(STEPS)[None, :] < np.reshape(stop, (-1, 1))
        question, step = np.nonzero(alive)
        hazards = np.zeros(alive.shape)
        if len(question):
            lines = asked.lines(question, step)[:, self.used]
            with one_thread():
                hazards[question, step] = self.classifier.predict_proba(lines)[:, 1]
        return from_hazards(start, hazards, self.tail)


def fit(history: History, *, max_cells: int = MAX_CELLS) -> PaymentModel:
    """A model of all that `history` knows at its `as_of`; the same history gives the same model."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, days, begin, count, paid_in = _learnt_from(history, max_cells)
    asked = Questions.of(Ends.of(history), rows, days)
    question = np.repeat(np.arange(len(rows)), count)
    step = np.arange(len(question)) - np.repeat(np.cumsum(count) - count, count) + begin[question]
    lines = asked.lines(question, step)
    paid: Bools = step == paid_in[question]
    used = np.flatnonzero(np.isfinite(lines).any(axis=0))
    with one_thread():
        classifier = HistGradientBoostingClassifier(**shape(int(paid.sum()))).fit(lines[:, used], paid)
    known = np.isfinite(asked.table).any(axis=0)
    middle = np.full(len(NAMES), np.nan)
    middle[known] = np.nanmedian(asked.table[:, known], axis=0)
    typical = Typical(middle, asked.usual.mean(axis=0), asked.shares.mean(axis=0))
    return PaymentModel(classifier, used, tail_rate(history), typical)


def _learnt_from(history: History, max_cells: int) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Questions to learn from, on their days: the first step of each, the number of steps, the one it was paid in.

    Every invoice on the day of its issue, and once more on a later day on which it was open, drawn by SEED: so the
    model knows invoices of every age. Steps that have not ended by `as_of` are left out, paid or not: to keep only the
    paid ones of them would make payment look quicker than it is.
    """
    draw = np.random.default_rng(SEED)
    every = np.arange(len(history))
    last = np.minimum(np.minimum(history.closed, history.due + LATER_QUESTION_DAYS), history.as_of)
    later = history.issued + 1 + (draw.random(len(history)) * (last - history.issued)).astype(np.int64)
    again = np.flatnonzero(last > history.issued)
    rows = np.concatenate([every, again])
    days = np.concatenate([history.issued, later[again]])

    begin = step_of(days - history.due[rows])
    end = step_of(np.minimum(history.closed[rows], NEVER // 2) - history.due[rows])
    complete = step_of(history.as_of - history.due[rows] + 1)
    stop = np.minimum(np.minimum(np.where(history.paid[rows], end + 1, end), complete), STEPS)
    count = np.maximum(stop - begin, 0)
    drawn = draw.permutation(len(rows))
    kept = np.sort(drawn[np.cumsum(count[drawn]) <= max_cells])
    paid_in = np.where(history.paid[rows], end, -1)
    return rows[kept], days[kept], begin[kept], count[kept], paid_in[kept]


def shape(payments: int) -> dict[str, Any]:
    """How the trees grow, for so many payments learnt from."""
    few = payments < FEW_PAYMENTS
    return {
        "max_iter": 120 if few else 150,
        "learning_rate": 0.08,
        "max_leaf_nodes": 6 if few else 24,
        "min_samples_leaf": 150 if few else 100,
        "l2_regularization": 20.0 if few else 5.0,
        "max_features": 0.3 if few else 0.5,
        "early_stopping": False,
        "random_state": SEED,
    }


def tail_rate(history: History) -> float:
    """The daily rate of payment past the last step, one day in 60 where nothing is known."""
    beyond = history.due + LAST[-1]
    until = np.minimum(history.closed, history.as_of)
    days = np.maximum(until - beyond, 0).sum()
    paid = (history.paid & (history.closed > beyond)).sum()
    return float((paid + 1) / (days + 60))
