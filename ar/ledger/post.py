"""Posting: the only way that amounts enter the ledger, and the only way that an entry is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import bulk_insert, reserve_ids, table
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.money import MAX_MINOR, exponent
from ar.ledger.allocate import Share, allocate, deallocate, live_allocations
from ar.ledger.items import mark_disputed
from ar.ledger.models import Book, Entry, EntryKind, OpenItem
from ar.ledger.references import reference_key

BOOKS: dict[EntryKind, tuple[Book, Book]] = {
    EntryKind.INVOICE: (Book.RECEIVABLE, Book.SALES),
    EntryKind.CREDIT_NOTE: (Book.SALES, Book.RECEIVABLE),
    EntryKind.PAYMENT: (Book.BANK, Book.RECEIVABLE),
    EntryKind.REFUND: (Book.RECEIVABLE, Book.BANK),
    EntryKind.WRITE_OFF: (Book.BAD_DEBT, Book.RECEIVABLE),
    EntryKind.LATE_CHARGE: (Book.RECEIVABLE, Book.LATE_CHARGES),
}
"""Debit and credit of each kind. An adjustment has a side instead, and a reversal turns round what it reverses."""

ADJUSTING = frozenset({Book.ADJUSTMENTS, Book.DISCOUNTS, Book.BANK_CHARGES, Book.PAYMENT_DIFFERENCES})
"""The books that an adjustment may move the receivable's amount to."""


class PostingError(DomainError):
    """A posting that cannot be: the faults name which and why."""

    code = "bad-posting"


class AlreadyReversedError(ConflictError):
    """An entry is reversed once at most."""

    code = "already-reversed"


class EntryNotFoundError(NotFoundError):
    code = "entry-not-found"


@dataclass(frozen=True, slots=True)
class Posting:
    """One amount to post. `side` (+1 owed, -1 in credit) and `book` (the other book account, one of ADJUSTING) are for
    adjustments alone; the other kinds have theirs.

    `due_on` is the day payment falls due (the effective day when not given). `source` says where it came from;
    `source_key`, unique in the ledger, makes posting the same fact twice an error. `discount_minor` is what a payment
    until the day `discount_until` may take off; nothing when not given. `purchase_order` is the customer's own number.
    """

    entity_id: int
    account_id: int
    kind: EntryKind
    amount_minor: int
    currency: str
    effective_on: date
    due_on: date | None = None
    reference: str = ""
    memo: str = ""
    source: str = "system"
    source_key: str | None = None
    side: int | None = None
    discount_until: date | None = None
    discount_minor: int = 0
    purchase_order: str = ""
    book: Book = Book.ADJUSTMENTS


def post(session: Session, postings: Sequence[Posting], *, now: datetime) -> list[int]:
    """Write an entry and its open item for each posting; the ids, in order (an item has its entry's id).

    Raises PostingError, before anything is written, naming every posting that cannot be.
    """
    check(postings)
    ids = list(reserve_ids(session, Entry, len(postings)))
    entries, items = [], []
    for entry_id, posting in zip(ids, postings, strict=True):
        debit, credit = books_of(posting)
        due_on = posting.due_on or posting.effective_on
        entries.append(
            {
                "id": entry_id,
                "entity_id": posting.entity_id,
                "account_id": posting.account_id,
                "kind": posting.kind,
                "debit": debit,
                "credit": credit,
                "amount_minor": posting.amount_minor,
                "currency": posting.currency,
                "effective_on": posting.effective_on,
                "due_on": due_on,
                "reference": posting.reference,
                "memo": posting.memo,
                "source": posting.source,
                "source_key": posting.source_key,
                "posted_at": now,
            }
        )
        items.append(_item(entry_id, posting, 1 if debit is Book.RECEIVABLE else -1, due_on))
    bulk_insert(session, Entry, entries)
    bulk_insert(session, OpenItem, items)
    return ids


def _item(entry_id: int, posting: Posting, side: int, due_on: date) -> dict[str, object]:
    return {
        "entry_id": entry_id,
        "entity_id": posting.entity_id,
        "account_id": posting.account_id,
        "kind": posting.kind,
        "side": side,
        "currency": posting.currency,
        "amount_minor": posting.amount_minor,
        "open_minor": posting.amount_minor,
        "effective_on": posting.effective_on,
        "due_on": due_on,
        "reference": posting.reference,
        "discount_until": posting.discount_until,
        "discount_minor": posting.discount_minor,
        "reference_key": reference_key(posting.reference),
        "purchase_order": reference_key(posting.purchase_order),
    }


def books_of(posting: Posting) -> tuple[Book, Book]:
    """The book accounts (debit, credit) that a posting moves its amount between."""
    if posting.kind is EntryKind.ADJUSTMENT:
        pair = (Book.RECEIVABLE, posting.book)
        return pair if posting.side == 1 else (pair[1], pair[0])
    return BOOKS[posting.kind]


def check(postings: Sequence[Posting]) -> None:
    """Raises PostingError for amounts, currencies, sides or references that the ledger does not take."""
    faults = [Fault(f"/{n}", reason) for n, posting in enumerate(postings) if (reason := _refusal(posting)) is not None]
    if faults:
        raise PostingError(f"Nothing was posted: {faults[0].message}", faults=faults)


def _refusal(posting: Posting) -> str | None:
    exponent(posting.currency)
    if not 0 < posting.amount_minor <= MAX_MINOR:
        return f"an amount of {posting.amount_minor} minor units cannot be posted: it must be above zero and in range"
    if posting.kind is EntryKind.REVERSAL:
        return "a reversal is made by reverse(), from the entry it takes back"
    if (posting.kind is EntryKind.ADJUSTMENT) != (posting.side in (-1, 1)):
        return "an adjustment, and nothing else, says its side: 1 for owed, -1 for in credit"
    if posting.book not in ADJUSTING:
        return f"an adjustment does not go against the book account {posting.book.value}"
    if posting.kind in (EntryKind.INVOICE, EntryKind.CREDIT_NOTE) and not posting.reference:
        return f"a posted {posting.kind.value.replace('_', ' ')} needs its number as reference"
    if not 0 <= posting.discount_minor < posting.amount_minor:
        return "a discount for early payment is less than the amount"
    if (posting.discount_until is None) != (posting.discount_minor == 0):
        return "a discount for early payment has an amount and a last day"
    return None


def reverse(session: Session, entry_id: int, *, on: date, source: str, now: datetime) -> int:
    """Take an entry back from the day `on`: the id of the reversing entry.

    What the entry was allocated to is open again from that day, its contested amount is cleared, and the two
    entries settle each other. Raises EntryNotFoundError, AlreadyReversedError, or PostingError for a day before
    the entry's own or for the reversal of a reversal.
    """
    found = session.connection().execute(
        select(table(Entry), col(OpenItem.side), col(OpenItem.disputed_minor))
        .join(table(OpenItem), col(OpenItem.entry_id) == col(Entry.id))
        .where(col(Entry.id) == entry_id)
        .with_for_update()
    )
    entry = found.mappings().one_or_none()
    if entry is None:
        raise EntryNotFoundError(f"There is no ledger entry {entry_id}")
    if entry["kind"] is EntryKind.REVERSAL:
        raise PostingError("A reversal is not reversed: post the fact anew")
    if on < entry["effective_on"]:
        raise PostingError(f"An entry of {entry['effective_on']} cannot be reversed as of an earlier day ({on})")
    taken = select(col(Entry.id)).where(col(Entry.reverses_id) == entry_id)
    if session.connection().execute(taken).first() is not None:
        raise AlreadyReversedError(f"Ledger entry {entry_id} has been reversed already")

    live = live_allocations(session, entry_id)
    day = max([on, *(allocation.allocated_on for allocation in live)])
    deallocate(session, [allocation.id for allocation in live], on=on, source=source, now=now)
    if entry["disputed_minor"]:
        mark_disputed(session, entry_id, -entry["disputed_minor"], on=on, source=source)
    [reversal_id] = reserve_ids(session, Entry, 1)
    row = {
        "id": reversal_id,
        "entity_id": entry["entity_id"],
        "account_id": entry["account_id"],
        "kind": EntryKind.REVERSAL,
        "debit": entry["credit"],
        "credit": entry["debit"],
        "amount_minor": entry["amount_minor"],
        "currency": entry["currency"],
        "effective_on": day,
        "due_on": day,
        "reference": entry["reference"],
        "memo": f"reversal of entry {entry_id}",
        "reverses_id": entry_id,
        "reversed_kind": entry["kind"],
        "source": source,
        "posted_at": now,
    }
    bulk_insert(session, Entry, [row])
    names = ("entity_id", "account_id", "kind", "currency", "amount_minor", "effective_on", "due_on", "reference")
    item = {name: row[name] for name in names}
    bulk_insert(
        session,
        OpenItem,
        [
            {
                **item,
                "entry_id": reversal_id,
                "side": -entry["side"],
                "open_minor": entry["amount_minor"],
                "reference_key": reference_key(entry["reference"]),
            }
        ],
    )
    pair = (entry_id, reversal_id) if entry["side"] == 1 else (reversal_id, entry_id)
    allocate(session, [Share(*pair, entry["amount_minor"])], on=day, source=source, now=now)
    return reversal_id
