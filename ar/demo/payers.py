"""How simulated customers pay: pure functions of an invoice, the reminders received so far, and thrown dice.

An account has a Temper; each of its invoices gets an Intent, thrown once; `pays_on` reads the intent in the
light of the reminders that arrived. So the same seed pays the same way, and dunning has a visible effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from ar.core.calendars import next_business_day


class Habit(StrEnum):
    PROMPT = "prompt"
    EARLY = "early"
    LATE = "late"
    SEASONAL = "seasonal"
    FORGETFUL = "forgetful"
    DISPUTER = "disputer"
    IN_DIFFICULTY = "in_difficulty"
    GROUP = "group"


@dataclass(frozen=True)
class Temper:
    """How one account pays. `lag` is its usual delay in days; `trouble_on` the day its difficulties begin."""

    habit: Habit
    country: str
    weekday: int = 3
    lag: int = 0
    slow_months: tuple[int, ...] = ()
    trouble_on: date | None = None


@dataclass(frozen=True)
class Promise:
    """What the account answers to its reminder number `at`: that it pays in `days`; when not kept, `slip` later."""

    at: int
    days: int
    slip: int = 0

    @property
    def kept(self) -> bool:
        return self.slip == 0


@dataclass(frozen=True)
class Claim:
    """A dispute raised `after` days from issue on `permille` of the amount; settled in `days`, upheld or not."""

    after: int
    permille: int
    days: int
    upheld: bool
    reason: str


@dataclass(frozen=True)
class Intent:
    """What an account means to do about one invoice.

    `pay_on` is when it pays unprompted (None: never); `heeds` the number of the reminder it acts upon (0: none),
    `reply` the days from that reminder to the payment; `permille` the part paid first, `rest` the days until
    the remainder (None: it never comes).
    """

    pay_on: date | None
    country: str
    heeds: int = 0
    reply: int = 0
    permille: int = 1000
    rest: int | None = None
    promise: Promise | None = None
    claim: Claim | None = None


REASONS = ("price", "quantity", "quality", "delivery", "not_ordered", "reference")


def intend(rng: Random, temper: Temper, *, issued_on: date, due_on: date) -> Intent:
    """The intent of an account of `temper` about an invoice, thrown with `rng`."""
    intent = _HABITS[temper.habit](rng, temper, issued_on, due_on)
    if intent.pay_on is not None:
        intent = replace(intent, pay_on=next_business_day(max(intent.pay_on, issued_on), temper.country))
    return intent


def pays_on(intent: Intent, reminders: Sequence[date]) -> date | None:
    """The day of the first payment, given the days on which reminders arrived, oldest first; None for not at all."""
    days = [] if intent.pay_on is None else [intent.pay_on]
    if 0 < intent.heeds <= len(reminders):
        days.append(next_business_day(reminders[intent.heeds - 1] + timedelta(intent.reply), intent.country))
    promised = promised_on(intent, reminders)
    if promised is not None and intent.promise is not None:
        days.append(next_business_day(promised + timedelta(intent.promise.slip), intent.country))
    return min(days, default=None)


def promised_on(intent: Intent, reminders: Sequence[date]) -> date | None:
    """The day by which the account has promised to pay, if a reminder has drawn a promise from it."""
    promise = intent.promise
    if promise is None or len(reminders) < promise.at:
        return None
    return next_business_day(reminders[promise.at - 1] + timedelta(promise.days), intent.country)


def rest_on(intent: Intent, paid_on: date) -> date | None:
    """The day on which the remainder follows a first payment of `paid_on`; None when it never does."""
    return None if intent.rest is None else next_business_day(paid_on + timedelta(intent.rest), intent.country)


def _prompt(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:  # noqa: ARG001
    slip = rng.randint(1, 6) if rng.random() < 0.05 else 0
    return Intent(due_on - timedelta(rng.randint(1, 6)) + timedelta(slip * 3), temper.country)


def _early(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:
    return Intent(due_on - timedelta(rng.randint(5, max(6, (due_on - issued_on).days * 2 // 3))), temper.country)


def _late(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:  # noqa: ARG001
    late = max(1, round(rng.gauss(temper.lag, 4)))
    reminded = rng.random()
    return Intent(
        _weekday(due_on + timedelta(late), temper.weekday),
        temper.country,
        heeds=rng.choice((2, 3, 3, 4)) if reminded < 0.45 else 0,
        reply=rng.randint(2, 6),
        promise=_promise(rng, 0.8) if reminded > 0.85 else None,
    )


def _seasonal(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:
    if due_on.month not in temper.slow_months:
        return _prompt(rng, temper, issued_on, due_on)
    return replace(
        _late(rng, temper, issued_on, due_on),
        pay_on=due_on + timedelta(temper.lag + rng.randint(0, 20)),
    )


def _forgetful(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:  # noqa: ARG001
    return Intent(
        due_on + timedelta(rng.randint(40, 75)),
        temper.country,
        heeds=rng.choice((1, 1, 1, 2, 2, 3)),
        reply=rng.randint(1, 5),
        promise=_promise(rng, 0.7) if rng.random() < 0.15 else None,
    )


def _disputer(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:
    late = rng.randint(-8, 6)
    intent = Intent(_weekday(due_on + timedelta(late), temper.weekday), temper.country, heeds=2, reply=3)
    if rng.random() > 0.22:
        return intent
    term = (due_on - issued_on).days
    claim = Claim(
        after=rng.randint(term // 3, term + 12),
        permille=rng.choice((1000, 1000, 500, 300, 200, 120)),
        days=rng.randint(6, 40),
        upheld=rng.random() < 0.55,
        reason=rng.choice(REASONS),
    )
    return replace(intent, claim=claim, pay_on=max(intent.pay_on or due_on, issued_on + timedelta(claim.after)))


def _in_difficulty(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:
    since = (due_on - temper.trouble_on).days if temper.trouble_on else -1
    if since < 0:
        return _prompt(rng, temper, issued_on, due_on)
    if since > 120 and rng.random() < min(0.95, since / 250):
        broken = rng.random() < 0.4
        return Intent(None, temper.country, promise=Promise(rng.randint(2, 4), 10, slip=900) if broken else None)
    partial = rng.random() < 0.5
    return Intent(
        due_on + timedelta(8 + since // 3 + rng.randint(0, 15)),
        temper.country,
        permille=rng.choice((300, 400, 500, 600)) if partial else 1000,
        rest=rng.randint(15, 45) if partial and rng.random() < 0.7 else None,
        promise=_promise(rng, 0.45) if rng.random() < 0.5 else None,
    )


def _group(rng: Random, temper: Temper, issued_on: date, due_on: date) -> Intent:  # noqa: ARG001
    run = due_on - timedelta(8)
    while run.day not in (5, 20):
        run += timedelta(1)
    return Intent(run, temper.country)


def _promise(rng: Random, kept: float) -> Promise:
    return Promise(rng.randint(2, 4), rng.randint(4, 12), slip=0 if rng.random() < kept else rng.randint(8, 30))


def _weekday(day: date, weekday: int) -> date:
    return day + timedelta((weekday - day.weekday()) % 7)


_HABITS = {
    Habit.PROMPT: _prompt,
    Habit.EARLY: _early,
    Habit.LATE: _late,
    Habit.SEASONAL: _seasonal,
    Habit.FORGETFUL: _forgetful,
    Habit.DISPUTER: _disputer,
    Habit.IN_DIFFICULTY: _in_difficulty,
    Habit.GROUP: _group,
}
