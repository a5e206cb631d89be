"""How much each piece of evidence weighs, learnt from confirmed matches; how sure is sure enough. Pure.

The proposals for one amount of money compete with each other and with "none of these": each scores the sum of its
evidence times the weights, "none" scores nothing, and a probability is a score's share (a conditional logit; a
logistic regression where there is one proposal). So two equal proposals are at most half likely each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

LEAST = 300
"""From how many confirmed matches on weights are learnt; below, they are the priors."""
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
"""At which thresholds the error is measured and kept."""

_STIFFNESS = 1.0
_STEPS = 25


@dataclass(frozen=True, slots=True)
class Measured:
    """Of the samples: the share applied from `threshold` on, and the share of those that was wrong."""

    threshold: float
    applied: float
    error: float


@dataclass(frozen=True, slots=True)
class Weights:
    """`values` per name of evidence; what no weight is known for weighs nothing. `matches`: learnt from how many."""

    values: Mapping[str, float]
    matches: int = 0
    measured: tuple[Measured, ...] = ()

    def stored(self) -> dict[str, Any]:
        """The weights as plain JSON."""
        return {
            "values": dict(self.values),
            "matches": self.matches,
            "measured": [[one.threshold, one.applied, one.error] for one in self.measured],
        }

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        """The weights that stored() wrote."""
        return cls(kept["values"], kept["matches"], tuple(Measured(*one) for one in kept["measured"]))

    def score(self, evidence: Mapping[str, float]) -> float:
        """The log-odds of this evidence against "none of these"."""
        values = self.values
        return sum(values.get(name, 0.0) * value for name, value in evidence.items())


@dataclass(frozen=True, slots=True)
class Sample:
    """What was proposed for one amount of money, and which of it was right; None when none was."""

    proposals: tuple[Mapping[str, float], ...] = field(default=())
    right: int | None = None


def probabilities(scores: Sequence[float]) -> list[float]:
    """The share of each score, "none of these" (0) competing."""
    top = max(0.0, *scores) if scores else 0.0
    parts = [exp(score - top) for score in scores]
    whole = exp(-top) + sum(parts)
    return [part / whole for part in parts]


def learn(samples: Sequence[Sample], prior: Weights) -> Weights:
    """Weights that make the samples likeliest while staying near `prior`, with the error measured on held-out fifths.

    The prior itself where there are fewer than LEAST samples.
    """
    if len(samples) < LEAST:
        return prior
    folds = [samples[at::5] for at in range(5)]
    outcomes: list[tuple[float, bool]] = []
    for at, held_out in enumerate(folds):
        trained = _fit([one for n, fold in enumerate(folds) if n != at for one in fold], prior)
        outcomes += _outcomes(held_out, trained)
    return Weights(_fit(samples, prior).values, len(samples), tuple(_measured(outcomes, at) for at in THRESHOLDS))


def threshold_for(samples: Sequence[Sample], error: float, weights: Weights) -> float:
    """The lowest probability above which at most the share `error` of what would be applied is wrong; 1.0 for none."""
    outcomes = sorted(_outcomes(samples, weights), key=lambda one: -one[0])
    wrong, best = 0, 1.0
    for count, (probability, right) in enumerate(outcomes, start=1):
        wrong += not right
        last_of_equals = count == len(outcomes) or outcomes[count][0] < probability
        if last_of_equals and wrong <= error * count:
            best = probability
    return best


def _outcomes(samples: Iterable[Sample], weights: Weights) -> list[tuple[float, bool]]:
    """Per sample with a proposal: the probability of the likeliest, and whether it was right."""
    found = []
    for sample in samples:
        chances = probabilities([weights.score(evidence) for evidence in sample.proposals])
        if chances:
            best = max(range(len(chances)), key=lambda n: (chances[n], -n))
            found.append((chances[best], best == sample.right))
    return found


def _measured(outcomes: Sequence[tuple[float, bool]], threshold: float) -> Measured:
    applied = [right for probability, right in outcomes if probability >= threshold]
    wrong = applied.count(False)
    return Measured(threshold, len(applied) / max(1, len(outcomes)), wrong / max(1, len(applied)))


def _fit(samples: Sequence[Sample], prior: Weights) -> Weights:
    """Newton's method on the penalised likelihood; the penalty keeps it well posed whatever the samples."""
    names = sorted(set(prior.values).union(*(evidence for sample in samples for evidence in sample.proposals)))
    place = {name: n for n, name in enumerate(names)}
    start = np.array([prior.values.get(name, 0.0) for name in names])
    rows, owners, right = _table(samples, place)
    weights = start.copy()
    if not len(rows):
        return prior
    target = rows[right].sum(axis=0) if len(right) else np.zeros(len(names))
    for _ in range(_STEPS):
        chances = _chances(rows @ weights, owners, len(samples))
        weighted = rows * chances[:, None]
        means = np.zeros((len(samples), len(names)))
        np.add.at(means, owners, weighted)
        slope = target - weighted.sum(axis=0) - _STIFFNESS * (weights - start)
        bend = rows.T @ weighted - means.T @ means + _STIFFNESS * np.eye(len(names))
        step = np.linalg.solve(bend, slope)
        weights = weights + step * min(1.0, 2.0 / max(1e-9, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-6:
            break
    return Weights({name: round(float(weights[n]), 6) for name, n in place.items()}, len(samples))


def _table(
    samples: Sequence[Sample], place: Mapping[str, int]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """A row of evidence per proposal, the sample that each belongs to, and which rows were right."""
    count = sum(len(sample.proposals) for sample in samples)
    rows = np.zeros((count, len(place)))
    owners = np.zeros(count, dtype=np.int64)
    right = []
    at = 0
    for number, sample in enumerate(samples):
        for rank, evidence in enumerate(sample.proposals):
            for name, value in evidence.items():
                rows[at, place[name]] = value
            owners[at] = number
            if rank == sample.right:
                right.append(at)
            at += 1
    return rows, owners, np.array(right, dtype=np.int64)


def _chances(scores: NDArray[np.float64], owners: NDArray[np.int64], samples: int) -> NDArray[np.float64]:
    top = np.zeros(samples)
    np.maximum.at(top, owners, scores)
    parts = np.exp(scores - top[owners])
    whole = np.exp(-top)
    np.add.at(whole, owners, parts)
    chances: NDArray[np.float64] = parts / whole[owners]
    return chances


PRIORS = Weights(
    {
        "accounts": -2.67,
        "advised": 4.0,
        "alias": 1.5,
        "alias_refused": -3.0,
        "all_due": 3.05,
        "balance": 3.01,
        "base": -4.61,
        "before": -3.0,
        "chance": -1.33,
        "chance_single": -0.56,
        "charges": 0.65,
        "charges+damaged": -0.94,
        "charges+named": 1.59,
        "charges_odd": -1.17,
        "charges_stated": 3.4,
        "charges_stated+named": 0.4,
        "contrary": -10.14,
        "credited": 2.23,
        "credited+unnamed": 0.23,
        "damaged": 8.85,
        "discount": 4.8,
        "discount+named": 0.28,
        "discount+unnamed": 1.51,
        "exact": 6.55,
        "exact+damaged": 3.75,
        "exact+named": 0.24,
        "exact+some_named": 0.39,
        "exact+unnamed": -0.83,
        "expected": 4.0,
        "given": 2.0,
        "iban": 0.1,
        "iban_refused": -4.0,
        "late_charges": 4.0,
        "late_discount": 2.02,
        "late_discount+named": 0.52,
        "left_out": -5.64,
        "like_left_out": -4.3,
        "like_name": 1.63,
        "loose": -0.6,
        "month": 1.98,
        "named": 13.07,
        "named_share": 2.49,
        "nothing": -5.0,
        "number": 1.5,
        "oldest": 1.49,
        "order": 1.84,
        "other_iban": -2.57,
        "other_iban_kin": -0.75,
        "other_name": -1.68,
        "over": -5.12,
        "over+damaged": -0.53,
        "over+named": -0.6,
        "over_share": -8.11,
        "over_spare": 3.95,
        "relative": -1.01,
        "run": -1.1,
        "same_name": 0.87,
        "several": 4.35,
        "short": -2.63,
        "short+damaged": -1.26,
        "short+named": -0.36,
        "short_share": -0.82,
        "single": 1.95,
        "some_named": 5.39,
        "stranger": -3.01,
        "tolerated": 1.0,
        "uncontested": 2.0,
        "unnamed": 3.91,
        "unread": -10.04,
        "unsearched": -0.64,
    }
)
"""What the evidence weighs before anything was learnt: fitted to the made-up payments of bench/match_truth.py."""
