"""Ways to add up."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ar.cash.matching.sums import MOST_AMOUNTS, subsets


@given(st.lists(st.integers(1, 60), max_size=9), st.integers(1, 200))
def test_all_ways_of_few_amounts(amounts: list[int], target: int) -> None:
    every = {
        way
        for size in range(1, len(amounts) + 1)
        for way in combinations(range(len(amounts)), size)
        if sum(amounts[n] for n in way) == target
    }
    ways, complete = subsets(amounts, target, most=10_000)
    assert set(ways) == every or len(ways) > 256
    assert complete or len(ways) > 256
    assert [len(way) for way in ways] == sorted(len(way) for way in ways)


@given(st.lists(st.integers(1, 10**13), min_size=1, max_size=200), st.data())
def test_every_way_makes_the_sum(amounts: list[int], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, min(3, len(amounts))))
    chosen = data.draw(st.lists(st.sampled_from(range(len(amounts))), min_size=size, max_size=size, unique=True))
    target = sum(amounts[n] for n in chosen)
    ways, _ = subsets(amounts, target, most=8)
    assert len(ways) <= 8
    assert all(sum(amounts[n] for n in way) == target and len(set(way)) == len(way) for way in ways)
    if len(amounts) <= MOST_AMOUNTS or size <= 2:
        assert ways


def test_what_was_not_all_looked_at_says_so() -> None:
    assert subsets([7] * 100, 21, most=3)[1] is False
    assert subsets([1, 2, 3], 99, most=3) == ([], True)
    assert subsets([1, 2, 3], 6, most=3) == ([(0, 1, 2)], True)
