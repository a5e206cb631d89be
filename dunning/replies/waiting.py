"""Who waits for us: customers whose message no person has looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.core.db import among
from dunning.replies.kinds import ReplyState
from dunning.replies.models import Reply


def waiting_replies(session: Session, account_ids: Sequence[int], *, since: date) -> dict[int, date]:
    """Per account the day, on its own clocks, of the oldest message from a person that nobody has handled, of those
    written on `since` or later. Accounts with none are left out."""
    query = (
        select(col(Reply.account_id), func.min(col(Reply.written_on)))
        .where(
            among(session, col(Reply.account_id), account_ids),
            col(Reply.state) == ReplyState.OPEN,
            col(Reply.human),
            col(Reply.written_on) >= since,
        )
        .group_by(col(Reply.account_id))
    )
    rows = session.connection().execute(query)
    return {account_id: on for account_id, on in rows if account_id is not None}
