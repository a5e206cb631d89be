from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session

from ar.core.audit import AuditEntry
from ar.core.db import table
from ar.core.errors import NotFoundError
from ar.ledger.items import mark_disputed
from ar.ledger.models import EntryKind
from dunning.holds import HoldError, HoldNotFoundError, hold, lift
from dunning.models import PromiseState
from dunning.promises import (
    Part,
    PromiseError,
    PromiseNotFoundError,
    PromiseOverError,
    cancel_promise,
    judge,
    promise,
    spread,
)
from tests.dunning.world import DUE, MORNING, World

TODAY = MORNING.date()
PROMISED = date(2026, 3, 6)  # a Friday: with two business days of grace, until Tuesday the 10th
LAST_DAY = datetime(2026, 3, 10, 20, tzinfo=MORNING.tzinfo)
AFTER = datetime(2026, 3, 11, 10, tzinfo=MORNING.tzinfo)

Happening = Callable[[World, Session, int, int], None]


def promised(world: World, minor: int | None = None) -> tuple[int, int, int]:
    """A customer, its invoice of 100.00, and its promise: ids."""
    with world.database.transaction() as session:
        account = world.customer(session, "JO")
        entry = world.invoice(session, account)
        made = promise(
            session, account, items=[Part(entry, minor)], due_on=PROMISED, by=f"customer:{account}", now=MORNING
        )
        assert made.id is not None
        assert made.amount_minor == (minor or 10_000)
        return account, entry, made.id


def pays(minor: int, day: int) -> Happening:
    def happen(world: World, session: Session, account: int, entry: int) -> None:
        world.pay(session, account, entry, minor, on=date(2026, 3, day))

    return happen


def pays_unmatched(world: World, session: Session, account: int, entry: int) -> None:
    world.credit(session, account, 10_000, kind=EntryKind.PAYMENT, on=date(2026, 3, 6))


def nothing(world: World, session: Session, account: int, entry: int) -> None:
    pass


@pytest.mark.parametrize(
    ("happening", "early", "verdict"),
    [
        (pays(10_000, 5), PromiseState.KEPT, PromiseState.KEPT),
        (pays(10_000, 10), PromiseState.KEPT, PromiseState.KEPT),
        (pays(4_000, 5), None, PromiseState.PARTLY),
        (pays(10_000, 11), None, PromiseState.BROKEN),
        (pays_unmatched, None, PromiseState.KEPT),
        (nothing, None, PromiseState.BROKEN),
    ],
)
def test_a_promise_is_judged_by_the_ledger(
    world: World, happening: Happening, early: PromiseState | None, verdict: PromiseState
) -> None:
    """`early` is the verdict on the last day of grace, `verdict` the one of the day after."""
    account, entry, made = promised(world)
    with world.database.transaction() as session:
        happening(world, session, account, entry)
    with world.database.transaction() as session:
        assert judge(session, now=LAST_DAY).get(made) is early
    with world.database.transaction() as session:
        assert judge(session, now=AFTER).get(made, early) is verdict


def test_a_part_promise_pauses_its_part_and_is_kept_by_it(world: World) -> None:
    account, entry, made = promised(world, 4_000)
    assert world.run().sent == 1
    with world.database.reading() as session:
        [message] = world.messages(session)
        assert "€60.00" in message.subject
        assert "€40.00 you have promised for 6 March 2026" in message.body_text
    with world.database.transaction() as session:
        pays(4_000, 4)(world, session, account, entry)
        assert judge(session, now=MORNING + timedelta(days=2)) == {made: PromiseState.KEPT}


def test_what_came_in_part_is_no_longer_covered_by_the_promise(world: World) -> None:
    """100.00 open, 40.00 promised, 10.00 of it paid: 90.00 open, of which 30.00 is still promised."""
    account, entry, _ = promised(world, 4_000)
    with world.database.transaction() as session:
        pays(1_000, 2)(world, session, account, entry)
    world.run()
    with world.database.reading() as session:
        assert "€60.00" in world.messages(session)[0].subject


def test_a_broken_promise_lets_the_reminders_go_on(world: World) -> None:
    promised(world)
    assert world.run().held == 1
    with world.database.transaction() as session:
        judge(session, now=AFTER)
    assert world.run(AFTER).sent == 1


@pytest.mark.parametrize(
    ("days", "minor", "pointer"),
    [(-1, None, "/due_on"), (61, None, "/due_on"), (3, 10_001, "/items/0"), (3, 0, "/items/0"), (3, -5, "/items/0")],
)
def test_what_cannot_be_promised(world: World, days: int, minor: int | None, pointer: str) -> None:
    with world.database.transaction() as session:
        account = world.customer(session, "JO")
        part = Part(world.invoice(session, account), minor)
        with pytest.raises(PromiseError) as caught:
            promise(session, account, items=[part], due_on=TODAY + timedelta(days=days), by="user:1", now=MORNING)
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_a_promise_is_of_ones_own_open_uncontested_invoices_each_once(world: World) -> None:
    with world.database.transaction() as session:
        jo, other = world.customer(session, "JO"), world.customer(session, "OTHER")
        mine, foreign, credit = (
            world.invoice(session, jo),
            world.invoice(session, other),
            world.credit(session, jo, 500, kind=EntryKind.PAYMENT),
        )
        mark_disputed(session, mine, 3_000, on=DUE, source="test")
        day = TODAY + timedelta(days=3)
        for items in ([], [Part(mine), Part(mine)], [Part(foreign)], [Part(credit)], [Part(mine, 7_001)]):
            with pytest.raises(PromiseError):
                promise(session, jo, items=items, due_on=day, by="user:1", now=MORNING)
        with pytest.raises(NotFoundError):
            promise(session, jo, items=[Part(999)], due_on=day, by="user:1", now=MORNING)
        with pytest.raises(NotFoundError):
            promise(session, 999, items=[Part(mine)], due_on=day, by="user:1", now=MORNING)
        assert promise(session, jo, items=[Part(mine)], due_on=day, by="user:1", now=MORNING).amount_minor == 7_000
        with pytest.raises(PromiseError, match="promised until"):
            promise(session, jo, items=[Part(mine, 1)], due_on=day, by="user:1", now=MORNING)


def test_a_promise_ends_once(world: World) -> None:
    _, _, made = promised(world)
    with world.database.transaction() as session:
        assert cancel_promise(session, made, by="user:1", now=MORNING).state is PromiseState.CANCELLED
        with pytest.raises(PromiseOverError):
            cancel_promise(session, made, by="user:1", now=MORNING)
        with pytest.raises(PromiseNotFoundError):
            cancel_promise(session, 999, by="user:1", now=MORNING)
    assert world.run().sent == 1


def test_a_hold_rests_the_customer_until_its_day_or_until_lifted(world: World) -> None:
    with world.database.transaction() as session:
        jo, ana = world.customer(session, "JO"), world.customer(session, "ANA")
        for account in (jo, ana):
            world.invoice(session, account)
        hold(session, jo, until=TODAY, reason=" talking ", by="user:1", now=MORNING)
        endless = hold(session, ana, until=None, reason="merger", by="user:1", now=MORNING)
        assert endless.id is not None
        for bad in ({"until": TODAY - timedelta(days=1), "reason": "x"}, {"until": None, "reason": "  "}):
            with pytest.raises(HoldError):
                hold(session, jo, by="user:1", now=MORNING, **bad)
        with pytest.raises(NotFoundError):
            hold(session, 999, until=None, reason="x", by="user:1", now=MORNING)
        with pytest.raises(HoldNotFoundError):
            lift(session, 999, by="user:1", now=MORNING)
    assert world.run().held == 2
    assert world.run(MORNING + timedelta(days=1)).sent == 1
    with world.database.transaction() as session:
        lift(session, endless.id, by="user:2", now=MORNING)
        assert lift(session, endless.id, by="user:3", now=MORNING).lifted_by == "user:2"
    assert world.run(MORNING + timedelta(days=1, hours=1)).sent == 1
    with world.database.reading() as session:
        acts = session.connection().execute(select(table(AuditEntry).c.action)).scalars().all()
        assert acts.count("dunning.lifted") == 1
        assert acts.count("dunning.held") == 2


def test_an_amount_is_spread_over_the_oldest_first() -> None:
    assert spread([(1, 500), (2, 0), (3, 700)], 800) == [Part(1, 500), Part(3, 300)]
    assert spread([(1, 500), (3, 700)], 1_200) == [Part(1, 500), Part(3, 700)]
    for wrong in (0, -1, 1_201):
        with pytest.raises(PromiseError):
            spread([(1, 500), (3, 700)], wrong)
