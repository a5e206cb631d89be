from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prediction.tally import Tally

EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(100, 130), st.integers(-9, 9)), max_size=40)
ASKED = st.lists(st.tuples(st.integers(0, 3), st.integers(90, 140)), min_size=1, max_size=10)


@given(EVENTS, ASKED)
def test_sums_are_those_of_the_events_before_the_day(
    events: list[tuple[int, int, int]], asked: list[tuple[int, int]]
) -> None:
    group, day, value = np.array(events, dtype=np.int64).reshape(-1, 3).T
    tally = Tally(group, day, groups=4)
    who, on = np.array(asked, dtype=np.int64).T
    past = tally.before(who, on)
    decayed = past.decayed(tally.decayed(value.astype(float), 20.0), 20.0)
    sums, last = past.sum(tally.running(value)), past.last(value.astype(float))
    for n, (g, d) in enumerate(asked):
        before = sorted((at, i) for i, (of, at, _) in enumerate(events) if of == g and at < d)
        assert past.count[n] == len(before)
        assert sums[n] == sum(events[i][2] for _, i in before)
        assert np.isclose(decayed[n], sum(events[i][2] * np.exp((at - d) / 20.0) for at, i in before))
        assert last[n] == events[before[-1][1]][2] if before else np.isnan(last[n])


@given(EVENTS, ASKED, EVENTS)
def test_events_of_the_day_or_later_change_no_bit(
    events: list[tuple[int, int, int]], asked: list[tuple[int, int]], added: list[tuple[int, int, int]]
) -> None:
    day = min(d for _, d in asked)
    later = [(g, max(d, day), v) for g, d, v in added]

    def answers(known: list[tuple[int, int, int]]) -> bytes:
        group, on, value = np.array(known, dtype=np.int64).reshape(-1, 3).T
        tally = Tally(group, on, groups=4)
        past = tally.before(np.array([g for g, _ in asked]), np.full(len(asked), day))
        decayed = past.decayed(tally.decayed(value.astype(np.float64), 20.0), 20.0)
        return past.count.tobytes() + past.sum(tally.running(value)).tobytes() + decayed.tobytes()

    assert answers(events) == answers(events + later)
