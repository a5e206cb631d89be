"""What past imports brought: the batches, and the rows that each refused, to mend and bring again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.errors import NotFoundError
from ar.core.tabular import write_csv
from invoicing.models import ImportBatch, ImportRefusal

EXTRA = ("refused_row", "refused_column", "refused_reason")


class BatchNotFoundError(NotFoundError):
    code = "import-not-found"


def read_batch(session: Session, batch_id: int) -> ImportBatch:
    """Raises BatchNotFoundError."""
    found = session.get(ImportBatch, batch_id)
    if found is None:
        raise BatchNotFoundError(f"There is no import {batch_id}")
    return found


def refusals(batch_id: int) -> SelectOfScalar[ImportRefusal]:
    """The refused rows of a batch."""
    return select(ImportRefusal).where(col(ImportRefusal.batch_id) == batch_id)


def first_refusals(session: Session, batch_id: int, limit: int) -> Sequence[ImportRefusal]:
    """The first `limit` refused rows of a batch, in the file's order."""
    return session.exec(refusals(batch_id).order_by(col(ImportRefusal.row_number)).limit(limit)).all()


def write_refused(session: Session, batch: ImportBatch, out: TextIO) -> None:
    """The refused rows of `batch` as CSV: the file's own columns, then where and why; no cell is a live formula.

    Mended, the file can be imported as it is: the columns added are not read.
    """
    assert batch.id is not None
    found = session.exec(refusals(batch.id).order_by(col(ImportRefusal.row_number)).execution_options(yield_per=1000))
    width = len(batch.headings)
    rows = ([*(one.cells + [""] * width)[:width], str(one.row_number), one.column_name, one.reason] for one in found)
    write_csv(out, [*batch.headings, *EXTRA], rows)
