"""What was known of a customer on each past morning, and the facts that a decision of that morning would have read.

Pure. A morning knows what was booked up to the evening before: ledger days have no hours. What is stamped with an
instant (promises, holds, choices) is known from the first morning, at 9 o'clock there, that is not before it. All
amounts are in minor units; all days are the customer's local days.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol

from ar.core.calendars import zone_info
from dunning.case import CustomerFacts, HoldFacts, ItemFacts, Noticed, PastNotice
from dunning.timing import Forecast

MORNING_HOUR = 9
DAY = timedelta(days=1)
FORECAST_DAYS = 7
"""As long a forecast is used, in days; the same as for real decisions."""

RiskOf = Callable[[Sequence[tuple[Forecast, int]]], str | None]
"""How risky a customer is by the forecasts of its items, each with what is open of it."""


def morning_of(instant: datetime, zone: str) -> date:
    """The first day in `zone` whose morning is not before `instant`."""
    local = instant.astimezone(zone_info(zone))
    return local.date() if local.time() <= time(MORNING_HOUR) else local.date() + DAY


class Cover(NamedTuple):
    """What a promise or a plan covers of an item, on the mornings from `first` on and before `end` (None: it lives).

    `open_minor` was open of the item when it was made: what came since is spent on the cover.
    """

    first: date
    end: date | None
    minor: int
    open_minor: int
    until: date | None


class Flight(NamedTuple):
    """Money on its way for an item, from the morning `first` on and before `end`."""

    first: date
    end: date | None
    minor: int


class Word(NamedTuple):
    """A text that held from the morning `first` on and before `end`: a chosen policy, a status."""

    first: date
    end: date | None
    text: str


class Event(NamedTuple):
    """A promise broken, or a dispute answered, on the day `on`; known from the morning `first`."""

    first: date
    on: date
    broken: bool


class Foretold(NamedTuple):
    """What was said of an item on a day."""

    on: date
    forecast: Forecast


class StandingHold(NamedTuple):
    first: date
    end: date | None
    hold: HoldFacts


class _Span(Protocol):
    @property
    def first(self) -> date: ...
    @property
    def end(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class ItemHistory:
    """One item. `balances` is what was open from each morning on, `contested` what of it was contested.

    `asked` tells a debit that is asked for from a credit. `noticed` is what was written about it before the window.
    """

    entry_id: int
    entity_id: int
    reference: str
    due_on: date
    currency: str
    asked: bool
    balances: tuple[tuple[date, int], ...]
    contested: tuple[tuple[date, int], ...] = ()
    promised: tuple[Cover, ...] = ()
    planned: tuple[Cover, ...] = ()
    flights: tuple[Flight, ...] = ()
    events: tuple[Event, ...] = ()
    chosen: tuple[Word, ...] = ()
    statuses: tuple[Word, ...] = ()
    forecasts: tuple[Foretold, ...] = ()
    noticed: tuple[Noticed, ...] = ()

    def open_on(self, day: date) -> int:
        return _value(self.balances, day)

    def changes(self) -> Iterator[date]:
        """The mornings on which a decision may find the item other than on the one before."""
        yield self.due_on + DAY
        for day, _ in (*self.balances, *self.contested):
            yield day
        lasting: list[_Span] = [*self.promised, *self.planned, *self.flights, *self.chosen, *self.statuses]
        for span in lasting:
            yield from _ends(span)
        for event in self.events:
            yield event.first
        for told in self.forecasts:
            yield told.on
            yield told.on + (FORECAST_DAYS + 1) * DAY


@dataclass(frozen=True, slots=True)
class History:
    """One customer: what does not change, as it stands today (`base`), and what does.

    `notices` are those of the days before the window; `reminded_late` tells whether one ever was of a late item.
    """

    base: CustomerFacts
    items: tuple[ItemHistory, ...]
    chosen: tuple[Word, ...] = ()
    holds: tuple[StandingHold, ...] = ()
    notices: tuple[PastNotice, ...] = ()
    reminded_late: bool = False

    def changes(self) -> list[date]:
        """In order, each once, the mornings on which the customer may look other than on the one before."""
        days = {day for item in self.items for day in item.changes()}
        lasting: list[_Span] = [*self.chosen, *self.holds]
        for span in lasting:
            days.update(_ends(span))
        return sorted(days)


@dataclass
class Written:
    """What a simulation itself has written so far to one customer."""

    noticed: dict[int, tuple[Noticed, ...]] = field(default_factory=dict)
    notices: tuple[PastNotice, ...] = ()
    reminded_late: bool = False


def facts_on(
    history: History, day: date, written: Written, *, bank_age: Mapping[int, int], risk_of: RiskOf
) -> CustomerFacts:
    """What a decision on the morning of `day` reads, the simulation's own notices in the place of the real ones."""
    items: list[ItemFacts] = []
    unapplied: dict[tuple[int, str], int] = {}
    for one in history.items:
        open_minor = one.open_on(day)
        if not open_minor:
            continue
        if one.asked:
            items.append(_item(one, day, open_minor, written.noticed.get(one.entry_id, ())))
        else:
            key = (one.entity_id, one.currency)
            unapplied[key] = unapplied.get(key, 0) + open_minor
    said = [(item.forecast, item.open_minor) for item in items if item.forecast is not None]
    return replace(
        history.base,
        items=tuple(items),
        credits=unapplied,
        notices=history.notices + written.notices,
        holds=tuple(held.hold for held in history.holds if _holds_on(held.first, held.end, day)),
        spoken_on=None,
        waiting_since=None,
        taken_out="",
        courtesy_only="",
        risk=risk_of(said) if said else None,
        chosen=_word(history.chosen, day),
        reminded_late=history.reminded_late or written.reminded_late,
        bank_age=bank_age,
        trial=None,
        hour=None,
        channel_habit=None,
    )


def _item(one: ItemHistory, day: date, open_minor: int, written: tuple[Noticed, ...]) -> ItemFacts:
    promised, promised_until = _covered(one.promised, day, open_minor)
    planned, planned_until = _covered(one.planned, day, open_minor)
    known = [event for event in one.events if event.first <= day]
    return ItemFacts(
        one.entry_id,
        one.entity_id,
        one.reference,
        one.due_on,
        one.currency,
        open_minor,
        _value(one.contested, day),
        promised,
        promised_until,
        sum(flight.minor for flight in one.flights if _holds_on(flight.first, flight.end, day)),
        one.noticed + written,
        planned,
        planned_until,
        max((event.on for event in known), default=None),
        any(event.broken for event in known),
        _word(one.statuses, day) or "",
        _word(one.chosen, day),
        _forecast(one.forecasts, day),
    )


def _ends(span: _Span) -> tuple[date, ...]:
    return (span.first,) if span.end is None else (span.first, span.end)


def _value(steps: tuple[tuple[date, int], ...], day: date) -> int:
    at = bisect_right(steps, day, key=lambda step: step[0])
    return steps[at - 1][1] if at else 0


def _covered(covers: tuple[Cover, ...], day: date, open_minor: int) -> tuple[int, date | None]:
    for cover in covers:
        if _holds_on(cover.first, cover.end, day):
            left = cover.minor - max(0, cover.open_minor - open_minor)
            return max(0, min(left, cover.minor)), cover.until
    return 0, None


def _holds_on(first: date, end: date | None, day: date) -> bool:
    return first <= day and (end is None or day < end)


def _word(words: tuple[Word, ...], day: date) -> str | None:
    return next((word.text for word in words if _holds_on(word.first, word.end, day)), None)


def _forecast(told: tuple[Foretold, ...], day: date) -> Forecast | None:
    at = bisect_right(told, day, key=lambda one: one.on)
    if not at or told[at - 1].on < day - FORECAST_DAYS * DAY:
        return None
    return told[at - 1].forecast
