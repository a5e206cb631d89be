"""What a person corrects in the ledger: write-offs, adjustments and reversals, each for a reason that is kept."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session

from ar.core.audit import Act, record
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.ledger.allocate import AllocationError, Share, allocate, locked_items
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post, reverse


def write_off(
    session: Session, entry_id: int, amount_minor: int, *, reason: str, by: str, today: date, now: datetime
) -> int:
    """Give up `amount_minor` of an open item as of `today`: the write-off's entry id.

    Raises ItemNotFoundError, AllocationError for an item that is not owed, OverAllocationError for more than is open.
    """
    item = locked_items(session, [entry_id])[entry_id]
    if item["side"] != 1:
        raise AllocationError("Only what a customer owes can be written off; this item is in its credit")
    day = max(today, item["effective_on"])
    posting = Posting(
        entity_id=item["entity_id"],
        account_id=item["account_id"],
        kind=EntryKind.WRITE_OFF,
        amount_minor=amount_minor,
        currency=item["currency"],
        effective_on=day,
        reference=item["reference"],
        memo=reason,
        source=by,
    )
    [written] = post(session, [posting], now=now)
    allocate(session, [Share(entry_id, written, amount_minor)], on=day, source=by, now=now)
    change = {"item": entry_id, "amount_minor": amount_minor, "currency": item["currency"], "reason": reason}
    record(session, [Act(by, "item.written_off", f"account:{item['account_id']}", change)], now=now)
    return written


def adjust(
    session: Session,
    *,
    entity_id: int,
    account_id: int,
    side: int,
    amount_minor: int,
    currency: str,
    reason: str,
    by: str,
    today: date,
    now: datetime,
) -> int:
    """Raise (`side` 1) or lower (-1) what an account owes as of `today`: the adjustment's entry id.

    Raises AccountNotFoundError, EntityNotFoundError, PostingError.
    """
    account(session, account_id)
    entity(session, entity_id)
    posting = Posting(
        entity_id=entity_id,
        account_id=account_id,
        kind=EntryKind.ADJUSTMENT,
        amount_minor=amount_minor,
        currency=currency,
        effective_on=today,
        memo=reason,
        source=by,
        side=side,
    )
    [posted] = post(session, [posting], now=now)
    change = {"entry": posted, "side": side, "amount_minor": amount_minor, "currency": currency, "reason": reason}
    record(session, [Act(by, "account.adjusted", f"account:{account_id}", change)], now=now)
    return posted


def take_back(session: Session, entry_id: int, *, reason: str, by: str, today: date, now: datetime) -> int:
    """Reverse an entry as of `today`: the reversal's entry id. Raises as reverse() does."""
    reversal = reverse(session, entry_id, on=today, source=by, now=now)
    change = {"entry": entry_id, "reversal": reversal, "reason": reason}
    record(session, [Act(by, "entry.reversed", f"entry:{entry_id}", change)], now=now)
    return reversal
