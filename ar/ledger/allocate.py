"""Allocations: which credit settles which debit, and taking that back.

Every rule is checked here under a lock on the items, and the amounts once more by the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import RowMapping, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from ar.core.db import among, bulk_insert, reserve_ids, table
from ar.core.errors import ConflictError, DomainError, NotFoundError
from ar.core.money import plain
from ar.ledger.models import Allocation, OpenItem


class AllocationError(DomainError):
    """The two items cannot settle each other."""

    code = "bad-allocation"


class OverAllocationError(ConflictError):
    """More than is open on one of the items."""

    code = "over-allocation"


class ItemNotFoundError(NotFoundError):
    code = "item-not-found"


class Share(NamedTuple):
    """`amount_minor` of the credit item to set against the debit item."""

    debit_id: int
    credit_id: int
    amount_minor: int


class Dated(NamedTuple):
    """A share with the day that it takes effect, and where it came from."""

    share: Share
    on: date
    source: str


@dataclass(frozen=True, slots=True)
class LiveAllocation:
    """An allocation that has not been taken back."""

    id: int
    debit_id: int
    credit_id: int
    amount_minor: int
    allocated_on: date


def allocate(session: Session, shares: Sequence[Share], *, on: date, source: str, now: datetime) -> list[int]:
    """Set credits against debits as of the day `on`: the allocations' ids, in order.

    An allocation takes effect on `on`, or on the later of its items' own days when that is after `on`.
    Raises ItemNotFoundError, AllocationError (sides, seller, currency, or a day before an earlier undoing),
    or OverAllocationError; nothing is written then.
    """
    return allocate_on(session, [(share, on) for share in shares], source=source, now=now)


def allocate_on(session: Session, shares: Sequence[tuple[Share, date]], *, source: str, now: datetime) -> list[int]:
    """As allocate(), each share with its own day."""
    return allocate_dated(session, [Dated(share, on, source) for share, on in shares], now=now)


def allocate_dated(session: Session, shares: Sequence[Dated], *, now: datetime) -> list[int]:
    """As allocate(), each share with its own day and source."""
    if not shares:
        return []
    wanted = _items_of(shares)
    items = locked_items(session, wanted)
    return _allocate(session, shares, items, last_undone(session, wanted), now=now)


def allocate_late(session: Session, shares: Sequence[Dated], *, now: datetime) -> list[int]:
    """As allocate_dated(), but a share whose item was freed after its day takes the day of that: news may be late."""
    if not shares:
        return []
    wanted = _items_of(shares)
    items = locked_items(session, wanted)
    freed = last_undone(session, wanted)
    late = [
        one._replace(on=max(one.on, freed.get(one.share.debit_id, one.on), freed.get(one.share.credit_id, one.on)))
        for one in shares
    ]
    return _allocate(session, late, items, freed, now=now)


def _items_of(shares: Sequence[Dated]) -> list[int]:
    return sorted({item for one in shares for item in (one.share.debit_id, one.share.credit_id)})


def _allocate(
    session: Session,
    shares: Sequence[Dated],
    items: Mapping[int, RowMapping],
    undone: Mapping[int, date],
    *,
    now: datetime,
) -> list[int]:
    """Check the shares against their `items`, locked, and the days on which those were last freed; write them."""
    left = {item_id: row["open_minor"] for item_id, row in items.items()}
    ids = list(reserve_ids(session, Allocation, len(shares)))
    rows = []
    for allocation_id, (share, on, source) in zip(ids, shares, strict=True):
        debit, credit = items[share.debit_id], items[share.credit_id]
        _check_pair(debit, credit, share)
        day = max(on, debit["effective_on"], credit["effective_on"])
        for item_id in (share.debit_id, share.credit_id):
            if item_id in undone and day < undone[item_id]:
                raise AllocationError(
                    f"Item {item_id} had an allocation undone on {undone[item_id]}: allocate it on that day or later"
                )
            left[item_id] -= share.amount_minor
            if left[item_id] < 0:
                raise _too_much(items[item_id], share)
        rows.append(
            {
                "id": allocation_id,
                "debit_id": share.debit_id,
                "credit_id": share.credit_id,
                "amount_minor": share.amount_minor,
                "allocated_on": day,
                "source": source,
                "made_at": now,
            }
        )
    bulk_insert(session, Allocation, rows)
    return ids


def _too_much(item: RowMapping, share: Share) -> OverAllocationError:
    currency = item["currency"]
    return OverAllocationError(
        f"Item {item['entry_id']} ({item['reference'] or item['kind'].value}) has "
        f"{plain(item['open_minor'], currency)} {currency} open, less than the "
        f"{plain(share.amount_minor, currency)} to allocate: look at it again, it may have been settled meanwhile"
    )


def _check_pair(debit: RowMapping, credit: RowMapping, share: Share) -> None:
    if share.amount_minor <= 0:
        raise AllocationError("An allocation needs an amount above zero")
    if debit["side"] != 1 or credit["side"] != -1:
        raise AllocationError(
            f"Items {share.debit_id} and {share.credit_id} do not settle each other: "
            "the first must be owed by the customer, the second in its credit"
        )
    if debit["currency"] != credit["currency"]:
        raise AllocationError(f"{credit['currency']} cannot settle an item in {debit['currency']}")
    if debit["entity_id"] != credit["entity_id"]:
        raise AllocationError("The two items belong to different legal entities")


def locked_items(session: Session, entry_ids: Sequence[int]) -> dict[int, RowMapping]:
    """The open items `entry_ids`, locked for this transaction, by id. Raises ItemNotFoundError for any missing."""
    query = (
        select(table(OpenItem))
        .where(among(session, col(OpenItem.entry_id), entry_ids))
        .order_by(col(OpenItem.entry_id))
        .with_for_update()
    )
    found = {row["entry_id"]: row for row in session.connection().execute(query).mappings()}
    missing = next((item for item in entry_ids if item not in found), None)
    if missing is not None:
        raise ItemNotFoundError(f"There is no open item {missing}")
    return found


def last_undone(session: Session, entry_ids: Sequence[int]) -> dict[int, date]:
    """The last day on which an allocation of each item was taken back."""
    found: dict[int, date] = {}
    for side in (col(Allocation.debit_id), col(Allocation.credit_id)):
        query = (
            select(side, func.max(col(Allocation.allocated_on)))
            .where(among(session, side, entry_ids), col(Allocation.amount_minor) < 0)
            .group_by(side)
        )
        for item_id, day in session.connection().execute(query):
            found[item_id] = max(day, found.get(item_id, day))
    return found


def deallocate(session: Session, allocation_ids: Sequence[int], *, on: date, source: str, now: datetime) -> list[int]:
    """Take allocations back as of the day `on` (or their own day, if later): the ids of the undoing rows.

    Both sides are open again by what had been allocated. Raises ConflictError when one was taken back before,
    NotFoundError when there is none of that id.
    """
    if not allocation_ids:
        return []
    undoing = aliased(Allocation)
    query = (
        select(table(Allocation), col(undoing.id).label("undone_by"))
        .outerjoin(undoing, col(undoing.undoes_id) == col(Allocation.id))
        .where(among(session, col(Allocation.id), list(allocation_ids)))
    )
    found = {row["id"]: row for row in session.connection().execute(query).mappings()}
    for allocation_id in allocation_ids:
        row = found.get(allocation_id)
        if row is None or row["amount_minor"] < 0:
            raise NotFoundError(f"There is no allocation {allocation_id}")
        if row["undone_by"] is not None:
            raise ConflictError(f"Allocation {allocation_id} was taken back already")
    locked_items(session, sorted({row[side] for row in found.values() for side in ("debit_id", "credit_id")}))
    ids = list(reserve_ids(session, Allocation, len(allocation_ids)))
    bulk_insert(
        session,
        Allocation,
        [
            {
                "id": undo_id,
                "debit_id": found[allocation_id]["debit_id"],
                "credit_id": found[allocation_id]["credit_id"],
                "amount_minor": -found[allocation_id]["amount_minor"],
                "allocated_on": max(on, found[allocation_id]["allocated_on"]),
                "undoes_id": allocation_id,
                "source": source,
                "made_at": now,
            }
            for undo_id, allocation_id in zip(ids, allocation_ids, strict=True)
        ],
    )
    return ids


def standing(session: Session, allocation_ids: Sequence[int]) -> list[int]:
    """Those of these allocations that have not been taken back."""
    undoing = aliased(Allocation)
    query = (
        select(col(Allocation.id))
        .outerjoin(undoing, col(undoing.undoes_id) == col(Allocation.id))
        .where(among(session, col(Allocation.id), allocation_ids), col(undoing.id).is_(None))
        .order_by(col(Allocation.id))
    )
    return [row.id for row in session.connection().execute(query)]


def live_allocations(session: Session, entry_id: int) -> list[LiveAllocation]:
    """The allocations of one item, on either side, that stand today."""
    undoing = aliased(Allocation)
    query = (
        select(
            col(Allocation.id),
            col(Allocation.debit_id),
            col(Allocation.credit_id),
            col(Allocation.amount_minor),
            col(Allocation.allocated_on),
        )
        .outerjoin(undoing, col(undoing.undoes_id) == col(Allocation.id))
        .where(
            (col(Allocation.debit_id) == entry_id) | (col(Allocation.credit_id) == entry_id),
            col(Allocation.amount_minor) > 0,
            col(undoing.id).is_(None),
        )
        .order_by(col(Allocation.id))
    )
    return [LiveAllocation(**row) for row in session.connection().execute(query).mappings()]
