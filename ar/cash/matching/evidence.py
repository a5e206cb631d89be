"""What speaks for an idea and what against, as numbers by name: a pure function of the case and the idea.

Most values run from 0 to 1. `named`: every item is quoted whole; `damaged`: every one at least in a damaged form;
`some_named`, `unnamed`: some, none; joined to where the amount comes from, as in `exact+named`. `chance`: how easily
the amount comes about by accident, in powers of ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, log10

from ar.cash.matching.case import Case, is_charge, uncontested
from ar.cash.matching.facts import Item
from ar.cash.matching.ideas import Idea
from ar.cash.matching.sums import MOST_AMOUNTS

_POSITIVE = ("iban", "alias", "same_name", "like_name", "given", "number", "relative")
_NEGATIVE = ("iban_refused", "alias_refused", "other_name", "other_iban", "other_iban_kin")
_SAID = ("named", "damaged", "some_named", "unnamed")
_NEVER = -6.0
SOON_DAYS = 3
"""What is due in so many days is paid with what is due."""


def weigh(case: Case, idea: Idea) -> dict[str, float]:
    """The evidence of an idea. Names without evidence are left out."""
    found: dict[str, float] = {"base": 1.0}
    for how in idea.how:
        found[how] = 1.0
    _difference(case, idea, found)
    unnamed = _references(case, idea, found)
    said = next((name for name in _SAID if name in found), "nothing")
    for how in idea.how:
        found[f"{how}+{said}"] = 1.0
    _payer(case, idea, found)
    if unnamed:
        _structure(case, idea, unnamed, found)
    if any(line.item.effective_on > case.incoming.received_on for line in idea.lines):
        found["before"] = 1.0
    return found


def _difference(case: Case, idea: Idea, found: dict[str, float]) -> None:
    """Evidence of what came too much or too little."""
    if idea.rest:
        paid = case.amount - idea.rest
        found["over_share"] = idea.rest / case.amount
        if idea.rest == paid:
            found["over_twice"] = 1.0
        ours = {line.item.entry_id for line in idea.lines}
        accounts = {line.item.account_id for line in idea.lines}
        others = (i for i in case.items if i.side == 1 and i.account_id in accounts and i.entry_id not in ours)
        if all(item.open_minor > idea.rest for item in others):
            found["over_spare"] = 1.0
    if "charges" in idea.how and sum(line.off for line in idea.lines) % 50:
        found["charges_odd"] = 1.0
    if "short" in idea.how:
        found["short_share"] = case.amount / sum(line.item.open_minor for line in idea.lines)


def _references(case: Case, idea: Idea, found: dict[str, float]) -> list[Item]:
    """Evidence of what the texts quote; answers the items that they do not."""
    items = [line.item for line in idea.lines]
    whole = [case.named.get(item.entry_id, 0.0) for item in items]
    best = [max(q, case.like.get(item.entry_id, 0.0)) for q, item in zip(whole, items, strict=True)]
    unnamed = [item for item, quality in zip(items, best, strict=True) if not quality]
    if not items:
        found["nothing"] = 1.0
    elif all(whole):
        found["named"] = min(whole)
    elif all(best):
        found["damaged"] = min(best)
    elif any(best):
        found["some_named"] = max(best)
        found["named_share"] = sum(1 for quality in best if quality) / len(best)
    else:
        found["unnamed"] = 1.0
    ours = {item.entry_id for item in items}
    left_out = sum(q for entry, q in case.named.items() if entry not in ours and case.by_id[entry].side == 1)
    if left_out:
        found["left_out"] = min(3.0, left_out)
    if not all(whole):
        others = max((quality for entry, quality in case.like.items() if entry not in ours), default=0.0)
        if others > max(best, default=0.0):
            found["like_left_out"] = others
        unread = case.unread - sum(1 for item in items if item.entry_id in case.like)
        if unread > 0:
            found["unread"] = min(2.0, unread)
        if case.contrary:
            found["contrary"] = 1.0
    return unnamed


def _payer(case: Case, idea: Idea, found: dict[str, float]) -> None:
    """How its customers stand to the payer: of several, what is least in favour of any."""
    accounts = {line.item.account_id for line in idea.lines} | ({idea.account_id} if idea.rest else set())
    standings = [case.stands(account).evidence for account in sorted(accounts)]
    for name in _POSITIVE:
        value = min((evidence.get(name, 0.0) for evidence in standings), default=0.0)
        if value:
            found[name] = value
    for name in _NEGATIVE:
        value = max((evidence.get(name, 0.0) for evidence in standings), default=0.0)
        if value:
            found[name] = value
    if not any(name in found for name in _POSITIVE):
        found["stranger"] = 1.0
    if len(accounts) > 1:
        found["accounts"] = min(3.0, len(accounts) - 1.0)


def _structure(case: Case, idea: Idea, unnamed: Sequence[Item], found: dict[str, float]) -> None:
    """Whether what no text names makes sense together, and how easily its sum is an accident."""
    chosen = {item.entry_id for item in unnamed}
    quoted = {line.item.entry_id for line in idea.lines} - chosen
    account = unnamed[0].account_id
    others = [i for i in case.items if i.side == 1 and i.account_id == account and uncontested(i)]
    others = [i for i in others if i.entry_id not in quoted and (not is_charge(i) or i.entry_id in chosen)]
    amount = sum(item.open_minor for item in unnamed)
    odds = log10(round_ways(amount) / max(1, amount))
    if len(unnamed) == 1 and not quoted:
        found["chance_single"] = max(_NEVER, odds + log10(max(1, len(others)))) - _NEVER
        found["single"] = 1.0
        return
    sense = _sense(case, unnamed, others, chosen)
    for name in sense:
        found[name] = 1.0
    if sense or _adjoining(others, chosen):
        if not sense:
            found["run"] = 1.0
        odds += 1.5
    else:
        found["loose"] = min(8.0, float(len(unnamed)))
        if len(others) > MOST_AMOUNTS:
            found["unsearched"] = 1.0
        odds += log10(comb(len(others), min(len(unnamed), len(others))) or 1)
    found["chance"] = min(4.0, max(_NEVER, odds)) - _NEVER
    found["several"] = 1.0


def round_ways(amount: int) -> int:
    """How much more often than others an amount so round is met."""
    for step, ways in ((10_000, 200), (1_000, 50), (100, 15), (10, 4)):
        if amount % step == 0:
            return ways
    return 1


def _sense(case: Case, unnamed: Sequence[Item], others: Sequence[Item], chosen: set[int]) -> list[str]:
    """The first of the sets that people pay together that this one is."""
    count = len(chosen)
    if all(is_charge(item) for item in unnamed):
        return ["late_charges"] if count == sum(1 for item in case.of(unnamed[0].account_id) if is_charge(item)) else []
    if count < 2:
        return []
    if count == len(others):
        return ["balance"]
    day = max(item.due_on for item in unnamed)
    left = [item for item in others if item.entry_id not in chosen]
    if all(item.due_on > day for item in left):
        first = min(item.due_on for item in left)
        ready = case.incoming.received_on.toordinal()
        if first.toordinal() > ready - SOON_DAYS and day.toordinal() <= ready + SOON_DAYS:
            return ["all_due"]
        return ["oldest"]
    if all(item.due_on >= day for item in left):
        return ["oldest"]
    months = {(item.effective_on.year, item.effective_on.month) for item in unnamed}
    if len(months) == 1 and not any((i.effective_on.year, i.effective_on.month) in months for i in left):
        return ["month"]
    orders = {item.purchase_order for item in unnamed}
    if len(orders) == 1 and "" not in orders and not any(item.purchase_order in orders for item in left):
        return ["order"]
    return []


def _adjoining(others: Sequence[Item], chosen: set[int]) -> bool:
    """Whether they follow each other in the order in which they are due."""
    places = [n for n, item in enumerate(others) if item.entry_id in chosen]
    return len(places) > 1 and places[-1] - places[0] == len(places) - 1
