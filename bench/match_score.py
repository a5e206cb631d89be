"""How much of hard payments the engine applies untouched, and how much of that is wrong: in memory.

The peer on the same payments is Stripe's published order of rules: see match_peer.py.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ar.cash.matching.candidates import Lookups
from ar.cash.matching.decide import decide_all
from ar.cash.matching.facts import Decision, Expected, Item, Payer, Policy, Verdict
from ar.cash.matching.names import NameIndex
from ar.cash.matching.weights import PRIORS, Weights
from ar.ledger.references import reference_key
from bench import Result
from bench.match_peer import Peer
from bench.match_truth import CHARGES, ENTITY, MIX, TODAY, Paid, Truth, World, make_world

POLICY = Policy(charges_minor=CHARGES)
SEED = 20261124
"""The seed that is reported. The priors were tuned on other seeds."""
CHUNK = 500


def lookups(world: World) -> Lookups:
    """What candidates are looked up in, in memory."""
    by_key: dict[str, list[Item]] = defaultdict(list)
    by_account: dict[int, list[Item]] = defaultdict(list)
    for item in world.items:
        by_key[item.reference_key].append(item)
        if item.purchase_order:
            by_key[item.purchase_order].append(item)
        by_account[item.account_id].append(item)
    payers = {c.id: Payer(c.id, c.name, c.parent_id, numbers=(c.code,)) for c in world.customers}
    ibans = {c.iban: {c.id: 2} for c in world.customers if c.known}
    codes = {reference_key(c.code): [c.id] for c in world.customers}
    children: dict[int, list[int]] = defaultdict(list)
    for customer in world.customers:
        if customer.parent_id is not None:
            children[customer.parent_id].append(customer.id)

    def open_items(accounts: Collection[int]) -> Iterable[Item]:
        return [item for account in accounts for item in by_account.get(account, ())]

    def nothing_expected(_: Collection[int]) -> Mapping[int, Sequence[Expected]]:
        return {}

    def no_alias(_: Collection[str]) -> Mapping[str, Mapping[int, int]]:
        return {}

    return Lookups(
        by_reference=lambda keys: {i.entry_id: i for key in keys for i in by_key.get(key, ())}.values(),
        by_iban=lambda some: {iban: ibans[iban] for iban in some if iban in ibans},
        by_alias=no_alias,
        by_number=lambda keys: {key: codes[key] for key in keys if key in codes},
        nearest=NameIndex({c.id: c.name for c in world.customers}).nearest,
        payers=lambda accounts: {account: payers[account] for account in accounts if account in payers},
        members=lambda heads: {head: children[head] for head in heads if head in children},
        open_items=open_items,
        expected=nothing_expected,
    )


@dataclass
class Score:
    """Counts per kind of payment, and what went wrong."""

    applied: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    suggested_right: Counter[str] = field(default_factory=Counter)
    why_not: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: list[tuple[Paid, Decision]] = field(default_factory=list)
    missed: list[tuple[Paid, Decision]] = field(default_factory=list)

    def add(self, paid: Paid, decision: Decision) -> None:
        first = is_right(paid.truth, decision)
        if decision.verdict is Verdict.APPLY:
            self.applied[paid.category] += 1
            if not first:
                self.wrong[paid.category] += 1
                self.errors.append((paid, decision))
        else:
            self.why_not[paid.category, decision.why_not] += 1
            self.suggested_right[paid.category] += first
            if paid.truth.settled:
                self.missed.append((paid, decision))

    def rate(self, payments: int) -> float:
        return sum(self.applied.values()) / payments

    @property
    def error(self) -> float:
        return sum(self.wrong.values()) / max(1, sum(self.applied.values()))


def is_right(truth: Truth, decision: Decision) -> bool:
    """Whether the first proposal clears exactly what the payment is for."""
    if not decision.proposals or not truth.settled:
        return False
    best = decision.proposals[0]
    cleared: Counter[int] = Counter()
    for part in best.parts:
        if part.entry_id is not None:
            cleared[part.entry_id] += part.amount_minor
    for netting in best.nettings:
        cleared[netting.debit_id] += netting.amount_minor
        cleared[netting.credit_id] += netting.amount_minor
    on_account = sum(part.amount_minor for part in best.parts if part.entry_id is None)
    let_off = frozenset((one.entry_id, one.amount_minor) for one in best.residuals)
    return (frozenset(cleared.items()), let_off, on_account) == (truth.cleared, truth.let_off, truth.on_account)


def decided(
    world: World, policy: Policy = POLICY, weights: Weights = PRIORS, look: Lookups | None = None
) -> list[Decision]:
    """The engine's decisions on all payments, in their order."""
    look = look or lookups(world)
    incoming = [paid.incoming for paid in world.payments]
    policies = {(ENTITY, one.currency): policy for one in incoming}
    made: list[Decision] = []
    for start in range(0, len(incoming), CHUNK):
        made += decide_all(incoming[start : start + CHUNK], look, policies, weights, today={ENTITY: TODAY})
    return made


def scored(world: World, decisions: Sequence[Decision]) -> Score:
    score = Score()
    for paid, decision in zip(world.payments, decisions, strict=True):
        score.add(paid, decision)
    return score


def run(size: int | None, repeat: int, *, only: str = "") -> Result:
    """`size` payments against ten times as many items, of a seed that nothing was tuned on.

    The value is the rate of those applied, or of what was wrong among those (`only` "error"); the ratio is to the
    peer's.
    """
    size = size or 50_000
    world = world_of(SEED, size)
    look = lookups(world)
    gc.collect()
    gc.freeze()
    start = time.process_time()
    score = scored(world, decided(world, look=look))
    spent = time.process_time() - start
    peer = Peer(world)
    theirs = scored(world, [peer.decide(paid.incoming) for paid in world.payments])
    extra = {
        "size": size,
        "seed": SEED,
        "match_rate": round(score.rate(size), 4),
        "match_error": round(score.error, 6),
        "wrong": sum(score.wrong.values()),
        "peer_rate": round(theirs.rate(size), 4),
        "peer_error": round(theirs.error, 6),
        "ms_each": round(spent / size * 1e3, 3),
        "repeat": repeat,
    }
    against = "Stripe's published order of rules on the same payments"
    if only == "error":
        return Result(
            "match_error", score.error, "of those applied", score.error / max(theirs.error, 1e-9), against, extra
        )
    return Result(
        "match_rate", score.rate(size), "of all payments", score.rate(size) / theirs.rate(size), against, extra
    )


def world_of(seed: int, payments: int) -> World:
    """A world of the usual proportions: ten items for a payment, 25 for a customer."""
    return make_world(seed, payments=payments, items=10 * payments, customers=payments * 2 // 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--payments", type=int, default=50_000)
    parser.add_argument("--errors", type=int, default=1_000, help="how many errors to print")
    parser.add_argument("--missed", type=int, default=0, help="how many payments left to a person to print, per kind")
    parser.add_argument("--peer", action="store_true", help="score the peer, too")
    given = parser.parse_args()
    world = make_world(
        given.seed, payments=given.payments, items=10 * given.payments, customers=given.payments * 2 // 5
    )
    look = lookups(world)
    start = time.process_time()
    decisions = decided(world, look=look)
    spent = time.process_time() - start
    score = scored(world, decisions)
    count = len(world.payments)
    print(f"match_rate {score.rate(count):.4f}  match_error {score.error:.5f}  {spent / count * 1e3:.3f} ms CPU each")
    if given.peer:
        peer = Peer(world)
        theirs = scored(world, [peer.decide(paid.incoming) for paid in world.payments])
        print(f"peer: match_rate {theirs.rate(count):.4f}  match_error {theirs.error:.5f}  wrong {dict(theirs.wrong)}")
    total = Counter(paid.category for paid in world.payments)
    for name in MIX:
        why = {code: n for (category, code), n in score.why_not.most_common() if category == name}
        print(
            f"{name:11} {total[name]:6} applied {score.applied[name]:6} wrong {score.wrong[name]:3} "
            f"suggested right {score.suggested_right[name]:5}  {why}"
        )
    items = {item.entry_id: item for item in world.items}
    for paid, decision in score.errors[: given.errors]:
        show("WRONG", paid, decision, items)
    shown: Counter[str] = Counter()
    for paid, decision in score.missed:
        shown[paid.category] += 1
        if shown[paid.category] <= given.missed:
            show("MISSED", paid, decision, items)


def show(head: str, paid: Paid, decision: Decision, items: Mapping[int, Item]) -> None:
    """One payment, what it is for and what was made of it."""
    one = paid.incoming
    print(
        f"\n{head} {paid.category} {one.amount_minor} {one.currency} {one.payer_name!r} {one.texts} {decision.why_not}"
    )
    truth = [(items[entry].reference, items[entry].account_id, minor) for entry, minor in sorted(paid.truth.cleared)]
    print("  truth", truth[:6], sorted(paid.truth.let_off), paid.truth.on_account)
    for proposal in decision.proposals[:2]:
        parts = [
            (items[p.entry_id].reference if p.entry_id else None, p.account_id, p.amount_minor) for p in proposal.parts
        ]
        print(f"  {proposal.probability:.4f}", parts[:6], dict(proposal.evidence))


if __name__ == "__main__":
    main()
