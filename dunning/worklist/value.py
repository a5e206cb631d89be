"""What acting on a customer today is worth, and by which channel. Pure; whole numbers throughout.

worth = asked x chance that it stays unpaid without us x what a contact is expected to change, for broken promises
somewhat more, less the minutes it takes. Shares are in thousandths; amounts in minor units of one currency. The figures
below are priors: those of reminders by letter, text message and e-mail follow published trials (docs/worklist.md), the
others are set beside them by judgement. What experiments find can take their place: everything is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

THOUSAND = 1_000


class Owed(NamedTuple):
    """One overdue item: what is asked, days late, and the predicted chance that it is unpaid in 30 days, if any."""

    asked_minor: int
    days_late: int
    unpaid_permille: int | None = None


@dataclass(frozen=True)
class Priors:
    """Steps are (up to so many days late, thousandths); the last holds beyond.

    `unpaid`: the chance that an overdue item is still open in 30 days when nobody acts and nothing is predicted.
    `uplift`: what a contact by each channel adds to the chance of payment within a month; `fading`: how much of it is
    left, by days late. `broken`: how much more a contact is worth for each promise broken lately, at most two.
    """

    unpaid: Sequence[tuple[int, int]] = ((7, 300), (30, 450), (60, 600), (90, 700), (10**6, 800))
    uplift: Mapping[str, int] = field(
        default_factory=lambda: {"phone": 350, "letter": 250, "sms": 200, "email": 150, "visit": 400}
    )
    fading: Sequence[tuple[int, int]] = ((30, 1_000), (60, 800), (90, 600), (10**6, 400))
    broken: int = 250


@dataclass(frozen=True)
class Effort:
    """Minutes of a person for a contact by each channel, and what a minute costs in minor units."""

    minute_minor: int
    minutes: Mapping[str, int] = field(
        default_factory=lambda: {"phone": 8, "letter": 5, "sms": 2, "email": 4, "visit": 90}
    )


PRIORS = Priors()


@dataclass(frozen=True)
class Worth:
    """The best channel and what acting by it is worth, with the parts: enough to reckon it again by hand."""

    value_minor: int
    channel: str
    parts: Mapping[str, Any]


def worth(
    owed: Sequence[Owed], channels: Sequence[str], *, broken: int, effort: Effort, priors: Priors = PRIORS
) -> Worth:
    """What acting today is worth by the best of `channels`, never below zero; without a channel, nothing."""
    asked = sum(item.asked_minor for item in owed)
    oldest = max((item.days_late for item in owed), default=0)
    at_risk = sum(item.asked_minor * _unpaid(item, priors) for item in owed)  # thousandths of minor units
    predicted = sum(item.asked_minor for item in owed if item.unpaid_permille is not None)
    fading = step(priors.fading, oldest)
    more = THOUSAND + priors.broken * min(broken, 2)
    best: tuple[int, str, int, int] | None = None
    for channel in channels:
        uplift = priors.uplift.get(channel, 0) * fading // THOUSAND
        gain = at_risk * uplift * more // THOUSAND**3
        cost = effort.minutes.get(channel, 0) * effort.minute_minor
        if best is None or gain - cost > best[0]:
            best = gain - cost, channel, uplift, cost
    value, channel, uplift, cost = best or (0, "", 0, 0)
    basis = "prediction" if predicted == asked and asked else "prior" if not predicted else "mixed"
    parts = {
        "asked_minor": asked,
        "unpaid_permille": at_risk // asked if asked else 0,
        "basis": basis,
        "days_late": oldest,
        "uplift_permille": uplift,
        "broken_promises": broken,
        "cost_minor": cost,
        "minutes": effort.minutes.get(channel, 0),
    }
    return Worth(max(0, value) if asked else 0, channel, parts)


def _unpaid(item: Owed, priors: Priors) -> int:
    return item.unpaid_permille if item.unpaid_permille is not None else step(priors.unpaid, item.days_late)


def step(steps: Sequence[tuple[int, int]], days: int) -> int:
    """The thousandths of the first step that reaches to `days`."""
    for until, share in steps:
        if days <= until:
            return share
    return steps[-1][1]
