"""Ways in which money may be meant, before anything says how likely each is. Pure.

An idea says which items are paid, what they are let off, which credits are set against them, and what is left on
account. Ideas of named items come first; then those of the customers that may have paid.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from ar.cash.matching.case import Case, is_charge, uncontested
from ar.cash.matching.facts import Difference, Item
from ar.cash.matching.sums import subsets

LATE_DAYS = 5
"""For so many days after its window a discount may still be taken: banks take their time."""
WAYS = 8
"""How many ways to add up are looked at, of one customer."""
SINGLES = 12
"""How many items of the same amount are looked at."""


class Line(NamedTuple):
    """What of an item is settled: paid with this money, let off (and why), by a credit."""

    item: Item
    paid: int
    off: int = 0
    why: Difference | None = None
    netted: int = 0

    @property
    def settled(self) -> bool:
        return self.paid + self.off + self.netted == self.item.open_minor


class Idea(NamedTuple):
    """`lines` by item; `credits` are credits used, each with how much; `rest` goes on account of `account_id`.

    `how` names what its amounts follow from: see evidence.py.
    """

    lines: tuple[Line, ...]
    how: frozenset[str]
    credits: tuple[tuple[Item, int], ...] = ()
    account_id: int = 0
    rest: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two ideas the same act."""
        return (
            tuple((line.item.entry_id, line.paid, line.off, line.netted) for line in self.lines),
            tuple((item.entry_id, minor) for item, minor in self.credits),
            self.account_id,
            self.rest,
        )


def idea(
    lines: Iterable[Line], how: Iterable[str], credits_: Sequence[tuple[Item, int]] = (), rest: tuple[int, int] = (0, 0)
) -> Idea:
    """An idea in its one order."""
    return Idea(
        tuple(sorted(lines, key=lambda line: line.item.entry_id)),
        frozenset(how),
        tuple(sorted(credits_, key=lambda one: one[0].entry_id)),
        *rest,
    )


def in_full(items: Iterable[Item]) -> list[Line]:
    return [Line(item, item.open_minor) for item in items]


def named_ideas(
    case: Case, items: Sequence[Item], credits_: Sequence[Item] = (), *, closely: bool = True
) -> Iterator[Idea]:
    """What may be meant by naming these items, and these credits with them; `closely`: or with others unnamed.

    Credits are named with what they are set against: then the amounts agree, or the credits were not meant so.
    """
    amount = case.amount
    off = sum(item.open_minor for item in credits_)
    gap = sum(item.open_minor for item in items) - off - amount
    if gap == 0:
        made = net_of_credits(items, credits_, ("exact",))
        if made:
            yield made
    if gap == 0 or credits_:
        return
    advised = sum(case.advised.values()) == amount and case.advised.keys() == {item.entry_id for item in items}
    if advised and (gap < 0 or next(discounted(case, items, gap), None) is None):
        yield idea((Line(case.by_id[entry], minor) for entry, minor in case.advised.items()), ("advised",))
    if gap > 0:
        yield from _less(case, items, gap)
    else:
        yield from _more(case, items, -gap, closely=closely)


def _less(case: Case, items: Sequence[Item], gap: int) -> Iterator[Idea]:
    """Less came than the named items are open for."""
    yield from discounted(case, items, gap)
    if case.incoming.charges_minor == gap:
        yield from let_off(items, gap, Difference.BANK_CHARGES, "charges_stated")
    elif gap <= case.policy.charges_minor:
        yield from let_off(items, gap, Difference.BANK_CHARGES, "charges")
    contested = [item for item in items if 0 < item.disputed_minor < item.open_minor]
    if contested and sum(item.disputed_minor for item in contested) == gap:
        yield idea((Line(item, uncontested(item)) for item in items), ("uncontested",))
    accounts = {item.account_id for item in items}
    owed = [item for item in case.items if item.side == -1 and item.account_id in accounts]
    for ways in [[one] for one in owed if one.open_minor == gap][:WAYS] or [owed]:
        made = net_of_credits(items, ways, ("credited",)) if sum(one.open_minor for one in ways) == gap else None
        if made:
            yield made
    whole = gap + case.amount
    if gap <= min(case.policy.tolerance_minor, case.policy.tolerance_bp * whole // 10_000):
        yield from let_off(items, gap, Difference.WRITE_OFF, "tolerated")
    if len(items) > 1:
        for way in subsets([item.open_minor for item in items], case.amount, most=WAYS)[0]:
            yield idea(in_full(items[n] for n in way), ("exact",))
    left, lines = case.amount, []
    for item in items:
        paid = min(left, item.open_minor)
        left -= paid
        if paid:
            lines.append(Line(item, paid))
    yield idea(lines, ("short",))


def _more(case: Case, items: Sequence[Item], rest: int, *, closely: bool) -> Iterator[Idea]:
    """More came than the named items are open for: with others of the same customers, or too much."""
    taken = {item.entry_id for item in items}
    accounts = {item.account_id for item in items}
    others = [
        item
        for item in case.items
        if item.side == 1 and item.account_id in accounts and item.entry_id not in taken and uncontested(item)
    ]
    charges = [item for item in others if is_charge(item)]
    if charges and sum(item.open_minor for item in charges) == rest:
        yield idea(in_full([*items, *charges]), ("exact",))
    for way in sums_of(others, rest) if closely else ():
        yield idea(in_full([*items, *way]), ("exact",))
    known = sorted(account for account in accounts if case.stands(account).likely) or sorted(accounts)
    yield idea(in_full(items), ("over",), rest=(known[0], rest))


def sums_of(items: Sequence[Item], target: int) -> list[list[Item]]:
    """Ways in which items make a sum: runs in the order in which they are due, then any; contested parts left out."""
    found: dict[tuple[int, ...], list[Item]] = {}
    reached = {0: 0}
    whole = 0
    for n, item in enumerate(items, start=1):
        whole += item.open_minor
        first = reached.get(whole - target)
        if first is not None:
            found[tuple(range(first, n))] = list(items[first:n])
        reached[whole] = n
    for way in subsets([item.open_minor for item in items], target, most=WAYS)[0]:
        found[way] = [items[n] for n in way]
    return list(found.values())[: 2 * WAYS]


def discounted(case: Case, items: Sequence[Item], gap: int) -> Iterator[Idea]:
    """All discounts that were earned in time, or one; then those taken a little late."""
    offered = [
        item
        for item in items
        if item.discount_until and item.discount_minor and 0 < item.discount_minor < item.open_minor
    ]
    if not offered:
        return
    for how, grace in (("discount", 0), ("late_discount", LATE_DAYS)):
        days = timedelta(days=grace)
        earned = [i for i in offered if i.discount_until and i.discount_until + days >= case.incoming.received_on]
        ways = [earned] if sum(item.discount_minor for item in earned) == gap else []
        ways += [[item] for item in earned if item.discount_minor == gap and len(earned) > 1]
        for way in ways[:WAYS]:
            taken = {item.entry_id for item in way}
            yield idea(
                (
                    Line(i, i.open_minor - i.discount_minor, i.discount_minor, Difference.DISCOUNT)
                    if i.entry_id in taken
                    else Line(i, i.open_minor)
                    for i in items
                ),
                (how,),
            )
        if ways:
            return


def let_off(items: Sequence[Item], gap: int, why: Difference, how: str) -> Iterator[Idea]:
    """The gap let off the largest of the items, when that leaves something of it to pay."""
    largest = max(items, key=lambda item: (item.open_minor, -item.entry_id))
    if largest.open_minor > gap:
        rest = [item for item in items if item is not largest]
        yield idea([*in_full(rest), Line(largest, largest.open_minor - gap, gap, why)], (how,))


def net_of_credits(items: Sequence[Item], credits_: Sequence[Item], how: Sequence[str]) -> Idea | None:
    """The items in full, credits set against those of the same customer first; None where those are not enough."""
    left = {item.entry_id: item.open_minor for item in items}
    for credit in sorted(credits_, key=lambda one: one.entry_id):
        due = credit.open_minor
        for item in sorted(items, key=lambda one: (one.due_on, one.entry_id)):
            if item.account_id == credit.account_id and due:
                set_off = min(due, left[item.entry_id])
                left[item.entry_id] -= set_off
                due -= set_off
        if due:
            return None
    lines = [Line(i, left[i.entry_id], netted=i.open_minor - left[i.entry_id]) for i in items]
    return idea(lines, how, [(credit, credit.open_minor) for credit in credits_])


def account_ideas(case: Case, account_id: int, *, closely: bool) -> Iterator[Idea]:
    """What a customer may mean that names nothing: one item, or a sum that makes sense; `closely`: or any sum,
    where no item is of the very amount."""
    amount = case.amount
    every = case.of(account_id)
    items = [item for item in every if item.side == 1 and uncontested(item)]
    yield from _singles(case, items)
    yield from _sensible(case, items, [item for item in every if item.side == -1])
    if closely and not any(item.open_minor == amount for item in items):
        invoices = [item for item in items if not is_charge(item)]
        for way in sums_of(invoices, amount):
            if len(way) > 1:
                yield idea(in_full(way), ("exact",))


def _singles(case: Case, items: Sequence[Item]) -> Iterator[Idea]:
    amount, stated, count = case.amount, case.incoming.charges_minor, 0
    for item in items:
        gap = item.open_minor - amount
        if gap < 0 or count >= SINGLES:
            continue
        if gap == 0:
            count += 1
            yield idea(in_full([item]), ("exact",))
        elif gap == item.discount_minor:
            yield from discounted(case, [item], gap)
        elif gap == stated and gap < item.open_minor:
            yield from let_off([item], gap, Difference.BANK_CHARGES, "charges_stated")
        elif gap == item.disputed_minor:
            yield idea([Line(item, amount)], ("uncontested",))


def _sensible(case: Case, items: Sequence[Item], owed: Sequence[Item]) -> Iterator[Idea]:
    """The oldest up to all, a month's, an order's; with late charges and credits or without; what was said to come."""
    amount = case.amount
    ours = {item.entry_id for item in items}
    for sum_ in case.expected:
        if sum_.amount_minor == amount and set(sum_.entry_ids) <= ours:
            promised = [item for item in items if item.entry_id in sum_.entry_ids]
            left, lines = amount, []
            for item in promised:
                paid = min(left, item.open_minor)
                left -= paid
                if paid:
                    lines.append(Line(item, paid))
            if left == 0:
                yield idea(lines, ("expected",))
    targets: dict[int, tuple[Item, ...]] = {amount: ()}
    targets |= {amount + item.open_minor: (item,) for item in owed}
    targets[amount + sum(item.open_minor for item in owed)] = tuple(owed)
    for group, whole in _groups(items, targets.keys()):
        made = net_of_credits(group, targets[whole], ("credited",) if targets[whole] else ("exact",))
        if made and len(group) + len(targets[whole]) > 1:
            yield made


def _groups(items: Sequence[Item], targets: Collection[int]) -> Iterator[tuple[list[Item], int]]:
    """Sets of items that people pay together, of those that make one of the targets, and which."""
    invoices = [item for item in items if not is_charge(item)]
    for some in (items, invoices) if len(invoices) < len(items) else (items,):
        whole = 0
        sets: dict[object, list[Item]] = {}
        for n, item in enumerate(some, start=1):
            whole += item.open_minor
            if whole in targets:
                yield list(some[:n]), whole
            sets.setdefault((item.effective_on.year, item.effective_on.month), []).append(item)
            if item.purchase_order:
                sets.setdefault(item.purchase_order, []).append(item)
        for group in sets.values():
            made = sum(item.open_minor for item in group)
            if made in targets:
                yield group, made
