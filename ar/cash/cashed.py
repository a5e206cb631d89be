"""The wish to have it told that documents were cashed, or are no more: written with what was set against them.

Who may want to know is above this room: it registers a handler for the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from ar.core.jobs import enqueue

CASHED_JOB = "tell-cashed"


def want_cashed(session: Session, entry_ids: Sequence[int], *, key: str, now: datetime) -> None:
    """Have it looked at what these payments' ledger entries settle now. `key` names what changed it, such as
    'allocation:12': the same again is one wish."""
    if entry_ids:
        wanted = {"entry_ids": sorted(entry_ids)}
        enqueue(session, CASHED_JOB, wanted, dedup_key=f"{CASHED_JOB}:{key}"[:160], now=now)
