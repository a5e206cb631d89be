"""Which customers and items a chunk of money may be for: the same rules over a database and in memory. Pure.

Two steps: what the texts and the IBAN name outright, which settles most money; then, for the rest, everything that is
open of every customer that may have paid.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ar.cash.matching.facts import Candidates, Expected, Incoming, Item, Payer
from ar.cash.matching.names import alias_key
from ar.cash.matching.tokens import quoted
from ar.ledger.references import reference_key

NEAREST = 4
"""How many customers of a like name are looked at."""
RELATIVES = 40
"""How many members of a payer's group are looked at."""
ITEMS = 600
"""How many open items are looked at for one amount of money, those named first, then those due first."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """Where facts are looked up: each answers for a whole chunk at once, with one query. Numbers are account ids.

    `by_reference`: open items whose reference key or purchase order is among these; `by_iban` and `by_alias`: per
    IBAN or alias_key(), how often it was right less how often wrong, per account; `by_number`: accounts per customer
    number, written as reference_key() does; `nearest`: as NameIndex.nearest; `payers`: these accounts;
    `members`: per head of a group, the accounts whose parent it is; `open_items`: all open items of these accounts,
    debits and credits; `expected`: per account, the sums it said would come.
    """

    by_reference: Callable[[Collection[str]], Iterable[Item]]
    by_iban: Callable[[Collection[str]], Mapping[str, Mapping[int, int]]]
    by_alias: Callable[[Collection[str]], Mapping[str, Mapping[int, int]]]
    by_number: Callable[[Collection[str]], Mapping[str, Collection[int]]]
    nearest: Callable[[str, int], Sequence[tuple[int, float]]]
    payers: Callable[[Collection[int]], Mapping[int, Payer]]
    members: Callable[[Collection[int]], Mapping[int, Sequence[int]]]
    open_items: Callable[[Collection[int]], Iterable[Item]]
    expected: Callable[[Collection[int]], Mapping[int, Sequence[Expected]]]


def tokens_of(incoming: Incoming) -> tuple[str, ...]:
    """The reference keys that a payment's advice and texts quote."""
    if not incoming.advice:
        return quoted(incoming.texts)
    advised = [key for line in incoming.advice if (key := reference_key(line.reference))]
    return tuple(dict.fromkeys((*advised[:200], *quoted(incoming.texts))))


@dataclass(frozen=True, slots=True)
class Quotes:
    """What a chunk of money quotes: open items per reference key or purchase order, accounts per IBAN."""

    items: Mapping[str, Sequence[Item]]
    ibans: Mapping[str, Mapping[int, int]]


def quotes_of(chunk: Sequence[Incoming], look: Lookups) -> Quotes:
    """Looked up once for both steps."""
    tokens = {token for one in chunk for token in tokens_of(one)}
    return Quotes(_by_key(look.by_reference(tokens)), look.by_iban({one.payer_iban for one in chunk if one.payer_iban}))


def named_candidates(chunk: Sequence[Incoming], look: Lookups, quotes: Quotes) -> list[Candidates]:
    """For each of `chunk`: the items that it quotes, and whom they and its IBAN point to."""
    ibans = quotes.ibans
    found = [_named(one, tokens_of(one), quotes.items) for one in chunk]
    wanted = [
        {item.account_id for item in some} | set(ibans.get(one.payer_iban, ())) | _given(one)
        for one, some in zip(chunk, found, strict=True)
    ]
    payers = look.payers(set().union(*wanted))
    return [
        Candidates(_payers(accounts, payers, ibans.get(one.payer_iban, {}), {}), some)
        for one, accounts, some in zip(chunk, wanted, found, strict=True)
    ]


def all_candidates(chunk: Sequence[Incoming], look: Lookups, quotes: Quotes) -> list[Candidates]:
    """For each of `chunk`: besides, whom name, alias and customer number point to, their groups, and all they owe."""
    tokens = [tokens_of(one) for one in chunk]
    ibans = quotes.ibans
    aliases = look.by_alias({key for one in chunk if (key := alias_key(one.payer_name))})
    numbers = look.by_number({token for some in tokens for token in some})
    named = [_named(one, some, quotes.items) for one, some in zip(chunk, tokens, strict=True)]
    first = []
    for one, some, said in zip(chunk, named, tokens, strict=True):
        accounts = dict.fromkeys(_given(one))
        if not accounts:
            accounts |= dict.fromkeys(ibans.get(one.payer_iban, ()))
            accounts |= dict.fromkeys(aliases.get(alias_key(one.payer_name), ()))
            accounts |= dict.fromkeys(account for token in said for account in numbers.get(token, ()))
            if one.payer_name:
                accounts |= dict.fromkeys(account for account, _ in look.nearest(one.payer_name, NEAREST))
            accounts |= dict.fromkeys(item.account_id for item in some)
        first.append(accounts)
    payers = look.payers(set().union(*first))
    groups = _groups(first, payers, look)
    wide = [_with_group(one, accounts, payers, groups) for one, accounts in zip(chunk, first, strict=True)]
    everyone = set().union(*wide)
    payers = dict(payers) | dict(look.payers(everyone - set(payers)))
    open_of = _by_account(look.open_items(everyone))
    expected = look.expected(everyone)
    return [
        Candidates(
            _payers(accounts, payers, ibans.get(one.payer_iban, {}), aliases.get(alias_key(one.payer_name), {})),
            _open(one, some, accounts, open_of),
            tuple(sum_ for account in accounts for sum_ in expected.get(account, ()) if sum_.currency == one.currency),
        )
        for one, some, accounts in zip(chunk, named, wide, strict=True)
    ]


def _given(one: Incoming) -> set[int]:
    return set() if one.account_id is None else {one.account_id}


def _by_key(items: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.reference_key, []).append(item)
        if item.purchase_order and item.purchase_order != item.reference_key:
            found.setdefault(item.purchase_order, []).append(item)
    return found


def _by_account(items: Iterable[Item]) -> dict[int, list[Item]]:
    found: dict[int, list[Item]] = {}
    for item in items:
        found.setdefault(item.account_id, []).append(item)
    return found


def _fits(one: Incoming, item: Item) -> bool:
    return (
        item.currency == one.currency
        and item.entity_id == one.entity_id
        and item.open_minor > 0
        and (one.account_id is None or item.account_id == one.account_id)
    )


def _named(one: Incoming, tokens: Sequence[str], items: Mapping[str, Sequence[Item]]) -> list[Item]:
    """The items that it quotes; a token that quotes very many (a common purchase order) picks none out."""
    found: dict[int, Item] = {}
    for token in tokens:
        some = items.get(token)
        if some is not None and len(some) <= ITEMS // 2:
            found.update((item.entry_id, item) for item in some if _fits(one, item))
    return list(found.values())[:ITEMS]


def _open(
    one: Incoming, named: Sequence[Item], accounts: Iterable[int], open_of: Mapping[int, Sequence[Item]]
) -> list[Item]:
    found = {item.entry_id: item for item in named}
    currency, entity_id, given = one.currency, one.entity_id, one.account_id
    others = [
        item
        for account in accounts
        if given is None or given == account
        for item in open_of.get(account, ())
        if item.currency == currency and item.entity_id == entity_id and item.open_minor > 0
    ]
    if len(others) > ITEMS:
        others.sort(key=lambda item: (item.due_on, item.entry_id))
    for item in others[:ITEMS]:
        found.setdefault(item.entry_id, item)
    return list(found.values())


def _groups(first: Sequence[Mapping[int, None]], payers: Mapping[int, Payer], look: Lookups) -> dict[int, list[int]]:
    """Per head of a group that one of these belongs to, its members and itself."""
    heads = {payer.parent_id for payer in payers.values() if payer.parent_id is not None}
    heads |= {account for accounts in first for account in accounts}
    return {head: [head, *members] for head, members in look.members(heads).items() if members}


def _with_group(
    one: Incoming, accounts: Mapping[int, None], payers: Mapping[int, Payer], groups: Mapping[int, Sequence[int]]
) -> dict[int, None]:
    if one.account_id is not None:
        return dict(accounts)
    relatives: dict[int, None] = {}
    for account in accounts:
        payer = payers.get(account)
        head = account if payer is None or payer.parent_id is None else payer.parent_id
        relatives |= dict.fromkeys(sorted(groups.get(head, ()))[:RELATIVES])
    return dict(accounts) | relatives


def _payers(
    accounts: Iterable[int],
    payers: Mapping[int, Payer],
    by_iban: Mapping[int, int],
    by_alias: Mapping[int, int],
) -> list[Payer]:
    return [
        replace(payers[account], by_iban=by_iban.get(account, 0), by_alias=by_alias.get(account, 0))
        if account in by_iban or account in by_alias
        else payers[account]
        for account in accounts
        if account in payers
    ]
