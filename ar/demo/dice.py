"""Chance that can be thrown again: each question has dice of its own, whatever was asked before it."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from random import Random
from typing import TypeVar

T = TypeVar("T")


def dice(*labels: object) -> Random:
    """The generator named by `labels`: the same names give the same throws, on any machine and in any order."""
    return Random("/".join(map(str, labels)))  # noqa: S311 - chance for a simulation, not for a secret


def spread(weights: Mapping[T, int], count: int, rng: Random) -> list[T]:
    """`count` choices in the proportions of `weights`, to within one each, shuffled."""
    total = sum(weights.values())
    reached, given = 0, 0
    chosen: list[T] = []
    for choice, weight in weights.items():
        reached += weight
        upto = round(count * reached / total)
        chosen.extend([choice] * (upto - given))
        given = upto
    rng.shuffle(chosen)
    return chosen


def poisson(rng: Random, mean: float) -> int:
    """How many of something rare, `mean` on average."""
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
