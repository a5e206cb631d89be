"""When customers were last talked with: after a conversation they have their rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.core.calendars import local_day_start
from ar.core.clock import local_date
from ar.core.db import among
from ar.customers.models import Account
from dunning.calls.models import CONVERSATIONS, ContactEvent


def conversations(session: Session, account_ids: Sequence[int], *, since: date) -> dict[int, date]:
    """The day, on the customer's clocks, of each account's last conversation, for those that had one since `since`.

    A conversation is a contact that ended as spoken, promised or contested.
    """
    event = ContactEvent
    query = (
        select(col(event.account_id), col(Account.time_zone), func.max(col(event.at), type_=event.at.type))  # type: ignore[attr-defined]
        .join(Account, col(Account.id) == col(event.account_id))
        .where(
            among(session, col(event.account_id), account_ids),
            col(event.at) >= local_day_start(since, "UTC", hour=0),
            col(event.outcome).in_(CONVERSATIONS),
        )
        .group_by(col(event.account_id), col(Account.time_zone))
    )
    return {account_id: local_date(at, zone) for account_id, zone, at in session.connection().execute(query)}
