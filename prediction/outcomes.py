"""What became of invoices, in columns: one row per invoice, as known on a day. Pure.

Days are counted from 1970-01-01, so that they subtract as whole numbers; NEVER stands where nothing has happened yet.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 2**31 - 1
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days from 1970-01-01 to `day`."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day that is `number` days after 1970-01-01."""
    return _EPOCH + timedelta(days=number)


def weekday(days: Ints) -> Ints:
    """0 for a Monday to 6 for a Sunday."""
    return (days + 3) % 7


@dataclass(frozen=True, eq=False)
class History:
    """Invoices and their ends, as known at the end of the day `as_of`.

    `closed` is the day from which nothing has been open, NEVER when something is. `paid` tells whether money closed
    it: a credit note, a reversal or a write-off ends an invoice without saying when it would have been paid.
    `disputed` is the first day on which any of it was contested, else NEVER. `major` is the minor units in one unit
    of the currency. Rows are in the order of `entry_id`.
    """

    as_of: int
    entry_id: Ints
    account: Ints
    entity: Ints
    currency: npt.NDArray[np.str_]
    major: Ints
    amount: Ints
    issued: Ints
    due: Ints
    closed: Ints
    paid: Bools
    disputed: Ints

    def __len__(self) -> int:
        return len(self.entry_id)

    def known_on(self, day: int) -> Self:
        """The same as known at the end of `day`: later invoices gone, later ends and disputes not yet happened."""
        if day >= self.as_of:
            return self
        kept = self.take(np.flatnonzero(self.issued <= day))
        ended = kept.closed <= day
        return replace(
            kept,
            as_of=day,
            closed=np.where(ended, kept.closed, NEVER),
            paid=kept.paid & ended,
            disputed=np.where(kept.disputed <= day, kept.disputed, NEVER),
        )

    def take(self, rows: Ints) -> Self:
        """The given rows alone."""
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "as_of"}
        return replace(self, **columns)

    def open_rows(self) -> Ints:
        """Rows of the invoices that are open at the end of `as_of`."""
        return np.flatnonzero(self.closed == NEVER)


def late_known(history: History) -> tuple[Bools, Bools]:
    """For each row: whether it is known by `as_of` if it was late, and whether it was.

    Late means paid after the due date. What is open past its date, or was closed unpaid past it, is late already;
    what is open before its date, or was closed unpaid before it, says nothing.
    """
    late = np.where(history.closed == NEVER, history.as_of > history.due, history.closed > history.due)
    return history.paid | late, late
