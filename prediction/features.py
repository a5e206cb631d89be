"""What is known about an invoice on the day it is scored. Pure; the one code for training, back-test and live scoring.

A question is a row of the history and a day. Every feature is made of events strictly before that day and of what the
invoice itself said when it was issued; nothing of its own end, nor of anything on or after the day, gets in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from prediction.outcomes import NEVER, Floats, History, Ints, weekday
from prediction.tally import Slice, Tally

DECAY_DAYS: Final = 120.0
DUE_DECAY_DAYS: Final = 45.0
PORTFOLIO_DECAY_DAYS: Final = 60.0
PORTFOLIO_RECENT_DAYS: Final = 20.0
CLIP: Final = (-45, 120)
"""Days late beyond which one invoice says nothing more about the next."""
YEAR_DAYS: Final = 730
LOG_SCALE: Final = 10**6

INVOICE = ("amount", "terms", "due_weekday", "due_day", "due_to_month_end", "issue_weekday", "month", "disputed")
AMOUNT = ("amount_to_usual", "amount_score")
CUSTOMER = (
    "settled",
    "mean_late",
    "late_rate",
    "deviation",
    "recent_late",
    "recent_late_rate",
    "recent_weight",
    "due_late_rate",
    "due_recent_rate",
    "due_last",
    "weekday_late_rate",
    "terms_late_rate",
    "on_time_rate",
    "early_rate",
    "very_late_rate",
    "last_late",
    "last_three",
    "weekday_late",
    "terms_late",
    "band_late",
    "since_payment",
    "disputes",
)
STANDING = ("open", "overdue", "overdue_to_usual", "overdue_age")
PORTFOLIO = (
    "portfolio_late",
    "portfolio_late_rate",
    "portfolio_recent_rate",
    "currency_late",
    "terms_all_late",
    "weekday_all_late",
)
NAMES = INVOICE + AMOUNT + CUSTOMER + STANDING + PORTFOLIO


@dataclass(frozen=True, eq=False)
class Ends:
    """The paid ends of a history, and the groups that they are summed over: shared by all questions."""

    history: History
    paid: Ints
    """Rows that were paid."""
    late: Ints
    """Their days late, clipped."""
    customer: Ints
    """For every row of the history, the number of its customer."""
    customers: int

    @classmethod
    def of(cls, history: History) -> Ends:
        paid = np.flatnonzero(history.paid)
        late = np.clip(history.closed[paid] - history.due[paid], *CLIP)
        known, customer = np.unique(history.account, return_inverse=True)
        return cls(history, paid, late, customer.astype(np.int64), len(known))

    def by(self, group: Ints) -> Tally:
        """Paid ends by a group given for every row."""
        return Tally(group[self.paid], self.history.closed[self.paid], groups=int(group.max(initial=0)) + 1)


def features(ends: Ends, rows: Ints, days: Ints) -> Floats:
    """One line of NAMES for each question (`rows`, `days`); not a number where nothing is known."""
    columns: dict[str, Floats] = {}
    columns |= _invoice(ends.history, rows, days)
    columns |= _amounts(ends, rows, days)
    columns |= _customer(ends, rows, days)
    columns |= _due(ends, rows, days)
    columns |= _standing(ends, rows, days)
    columns |= _portfolio(ends, rows, days)
    return np.column_stack([columns[name] for name in NAMES])


def _share(part: Ints | Floats, whole: Ints | Floats) -> Floats:
    """part / whole, not a number where whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0), dtype=np.float64)


def month_day(days: Ints) -> tuple[Ints, Ints, Ints]:
    """For each day: its day of the month, the days left to the month's end, and the month (1 to 12)."""
    stamps = days.astype("datetime64[D]")
    months = stamps.astype("datetime64[M]")
    day = (stamps - months.astype("datetime64[D]")).astype(np.int64) + 1
    left = ((months + 1).astype("datetime64[D]") - stamps).astype(np.int64) - 1
    return day, left, months.astype(np.int64) % 12 + 1


def _invoice(history: History, rows: Ints, days: Ints) -> dict[str, Floats]:
    issued, due = history.issued[rows], history.due[rows]
    day, left, month = month_day(due)
    first = int(history.issued.min(initial=NEVER))
    seasonal = days - first >= YEAR_DAYS
    return {
        "amount": np.log10(history.amount[rows] / history.major[rows]),
        "terms": (due - issued).astype(float),
        "due_weekday": weekday(due).astype(float),
        "due_day": day.astype(float),
        "due_to_month_end": left.astype(float),
        "issue_weekday": weekday(issued).astype(float),
        "month": np.where(seasonal, month, np.nan),
        "disputed": (history.disputed[rows] < days).astype(float),
    }


def _logs(history: History) -> Ints:
    """The logarithm of each amount as a whole number, so that its sums are exact."""
    return np.asarray(np.rint(np.log(history.amount / history.major) * LOG_SCALE), dtype=np.int64)


def _amounts(ends: Ends, rows: Ints, days: Ints) -> dict[str, Floats]:
    history = ends.history
    logs = _logs(history)
    issued = Tally(ends.customer, history.issued, groups=ends.customers)
    past = issued.before(ends.customer[rows], np.minimum(days, history.issued[rows]))
    mean = _share(past.sum(issued.running(logs)), past.count)
    centred = (logs / LOG_SCALE).round(3)
    square = _share(past.sum(issued.running(np.rint(centred**2 * LOG_SCALE).astype(np.int64))), past.count)
    spread = np.sqrt(np.maximum(square / LOG_SCALE - (mean / LOG_SCALE) ** 2, 0.0))
    usual = (logs[rows] - mean) / LOG_SCALE
    score = np.where((past.count >= 5) & (spread > 0.01), usual / np.maximum(spread, 0.01), np.nan)
    return {"amount_to_usual": usual, "amount_score": score}


def _customer(ends: Ends, rows: Ints, days: Ints) -> dict[str, Floats]:
    history, customer = ends.history, ends.customer
    tally = ends.by(customer)
    past = tally.before(customer[rows], days)
    late = ends.late
    mean = _share(past.sum(tally.running(late)), past.count)
    square = _share(past.sum(tally.running(late**2)), past.count)
    weight = past.decayed(tally.decayed(np.ones(len(late)), DECAY_DAYS), DECAY_DAYS)
    recent = past.decayed(tally.decayed(late.astype(float), DECAY_DAYS), DECAY_DAYS)
    rate = past.decayed(tally.decayed((late > 0).astype(float), DECAY_DAYS), DECAY_DAYS)
    last = [past.last(late.astype(float), back=back) for back in range(3)]
    contested = np.flatnonzero(history.disputed < NEVER)
    disputes = Tally(customer[contested], history.disputed[contested], groups=ends.customers)
    issued = Tally(customer, history.issued, groups=ends.customers).before(customer[rows], days)
    return {
        "settled": past.count.astype(float),
        "mean_late": mean,
        "late_rate": _share(past.sum(tally.running((late > 0).astype(np.int64))), past.count),
        "deviation": np.sqrt(np.maximum(square - mean**2, 0.0)),
        "recent_late": _share(recent, weight),
        "recent_late_rate": _share(rate, weight),
        "recent_weight": weight,
        "on_time_rate": _share(past.sum(tally.running((late == 0).astype(np.int64))), past.count),
        "early_rate": _share(past.sum(tally.running((late < -3).astype(np.int64))), past.count),
        "very_late_rate": _share(past.sum(tally.running((late > 3).astype(np.int64))), past.count),
        "last_late": last[0],
        "last_three": (last[0] + last[1] + last[2]) / 3,
        "weekday_late": _mean_by(ends, customer * 7 + weekday(history.due), rows, days),
        "terms_late": _mean_by(ends, _pair(customer, history.due - history.issued), rows, days),
        "band_late": _mean_by(ends, customer * 2 + _above_usual(ends), rows, days),
        "since_payment": days - past.last(history.closed[ends.paid].astype(float)),
        "disputes": _share(disputes.before(customer[rows], days).count, issued.count),
    }


def _due(ends: Ends, rows: Ints, days: Ints) -> dict[str, Floats]:
    """How often invoices that fell due before the day were unpaid on their date.

    Unlike the rates of paid invoices these count the slow ones from the day after the date on, paid or not. What was
    closed unpaid before its date is left out.
    """
    history, customer = ends.history, ends.customer
    telling = np.flatnonzero(history.paid | (history.closed > history.due))
    late = (history.closed > history.due)[telling].astype(np.int64)
    everyone = np.zeros(len(history), dtype=np.int64)
    weekdays = customer * 7 + weekday(history.due)
    terms = _pair(customer, history.due - history.issued)

    def rates(group: Ints, decay: float) -> tuple[Floats, Floats, Floats]:
        tally = Tally(group[telling], history.due[telling], groups=int(group.max(initial=0)) + 1)
        past = tally.before(group[rows], days)
        weight = past.decayed(tally.decayed(np.ones(len(late)), decay), decay)
        recent = past.decayed(tally.decayed(late.astype(float), decay), decay)
        plain = _share(past.sum(tally.running(late)), past.count)
        return plain, _share(recent, weight), past.last(late.astype(float))

    plain, recent, last = rates(customer, DUE_DECAY_DAYS)
    return {
        "due_late_rate": plain,
        "due_recent_rate": recent,
        "due_last": last,
        "weekday_late_rate": rates(weekdays, DECAY_DAYS)[0],
        "terms_late_rate": rates(terms, DECAY_DAYS)[0],
        "portfolio_recent_rate": rates(everyone, PORTFOLIO_RECENT_DAYS)[1],
    }


def _mean_by(ends: Ends, group: Ints, rows: Ints, days: Ints) -> Floats:
    """The mean days late in each question's group before its day."""
    tally = ends.by(group)
    past = tally.before(group[rows], days)
    return _share(past.sum(tally.running(ends.late)), past.count)


def _pair(left: Ints, right: Ints) -> Ints:
    """A number for each distinct pair."""
    codes = np.unique(right, return_inverse=True)[1]
    pairs = left * (int(codes.max(initial=0)) + 1) + codes
    return np.asarray(np.unique(pairs, return_inverse=True)[1], dtype=np.int64)


def _above_usual(ends: Ends) -> Ints:
    """1 where an invoice was above its customer's usual amount on the day of its issue, else 0."""
    history = ends.history
    logs = _logs(history)
    issued = Tally(ends.customer, history.issued, groups=ends.customers)
    past = issued.before(ends.customer, history.issued)
    return (logs * past.count > past.sum(issued.running(logs))).astype(np.int64)


def _standing(ends: Ends, rows: Ints, days: Ints) -> dict[str, Floats]:
    """What the customer owed on the day before, this invoice left out."""
    history, customer = ends.history, ends.customer
    mine, due = customer[rows], history.due[rows]
    issued = Tally(customer, history.issued, groups=ends.customers).before(mine, days).count
    closed = np.flatnonzero(history.closed < NEVER)
    gone = Tally(customer[closed], np.maximum(history.closed, history.issued)[closed], groups=ends.customers)
    others = issued - gone.before(mine, days).count - (history.issued[rows] < days)

    start = Tally(customer, history.due, groups=ends.customers)
    stop = Tally(customer[closed], np.maximum(history.closed, history.due)[closed], groups=ends.customers)
    begun, ended = start.before(mine, days), stop.before(mine, days)
    own = (due < days).astype(np.int64)

    def overdue(values: Ints) -> Ints:
        on = begun.sum(start.running(values)) - ended.sum(stop.running(values[closed]))
        return np.asarray(on - own * values[rows])

    count = overdue(np.ones(len(history), dtype=np.int64))
    usual = Tally(customer, history.issued, groups=ends.customers)
    sizes = usual.before(mine, np.minimum(days, history.issued[rows]))
    amount = _share(sizes.sum(usual.running(history.amount)), sizes.count)
    return {
        "open": others.astype(float),
        "overdue": count.astype(float),
        "overdue_to_usual": _share(overdue(history.amount), np.nan_to_num(amount)),
        "overdue_age": _share(days * count - overdue(history.due), count),
    }


def _portfolio(ends: Ends, rows: Ints, days: Ints) -> dict[str, Floats]:
    history = ends.history
    everyone = np.zeros(len(history), dtype=np.int64)
    tally = ends.by(everyone)
    past: Slice = tally.before(everyone[rows], days)
    late = ends.late.astype(float)
    weight = past.decayed(tally.decayed(np.ones(len(late)), PORTFOLIO_DECAY_DAYS), PORTFOLIO_DECAY_DAYS)
    mean = past.decayed(tally.decayed(late, PORTFOLIO_DECAY_DAYS), PORTFOLIO_DECAY_DAYS)
    rate = past.decayed(tally.decayed((late > 0).astype(float), PORTFOLIO_DECAY_DAYS), PORTFOLIO_DECAY_DAYS)
    currency = np.unique(history.currency, return_inverse=True)[1].astype(np.int64)
    terms = np.unique(history.due - history.issued, return_inverse=True)[1].astype(np.int64)
    return {
        "portfolio_late": _share(mean, weight),
        "portfolio_late_rate": _share(rate, weight),
        "currency_late": _mean_by(ends, currency, rows, days),
        "terms_all_late": _mean_by(ends, terms, rows, days),
        "weekday_all_late": _mean_by(ends, weekday(history.due), rows, days),
    }
