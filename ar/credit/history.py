"""What was decided on a customer's credit: limits set, holds placed and lifted, exceptions granted, in one order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from ar.credit.holds import hold_events
from ar.credit.models import CreditHoldEvent, CreditLimit, CreditOverride
from ar.credit.override import account_overrides


@dataclass(frozen=True)
class Event:
    """One decision. `row` is what it wrote; `words` why, as its author said."""

    at: datetime
    by: str
    kind: Literal["limit", "taken_back", "held", "lifted", "override"]
    words: str
    row: CreditLimit | CreditHoldEvent | CreditOverride


def history(session: Session, account_id: int, *, limit: int) -> list[Event]:
    """The last decisions on an account, the newest first."""
    mine = col(CreditLimit.account_id) == account_id
    limits = session.exec(select(CreditLimit).where(mine).order_by(col(CreditLimit.id).desc()).limit(limit))
    holds = hold_events(session, account_id, limit=limit)
    overrides = account_overrides(session, account_id, limit=limit)
    events = [
        *(
            Event(one.set_at, one.set_by, "taken_back" if one.amount_minor is None else "limit", one.reason, one)
            for one in limits
        ),
        *(Event(one.made_at, one.made_by, "lifted" if one.lifts_id else "held", one.words, one) for one in holds),
        *(Event(one.granted_at, one.granted_by, "override", one.reason, one) for one in overrides),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)[:limit]
