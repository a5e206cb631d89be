"""Gap-free numbers of documents, by legal entity, series and year.

A number is taken in the transaction that issues: the sequence's row stays locked until it commits, and a rollback
gives the number back. Numbers and days go up together, as the law wants of a chronological sequence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from ar.core.db import among, is_postgres, table
from ar.core.errors import ConflictError, DomainError
from ar.customers.models import LegalEntity
from ar.ledger.models import Entry, EntryKind
from invoicing.models import NumberSequence

MAX_LENGTH = 35
"""The longest number that the French e-invoicing platforms take."""

_SERIES = re.compile(r"[A-Z0-9]{0,8}", re.ASCII)
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9+_/-]+", re.ASCII)


class SeriesError(DomainError):
    """No number can be made of this series and legal entity."""

    code = "bad-series"


class OutOfOrderError(ConflictError):
    """The day lies before that of the last document of the series."""

    code = "number-out-of-order"


def references(number: str, parts: int) -> list[str]:
    """What a document's entries are called in the ledger: its number, or for each instalment 'number/1', 'number/2'."""
    return [number] if parts == 1 else [f"{number}/{n}" for n in range(1, parts + 1)]


@dataclass(frozen=True)
class Wanted:
    """A document that wants a number: of which series, for which day, and how many instalments it is in."""

    kind: EntryKind
    series: str
    on: date
    parts: int = 1


def take_numbers(session: Session, seller: LegalEntity, wanted: Sequence[Wanted]) -> list[str]:
    """The next numbers of their series for documents of `seller`, in order, such as 'FR1-2026-000123'.

    A number that the ledger holds already, from an import, is passed over; so is one that a reference of its
    instalments would repeat. Days of one series go up. Raises SeriesError, OutOfOrderError.
    """
    found: dict[int, str] = {}
    together: dict[tuple[EntryKind, str, date], list[int]] = defaultdict(list)
    for n, one in enumerate(wanted):
        together[one.kind, one.series, one.on].append(n)
    for (kind, series, on), places in sorted(together.items(), key=lambda group: (group[0][1], group[0][2])):
        numbers = _taken(session, seller, kind, series, on, [wanted[n].parts for n in places])
        found.update(zip(places, numbers, strict=True))
    return [found[n] for n in range(len(wanted))]


def _taken(
    session: Session, seller: LegalEntity, kind: EntryKind, series: str, on: date, parts: Sequence[int]
) -> list[str]:
    """A number for each of `parts`, in order: the sequence goes on until all have one."""
    if not _SERIES.fullmatch(series):
        raise SeriesError(f"{series[:20]!r} is not a series: use up to 8 capital letters and digits, or none")
    assert seller.id is not None
    numbers: list[str] = []
    while len(numbers) < len(parts):
        count = len(parts) - len(numbers)
        first = _advance(session, seller.id, series, on, count)
        next_ones = [_written(seller.code, series, on.year, n) for n in range(first, first + count)]
        used = _used(session, seller.id, kind, [name for n in next_ones for name in (n, *references(n, max(parts)))])
        for number in next_ones:
            if used.isdisjoint((number, *references(number, parts[len(numbers)]))):
                numbers.append(number)
    return numbers


def _used(session: Session, entity_id: int, kind: EntryKind, names: Sequence[str]) -> set[str]:
    query = select(col(Entry.reference)).where(
        col(Entry.entity_id) == entity_id, col(Entry.kind) == kind, among(session, col(Entry.reference), names)
    )
    return set(session.connection().execute(query).scalars())


def _advance(session: Session, entity_id: int, series: str, on: date, count: int) -> int:
    """The first of `count` numbers in a row; the sequence's row is locked until the transaction ends."""
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    first = insert(table(NumberSequence)).values(
        entity_id=entity_id, series=series, year=on.year, next=1 + count, last_on=on
    )
    last_on, given = col(NumberSequence.last_on), first.excluded.last_on
    upsert = first.on_conflict_do_update(
        index_elements=["entity_id", "series", "year"],
        set_={"next": col(NumberSequence.next) + count, "last_on": case((given > last_on, given), else_=last_on)},
    ).returning(col(NumberSequence.next), last_on)
    following, last = session.connection().execute(upsert).one()
    if last > on:
        raise OutOfOrderError(
            f"The last document of series {series or 'without a name'} is of {last}: issue on that day or later, "
            "or in another series"
        )
    return int(following) - count


def _written(code: str, series: str, year: int, count: int) -> str:
    parts = [_NOT_ALLOWED.sub("-", code), *([series] if series else []), str(year), f"{count:06d}"]
    number = "-".join(parts)
    if len(number) > MAX_LENGTH:
        raise SeriesError(f"The number {number} is longer than {MAX_LENGTH} characters: use a shorter series")
    return number
