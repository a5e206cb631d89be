"""The wish for a document's files, written in the transaction that issues it: a rollback leaves none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from ar.core.jobs import enqueue, enqueue_all

MAKE_JOB = "make-invoice-files"


def want_files(session: Session, invoice_ids: Sequence[int], *, now: datetime) -> None:
    """Have the files of documents just issued made, once."""
    wanted = {_key(one, "first"): {"invoice_id": one, "instead_of": None} for one in invoice_ids}
    enqueue_all(session, MAKE_JOB, wanted, now=now)


def want_again(session: Session, invoice_id: int, *, instead_of: datetime | None, now: datetime) -> bool:
    """Have the files made anew that were made at the instant `instead_of`; False when that is under way already."""
    stand = instead_of.isoformat() if instead_of else None
    arguments = {"invoice_id": invoice_id, "instead_of": stand}
    return enqueue(session, MAKE_JOB, arguments, dedup_key=_key(invoice_id, stand or "first"), now=now)


def _key(invoice_id: int, stand: str) -> str:
    return f"invoice-files/{invoice_id}/{stand}"
