"""Which money an advice is about. Pure: decided by the number of the payment, or by customer, amount and days.

Two that are equal are left alone: a person decides, or more becomes known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

BEFORE = timedelta(days=5)
AFTER = timedelta(days=14)
"""How long before, and after, the day that the advice names its money may be booked."""

_LEAST = 4
"""Characters that a number needs to name one payment."""


@dataclass(frozen=True, slots=True)
class Told:
    """An open advice: `on` is the day of the payment, or that on which the advice came; `keys` are those of the
    documents that it names, `payer_keys` those of the names that the customer goes by."""

    id: int
    account_id: int | None
    amount_minor: int | None
    currency: str
    on: date
    reference_key: str = ""
    keys: frozenset[str] = frozenset()
    payer_keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Money:
    """A bank line or a payment. `numbers` are the keys of what names it, `keys` those of all that its text may name;
    `account_ids` the customers that it is known to come from; `name_key` that of the payer's name."""

    kind: str
    id: int
    amount_minor: int
    currency: str
    on: date
    numbers: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    account_ids: frozenset[int] = frozenset()
    name_key: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """An advice and its money, and why."""

    advice_id: int
    money: Money
    why: str


def pair_up(advices: Sequence[Told], moneys: Sequence[Money]) -> list[Pair]:
    """The pairs that leave no other choice: by number first, then by customer, amount and day."""
    by_number = _alone([(told, money) for told in advices for money in moneys if _same_number(told, money)])
    pairs = [Pair(told.id, money, _why_number(told, money)) for told, money in by_number]
    paired = {pair.advice_id for pair in pairs}
    taken = {(pair.money.kind, pair.money.id) for pair in pairs}
    edges = [
        (told, money, why)
        for told in advices
        if told.id not in paired
        for money in moneys
        if (money.kind, money.id) not in taken and (why := _same_customer(told, money))
    ]
    reasons = {(told.id, money.kind, money.id): why for told, money, why in edges}
    for told, money in _alone([(told, money) for told, money, _ in edges], narrow=False):
        said = f"same amount, booked on {money.on}, {reasons[told.id, money.kind, money.id]}"
        pairs.append(Pair(told.id, money, said))
    return pairs


def _same_number(told: Told, money: Money) -> bool:
    if len(told.reference_key) < _LEAST or not any(c.isdigit() for c in told.reference_key):
        return False
    return told.reference_key in money.numbers and told.currency in ("", money.currency)


def _why_number(told: Told, money: Money) -> str:
    if told.amount_minor is None or told.amount_minor == money.amount_minor:
        return "named by the number of the payment"
    return "named by the number of the payment, though the amounts differ"


def _same_customer(told: Told, money: Money) -> str:
    """What says that the money is of the advice's customer, when amount, currency and days are right; else nothing."""
    if told.amount_minor != money.amount_minor or told.currency != money.currency:
        return ""
    if not told.on - BEFORE <= money.on <= told.on + AFTER:
        return ""
    if told.account_id is not None and told.account_id in money.account_ids:
        return "from the same customer"
    if told.keys & money.keys:
        return "with an invoice of the advice in its text"
    if money.name_key and money.name_key in told.payer_keys:
        return "under the same name"
    return ""


def _alone(edges: Iterable[tuple[Told, Money]], *, narrow: bool = True) -> list[tuple[Told, Money]]:
    """The edges that are the only one of both their ends; with `narrow`, of several those of equal amounts count."""
    of_advice: dict[int, list[tuple[Told, Money]]] = defaultdict(list)
    of_money: dict[tuple[str, int], list[tuple[Told, Money]]] = defaultdict(list)
    for told, money in edges:
        of_advice[told.id].append((told, money))
        of_money[money.kind, money.id].append((told, money))

    def only(found: list[tuple[Told, Money]]) -> tuple[Told, Money] | None:
        if len(found) > 1 and narrow:
            found = [edge for edge in found if edge[0].amount_minor == edge[1].amount_minor]
        return found[0] if len(found) == 1 else None

    kept = []
    for found in of_advice.values():
        edge = only(found)
        if edge is not None and only(of_money[edge[1].kind, edge[1].id]) == edge:
            kept.append(edge)
    return kept
