"""The wish for a document's files, written in the transaction that issues it: a rollback leaves none."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from ar.core.jobs import enqueue

MAKE_JOB = "make-invoice-files"


def want_files(session: Session, invoice_id: int, *, now: datetime, instead_of: datetime | None = None) -> bool:
    """Have the files of an issued document made, once; False when that is under way already.

    `instead_of` names, by the instant they were made at, files that are to be made anew.
    """
    stand = instead_of.isoformat() if instead_of else "first"
    arguments = {"invoice_id": invoice_id, "instead_of": instead_of.isoformat() if instead_of else None}
    return enqueue(session, MAKE_JOB, arguments, dedup_key=f"invoice-files/{invoice_id}/{stand}", now=now)
