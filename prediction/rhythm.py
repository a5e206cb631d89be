"""When in the life of an invoice, and on which weekday, a customer pays: as of a day, from its own past. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from prediction.curves import LAST, STEPS, step_of
from prediction.features import Ends
from prediction.outcomes import Floats, Ints, weekday
from prediction.tally import Tally

PRIOR: Final = 4.0
"""How many invoices of the whole portfolio a customer's own rhythm is mixed with."""


def _shared(numerator: Floats, denominator: Floats, prior: Floats) -> Floats:
    return np.asarray((numerator + PRIOR * prior) / (denominator + PRIOR))


def rhythm(ends: Ends, rows: Ints, days: Ints) -> Floats:
    """How likely each step has been for the customer's invoices that reached it, drawn to the portfolio's share.

    One line for each question, one column for each step (Kaplan and Meier's estimate on the days before the scoring
    day): what was open then counts for every step that it had outlived.
    """
    each, back = np.unique(days, return_inverse=True)
    everyone = np.zeros(len(ends.history), dtype=np.int64)
    paid, reached = _reached(ends, everyone, 1, np.zeros(len(each), dtype=np.int64), each)
    portfolio = (paid + 0.05) / (reached + 5.0)
    paid, reached = _reached(ends, ends.customer, ends.customers, ends.customer[rows], days)
    return _shared(paid, reached, portfolio[back])


def _reached(ends: Ends, group: Ints, groups: int, asked: Ints, on: Ints) -> tuple[Floats, Floats]:
    """By question and step: invoices of the group paid in it before the day, and those known to have reached it."""
    history = ends.history
    closed = history.closed[ends.paid]
    step = step_of(closed - history.due[ends.paid])
    inside = step < STEPS
    tally = Tally((group[ends.paid] * STEPS + step)[inside], closed[inside], groups=groups * STEPS)
    lines = (asked[:, None] * STEPS + np.arange(STEPS)).ravel()
    paid = tally.before(lines, np.repeat(on, STEPS)).count.reshape(-1, STEPS).astype(float)
    by_due = Tally(group, history.due, groups=groups)
    outlived = np.empty_like(paid)
    for at, last in enumerate(LAST):
        end = history.due + last
        slow = by_due.running(((history.closed > end) & (history.issued <= end)).astype(np.int64))
        outlived[:, at] = by_due.before(asked, on - last).sum(slow)
    return paid, paid + outlived


def weekday_shares(ends: Ends, rows: Ints, days: Ints) -> Floats:
    """Of the customer's paid invoices before the day, the share paid on each weekday, drawn to the portfolio's."""
    closed = ends.history.closed[ends.paid]
    kind = weekday(closed)

    def counts(group: Ints, groups: int, asked: Ints, on: Ints) -> Floats:
        tally = Tally(group[ends.paid] * 7 + kind, closed, groups=groups * 7)
        cells = (asked[:, None] * 7 + np.arange(7)).ravel()
        return tally.before(cells, np.repeat(on, 7)).count.reshape(-1, 7).astype(float)

    everyone = np.zeros(len(ends.history), dtype=np.int64)
    total = counts(everyone, 1, everyone[rows], days)
    share = (total + 1.0) / (total.sum(axis=1) + 7.0)[:, None]
    own = counts(ends.customer, ends.customers, ends.customer[rows], days)
    return _shared(own, own.sum(axis=1)[:, None], share)
