"""One amount of money with its candidates, looked at once: what is quoted, what is like it, who may have paid. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import NamedTuple

from ar.cash.matching.candidates import tokens_of
from ar.cash.matching.damage import resembling
from ar.cash.matching.facts import Candidates, Expected, Incoming, Item, Payer, Policy
from ar.cash.matching.names import likeness
from ar.cash.matching.tokens import folded, strength
from ar.ledger.models import EntryKind
from ar.ledger.references import reference_key

SAME, LIKE, OTHER = 0.97, 0.84, 0.5
"""From which likeness on two names are the same, or alike; and below which they are two."""

CLEARLY = 0.8
"""How well a damaged reference must be told for an item that is contested in full."""

_CONTRARY = (
    "ACOMPTE", "AVANCE", "DEPOSIT", "PREPAY", "PRE-PAY", "ANZAHLUNG", "VORAUSZAHLUNG", "VOORSCHOT", "AANBETALING",
    "REMBOURS", "REFUND", "ERSTATTUNG", "TERUGBETALING", "CAUTION", "KAUTION", "LOYER", "MIETE", "RENT ", "HUUR",
    "SUBVENTION", "SUBSIDY", "SALAIRE", "SALARY", "GEHALT", "PROFORMA", "PRO FORMA", "DON ", "DONATION",
)  # fmt: skip


class Standing(NamedTuple):
    """How a customer stands to the payer: evidence by name, from 0 to 1 each."""

    evidence: Mapping[str, float]

    @property
    def agrees(self) -> bool:
        """Whether something says outright that the payer is this customer."""
        return any(self.evidence.get(name, 0) > 0 for name in ("iban", "alias", "same_name", "given", "number"))

    @property
    def likely(self) -> bool:
        """The same, or its name is like the payer's."""
        return self.agrees or self.evidence.get("like_name", 0) > 0


UNKNOWN = Standing({})

_in_order = attrgetter("due_on", "entry_id")


@dataclass(slots=True)
class Case:
    """`items` in the order in which they are due; `named` and `like`: per item, how strongly it is quoted, whole or
    damaged; `advised`: per item what of the money an advice means for it; `unread`: how many tokens look like the
    seller's references and say nothing."""

    incoming: Incoming
    policy: Policy
    today: date
    tokens: frozenset[str]
    items: list[Item]
    by_id: dict[int, Item]
    payers: dict[int, Payer]
    standing: dict[int, Standing]
    named: dict[int, float]
    advised: dict[int, int]
    expected: tuple[Expected, ...]
    like: dict[int, float] = field(default_factory=dict)
    unread: int = 0
    contrary: bool = False

    @property
    def amount(self) -> int:
        return self.incoming.amount_minor

    def of(self, account_id: int) -> list[Item]:
        return [item for item in self.items if item.account_id == account_id]

    def stands(self, account_id: int) -> Standing:
        return self.standing.get(account_id, UNKNOWN)

    def look_closer(self) -> None:
        """Reads the texts for damaged references of the candidates' items, and for references that are none of them."""
        said = [self.by_id[entry] for entry, strong in self.named.items() if strong >= 0.5]
        told = {item.reference_key for item in said if self.stands(item.account_id).likely} if len(said) > 1 else set()
        texts = [*self.incoming.texts, *(line.reference for line in self.incoming.advice)]
        found = resembling(texts, self.tokens, told, (item for item in self.items if item.side == 1))
        self.like = {
            entry: quality for entry, quality in found.items() if quality >= CLEARLY or uncontested(self.by_id[entry])
        }
        keys = {item.reference_key for item in self.items}
        shapes = {_shape(key) for key in keys}
        quoted = [t for t in self.tokens if _shape(t) in shapes and t not in keys and strength(t) >= 0.5]
        self.unread = sum(1 for token in quoted if not any(token != other and token in other for other in quoted))
        text = " ".join(folded(text) for text in self.incoming.texts) + " "
        self.contrary = any(word in text for word in _CONTRARY)


_SHAPE = str.maketrans("012345678", "999999999")


def _shape(key: str) -> str:
    return key.translate(_SHAPE)


def look(incoming: Incoming, candidates: Candidates, policy: Policy, today: date) -> Case:
    """The case as its exact references and payers show it."""
    tokens = frozenset(tokens_of(incoming))
    by_id = _usable(incoming, candidates.items)
    items = sorted(by_id.values(), key=_in_order)
    payers = {payer.account_id: payer for payer in sorted(candidates.payers, key=lambda one: one.account_id)}
    named, advised = {}, {}
    lines = {reference_key(line.reference): line.amount_minor for line in incoming.advice}
    for item in items:
        key, order = item.reference_key, item.purchase_order
        if key not in tokens and order not in tokens:
            continue
        quoted = max(strength(key) if key in tokens else 0.0, strength(order) * 0.9 if order in tokens else 0.0)
        if key in lines:
            quoted = 1.0
            meant = lines[key]
            if meant is not None and 0 < meant <= item.open_minor:
                advised[item.entry_id] = meant
        if quoted >= 0.05 and not (quoted < 0.5 and _is_the_amount(key, incoming)):
            named[item.entry_id] = quoted
    return Case(
        incoming,
        policy,
        today,
        tokens,
        items,
        by_id,
        payers,
        _standings(incoming, payers, tokens),
        named,
        advised,
        tuple(sorted(candidates.expected, key=lambda one: (one.on, one.entry_ids, one.amount_minor))),
    )


def _usable(incoming: Incoming, items: Iterable[Item]) -> dict[int, Item]:
    currency, entity_id, account_id = incoming.currency, incoming.entity_id, incoming.account_id
    return {
        item.entry_id: item
        for item in items
        if item.open_minor > 0
        and item.currency == currency
        and item.entity_id == entity_id
        and (account_id is None or item.account_id == account_id)
    }


def _is_the_amount(key: str, incoming: Incoming) -> bool:
    digits = str(incoming.amount_minor)
    return key in (digits, digits[:-2])


def _standings(incoming: Incoming, payers: Mapping[int, Payer], tokens: frozenset[str]) -> dict[int, Standing]:
    """Per customer: known IBAN, learnt alias, name, number quoted; then its relatives, who may pay for it."""
    found: dict[int, dict[str, float]] = {}
    for account, payer in payers.items():
        evidence: dict[str, float] = {}
        if incoming.account_id == account:
            evidence["given"] = 1.0
        _counted(evidence, "iban", payer.by_iban)
        _counted(evidence, "alias", payer.by_alias)
        alike = likeness(incoming.payer_name, payer.name) if incoming.payer_name else OTHER
        if alike >= SAME:
            evidence["same_name"] = 1.0
        elif alike >= LIKE:
            evidence["like_name"] = round((alike - LIKE) / (SAME - LIKE) / 2 + 0.5, 3)
        elif alike < OTHER and "iban" not in evidence and incoming.payer_name:
            evidence["other_name"] = 1.0
        if any(reference_key(number) in tokens for number in payer.numbers if len(number) >= 4):
            evidence["number"] = 1.0
        found[account] = evidence
    heads: dict[int, set[int]] = {}
    for account, payer in payers.items():
        heads.setdefault(account if payer.parent_id is None else payer.parent_id, set()).add(account)
    sure = {account for account, evidence in found.items() if Standing(evidence).agrees}
    by_iban = {account for account, evidence in found.items() if "iban" in evidence}
    for members in heads.values():
        if members & sure:
            for account in members - sure:
                found[account]["relative"] = 1.0
        if by_iban - members:
            for account in members:
                found[account]["other_iban"] = 1.0
        elif by_iban:
            for account in members - by_iban:
                found[account]["other_iban_kin"] = 1.0
    return {account: Standing(evidence) for account, evidence in found.items()}


def _counted(evidence: dict[str, float], name: str, count: int) -> None:
    if count > 0:
        evidence[name] = 1.0
    elif count < 0:
        evidence[f"{name}_refused"] = 1.0


def is_charge(item: Item) -> bool:
    """Whether it is a late charge, which payers leave out as often as not."""
    return item.kind is EntryKind.LATE_CHARGE


def uncontested(item: Item) -> int:
    """What of an item is open and not contested."""
    return max(0, item.open_minor - item.disputed_minor)
