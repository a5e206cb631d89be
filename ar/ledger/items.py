"""Open items as of any day: what each account owed, or had in credit, and what of it was contested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Date,
    Select,
    Subquery,
    bindparam,
    cast,
    func,
    insert,
    or_,
    select,
    union_all,
)
from sqlmodel import Session, col

from ar.core.db import among, table
from ar.core.errors import DomainError
from ar.ledger.models import Allocation, DisputeMark, EntryKind, OpenItem


class DisputeAmountError(DomainError):
    """More, or less, contested than the item allows."""

    code = "bad-dispute-amount"


@dataclass(frozen=True, slots=True)
class ItemState:
    """One item as of a day. Amounts in minor units; `side` +1 owed by the customer, -1 in its credit."""

    entry_id: int
    entity_id: int
    account_id: int
    kind: EntryKind
    side: int
    currency: str
    amount_minor: int
    open_minor: int
    disputed_minor: int
    effective_on: date
    due_on: date
    reference: str


def balances(as_of: date | BindParameter[date]) -> Subquery:
    """Every item open at the end of the day `as_of`, with what was open then.

    What is open now, plus what was allocated after that day: cheap for recent days, right for all.
    """
    legs = union_all(
        select(col(Allocation.debit_id).label("entry_id"), col(Allocation.amount_minor).label("amount_minor")).where(
            col(Allocation.allocated_on) > as_of
        ),
        select(col(Allocation.credit_id), col(Allocation.amount_minor)).where(col(Allocation.allocated_on) > as_of),
    ).subquery("legs")
    later = (
        select(legs.c.entry_id, total(legs.c.amount_minor).label("minor")).group_by(legs.c.entry_id).subquery("later")
    )
    open_then = (col(OpenItem.open_minor) + func.coalesce(later.c.minor, 0)).label("open_minor")
    return (
        select(
            col(OpenItem.entry_id),
            col(OpenItem.entity_id),
            col(OpenItem.account_id),
            col(OpenItem.kind),
            col(OpenItem.side),
            col(OpenItem.currency),
            col(OpenItem.amount_minor),
            open_then,
            col(OpenItem.disputed_minor),
            col(OpenItem.effective_on),
            col(OpenItem.due_on),
            col(OpenItem.reference),
        )
        .select_from(table(OpenItem))
        .outerjoin(later, later.c.entry_id == col(OpenItem.entry_id))
        .where(
            col(OpenItem.effective_on) <= as_of,
            or_(col(OpenItem.open_minor) > 0, later.c.minor > 0),
            open_then > 0,
        )
        .subquery("balances")
    )


def marks_after(as_of: date | BindParameter[date]) -> Subquery:
    """By how much each item's contested amount changed after the day `as_of`, for those where it did."""
    return (
        select(col(DisputeMark.entry_id), total(col(DisputeMark.change_minor)).label("minor"))
        .where(col(DisputeMark.marked_on) > as_of)
        .group_by(col(DisputeMark.entry_id))
        .subquery("marks")
    )


def total(column: Any) -> ColumnElement[int]:
    """The sum of minor units as an integer: PostgreSQL's own sum of 64-bit integers is a decimal."""
    return cast(func.sum(column), BigInteger)


def open_items(session: Session, *, account_ids: Sequence[int] | None = None, as_of: date) -> list[ItemState]:
    """The items open at the end of `as_of`, of some accounts or of all, oldest due first."""
    query, account_id = _states()
    if account_ids is not None:
        query = query.where(among(session, account_id, account_ids))
    return [ItemState(**row) for row in session.connection().execute(query, {"as_of": as_of}).mappings()]


@cache
def _states() -> tuple[Select[tuple[object, ...]], ColumnElement[int]]:
    """The query of open_items() for any day and all accounts, and its column of accounts: put together once."""
    day = bindparam("as_of", type_=Date)
    found, marks = balances(day), marks_after(day)
    columns = {column.name: column for column in found.c}
    columns["disputed_minor"] = (found.c.disputed_minor - func.coalesce(marks.c.minor, 0)).label("disputed_minor")
    query: Select[tuple[object, ...]] = (
        select(*columns.values())
        .select_from(found)
        .outerjoin(marks, marks.c.entry_id == found.c.entry_id)
        .order_by(found.c.due_on, found.c.entry_id)
    )
    return query, found.c.account_id


def balance_steps(session: Session, entry_ids: Sequence[int]) -> dict[int, list[tuple[date, int]]]:
    """How the balance of each of these items went: (day, minor units open at its end), a step for each day of change.

    The first step is the item's own day; what was allocated and undone on one day is no change.
    """
    steps: dict[int, list[tuple[date, int]]] = {}
    items = select(col(OpenItem.entry_id), col(OpenItem.effective_on), col(OpenItem.amount_minor))
    for entry_id, day, minor in session.connection().execute(
        items.where(among(session, col(OpenItem.entry_id), entry_ids))
    ):
        steps[entry_id] = [(day, minor)]
    for leg in (col(Allocation.debit_id), col(Allocation.credit_id)):
        changes = (
            select(leg, col(Allocation.allocated_on), total(col(Allocation.amount_minor)))
            .where(among(session, leg, entry_ids))
            .group_by(leg, col(Allocation.allocated_on))
            .order_by(col(Allocation.allocated_on))
        )
        for entry_id, day, minor in session.connection().execute(changes):
            taken = steps[entry_id]
            if minor and taken[-1][0] == day:
                taken[-1] = (day, taken[-1][1] - minor)
            elif minor:
                taken.append((day, taken[-1][1] - minor))
    return steps


def mark_disputed(session: Session, entry_id: int, change_minor: int, *, on: date, source: str) -> None:
    """Raise or lower the contested amount of an item as of the day `on`.

    Raises DisputeAmountError when it would leave less than nothing, or more than the whole item, contested.
    """
    query = select(col(OpenItem.disputed_minor), col(OpenItem.amount_minor)).where(col(OpenItem.entry_id) == entry_id)
    found = session.connection().execute(query.with_for_update()).one_or_none()
    if found is None or not 0 <= found.disputed_minor + change_minor <= found.amount_minor:
        raise DisputeAmountError(f"Item {entry_id} cannot have its contested amount changed by {change_minor}")
    mark_disputed_all(session, [(entry_id, change_minor, on)], source=source)


def mark_disputed_all(session: Session, marks: Sequence[tuple[int, int, date]], *, source: str) -> None:
    """Many (item id, change in minor units, day) at once; the database keeps each item within its amount."""
    if not marks:
        return
    rows = [
        {"entry_id": entry_id, "change_minor": change, "marked_on": day, "source": source}
        for entry_id, change, day in marks
    ]
    session.connection().execute(insert(table(DisputeMark)), rows)
