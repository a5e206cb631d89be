"""All customers by name, number and group, kept in memory between runs and read again when one has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from ar.cash.matching.facts import Payer
from ar.cash.matching.names import NameIndex
from ar.customers.models import Account
from ar.ledger.references import reference_key


@dataclass(frozen=True)
class Directory:
    """Customers by account id, by customer number (as reference_key() writes it), by head of their group, by name."""

    payers: Mapping[int, Payer]
    numbers: Mapping[str, Sequence[int]]
    children: Mapping[int, Sequence[int]]
    names: NameIndex

    def of(self, account_ids: Collection[int]) -> dict[int, Payer]:
        """The customers of these numbers."""
        return {number: self.payers[number] for number in account_ids if number in self.payers}

    def members(self, heads: Collection[int]) -> dict[int, Sequence[int]]:
        """Per head of a group, its members."""
        return {head: self.children[head] for head in heads if head in self.children}

    def numbered(self, keys: Collection[str]) -> dict[str, Sequence[int]]:
        """Per customer number, whose it is."""
        return {key: self.numbers[key] for key in keys if key in self.numbers}


_kept: WeakKeyDictionary[Engine, tuple[Any, Directory]] = WeakKeyDictionary()


def directory(session: Session) -> Directory:
    """The customers as they are now."""
    query = select(func.count(), func.max(col(Account.id)), func.sum(col(Account.version)))
    state = tuple(session.connection().execute(query).one())
    engine = session.connection().engine
    known = _kept.get(engine)
    if known is None or known[0] != state:
        known = _kept[engine] = (state, _read(session))
    return known[1]


def _read(session: Session) -> Directory:
    query = select(col(Account.id), col(Account.code), col(Account.legal_name), col(Account.parent_id))
    payers, names = {}, {}
    numbers, children = defaultdict[str, list[int]](list), defaultdict[int, list[int]](list)
    for number, code, name, parent in session.connection().execute(query.order_by(col(Account.id))):
        assert number is not None
        payers[number] = Payer(number, name, parent, numbers=(code,))
        names[number] = name
        numbers[reference_key(code)].append(number)
        if parent is not None:
            children[parent].append(number)
    return Directory(payers, dict(numbers), dict(children), NameIndex(names))
