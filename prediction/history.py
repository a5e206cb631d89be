"""Reads what became of invoices out of the ledger, as known on a day, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import Subquery, case, func, select
from sqlmodel import Session, col

from ar.core.money import exponent
from ar.ledger.items import total
from ar.ledger.models import Allocation, DisputeMark, EntryKind, OpenItem
from prediction.outcomes import NEVER, History, day_number


def read_history(session: Session, *, as_of: date) -> History:
    """Every invoice issued by `as_of` with its end and first dispute, as known at the end of that day."""
    settled, disputed = _settled(as_of), _disputed(as_of)
    query = (
        select(
            col(OpenItem.entry_id),
            col(OpenItem.account_id),
            col(OpenItem.entity_id),
            col(OpenItem.currency),
            col(OpenItem.amount_minor),
            col(OpenItem.effective_on),
            col(OpenItem.due_on),
            settled.c.amount,
            settled.c.paid,
            settled.c.last_on,
            disputed.c.first_on,
        )
        .outerjoin(settled, settled.c.debit_id == col(OpenItem.entry_id))
        .outerjoin(disputed, disputed.c.entry_id == col(OpenItem.entry_id))
        .where(col(OpenItem.kind) == EntryKind.INVOICE, col(OpenItem.side) == 1, col(OpenItem.effective_on) <= as_of)
        .order_by(col(OpenItem.entry_id))
    )
    rows: Sequence[Any] = session.connection().execute(query).all()
    entry, account, entity, currency, amount, issued, due, allocated, paid, last, first = (
        zip(*rows, strict=True) if rows else ((),) * 11
    )
    whole = np.array(amount, dtype=np.int64)
    closed = np.array([part or 0 for part in allocated], dtype=np.int64) >= whole
    majors = {code: 10 ** exponent(code) for code in set(currency)}
    return History(
        as_of=day_number(as_of),
        entry_id=np.array(entry, dtype=np.int64),
        account=np.array(account, dtype=np.int64),
        entity=np.array(entity, dtype=np.int64),
        currency=np.array(currency, dtype=np.str_),
        major=np.array([majors[code] for code in currency], dtype=np.int64),
        amount=whole,
        issued=_numbers(issued),
        due=_numbers(due),
        closed=np.where(closed, _numbers(last), NEVER),
        paid=closed & (np.array([part or 0 for part in paid], dtype=np.int64) > 0),
        disputed=_numbers(first),
    )


def _numbers(days: Sequence[date | None]) -> Any:
    known = {day: NEVER if day is None else day_number(day) for day in set(days)}
    return np.array([known[day] for day in days], dtype=np.int64)


def _settled(as_of: date) -> Subquery:
    """By invoice: what is allocated to it, how much of that is money, and the last day on which that changed.

    Allocations and their undoing on one day cancel out, and do not make it the day of the end.
    """
    credit = OpenItem.__table__.alias("credit")  # type: ignore[attr-defined]
    money = case((credit.c.kind == EntryKind.PAYMENT, col(Allocation.amount_minor)), else_=0)
    by_day = (
        select(
            col(Allocation.debit_id).label("debit_id"),
            col(Allocation.allocated_on).label("day"),
            total(col(Allocation.amount_minor)).label("amount"),
            total(money).label("paid"),
        )
        .join(credit, credit.c.entry_id == col(Allocation.credit_id))
        .where(col(Allocation.allocated_on) <= as_of)
        .group_by(col(Allocation.debit_id), col(Allocation.allocated_on))
        .having(func.sum(col(Allocation.amount_minor)) != 0)
        .subquery("by_day")
    )
    return (
        select(
            by_day.c.debit_id,
            total(by_day.c.amount).label("amount"),
            total(by_day.c.paid).label("paid"),
            func.max(by_day.c.day).label("last_on"),
        )
        .group_by(by_day.c.debit_id)
        .subquery("settled")
    )


def _disputed(as_of: date) -> Subquery:
    return (
        select(col(DisputeMark.entry_id).label("entry_id"), func.min(col(DisputeMark.marked_on)).label("first_on"))
        .where(col(DisputeMark.marked_on) <= as_of, col(DisputeMark.change_minor) > 0)
        .group_by(col(DisputeMark.entry_id))
        .subquery("disputed")
    )
