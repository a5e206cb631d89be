"""Gap-free numbers of documents, by legal entity, series and year.

A number is taken in the transaction that issues: the sequence's row stays locked until it commits, and a rollback
gives the number back. Numbers and days go up together, as the law wants of a chronological sequence.
"""

from __future__ import annotations

import re
from datetime import date

from sqlalchemy import case, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from ar.core.db import is_postgres, table
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


def take_number(
    session: Session, seller: LegalEntity, *, kind: EntryKind, series: str, on: date, parts: int = 1
) -> str:
    """The next number of `series` for a document of the day `on`, such as 'FR1-2026-000123'.

    A number that the ledger holds already, from an import, is passed over; so is one that a reference of its `parts`
    instalments would repeat. Raises SeriesError, OutOfOrderError.
    """
    if not _SERIES.fullmatch(series):
        raise SeriesError(f"{series[:20]!r} is not a series: use up to 8 capital letters and digits, or none")
    assert seller.id is not None
    while True:
        count = _advance(session, seller.id, series, on)
        number = _written(seller.code, series, on.year, count)
        names = {number, *references(number, parts)}
        used = select(col(Entry.id)).where(
            col(Entry.entity_id) == seller.id, col(Entry.kind) == kind, col(Entry.reference).in_(names)
        )
        if session.connection().execute(used).first() is None:
            return number


def _advance(session: Session, entity_id: int, series: str, on: date) -> int:
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    first = insert(table(NumberSequence)).values(entity_id=entity_id, series=series, year=on.year, next=2, last_on=on)
    last_on, given = col(NumberSequence.last_on), first.excluded.last_on
    upsert = first.on_conflict_do_update(
        index_elements=["entity_id", "series", "year"],
        set_={"next": col(NumberSequence.next) + 1, "last_on": case((given > last_on, given), else_=last_on)},
    ).returning(col(NumberSequence.next), last_on)
    following, last = session.connection().execute(upsert).one()
    if last > on:
        raise OutOfOrderError(
            f"The last document of series {series or 'without a name'} is of {last}: issue on that day or later, "
            "or in another series"
        )
    return int(following) - 1


def _written(code: str, series: str, year: int, count: int) -> str:
    parts = [_NOT_ALLOWED.sub("-", code), *([series] if series else []), str(year), f"{count:06d}"]
    number = "-".join(parts)
    if len(number) > MAX_LENGTH:
        raise SeriesError(f"The number {number} is longer than {MAX_LENGTH} characters: use a shorter series")
    return number
