"""The peer: the order of rules that Stripe publishes for reconciling bank transfers with invoices.

The invoices whose numbers are in the memo, and what is left by the next rules; else the oldest invoice of exactly the
amount; else the smallest set of at most five invoices that makes it, oldest first; invoices 30 days overdue or more are
left out of the last two. Stripe knows the customer by an account number of its own; here it is known by the IBAN or by
a name that is one customer's alone. This is our reading of the rules as they are published, not Stripe's software.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta

from ar.cash.matching.facts import Decision, Incoming, Item, Part, Proposal, Verdict
from ar.cash.matching.names import NameIndex
from ar.cash.matching.sums import subsets
from ar.ledger.models import EntryKind
from ar.ledger.references import reference_key
from bench.match_truth import TODAY, World

MOST_IN_SET = 5
_NUMBER = re.compile(r"\bFA\d{4}[- ]?\d{6}\b")


class Peer:
    """Decides on the payments of a world."""

    def __init__(self, world: World) -> None:
        self.by_key = {item.reference_key: item for item in world.items if item.kind is EntryKind.INVOICE}
        self.of: dict[int, list[Item]] = defaultdict(list)
        for item in world.items:
            if item.kind is EntryKind.INVOICE and item.due_on > TODAY - timedelta(days=30):
                self.of[item.account_id].append(item)
        for items in self.of.values():
            items.sort(key=lambda item: (item.due_on, item.entry_id))
        self.ibans = {c.iban: c.id for c in world.customers if c.known}
        self.names = NameIndex({c.id: c.name for c in world.customers})

    def decide(self, one: Incoming) -> Decision:
        """APPLY where a rule fits, LEAVE else."""
        quoted = dict.fromkeys(reference_key(number) for number in _NUMBER.findall(" ".join(one.texts).upper()))
        named = [item for key in quoted if (item := self.by_key.get(key)) and item.currency == one.currency]
        if named:
            rest = one.amount_minor - sum(item.open_minor for item in named)
            others = [item for item in self.of.get(named[0].account_id, ()) if item not in named]
            return _applied(one, [*named, *(_by_amount(others, rest) if rest > 0 else ())])
        account = self.ibans.get(one.payer_iban)
        if account is None:
            same = [found for found, alike in self.names.nearest(one.payer_name, 2) if alike == 1.0]
            account = same[0] if len(same) == 1 else None
        chosen = _by_amount(self.of.get(account or 0, []), one.amount_minor)
        return _applied(one, chosen) if chosen else Decision(one.id, Verdict.LEAVE, (), "nothing_fits")


def _by_amount(items: list[Item], amount: int) -> list[Item]:
    """The oldest of exactly the amount, else the smallest set."""
    exact = next((item for item in items if item.open_minor == amount), None)
    return [exact] if exact else _smallest_set(items, amount)


def _applied(one: Incoming, items: list[Item]) -> Decision:
    """The money on these items in their order, what is left over on account of the first's customer."""
    left, parts = one.amount_minor, []
    for item in items:
        paid = min(left, item.open_minor)
        left -= paid
        if paid:
            parts.append(Part(item.account_id, item.entry_id, paid))
    if left:
        parts.append(Part(items[0].account_id, None, left))
    return Decision(one.id, Verdict.APPLY, (Proposal(tuple(parts)),))


def _smallest_set(items: list[Item], amount: int) -> list[Item]:
    """Of all the sets (of up to three where there are more than 30 items), by the same search as the engine's."""
    ways, _ = subsets([item.open_minor for item in items], amount, most=1)
    return [items[n] for n in ways[0]] if ways and len(ways[0]) <= MOST_IN_SET else []
