"""Instalments: their days and amounts, which were met, and what a missed one means. Pure. Amounts in minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dateutil.relativedelta import relativedelta

from ar.core.calendars import add_business_days, next_business_day
from ar.core.money import split


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment. `missed`: its customer was told that it has not come."""

    number: int
    due_on: date
    amount_minor: int
    missed: bool = False


def monthly(amount_minor: int, count: int, *, first_on: date, country: str) -> list[Part]:
    """`count` instalments from `first_on`, a month apart, each on a business day of `country`.

    They sum to `amount_minor` exactly and differ by one minor unit at most.
    """
    parts = split(amount_minor, [1] * count)
    days = [next_business_day(first_on + relativedelta(months=n), country) for n in range(count)]
    return [Part(n + 1, day, minor) for n, (day, minor) in enumerate(zip(days, parts, strict=True))]


@dataclass(frozen=True, slots=True)
class Covered:
    """An instalment, and what of it is still open once what came is spent on the earliest first."""

    part: Part
    open_minor: int


def covered(parts: Sequence[Part], paid_minor: int) -> list[Covered]:
    """The instalments in order, `paid_minor` spent on the earliest first."""
    found, left = [], paid_minor
    for part in sorted(parts, key=lambda part: part.number):
        given = min(left, part.amount_minor)
        left -= given
        found.append(Covered(part, part.amount_minor - given))
    return found


class Verdict(StrEnum):
    """What the standing of a plan asks for: nothing, a word about a missed instalment, or its end."""

    GOOD = "good"
    MISSED = "missed"
    BROKEN = "broken"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a plan stands. `late` are the instalments whose grace is over and that have something open."""

    verdict: Verdict
    late: tuple[Covered, ...]
    next: Covered | None


def stand(
    parts: Sequence[Part], *, paid_minor: int, coming_minor: int, today: date, grace_days: int, country: str
) -> Standing:
    """How a plan stands on `today`, `paid_minor` by the ledger, `coming_minor` on its way or not yet applied.

    Money on its way breaks nobody's plan, but only the ledger keeps one. Two instalments late at once break it.
    """
    by_ledger = covered(parts, paid_minor)
    with_coming = covered(parts, paid_minor + coming_minor)
    late = tuple(
        one for one in with_coming if one.open_minor and today > add_business_days(one.part.due_on, grace_days, country)
    )
    following = next((one for one in with_coming if one.open_minor), None)
    if all(one.open_minor == 0 for one in by_ledger):
        return Standing(Verdict.KEPT, (), None)
    if len(late) >= 2:
        return Standing(Verdict.BROKEN, late, following)
    return Standing(Verdict.MISSED if late else Verdict.GOOD, late, following)


def due_by(parts: Sequence[Part], *, paid_minor: int, until: date) -> int:
    """What of the instalments due on or before `until` is still to be paid."""
    return max(0, sum(part.amount_minor for part in parts if part.due_on <= until) - paid_minor)
