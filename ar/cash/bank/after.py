"""What happens to bank lines once they are stored: a job looks at them, after the transaction that stored them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from ar.core.jobs import enqueue_all

WORK_JOB = "work-bank-lines"


def want_work(session: Session, statement_ids: Iterable[int], *, now: datetime) -> None:
    """Have the open lines of these statements looked at, once each statement."""
    wanted = {f"{WORK_JOB}:{statement_id}": {"statement_id": statement_id} for statement_id in statement_ids}
    enqueue_all(session, WORK_JOB, wanted, now=now)
