"""Guarantee 13: nothing leaves once it was paid, contested, promised or paused after the decision."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlmodel import Session, col

from ar.core.db import table
from ar.core.mail import FolderMailer
from ar.core.outbox import DeliveryReport, MessageChannel, MessageState, deliver
from ar.customers.models import Contact
from ar.ledger.items import mark_disputed
from ar.ledger.models import EntryKind
from dunning.guard import reminder_guard
from dunning.holds import hold, lift
from dunning.message import PURPOSE
from dunning.models import DunningNotice, DunningNoticeItem
from dunning.promises import Part, cancel_promise, promise
from tests.dunning.world import DUE, MORNING, World

SOON = MORNING + timedelta(minutes=5)
Event = Callable[[World, Session, int, int], None]


def send(world: World, now: datetime = SOON) -> DeliveryReport:
    guards = {PURPOSE: reminder_guard(world.in_flight)}
    mailer = FolderMailer(Path(world.settings.var_dir) / "mail")
    return deliver(world.kernel, {MessageChannel.EMAIL: mailer}, guards, now=now, limit=2000, worker="test")


def mails(world: World) -> list[str]:
    """The recipients of what left."""
    folder = Path(world.settings.var_dir) / "mail"
    parsed = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return sorted(str(mail["To"]) for mail in parsed)


def contact(world: World, session: Session, account_id: int, **values: object) -> None:
    session.connection().execute(update(Contact).where(col(Contact.account_id) == account_id).values(**values))


def pay(world: World, session: Session, account: int, entry: int) -> None:
    world.pay(session, account, entry, 10_000)


def pay_part(world: World, session: Session, account: int, entry: int) -> None:
    world.pay(session, account, entry, 1)


def pay_unmatched(world: World, session: Session, account: int, entry: int) -> None:
    world.credit(session, account, 10_000, kind=EntryKind.PAYMENT)


def credit_note(world: World, session: Session, account: int, entry: int) -> None:
    world.credit(session, account, 500, kind=EntryKind.CREDIT_NOTE)


def contest(world: World, session: Session, account: int, entry: int) -> None:
    mark_disputed(session, entry, 4_000, on=DUE, source="test")


def promise_it(world: World, session: Session, account: int, entry: int) -> None:
    promise(session, account, items=[Part(entry)], due_on=SOON.date() + timedelta(days=9), by="customer:1", now=SOON)


def start_paying(world: World, session: Session, account: int, entry: int) -> None:
    world.flying[entry] = 10_000


def pause(world: World, session: Session, account: int, entry: int) -> None:
    hold(session, account, until=None, reason="in talks", by="user:1", now=SOON)


def bounce(world: World, session: Session, account: int, entry: int) -> None:
    contact(world, session, account, bounced_at=SOON)


def move(world: World, session: Session, account: int, entry: int) -> None:
    contact(world, session, account, email="else@customers.example")


def pause_and_lift(world: World, session: Session, account: int, entry: int) -> None:
    row = hold(session, account, until=None, reason="a mistake", by="user:1", now=SOON)
    assert row.id is not None
    lift(session, row.id, by="user:1", now=SOON)


def promise_and_cancel(world: World, session: Session, account: int, entry: int) -> None:
    made = promise(session, account, items=[Part(entry)], due_on=SOON.date(), by="user:1", now=SOON)
    assert made.id is not None
    cancel_promise(session, made.id, by="user:1", now=SOON)


def opt_out(world: World, session: Session, account: int, entry: int) -> None:
    contact(world, session, account, opted_out_at=SOON)


def another_invoice(world: World, session: Session, account: int, entry: int) -> None:
    world.invoice(session, account, 777)


def nothing(world: World, session: Session, account: int, entry: int) -> None:
    pass


STOPS: list[Event] = [pay, pay_part, pay_unmatched, credit_note, contest, promise_it, start_paying, pause, bounce, move]
GOES_ON: list[Event] = [nothing, pause_and_lift, promise_and_cancel, opt_out, another_invoice]


def test_whatever_happens_between_decision_and_claim(world: World) -> None:
    """Each event, for many customers in one batch, in shuffled order: 0 sent that should not be, 0 lost."""
    dice = random.Random(7)
    events = [dice.choice(STOPS + GOES_ON) for _ in range(1_000)]
    with world.database.transaction() as session:
        ids = [world.customer(session, f"C{n:04}") for n in range(len(events))]
        entries = [world.invoice(session, account) for account in ids]
    assert world.run().sent == len(events)
    order = list(range(len(events)))
    dice.shuffle(order)
    with world.database.transaction() as session:
        for n in order:
            events[n](world, session, ids[n], entries[n])
    report = send(world)
    wanted = sorted(f"c{n:04}@customers.example" for n, event in enumerate(events) if event in GOES_ON)
    assert mails(world) == wanted
    assert (report.sent, report.cancelled) == (len(wanted), len(events) - len(wanted))


@pytest.mark.parametrize("event", STOPS)
def test_a_cancelled_notice_is_undone_and_says_why(world: World, event: Event) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo)
    world.run()
    with world.database.transaction() as session:
        event(world, session, jo, entry)
    send(world)
    with world.database.reading() as session:
        [message] = world.messages(session)
        [notice] = session.connection().execute(select(table(DunningNotice))).mappings()
        [item] = session.connection().execute(select(table(DunningNoticeItem))).mappings()
        assert message.state is MessageState.CANCELLED
        assert message.outcome == notice["cancelled_for"]
        assert message.outcome
        assert notice["cancelled_at"] == item["cancelled_at"] == SOON


def test_the_next_run_writes_a_true_message(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo)
    world.run()
    with world.database.transaction() as session:
        contest(world, session, jo, entry)
    send(world)
    assert world.run(SOON + timedelta(hours=2)).sent == 0
    tomorrow = MORNING + timedelta(days=1)
    assert world.run(tomorrow).sent == 1
    assert send(world, tomorrow).sent == 1
    with world.database.reading() as session:
        first, second = world.messages(session)
        assert "€100.00" in first.subject
        assert "€60.00" in second.subject
        assert "€40.00 you have contested" in second.body_text


def test_a_message_that_was_kept_from_leaving_does_not_leave_at_night_or_another_day(world: World) -> None:
    with world.database.transaction() as session:
        for code in ("A", "B"):
            world.invoice(session, world.customer(session, code))
    world.run()
    assert send(world, MORNING + timedelta(hours=9)).cancelled == 2
    assert world.run(MORNING + timedelta(days=1)).sent == 2
    assert send(world, MORNING + timedelta(days=2)).cancelled == 2
    assert mails(world) == []


def test_who_opts_out_is_spared_a_courtesy_message(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo, due=MORNING.date() + timedelta(days=2))
    assert world.run().sent == 1
    with world.database.transaction() as session:
        opt_out(world, session, jo, entry)
    assert send(world).cancelled == 1


def test_holds_and_promises_made_in_time_are_seen_by_the_run_itself(world: World) -> None:
    with world.database.transaction() as session:
        ids = [world.customer(session, f"C{n}") for n in range(3)]
        entries = [world.invoice(session, account) for account in ids]
        pause(world, session, ids[0], entries[0])
        promise_it(world, session, ids[1], entries[1])
    report = world.run()
    assert (report.sent, report.held) == (1, 2)
