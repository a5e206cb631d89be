"""Opening and resolving disputes. While one is open its amount, and no more, is left out of reminders."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, DomainError, NotFoundError
from ar.core.money import plain
from ar.disputes.models import Dispute, DisputeState, Outcome, Reason
from ar.ledger.allocate import locked_items
from ar.ledger.items import mark_disputed


class DisputeError(DomainError):
    """What was asked cannot be contested, or not resolved so."""

    code = "bad-dispute"


class DisputeNotFoundError(NotFoundError):
    code = "dispute-not-found"


class DisputeResolvedError(ConflictError):
    code = "dispute-resolved"


def open_dispute(
    session: Session,
    *,
    entry_id: int,
    amount_minor: int | None,
    reason: Reason,
    text: str,
    by: str,
    today: date,
    now: datetime,
) -> Dispute:
    """The dispute just opened on an item, over `amount_minor` or, when None, all of it that is open and uncontested.

    Raises ItemNotFoundError, or DisputeError when there is nothing, or less, left to contest.
    """
    item = locked_items(session, [entry_id])[entry_id]
    left = item["open_minor"] - item["disputed_minor"]
    amount = left if amount_minor is None else amount_minor
    if item["side"] != 1 or left <= 0:
        raise DisputeError(f"There is nothing left to contest on {item['reference'] or f'item {entry_id}'}")
    if not 0 < amount <= left:
        currency = item["currency"]
        raise DisputeError(
            f"At most {plain(left, currency)} {currency} of {item['reference'] or f'item {entry_id}'} can be contested"
        )
    day = max(today, item["effective_on"])
    dispute = Dispute(
        entity_id=item["entity_id"],
        account_id=item["account_id"],
        entry_id=entry_id,
        reference=item["reference"],
        currency=item["currency"],
        amount_minor=amount,
        reason=reason,
        text=text,
        opened_at=now,
        opened_on=day,
        opened_by=by,
    )
    session.add(dispute)
    session.flush()
    mark_disputed(session, entry_id, amount, on=day, source=f"dispute:{dispute.id}")
    change = {"dispute": dispute.id, "item": entry_id, "amount_minor": amount, "reason": reason.value}
    record(session, [Act(by, "dispute.opened", f"account:{dispute.account_id}", change)], now=now)
    return dispute


def resolve_dispute(
    session: Session,
    dispute_id: int,
    *,
    outcome: Outcome,
    accepted_minor: int,
    answer: str,
    by: str,
    today: date,
    now: datetime,
) -> Dispute:
    """The dispute, resolved: what it held back is open to reminders again, as of `today`.

    What was accepted is credited by whoever accepts it, in the same transaction; this only says how much it was.
    Raises DisputeNotFoundError, DisputeResolvedError, or DisputeError for an amount that does not fit the outcome.
    """
    found = session.exec(select(Dispute).where(col(Dispute.id) == dispute_id).with_for_update()).one_or_none()
    if found is None:
        raise DisputeNotFoundError(f"There is no dispute {dispute_id}")
    if found.state is DisputeState.RESOLVED:
        raise DisputeResolvedError(f"Dispute {dispute_id} was resolved already, on {found.resolved_on}")
    fits = {
        Outcome.ACCEPTED: accepted_minor == found.amount_minor,
        Outcome.PARTLY: 0 < accepted_minor < found.amount_minor,
        Outcome.REJECTED: accepted_minor == 0,
        Outcome.WITHDRAWN: accepted_minor == 0,
    }
    if not fits[outcome]:
        raise DisputeError(f"{accepted_minor} minor units accepted of {found.amount_minor} is not '{outcome.value}'")
    day = max(today, found.opened_on)
    contested = locked_items(session, [found.entry_id])[found.entry_id]["disputed_minor"]
    mark_disputed(session, found.entry_id, -min(found.amount_minor, contested), on=day, source=f"dispute:{dispute_id}")
    found.state, found.outcome, found.accepted_minor, found.answer = (
        DisputeState.RESOLVED,
        outcome,
        accepted_minor,
        answer,
    )
    found.resolved_at, found.resolved_on, found.resolved_by = now, day, by
    found.version += 1
    session.flush()
    change = {"dispute": dispute_id, "outcome": outcome.value, "accepted_minor": accepted_minor}
    record(session, [Act(by, "dispute.resolved", f"account:{found.account_id}", change)], now=now)
    return found


def dispute(session: Session, dispute_id: int) -> Dispute:
    """Raises DisputeNotFoundError."""
    found = session.get(Dispute, dispute_id)
    if found is None:
        raise DisputeNotFoundError(f"There is no dispute {dispute_id}")
    return found


def disputes_of(session: Session, account_id: int) -> list[Dispute]:
    """The account's disputes, the newest first."""
    query = select(Dispute).where(col(Dispute.account_id) == account_id).order_by(col(Dispute.id).desc())
    return list(session.exec(query))
