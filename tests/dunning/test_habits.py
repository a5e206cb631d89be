from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ar.core.db import bulk_insert
from ar.customers.models import Channel
from ar.ledger.models import EntryKind
from dunning.facts import gather
from dunning.habits import Habit, Tried, answered_within, better_channel, chance_better, habits, hour_of
from dunning.models import DunningNotice, Promise, PromiseState
from tests.dunning.world import MORNING, World

EMAIL, SMS = Channel.EMAIL, Channel.SMS


def at(hour: int, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "hour"),
    [
        ([10, 14], "UTC", None),
        ([10, 14, 15], "UTC", 14),
        ([10, 14, 15], "Europe/Paris", 15),
        ([1, 2, 3], "UTC", 9),
        ([20, 21, 22], "UTC", 17),
        ([22, 22, 22], "Asia/Tokyo", 9),
        ([9, 10, 15, 16], "UTC", 10),
    ],
)
def test_the_hour_is_the_median_of_its_own_acts(hours: list[int], zone: str, hour: int | None) -> None:
    assert hour_of([at(one) for one in hours], zone) == hour


@pytest.mark.parametrize(
    ("tried", "channel"),
    [
        ({EMAIL: Tried(20, 2), SMS: Tried(20, 14)}, SMS),
        ({EMAIL: Tried(20, 14), SMS: Tried(20, 2)}, EMAIL),
        ({EMAIL: Tried(20, 9), SMS: Tried(20, 11)}, None),
        ({EMAIL: Tried(20, 2), SMS: Tried(4, 4)}, None),
        ({SMS: Tried(20, 14)}, None),
        ({EMAIL: Tried(5, 0), SMS: Tried(5, 5)}, SMS),
        ({EMAIL: Tried(9, 2), SMS: Tried(9, 8), Channel.LETTER: Tried(9, 8)}, None),
        ({}, None),
    ],
)
def test_a_channel_is_preferred_only_when_it_is_surely_better(
    tried: dict[Channel, Tried], channel: Channel | None
) -> None:
    assert better_channel(tried) is channel


@settings(max_examples=40)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_one_of_two_is_the_better(a: int, b: int, c: int, d: int) -> None:
    one, other = Tried(a + b, a), Tried(c + d, c)
    assert chance_better(one, other) + chance_better(other, one) == pytest.approx(1)
    assert chance_better(one, one) == pytest.approx(0.5)


def test_the_chance_is_the_one_that_draws_give() -> None:
    draw = np.random.default_rng(1)
    drawn = np.mean(draw.beta(1 + 8, 1 + 4, 200_000) > draw.beta(1 + 5, 1 + 7, 200_000))
    assert chance_better(Tried(12, 8), Tried(12, 5)) == pytest.approx(drawn, abs=0.005)


def test_an_answer_comes_within_two_business_days() -> None:
    friday = date(2026, 3, 6)
    assert answered_within(friday, [date(2026, 3, 10)], "FR")
    assert not answered_within(friday, [date(2026, 3, 11), date(2026, 3, 5)], "FR")


def test_habits_are_read_from_what_customers_did(world: World) -> None:
    with world.database.transaction() as session:
        early, silent, texted, told = (world.customer(session, code) for code in ("EARLY", "SILENT", "TEXTED", "TOLD"))
        entity = {"entity_id": world.entity_id, "currency": "EUR", "amount_minor": 5, "state": PromiseState.KEPT}
        promises = [
            {"account_id": account, "due_on": MORNING.date(), "made_by": by, "created_at": at(12, day), **entity}
            for account, by in ((early, f"customer:{early}"), (told, "user:1"))
            for day in (1, 2, 3)
        ]
        bulk_insert(session, Promise, promises)
        contact = gather(session, [texted], now=MORNING, in_flight=world.in_flight)[0].contact
        assert contact is not None
        days = [MORNING.date() - timedelta(days=7 * n) for n in range(1, 13)]
        notices = [
            {
                "account_id": texted,
                "entity_id": world.entity_id,
                "step": f"s{n}",
                "cycle": day,
                "policy": "p 1",
                "contact_id": contact.id,
                "channel": EMAIL if n % 2 else SMS,
                "message_key": f"k{n}",
                "written_at": MORNING,
            }
            for n, day in enumerate(days)
        ]
        bulk_insert(session, DunningNotice, notices)
        for n, day in enumerate(days):
            if n % 2 == 0:
                world.credit(session, texted, 100, kind=EntryKind.PAYMENT, on=day + timedelta(days=1))
        found = habits(session, [early, silent, texted, told], now=MORNING + timedelta(days=2))
        assert found == {early: Habit(13, None, 3), texted: Habit(None, SMS, 0)}
        assert habits(session, [silent], now=MORNING) == {}
        assert habits(session, [early], now=MORNING + timedelta(days=900)) == {}
        facts = gather(session, [early, texted], now=MORNING + timedelta(days=2), in_flight=world.in_flight)
        assert [(one.hour, one.channel_habit) for one in facts] == [(13, None), (None, SMS)]
