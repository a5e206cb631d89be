"""Lettering: what settles what, as French bookkeeping marks it on the customer's account.

Entries that are allocated to each other, directly or through others, make a group; one of which nothing is open any
more has a letter, and the day of its last allocation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.ledger.items import balances
from ar.ledger.models import Allocation, OpenItem


@dataclass(frozen=True, slots=True)
class Lettered:
    """The letter of a settled group, and since when it is settled."""

    letter: str
    on: date


def lettering(session: Session, *, entity_id: int, as_of: date) -> Mapping[int, Lettered]:
    """The letter of each entry of a seller that is settled at the end of the day `as_of`, by its id."""
    pair = (col(Allocation.debit_id), col(Allocation.credit_id))
    allocated = (
        select(*pair, func.max(col(Allocation.allocated_on)))
        .join(OpenItem, col(OpenItem.entry_id) == col(Allocation.debit_id))
        .where(col(OpenItem.entity_id) == entity_id, col(Allocation.allocated_on) <= as_of)
        .group_by(*pair)
        .having(func.sum(col(Allocation.amount_minor)) > 0)
        .order_by(*pair)
    )
    found = balances(as_of)
    still_open = select(found.c.entry_id).where(found.c.entity_id == entity_id)
    connection = session.connection()
    links = [(row[0], row[1], row[2]) for row in connection.execute(allocated)]
    return settled(links, set(connection.execute(still_open).scalars()))


def settled(links: Iterable[tuple[int, int, date]], still_open: Collection[int]) -> dict[int, Lettered]:
    """The letters of groups in which nothing is open, the one settled first has A. Pure.

    `links` are allocations: the two entries and the day.
    """
    leader: dict[int, int] = {}
    last: dict[int, date] = {}

    def lead(entry_id: int) -> int:
        while (above := leader.setdefault(entry_id, entry_id)) != entry_id:
            leader[entry_id] = leader[above]
            entry_id = above
        return entry_id

    for debit_id, credit_id, day in links:
        one, other = sorted((lead(debit_id), lead(credit_id)))
        leader[other] = one
        last[one] = max(day, last.get(one, day), last.get(other, day))
    groups: dict[int, list[int]] = defaultdict(list)
    for entry_id in leader:
        groups[lead(entry_id)].append(entry_id)
    whole = [group for group, members in groups.items() if not any(member in still_open for member in members)]
    whole.sort(key=lambda group: (last[group], group))
    return {
        member: Lettered(_letter(n), last[group]) for n, group in enumerate(whole, start=1) for member in groups[group]
    }


def _letter(number: int) -> str:
    """A to Z, then AA to ZZ, and so on."""
    written = ""
    while number:
        number, rest = divmod(number - 1, 26)
        written = chr(ord("A") + rest) + written
    return written
