"""Sums over the events of a group that lie strictly before a day, for many groups and days at once. Pure.

Whole numbers are summed exactly and decayed sums run inside one group alone, so an event on or after a day, or in
another group, cannot change an answer for that day by a single bit.
"""

from __future__ import annotations

import numpy as np

from prediction.outcomes import Floats, Ints


class Tally:
    """Events sorted by group and day; `before` finds those of a group before a day.

    `group` are whole numbers from 0 to `groups` - 1; among events of one group and day, the given order stands.
    """

    def __init__(self, group: Ints, day: Ints, *, groups: int) -> None:
        self._first = int(day.min()) if len(day) else 0
        self._span = (int(day.max()) - self._first + 2) if len(day) else 2
        self.order = np.lexsort((day, group))
        self.day = day[self.order]
        self._key = group[self.order] * self._span + (self.day - self._first)
        self._start = np.searchsorted(self._key, np.arange(groups + 1) * self._span)
        self._group = group[self.order]

    def before(self, group: Ints, day: Ints) -> Slice:
        """The events of each `group` before each `day`."""
        offset = np.clip(day - self._first, 0, self._span - 1)
        stop = np.searchsorted(self._key, group * self._span + offset)
        return Slice(self, self._start[group], stop, day)

    def running(self, values: Ints) -> Ints:
        """Sums of `values` (given in the order of the events as passed in) from the first event on."""
        return np.concatenate(([0], np.cumsum(values[self.order])))

    def decayed(self, values: Floats, days: float) -> Floats:
        """At each event, the sum over its group so far, each event weighing exp(-age / days).

        Doubles the reach of the sum in each pass: as many passes as the longest group has binary digits.
        """
        sums = values[self.order].astype(np.float64)
        place = np.arange(len(sums)) - self._start[self._group]
        reach = 1
        longest = int(place.max()) + 1 if len(place) else 0
        while reach < longest:
            later = np.flatnonzero(place >= reach)
            weight = np.exp((self.day[later - reach] - self.day[later]) / days)
            sums[later] = sums[later] + weight * sums[later - reach]
            reach *= 2
        return sums


class Slice:
    """For each question, the run of events `start:stop` that answers it."""

    def __init__(self, tally: Tally, start: Ints, stop: Ints, day: Ints) -> None:
        self._tally = tally
        self._start = start
        self._stop = stop
        self._asked = day

    @property
    def count(self) -> Ints:
        return self._stop - self._start

    def sum(self, running: Ints) -> Ints:
        """The sum over each run, from Tally.running."""
        return running[self._stop] - running[self._start]

    def last(self, values: Floats, *, back: int = 0) -> Floats:
        """The value of the last event of each run (or `back` events earlier), not a number where there is none."""
        place = self._stop - 1 - back
        found = place >= self._start
        out = np.full(len(place), np.nan)
        out[found] = values[self._tally.order][place[found]]
        return out

    def decayed(self, sums: Floats, days: float) -> Floats:
        """The decayed sum, from Tally.decayed, as it stands on the day asked about; 0 for no event."""
        found = self._stop > self._start
        place = self._stop[found] - 1
        out = np.zeros(len(self._stop))
        out[found] = sums[place] * np.exp((self._tally.day[place] - self._asked[found]) / days)
        return out
