"""Whom money may be from and what it may be for: looked up by chunk, the same in memory and over a database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ar.cash.matching.candidates import Lookups, all_candidates, named_candidates, quotes_of
from ar.cash.matching.decide import decide, decide_all
from ar.cash.matching.facts import Candidates, Expected, Incoming, Item, Payer, Policy, Verdict
from ar.cash.matching.names import NameIndex, alias_key
from ar.cash.matching.weights import PRIORS
from tests.cash.matching.make import TODAY, item, money

PAYERS = {
    1: Payer(1, "Boulangerie Lefèvre SARL", numbers=("C-000001",)),
    2: Payer(2, "Garage Martin", parent_id=4),
    3: Payer(3, "Garage Martin Sud", parent_id=4),
    4: Payer(4, "Martin Groupe"),
}
ITEMS = [
    item(1, 50_000),
    item(2, 60_000, account_id=2),
    item(3, 70_000, account_id=3, purchase_order="4500012345"),
    item(4, 80_000, account_id=4),
    item(5, 90_000, account_id=2, currency="USD"),
]
IBAN = "FR7630006000011234567890189"


class Counted:
    """Lookups in memory that count how often each is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}

    def counting(self, name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*arguments: Any) -> Any:
            self.asked[name] = self.asked.get(name, 0) + 1
            return answer(*arguments)

        return asked

    def lookups(self) -> Lookups:
        def by_reference(keys: Collection[str]) -> Iterable[Item]:
            return [one for one in ITEMS if one.reference_key in keys or one.purchase_order in keys]

        def by_iban(ibans: Collection[str]) -> Mapping[str, Mapping[int, int]]:
            return {IBAN: {1: 2}} if IBAN in ibans else {}

        def by_alias(names: Collection[str]) -> Mapping[str, Mapping[int, int]]:
            return {name: {2: 1} for name in names if name == alias_key("Old Garage Ltd")}

        def by_number(keys: Collection[str]) -> Mapping[str, Collection[int]]:
            return {"C000001": [1]} if "C000001" in keys else {}

        def payers(accounts: Collection[int]) -> Mapping[int, Payer]:
            return {account: PAYERS[account] for account in accounts}

        def members(heads: Collection[int]) -> Mapping[int, Sequence[int]]:
            return {4: [2, 3]} if 4 in heads else {}

        def open_items(accounts: Collection[int]) -> Iterable[Item]:
            return [one for one in ITEMS if one.account_id in accounts]

        def expected(accounts: Collection[int]) -> Mapping[int, Sequence[Expected]]:
            return {1: [Expected("promise", 1, "EUR", TODAY, (1,)), Expected("promise", 1, "USD", TODAY, (1,))]}

        nearest = NameIndex({number: payer.name for number, payer in PAYERS.items()}).nearest
        answers: dict[str, Callable[..., Any]] = {
            "by_reference": by_reference, "by_iban": by_iban, "by_alias": by_alias, "by_number": by_number,
            "payers": payers, "members": members, "open_items": open_items, "expected": expected,
        }  # fmt: skip
        return Lookups(nearest=nearest, **{name: self.counting(name, answer) for name, answer in answers.items()})


def everything(chunk: Sequence[Incoming], look: Lookups) -> list[Candidates]:
    return all_candidates(chunk, look, quotes_of(chunk, look))


def test_a_whole_chunk_is_looked_up_at_once() -> None:
    counted = Counted()
    chunk = [money(50_000 + n, f"FA2026-{n:06d}", payer_iban=IBAN) for n in range(50)]
    everything(chunk, counted.lookups())
    assert counted.asked.pop("payers") == 2
    assert set(counted.asked.values()) == {1}


def whom(incoming: Incoming) -> set[int]:
    [found] = everything([incoming], Counted().lookups())
    return {payer.account_id for payer in found.payers}


def test_whom_it_may_be_from() -> None:
    nobody: dict[str, Any] = {"payer_name": "", "payer_iban": ""}
    assert whom(money(1, "", payer_name="", payer_iban=IBAN)) == {1}
    assert whom(money(1, "CLIENT C000001", **nobody)) == {1}
    assert whom(money(1, "FA2026-000001", **nobody)) == {1}
    assert whom(money(1, "CDE 4500012345", **nobody)) == {2, 3, 4}
    assert whom(money(1, "", payer_name="OLD GARAGE LTD", payer_iban="")) >= {2}
    assert whom(money(1, "", payer_name="GARAGE MARTIN", payer_iban="")) == {2, 3, 4}
    assert whom(money(1, "VIREMENT", **nobody)) == set()


def test_a_given_customer_is_the_only_one() -> None:
    [found] = everything([money(1, "FA2026-000001", account_id=2)], Counted().lookups())
    assert [payer.account_id for payer in found.payers] == [2]
    assert [one.entry_id for one in found.items] == [2]


def test_items_of_the_currency_alone_and_what_was_said_to_come() -> None:
    [found] = everything([money(1, "", payer_name="GARAGE MARTIN", payer_iban=IBAN)], Counted().lookups())
    assert {one.entry_id for one in found.items} == {1, 2, 3, 4}
    assert [one.currency for one in found.expected] == ["EUR"]
    assert {payer.account_id: payer.by_iban for payer in found.payers} == {1: 2, 2: 0, 3: 0, 4: 0}


def test_what_names_settle_is_not_looked_at_any_further() -> None:
    counted = Counted()
    chunk = [money(50_000, "FA2026-000001", payer_iban=IBAN)]
    [decision] = decide_all(chunk, counted.lookups(), {(1, "EUR"): Policy()}, PRIORS, today={1: TODAY})
    assert decision.verdict is Verdict.APPLY
    assert "open_items" not in counted.asked


def test_what_is_quoted_is_looked_up_once_for_both_steps() -> None:
    counted = Counted()
    chunk = [money(50_000, "FA2026-000001", payer_iban=IBAN), money(60_000, "VIREMENT", payer_name="GARAGE MARTIN")]
    decide_all(chunk, counted.lookups(), {(1, "EUR"): Policy()}, PRIORS, today={1: TODAY})
    assert (counted.asked["by_reference"], counted.asked["by_iban"], counted.asked["open_items"]) == (1, 1, 1)


def test_a_chunk_is_decided_as_its_payments_are() -> None:
    look = Counted().lookups()
    chunk = [
        money(50_000, "FA2026-000001", payer_iban=IBAN),
        money(60_000, "VIREMENT", payer_name="GARAGE MARTIN", payer_iban=""),
        money(12_345, "?", payer_name="NOBODY", payer_iban=""),
    ]
    together = decide_all(chunk, look, {(1, "EUR"): Policy()}, PRIORS, today={1: TODAY})
    alone = [
        decide(one, found, Policy(), PRIORS, today=TODAY)
        for one, found in zip(chunk, everything(chunk, look), strict=True)
    ]
    assert [d.verdict for d in together] == [d.verdict for d in alone]
    assert [d.proposals[0].parts if d.proposals else () for d in together] == [
        d.proposals[0].parts if d.proposals else () for d in alone
    ]


def test_no_money_no_candidates() -> None:
    none = Counted().lookups()
    assert named_candidates([], none, quotes_of([], none)) == []
    assert decide_all([], Counted().lookups(), {}, PRIORS, today={}) == []
