from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.calendars import (
    ZoneError,
    add_business_days,
    holidays_of,
    is_business_day,
    local_day_start,
    month_end,
    next_business_day,
    within_hours,
    zone_of,
)

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
COUNTRIES = ["FR", "GB", "US", "DE", "JP", "BR", "MA", "XX"]
DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))


def test_known_holidays() -> None:
    assert {date(2026, 5, 1), date(2026, 5, 14), date(2026, 7, 14)} <= holidays_of("FR", 2026)
    assert date(2026, 4, 6) in holidays_of("GB", 2026), "Easter Monday, a bank holiday of England and Wales"
    assert date(2026, 11, 26) in holidays_of("US", 2026)
    assert date(2021, 12, 31) in holidays_of("US", 2021), "1 January 2022 was a Saturday, observed on the Friday"
    assert holidays_of("XX", 2026) == frozenset()
    assert holidays_of("", 2026) == frozenset()


@given(day=DAYS, country=st.sampled_from(COUNTRIES))
def test_next_business_day_is_the_first_from_the_day(day: date, country: str) -> None:
    found = next_business_day(day, country)
    assert is_business_day(found, country)
    assert not any(is_business_day(day + timedelta(n), country) for n in range((found - day).days))


@given(day=DAYS, count=st.integers(-30, 30), country=st.sampled_from(COUNTRIES))
def test_business_days_added_can_be_counted_again(day: date, count: int, country: str) -> None:
    found = add_business_days(day, count, country)
    low, high = (day + timedelta(1), found) if count > 0 else (found, day - timedelta(1))
    passed = [low + timedelta(n) for n in range((high - low).days + 1)]
    assert sum(is_business_day(each, country) for each in passed) == abs(count)
    assert count == 0 or is_business_day(found, country)


def test_business_days_over_a_long_weekend() -> None:
    thursday = date(2026, 5, 7)  # 8 May is a holiday in France, 9 and 10 a weekend
    assert add_business_days(thursday, 1, "FR") == date(2026, 5, 11)
    assert add_business_days(date(2026, 5, 11), -1, "FR") == thursday
    assert add_business_days(thursday, 1, "US") == date(2026, 5, 8)


@pytest.mark.parametrize("zone", ZONES)
def test_each_local_day_starts_once_and_in_order(zone: str) -> None:
    before = None
    for n in range(0, 5 * 366, 1 if zone in ("Europe/Paris", "America/New_York", "Australia/Lord_Howe") else 7):
        day = date(2026, 1, 1) + timedelta(n)
        start = local_day_start(day, zone)
        assert start.tzinfo is UTC
        local = start.astimezone(ZoneInfo(zone))
        assert (local.date(), local.hour, local.minute) == (day, 9, 0)
        assert before is None or before < start
        before = start


@given(day=DAYS, zone=st.sampled_from(ZONES), hour=st.integers(0, 23))
def test_start_is_the_first_instant_at_or_after_the_local_hour(day: date, zone: str, hour: int) -> None:
    start = local_day_start(day, zone, hour=hour)
    wanted = datetime(day.year, day.month, day.day, hour)
    at = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    just_before = (start - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert at >= wanted > just_before


def test_start_when_clocks_jump_and_fall_back() -> None:
    paris_spring, paris_autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert local_day_start(paris_spring, "Europe/Paris", hour=2) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert local_day_start(paris_autumn, "Europe/Paris", hour=2) == datetime(2026, 10, 25, 0, tzinfo=UTC)
    skipped = date(2011, 12, 30)  # Samoa crossed the date line and never had this day
    assert local_day_start(skipped, "Pacific/Apia") == datetime(2011, 12, 30, 10, tzinfo=UTC)


@given(instant=st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)))
def test_within_hours_reads_the_local_clock(instant: datetime) -> None:
    for zone in ("Europe/Paris", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Chatham"):
        local = instant.astimezone(ZoneInfo(zone))
        assert within_hours(instant, zone) == (9 <= local.hour < 18)
        assert within_hours(local, zone) == within_hours(instant, zone)
    assert within_hours(local_day_start(instant.date(), "Europe/Paris"), "Europe/Paris")


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../../etc/passwd", "a\0b", "\ud800", "x" * 10_000, "Europe"])
def test_no_such_zone_is_a_clear_refusal(zone: str) -> None:
    with pytest.raises(ZoneError) as caught:
        within_hours(datetime(2026, 1, 1, tzinfo=UTC), zone)
    assert len(caught.value.message) < 500
    caught.value.message.encode()


def test_zone_of_a_country() -> None:
    assert [zone_of(c) for c in ("FR", "US", "GB", "AU", "BR", "XX")] == [
        "Europe/Paris",
        "America/New_York",
        "Europe/London",
        "Australia/Sydney",
        "America/Sao_Paulo",
        "UTC",
    ]


@given(DAYS)
def test_month_end_is_the_day_before_the_next_first(day: date) -> None:
    end = month_end(day)
    assert (end.year, end.month) == (day.year, day.month)
    assert (end + timedelta(1)).day == 1
