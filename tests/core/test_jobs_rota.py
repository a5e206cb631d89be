"""The rota: every tick once, whatever the number of schedulers; every local business day in exactly one tick."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from threading import Barrier, Thread
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from ar.core.clock import local_date
from ar.core.db import Database
from ar.core.jobs import Job, JobRun, run_due
from ar.core.kernel import Kernel
from ar.core.outbox import always_wanted, queue
from ar.core.rota import DAY, HOUR, MINUTE, Rota, RotaEntry, due_ticks, local_days_due, tick, window
from ar.rota import ROTA, background_scheduler
from tests.core.outboxes import draft, messages

NOW = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 1), date(2030, 12, 31)


class Mornings:
    """A handler that acts on the mornings of one place, and writes down each."""

    def __init__(self, zone: str, country: str) -> None:
        self.zone, self.country = zone, country
        self.days: list[date] = []
        self.windows: list[tuple[datetime, datetime]] = []

    def __call__(self, kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        since, until = window(arguments)
        self.windows.append((since, until))
        due = local_days_due(self.zone, self.country, since=since, until=until)
        self.days.extend(due)
        return f"{len(due)} mornings"


def rota_of(handler: Mornings, **other: Any) -> Rota:
    return Rota((RotaEntry("dunning", HOUR, handler, **other),))


def beat(kernel: Kernel, rota: Rota, now: datetime) -> int:
    """One minute of a scheduler; on PostgreSQL the work that workers would do, too."""
    won = tick(kernel, rota, now=now)
    run_due(kernel, rota.handlers, now=now, limit=500)
    return won


def test_ticks_are_run_once_and_missed_ones_are_made_up_for(kernel: Kernel, database: Database) -> None:
    handler = Mornings("Europe/Paris", "FR")
    rota = rota_of(handler)
    assert beat(kernel, rota, NOW + timedelta(minutes=7)) == 1
    assert beat(kernel, rota, NOW + timedelta(minutes=8)) == 0
    assert beat(kernel, rota, NOW + timedelta(hours=1)) == 1
    assert beat(kernel, rota, NOW + timedelta(hours=5, minutes=59)) == 4
    assert handler.windows == [(NOW + (n - 1) * HOUR, NOW + n * HOUR) for n in range(6)]
    with database.reading() as session:
        assert session.exec(select(Job.state).distinct()).all() == ["done"]


def test_after_a_long_gap_the_last_ticks_run_and_the_first_stands_for_the_gap(
    kernel: Kernel, database: Database
) -> None:
    handler = Mornings("Europe/Paris", "FR")
    rota = rota_of(handler, catch_up=3)
    beat(kernel, rota, NOW)
    assert beat(kernel, rota, NOW + 5 * DAY) == 3
    assert handler.windows[1:] == [
        (NOW, NOW + 5 * DAY - 2 * HOUR),
        (NOW + 5 * DAY - 2 * HOUR, NOW + 5 * DAY - HOUR),
        (NOW + 5 * DAY - HOUR, NOW + 5 * DAY),
    ]
    assert handler.days == [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2)]


def test_clock_that_goes_back_starts_nothing(kernel: Kernel, database: Database) -> None:
    rota = rota_of(Mornings("UTC", ""))
    assert beat(kernel, rota, NOW) == 1
    assert beat(kernel, rota, NOW - 3 * HOUR) == 0
    assert beat(kernel, rota, NOW + HOUR) == 1


def test_many_schedulers_at_once_win_each_tick_once(kernel: Kernel, database: Database) -> None:
    handler = Mornings("Europe/Paris", "FR")
    rota = rota_of(handler)
    beat(kernel, rota, NOW)
    together = Barrier(4)
    won: list[int] = []

    def schedule(late: int) -> None:
        for hour in range(0, 12, 3):
            together.wait()  # their clocks agree, but for the seconds that each is late
            won.append(beat(kernel, rota, NOW + hour * HOUR + timedelta(seconds=late)))

    threads = [Thread(target=schedule, args=(late,)) for late in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_due(kernel, rota.handlers, now=NOW + DAY, limit=100)
    with database.reading() as session:
        ticks = session.exec(select(JobRun.since, JobRun.scheduled_for).order_by(col(JobRun.scheduled_for))).all()
        keys = Counter(session.exec(select(Job.dedup_key)).all())
    assert [tuple(row) for row in ticks] == [(NOW + (n - 1) * HOUR, NOW + n * HOUR) for n in range(10)]
    assert sum(won) == 9
    assert set(keys.values()) == {1}
    assert sorted(handler.windows) == [tuple(row) for row in ticks]


@pytest.mark.parametrize(
    ("eve", "mornings"),
    [
        (datetime(2026, 3, 27, 20, tzinfo=UTC), [date(2026, 3, 30), date(2026, 3, 31)]),
        (datetime(2026, 10, 23, 20, tzinfo=UTC), [date(2026, 10, 26), date(2026, 10, 27)]),
    ],
)
def test_each_local_morning_over_the_nights_when_clocks_change(
    kernel: Kernel, database: Database, eve: datetime, mornings: list[date]
) -> None:
    """Guarantee 15 through the rota itself, hour by hour, in Paris."""
    handler = Mornings("Europe/Paris", "FR")
    for hour in range(90):
        beat(kernel, rota_of(handler), eve + hour * HOUR)
    assert handler.days == mornings


def changes_by_zone() -> dict[tuple[tuple[date, timedelta], ...], str]:
    """The days from FIRST to LAST on which clocks change, and by how much: one zone for each pattern that exists."""
    found = {}
    days = [datetime(FIRST.year, 1, 1, 12, tzinfo=UTC) + n * DAY for n in range((LAST - FIRST).days + 1)]
    for zone in sorted(available_timezones()):
        offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0) for day in days]
        pairs = zip(days, offsets, [offsets[0], *offsets], strict=False)
        pattern = tuple((day.date(), offset) for day, offset, before in pairs if offset != before)
        found[((FIRST, offsets[0]), *pattern)] = zone
    return found


def test_every_local_business_day_is_due_in_exactly_one_hourly_tick() -> None:
    """Guarantee 15, quick form: every pattern of clock changes there is, 2026 to 2030, around each change."""
    patterns = changes_by_zone()
    ticks = 0
    for pattern, zone in patterns.items():
        for changed, _ in pattern:
            start = datetime(changed.year, changed.month, changed.day, tzinfo=UTC) - 2 * DAY
            due = Counter[date]()
            for hour in range(96):
                tick_at = start + hour * HOUR
                due.update(local_days_due(zone, "", since=tick_at, until=tick_at + HOUR))
                ticks += 1
            inside = [local_date(start, zone) + n * DAY for n in range(1, 4)]
            assert {day: due[day] for day in inside} == {day: int(day.weekday() < 5) for day in inside}, zone
    print(f"{ticks:,} ticks in {len(patterns)} patterns of zones: 0 days skipped, 0 doubled")
    assert len(patterns) > 60


@given(
    zone=st.sampled_from(sorted(available_timezones())),
    cuts=st.lists(st.integers(0, 60 * 24 * 40), min_size=2, max_size=30, unique=True),
    first=st.dates(FIRST, LAST),
    hour=st.integers(0, 23),
)
def test_touching_windows_share_out_the_days(zone: str, cuts: list[int], first: date, hour: int) -> None:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    instants = [start + minutes * MINUTE for minutes in sorted(cuts)]
    pieces = [
        day
        for since, until in pairwise(instants)
        for day in local_days_due(zone, "", since=since, until=until, hour=hour)
    ]
    assert pieces == local_days_due(zone, "", since=instants[0], until=instants[-1], hour=hour)
    assert len(set(pieces)) == len(pieces)


@pytest.mark.soak
def test_every_zone_every_hour_of_five_years() -> None:
    for zone in sorted(available_timezones()):
        due = Counter[date]()
        tick_at = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) - 2 * DAY
        while tick_at < datetime(LAST.year + 1, 1, 3, tzinfo=UTC):
            due.update(local_days_due(zone, "", since=tick_at, until=tick_at + HOUR))
            tick_at += HOUR
        days = [FIRST + n * DAY for n in range((LAST - FIRST).days + 1)]
        assert {day: due[day] for day in days} == {day: int(day.weekday() < 5) for day in days}, zone


def test_due_ticks_count_from_the_offset() -> None:
    entry = RotaEntry("predict", DAY, Mornings("UTC", ""), offset=3 * HOUR)
    three = datetime(2026, 3, 28, 3, tzinfo=UTC)
    assert due_ticks(entry, None, NOW) == [(three - DAY, three)]
    assert due_ticks(entry, three, three + DAY - timedelta(microseconds=1)) == []
    assert due_ticks(entry, three, three + DAY) == [(three, three + DAY)]


def test_the_products_rota_delivers_mail(kernel: Kernel, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ar.rota.GUARDS", {"reminder": always_wanted})
    with database.transaction() as session:
        queue(session, [draft(1)], now=NOW)
    beat(kernel, ROTA, NOW)
    assert messages(database)["notice/1"].state == "sent"
    assert len(list((kernel.settings.var_dir / "mail").glob("*.eml"))) == 1


def test_scheduler_ticks_at_once_and_stops(kernel: Kernel, database: Database) -> None:
    scheduler = background_scheduler(kernel)
    try:
        names = {job.id for job in scheduler.get_jobs()}
        assert names == ({"tick"} if database.is_postgres else {"tick", "work"})
        found: list[str] = []
        for _ in range(20_000):
            with database.reading() as session:
                found = list(session.exec(select(JobRun.name)).all())
            if found:
                break
        assert set(found) == {entry.name for entry in ROTA.entries}
    finally:
        scheduler.shutdown()
