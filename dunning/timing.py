"""When a forecast moves a step: who will pay by itself is left alone, who will likely be late hears earlier. Pure.

The figures of a forecast are the calibrated ones of `prediction`; where there is none, or the model in use is a naive
one, the plain policy is followed, and the decision says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from ar.core.errors import Fault


class Forecast(NamedTuple):
    """What the model of the day says of one open item: chances, and the day by which payment is as likely as not."""

    late_probability: float
    unpaid_in_30: float
    expected_on: date


@dataclass(frozen=True, slots=True)
class Timing:
    """How far a forecast may move a step, in days; nothing moves unless `enabled`.

    An item whose chance of being late is at most `self_curing` gets no courtesy word; a late one whose chance to stay
    open is so small waits for its expected day, at most `patience_days`. One whose chance is at least `likely_late`
    hears `early_days` earlier, of its lateness never before the day after the due date.
    """

    enabled: bool = False
    self_curing: float = 0.15
    likely_late: float = 0.7
    patience_days: int = 4
    early_days: int = 3

    def faults(self) -> Iterator[Fault]:
        if not 0 <= self.self_curing < self.likely_late <= 1:
            yield Fault("/timing", "give chances with 0 <= self_curing < likely_late <= 1")
        for name in ("patience_days", "early_days"):
            if not 0 <= getattr(self, name) <= 14:
                yield Fault(f"/timing/{name}", "give a whole number from 0 to 14")


class Moved(NamedTuple):
    """The day of a step after a look at the forecast, and why it is another than the policy's; None for never."""

    on: date | None
    why: str


def moved(
    on: date, forecast: Forecast, timing: Timing, *, due_on: date, courtesy: bool, first_word: bool
) -> Moved | None:
    """Where the forecast puts a step that the policy has on `on`; None when it stays.

    Of an announcement it is the chance of being late that counts, of a late item that of being open in 30 days still.
    `first_word` tells that the item has not been written about since it is late.
    """
    chance = forecast.late_probability if courtesy else forecast.unpaid_in_30
    if chance >= timing.likely_late:
        earlier = on - timedelta(days=timing.early_days)
        if not courtesy:
            earlier = max(earlier, due_on + timedelta(days=1))
        return Moved(earlier, "likely_late") if earlier < on else None
    if chance > timing.self_curing:
        return None
    if courtesy:
        return Moved(None, "self_curing")
    later = min(forecast.expected_on + timedelta(days=1), on + timedelta(days=timing.patience_days))
    return Moved(later, "self_curing") if first_word and later > on else None
