from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlmodel import Session, col

from ar.core.db import table
from ar.ledger.allocate import Share, allocate
from ar.ledger.items import mark_disputed
from ar.ledger.models import EntryKind, OpenItem
from dunning.choices import choose
from dunning.holds import hold, lift
from dunning.models import DunningNotice, DunningNoticeItem
from dunning.policies import Scope, add_policy, policies_in_force, seed_policies
from dunning.policy import FRIENDLY_FIVE, NO_POLICY, Policy
from dunning.promises import Part, PromiseError, judge, promise
from dunning.simulation.simulate import Simulation, SimulationError, simulate, with_draft
from dunning.steps import Anchor, Condition, Step, Tone
from tests.dunning.world import World

START = datetime(2026, 2, 2, 14, tzinfo=UTC)  # a Monday, in office hours on both sides of the Atlantic
DAYS = 60

Told = tuple[date, int, str, tuple[tuple[int, str, int], ...]]


def lived(world: World, policy: Policy, *, seed: int) -> tuple[set[Told], date, date]:
    """Sixty days truly lived: runs by day, and customers who act in the evening. What was truly written, and when."""
    draw = Random(seed)
    with world.database.transaction() as session:
        add_policy(session, policy, active_from=START - timedelta(days=1), by="system", now=START)
        accounts = [
            world.customer(session, f"C{n}", zone=zone, country=country)
            for n in range(7)
            for zone, country in [("Europe/Paris", "FR") if n % 3 else ("America/New_York", "US")]
        ]
        for account in accounts:
            for _ in range(4):
                due = START.date() + timedelta(days=draw.randint(-20, 40))
                world.invoice(session, account, draw.randint(1, 50) * 1_000, due=due)
    for n in range(DAYS):
        morning = START + timedelta(days=n)
        with world.database.transaction() as session:
            judge(session, now=morning - timedelta(hours=9))
        world.run(morning)
        with world.database.transaction() as session:
            for account in accounts:
                if draw.random() < 0.12:
                    act_of(world, session, account, draw, now=morning + timedelta(hours=6))
    return written(world), START.date(), START.date() + timedelta(days=DAYS - 1)


def act_of(world: World, session: Session, account: int, draw: Random, *, now: datetime) -> None:
    """One thing that happens to a customer in the evening."""
    query = select(table(OpenItem)).where(col(OpenItem.account_id) == account, col(OpenItem.open_minor) > 0)
    items = list(session.connection().execute(query.order_by(col(OpenItem.entry_id))).mappings())
    owed = [item for item in items if item["side"] == 1]
    if not owed:
        return
    item, today = draw.choice(owed), now.date()
    half = max(1, item["open_minor"] // 2)
    what = draw.choice(["pay", "pay", "part", "credit", "contest", "hold", "promise", "promise", "silence"])
    if what in ("pay", "part"):
        minor = item["open_minor"] if what == "pay" else half
        paid = world.credit(session, account, minor, kind=EntryKind.PAYMENT, on=today)
        allocate(session, [Share(item["entry_id"], paid, minor)], on=today, source="test", now=now)
    elif what == "credit":
        world.credit(session, account, half, kind=EntryKind.CREDIT_NOTE, on=today)
    elif what == "contest":
        change = -item["disputed_minor"] if item["disputed_minor"] else half
        mark_disputed(session, item["entry_id"], change, on=today, source="test")
    elif what == "hold":
        made = hold(session, account, until=today + timedelta(days=6), reason="asked", by="user:1", now=now)
        if draw.random() < 0.4:
            assert made.id is not None
            lift(session, made.id, by="user:1", now=now)
    elif what == "promise":
        part = Part(item["entry_id"], half)
        try:
            promise(session, account, items=[part], due_on=today + timedelta(days=5), by="customer:1", now=now)
        except PromiseError:
            return
    else:
        choose(session, account, NO_POLICY, entry_id=item["entry_id"], reason="by phone", by="user:1", now=now)


def written(world: World) -> set[Told]:
    with world.database.reading() as session:
        notices = session.connection().execute(select(table(DunningNotice))).mappings().all()
        lines = session.connection().execute(select(table(DunningNoticeItem))).mappings().all()
    return {
        (
            notice["cycle"],
            notice["account_id"],
            notice["step"],
            tuple(
                sorted(
                    (line["entry_id"], line["step"], line["amount_minor"])
                    for line in lines
                    if line["notice_id"] == notice["id"]
                )
            ),
        )
        for notice in notices
    }


def told(simulation: Simulation) -> set[Told]:
    return {
        (
            sent.day,
            sent.facts.account_id,
            sent.send.step.key,
            tuple(sorted((line.ask.item.entry_id, line.step.key, line.ask.amount_minor) for line in sent.send.lines)),
        )
        for life in simulation.lives
        for sent in life.sent
    }


AFTER_EVENTS = replace(
    FRIENDLY_FIVE,
    name="events",
    steps=(
        *FRIENDLY_FIVE.steps[:3],
        Step("broken", 1, "reminder_firm", Tone.FIRM, after=Anchor.EVENT, when=Condition(broken_promise=True)),
        Step("first", 10, "reminder_question", Tone.NEUTRAL, when=Condition(first_time_late=True)),
        *FRIENDLY_FIVE.steps[3:],
    ),
)


@pytest.mark.parametrize("policy", [FRIENDLY_FIVE, AFTER_EVENTS], ids=lambda policy: policy.name)
def test_the_days_that_were_lived_are_simulated_as_they_were(world: World, policy: Policy) -> None:
    truly, first, last = lived(world, policy, seed=len(policy.steps))
    assert len(truly) > 20
    now = START + timedelta(days=DAYS)
    with world.database.reading() as session:
        found = simulate(session, policy, first=first, last=last, sample=500, now=now)
        assert told(found) == truly
        later = simulate(session, policy, first=first + timedelta(days=21), last=last, sample=500, now=now)
    assert told(later) == {one for one in truly if one[0] >= first + timedelta(days=21)}
    assert found.candidate == found.in_force
    assert found.candidate.messages == len(truly)
    assert sum(found.candidate.by_month.values()) == sum(found.candidate.by_step.values()) == len(truly)


def test_a_policy_is_told_from_the_one_in_force(world: World) -> None:
    today = START.date()
    with world.database.transaction() as session:
        seed_policies(session, now=START - timedelta(days=200))
        quick, slow, credit = (world.customer(session, code) for code in ("QUICK", "SLOW", "CREDIT"))
        paid = world.invoice(session, quick, due=today - timedelta(days=60))
        world.pay(session, quick, paid, 10_000, on=today - timedelta(days=55))
        world.invoice(session, slow, due=today - timedelta(days=60))
        world.invoice(session, credit, due=today - timedelta(days=60))
        world.credit(session, credit, 10_000, kind=EntryKind.CREDIT_NOTE, on=today - timedelta(days=70))
    rare = replace(FRIENDLY_FIVE, name="rare", steps=FRIENDLY_FIVE.steps[-1:])
    first, last = today - timedelta(days=90), today - timedelta(days=1)
    with world.database.reading() as session:
        found = simulate(session, rare, first=first, last=last, now=START)
        half = simulate(session, rare, first=first, last=last, sample=2, seed=5, now=START)
        again = simulate(session, rare, first=first, last=last, sample=2, seed=5, now=START)
    assert (found.customers, found.sampled, found.factor) == (3, 3, 1.0)
    assert found.candidate.by_step == {"formal": 1}
    assert found.candidate.by_tone == {"formal": 1}
    assert (found.candidate.aged, found.candidate.unwarned) == (2, 2)
    usual = found.in_force
    assert usual.by_step == {"courtesy": 2, "firm": 1, "formal": 1, "friendly": 2, "question": 1}
    assert (usual.customers, usual.most_in_7, usual.unwarned) == (2, 2, 1)  # whose credit covers it hears nothing
    assert usual.needless == 1  # the friendly one two days before it was paid
    assert usual.held["covered_by_credit"] > 20
    assert usual.announced == found.candidate.announced
    assert [example.code for example in found.examples] == ["SLOW"]
    assert (half.sampled, half.factor) == (2, 1.5)
    assert half == again


def test_what_cannot_be_simulated(world: World) -> None:
    day = START.date()
    with world.database.reading() as session:
        for first, last, sample in (
            (day - timedelta(days=9), day, 5),
            (day - timedelta(days=1), day - timedelta(days=2), 5),
            (day - timedelta(days=400), day - timedelta(days=2), 5),
            (day - timedelta(days=9), day - timedelta(days=2), 0),
            (day - timedelta(days=9), day - timedelta(days=2), 5_001),
        ):
            with pytest.raises(SimulationError):
                simulate(session, FRIENDLY_FIVE, first=first, last=last, sample=sample, now=START)
        nothing = simulate(
            session, FRIENDLY_FIVE, first=day - timedelta(days=9), last=day - timedelta(days=2), now=START
        )
    assert (nothing.customers, nothing.candidate.messages, nothing.factor) == (0, 0, 1.0)


def test_a_draft_takes_its_place(world: World) -> None:
    draft = replace(FRIENDLY_FIVE, name="draft")
    with world.database.reading() as session:
        in_force = policies_in_force(session, now=START)
    assert with_draft(in_force, draft, Scope()).company == draft
    assert with_draft(in_force, draft, Scope(named=True)).of(1, segment="any") == draft
    of_segment = with_draft(in_force, draft, Scope(segment="retail"))
    assert (of_segment.of(1, segment="retail"), of_segment.of(1)) == (draft, FRIENDLY_FIVE)
    of_seller = with_draft(in_force, draft, Scope(entity_id=world.entity_id))
    assert (of_seller.of(world.entity_id), of_seller.of(0)) == (draft, FRIENDLY_FIVE)


def test_queries_do_not_grow_with_customers(world: World) -> None:
    today = START.date()

    def queries() -> int:
        with world.database.reading() as session, counted(session) as statements:
            simulate(
                session, FRIENDLY_FIVE, first=today - timedelta(days=60), last=today - timedelta(days=1), now=START
            )
        return len(statements)

    def more(count: int) -> None:
        with world.database.transaction() as session:
            for _ in range(count):
                account = world.customer(session, f"C{world.numbers}")
                world.invoice(session, account, due=today - timedelta(days=45))

    more(2)
    few = queries()
    more(9)
    assert queries() == few


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    statements: list[str] = []

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", heard)
