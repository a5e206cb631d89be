"""What a payment settles when its payer does not say: the legal order. Pure.

Code civil 1342-10 and 1343-1 (France; the custom elsewhere too): debts that are due come first, interest before
principal, then the oldest, and equal ones in proportion. Contested amounts are left alone: to pay is not to concede.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Protocol

from ar.core.money import split
from ar.ledger.models import EntryKind


class Owed(Protocol):
    """What the legal order goes by: an open item, wherever it was read. `side` is +1 for what is owed."""

    @property
    def entry_id(self) -> int: ...
    @property
    def kind(self) -> EntryKind: ...
    @property
    def side(self) -> int: ...
    @property
    def open_minor(self) -> int: ...
    @property
    def disputed_minor(self) -> int: ...
    @property
    def effective_on(self) -> date: ...
    @property
    def due_on(self) -> date: ...


def legal_order(items: Sequence[Owed], amount_minor: int, *, today: date) -> list[tuple[int, int]]:
    """(item id, minor units) that `amount_minor` settles of the owed `items`, as of `today`; the rest is credit."""
    shares: list[tuple[int, int]] = []
    owed = [item for item in items if item.side == 1 and _free(item) > 0]
    for _, equals in groupby(
        sorted(owed, key=lambda item: (_rank(item, today), item.entry_id)), lambda i: _rank(i, today)
    ):
        group = list(equals)
        free = [_free(item) for item in group]
        given = min(amount_minor, sum(free))
        if given <= 0:
            break
        parts = split(given, free)
        shares += [(item.entry_id, part) for item, part in zip(group, parts, strict=True) if part]
        amount_minor -= given
    return shares


def _free(item: Owed) -> int:
    return item.open_minor - min(item.disputed_minor, item.open_minor)


def _rank(item: Owed, today: date) -> tuple[bool, bool, date, date]:
    return (item.due_on > today, item.kind is not EntryKind.LATE_CHARGE, item.due_on, item.effective_on)
