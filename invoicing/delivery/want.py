"""The wish to deliver a document, written in the transaction that keeps its files: a rollback leaves none."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from ar.core.jobs import enqueue

PLAN_JOB = "plan-delivery"


def want_delivery(session: Session, invoice_id: int, *, made_at: datetime, now: datetime) -> None:
    """Have the document delivered whose files were made at `made_at`, once for each making of them."""
    stand = made_at.isoformat()
    enqueue(session, PLAN_JOB, {"invoice_id": invoice_id}, dedup_key=f"delivery/{invoice_id}/{stand}", now=now)
