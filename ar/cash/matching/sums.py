"""Which of many amounts add up to one: all ways to, within bounds of work. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_AMOUNTS = 30
"""Up to so many amounts every subset is looked at (two halves that meet); above, pairs and triples and their rests."""
MOST_TRIPLED = 120
MOST_PAIRED = 600

_LAST_BITS = (1 << 17) - 1


def subsets(amounts: Sequence[int], target: int, *, most: int) -> tuple[list[tuple[int, ...]], bool]:
    """At most `most` ways to make `target` of the positive `amounts`, as places in ascending order, the fewest first;
    and whether these are all there are.

    The same places for the same amounts, whatever else. Work is bounded by the constants above.
    """
    places = [n for n, amount in enumerate(amounts) if 0 < amount <= target]
    whole = sum(amounts[n] for n in places)
    if target <= 0 or whole < target:
        return [], True
    if whole == target:
        return [tuple(places)], True
    values = [amounts[n] for n in places]
    if len(values) <= MOST_AMOUNTS:
        found, complete = _halves(values, target), True
    else:
        found, complete = _few(values, target), False
        if whole - target < target:
            every = range(len(values))
            found |= {tuple(sorted(set(every) - set(left))) for left in _few(values, whole - target)}
    ways = sorted((tuple(places[n] for n in way) for way in found), key=lambda way: (len(way), way))
    return ways[:most], complete and len(ways) <= most


def _halves(values: Sequence[int], target: int) -> set[tuple[int, ...]]:
    """Every subset that makes the target: sums of one half looked up among those of the other."""
    half = len(values) // 2
    left, right = _sums(values[:half]), _sums(values[half:])
    wanted = target - left
    ours, theirs = _maybe(wanted, right), _maybe(right, wanted)
    if not len(ours) or not len(theirs):
        return set()
    order = theirs[np.argsort(right[theirs], kind="stable")]
    ordered = right[order]
    first = np.searchsorted(ordered, wanted[ours], side="left")
    last = np.searchsorted(ordered, wanted[ours], side="right")
    found: set[tuple[int, ...]] = set()
    for place in np.nonzero(last > first)[0]:
        mask = int(ours[place])
        for at in range(int(first[place]), min(int(last[place]), int(first[place]) + 64)):
            found.add((*_bits(mask, 0), *_bits(int(order[at]), half)))
        if len(found) > 256:
            break
    return found


def _maybe(sums: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.intp]:
    """The places of those of `sums` that may be among `others`, by their last bits: most are not."""
    held = np.zeros(_LAST_BITS + 1, dtype=np.bool_)
    held[others & _LAST_BITS] = True
    places: NDArray[np.intp] = held[sums & _LAST_BITS].nonzero()[0]
    return places


def _sums(values: Sequence[int]) -> NDArray[np.int64]:
    """The sum of every subset, by its bit mask."""
    made = np.zeros(1 << len(values), dtype=np.int64)
    for n, value in enumerate(values):
        made[1 << n : 2 << n] = made[: 1 << n] + value
    return made


def _bits(mask: int, offset: int) -> list[int]:
    return [offset + n for n in range(mask.bit_length()) if mask >> n & 1]


def _few(values: Sequence[int], target: int) -> set[tuple[int, ...]]:
    """Singles, pairs and, where there are not too many, triples."""
    found: set[tuple[int, ...]] = set()
    place: dict[int, list[int]] = {}
    for n, value in enumerate(values[:MOST_PAIRED]):
        if value == target:
            found.add((n,))
        found.update((before, n) for before in place.get(target - value, ())[:16])
        place.setdefault(value, []).append(n)
        if len(found) > 256:
            return found
    if 3 <= len(values) <= MOST_TRIPLED:
        found |= _triples(np.array(values, dtype=np.int64), target)
    return found


def _triples(table: NDArray[np.int64], target: int) -> set[tuple[int, ...]]:
    """Triples: the sum of each pair looked up by what a third amount leaves."""
    one, two = np.triu_indices(len(table), 1)
    pairs = table[one] + table[two]
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    first = np.searchsorted(ordered, target - table, side="left")
    last = np.searchsorted(ordered, target - table, side="right")
    found: set[tuple[int, ...]] = set()
    for n in np.nonzero(last > first)[0]:
        for at in order[first[n] : min(last[n], first[n] + 64)]:
            if n < one[at]:
                found.add((int(n), int(one[at]), int(two[at])))
        if len(found) > 256:
            break
    return found
