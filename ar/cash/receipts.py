"""What a payment paid and what is left: the facts of thanks and of printed receipts, of many payments at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import RowMapping, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col
from sqlmodel import select as pick

from ar.cash.matching.models import CashApplication
from ar.cash.models import Payment
from ar.core.db import among
from ar.ledger.items import total
from ar.ledger.models import Allocation, Book, Entry, EntryKind, OpenItem


@dataclass(frozen=True, slots=True)
class SettledItem:
    """What the payment paid of one item, what was let off with it (a discount for paying early; anything else), and
    what of it is open today, in minor units."""

    entry_id: int
    reference: str
    amount_minor: int
    open_minor: int
    due_on: date
    discount_minor: int = 0
    let_off_minor: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment whose money is ours, with what it settled. `unapplied_minor` stays on account.

    `owed_minor` is what the customer still owes this seller in this currency today, `overdue_minor` what of it is past
    its due date, `next_due_on` the first due date of the rest.
    """

    payment: Payment
    received_on: date
    invoices: Sequence[SettledItem]
    unapplied_minor: int
    owed_minor: int
    overdue_minor: int
    next_due_on: date | None

    @property
    def short(self) -> Sequence[SettledItem]:
        """The items of which something is left."""
        return [one for one in self.invoices if one.open_minor]


class _Place(NamedTuple):
    account_id: int
    entity_id: int
    currency: str


@dataclass(slots=True)
class _Balance:
    owed_minor: int = 0
    overdue_minor: int = 0
    next_due_on: date | None = None


@dataclass(slots=True)
class _Share:
    paid_minor: int = 0
    sources: set[str] = field(default_factory=set)


def receipts_of(session: Session, payment_ids: Sequence[int], *, today: date) -> dict[int, Receipt]:
    """The receipts of these payments by id; one whose money is not here, or went back, has none.

    In a handful of queries, however many they are. Balances are those of today, due dates counted from `today`.
    """
    query = (
        pick(Payment, OpenItem)
        .join(OpenItem, col(OpenItem.entry_id) == col(Payment.entry_id))
        .where(among(session, col(Payment.id), list(payment_ids)))
    )
    found = session.exec(query).all()
    shares = _shares(session, [item.entry_id for _, item in found])
    items = _items(session, sorted({item_id for one in shares.values() for item_id in one}))
    let_off = _let_off(session, sorted(items), _acts(session, [payment for payment, _ in found]))
    balances = _balances(session, sorted({payment.account_id for payment, _ in found}), today)
    receipts = {}
    for payment, credit in found:
        assert payment.id is not None
        own = f"payment:{payment.id}"
        settled = [
            _settled(items[item_id], share, let_off.get(item_id, ()), own)
            for item_id, share in shares[credit.entry_id].items()
            if item_id in items
        ]
        balance = balances.get(_Place(payment.account_id, payment.entity_id, payment.currency), _Balance())
        receipts[payment.id] = Receipt(
            payment,
            credit.effective_on,
            sorted(settled, key=lambda one: (one.due_on, one.entry_id)),
            credit.open_minor,
            balance.owed_minor,
            balance.overdue_minor,
            balance.next_due_on,
        )
    return receipts


def _shares(session: Session, entry_ids: Sequence[int]) -> dict[int, dict[int, _Share]]:
    """Of each payment's entry, what it settles today by item, and in which acts."""
    undoing = aliased(Allocation)
    query = (
        select(
            col(Allocation.credit_id), col(Allocation.debit_id), col(Allocation.amount_minor), col(Allocation.source)
        )
        .outerjoin(undoing, col(undoing.undoes_id) == col(Allocation.id))
        .where(
            among(session, col(Allocation.credit_id), entry_ids),
            col(Allocation.amount_minor) > 0,
            col(undoing.id).is_(None),
        )
    )
    found: dict[int, dict[int, _Share]] = {entry_id: {} for entry_id in entry_ids}
    for credit_id, debit_id, minor, source in session.connection().execute(query):
        share = found[credit_id].setdefault(debit_id, _Share())
        share.paid_minor += minor
        share.sources.add(source)
    return found


def _items(session: Session, entry_ids: Sequence[int]) -> dict[int, RowMapping]:
    query = select(
        col(OpenItem.entry_id), col(OpenItem.reference), col(OpenItem.open_minor), col(OpenItem.due_on)
    ).where(among(session, col(OpenItem.entry_id), entry_ids), col(OpenItem.kind) != EntryKind.REFUND)
    return {row["entry_id"]: row for row in session.connection().execute(query).mappings()}


class _LetOff(NamedTuple):
    source: str
    book: Book
    amount_minor: int


def _let_off(session: Session, entry_ids: Sequence[int], acts: dict[str, str]) -> dict[int, list[_LetOff]]:
    """What adjustments and write-offs took off each item and still do, by the act that did so.

    An act of applying cash is named by the payment whose it is, where it is one's.
    """
    undoing = aliased(Allocation)
    query = (
        select(col(Allocation.debit_id), col(Allocation.source), col(Entry.debit), col(Allocation.amount_minor))
        .join(Entry, col(Entry.id) == col(Allocation.credit_id))
        .outerjoin(undoing, col(undoing.undoes_id) == col(Allocation.id))
        .where(
            among(session, col(Allocation.debit_id), entry_ids),
            col(Entry.kind).in_((EntryKind.ADJUSTMENT, EntryKind.WRITE_OFF)),
            col(Allocation.amount_minor) > 0,
            col(undoing.id).is_(None),
        )
    )
    found: dict[int, list[_LetOff]] = defaultdict(list)
    for debit_id, source, book, minor in session.connection().execute(query):
        found[debit_id].append(_LetOff(acts.get(source, source), book, minor))
    return found


def _acts(session: Session, payments: Sequence[Payment]) -> dict[str, str]:
    """The acts of applying cash that concern one of `payments` alone, and that payment's own source."""
    lines: dict[int, list[int | None]] = defaultdict(list)
    for payment in payments:
        if payment.bank_line_id is not None:
            lines[payment.bank_line_id].append(payment.id)
    query = select(col(CashApplication.id), col(CashApplication.bank_line_id), col(CashApplication.payment_id)).where(
        or_(
            among(session, col(CashApplication.bank_line_id), sorted(lines)),
            among(session, col(CashApplication.payment_id), [one.id for one in payments if one.id is not None]),
        ),
        col(CashApplication.undone_at).is_(None),
    )
    acts = {}
    for number, line_id, payment_id in session.connection().execute(query):
        of_line = lines[line_id] if line_id is not None else []
        owner = payment_id if payment_id is not None else of_line[0] if len(of_line) == 1 else None
        if owner is not None:
            acts[f"application:{number}"] = f"payment:{owner}"
    return acts


def _settled(item: RowMapping, share: _Share, let_off: Sequence[_LetOff], own: str) -> SettledItem:
    ours = [one for one in let_off if one.source == own or one.source in share.sources]
    discount = sum(one.amount_minor for one in ours if one.book is Book.DISCOUNTS)
    return SettledItem(
        item["entry_id"],
        item["reference"],
        share.paid_minor,
        item["open_minor"],
        item["due_on"],
        discount,
        sum(one.amount_minor for one in ours) - discount,
    )


def _balances(session: Session, account_ids: Sequence[int], today: date) -> dict[_Place, _Balance]:
    """What each account owes each seller in each currency, and what of it is late or comes next."""
    late = col(OpenItem.due_on) < today
    query = (
        select(
            col(OpenItem.account_id),
            col(OpenItem.entity_id),
            col(OpenItem.currency),
            late,
            total(col(OpenItem.open_minor)),
            func.min(col(OpenItem.due_on)),
        )
        .where(
            among(session, col(OpenItem.account_id), account_ids), col(OpenItem.open_minor) > 0, col(OpenItem.side) == 1
        )
        .group_by(col(OpenItem.account_id), col(OpenItem.entity_id), col(OpenItem.currency), late)
    )
    found: dict[_Place, _Balance] = defaultdict(_Balance)
    for account_id, entity_id, currency, is_late, minor, first_due in session.connection().execute(query):
        balance = found[_Place(account_id, entity_id, currency)]
        balance.owed_minor += minor
        if is_late:
            balance.overdue_minor = minor
        else:
            balance.next_due_on = first_due
    return found
