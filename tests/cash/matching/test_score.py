"""The two figures that matching is judged by, on a small set of hard payments; and the set itself."""

from __future__ import annotations

from collections import Counter

import pytest

from ar.cash.matching.candidates import all_candidates, quotes_of
from bench.match_peer import Peer
from bench.match_score import decided, lookups, scored, world_of
from bench.match_truth import MIX, World, make_world

SEED = 31


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(SEED, 4_000)


def test_most_is_applied_untouched_and_next_to_nothing_of_it_wrongly(world: World) -> None:
    score = scored(world, decided(world))
    assert score.rate(len(world.payments)) >= 0.92
    assert score.error <= 0.0005, [(paid.category, paid.incoming) for paid, _ in score.errors]


def test_the_peers_rules_apply_more_wrongly(world: World) -> None:
    peer = Peer(world)
    theirs = scored(world, [peer.decide(paid.incoming) for paid in world.payments])
    assert theirs.error > 0.01


def test_the_same_seed_makes_the_same_payments() -> None:
    one, two = (make_world(5, payments=300, items=3_000, customers=120) for _ in range(2))
    assert one.payments == two.payments
    assert one.items == two.items


def test_the_payments_are_as_hard_as_they_say(world: World) -> None:
    count = Counter(paid.category for paid in world.payments)
    assert {name: count[name] / len(world.payments) * 100 for name in MIX} == pytest.approx(MIX)
    amounts = Counter((item.account_id, item.open_minor) for item in world.items)
    twins = sum(n for n in amounts.values() if n > 1)
    assert twins / len(world.items) > 0.05
    known = sum(customer.known for customer in world.customers) / len(world.customers)
    assert 0.6 < known < 0.8
    cleared = [entry for paid in world.payments for entry, _ in paid.truth.cleared]
    by_id = {item.entry_id: item for item in world.items}
    assert max(Counter(entry for entry in cleared if by_id[entry].side == 1).values()) == 1


def test_what_a_payment_is_for_is_nearly_always_among_its_candidates(world: World) -> None:
    settled = [paid for paid in world.payments if paid.truth.settled]
    chunk, look = [paid.incoming for paid in settled], lookups(world)
    found = all_candidates(chunk, look, quotes_of(chunk, look))
    complete = sum(
        {entry for entry, _ in paid.truth.cleared} <= {item.entry_id for item in candidates.items}
        for paid, candidates in zip(settled, found, strict=True)
    )
    assert complete / len(settled) > 0.98
