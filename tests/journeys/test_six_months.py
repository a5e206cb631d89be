"""Six months of fourteen customers, each with its own way: every message that each got, and why it got no other.

The ladder is the standard one; the law's rates are those of the first half of 2026. Days are lived one by one, at 10:30
in Paris and again in the afternoon, when it is morning in New York.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.audit import verify
from ar.core.carriers import carriers_of
from ar.core.kernel import Kernel
from ar.core.outbox import MessageChannel, MessageState, OutboxMessage, deliver
from ar.customers.models import Account, Channel, Contact
from ar.disputes.claim import open_dispute, resolve_dispute
from ar.disputes.models import Outcome as Verdict
from ar.disputes.models import Reason as Cause
from ar.ledger.models import EntryKind
from dunning.calls.act import Note, note_contact
from dunning.calls.models import CallOutcome
from dunning.choices import choose
from dunning.guard import copy_guard, reminder_guard
from dunning.holds import hold
from dunning.jobs import judge_promises
from dunning.message import COPY_PURPOSE, PURPOSE
from dunning.models import DunningDecision, DunningNotice, DunningNoticeItem
from dunning.policies import Scope, add_policy
from dunning.policy import STANDARD
from dunning.promises import Part, promise
from dunning.replies.take import take
from dunning.replies.understand import nobody_says
from tests.dunning.replies.mails import mail
from tests.dunning.world import World

FIRST, LAST = date(2026, 1, 5), date(2026, 6, 30)
DUE = date(2026, 2, 2)  # a Monday
Event = Callable[[Session, datetime], object]


class Said(NamedTuple):
    """A message: when, at which step, by which channel, what it asks in minor units, the reasons of the decision, and
    why it came then, in a reader's words."""

    on: str
    step: str
    channel: str
    asked: int
    because: tuple[str, ...]
    why: str = ""


@dataclass
class Life:
    world: World
    events: dict[date, list[Event]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    codes: dict[int, str] = field(default_factory=dict)
    mails: dict[date, bytes] = field(default_factory=dict)

    def on(self, day: date, act: Event) -> None:
        self.events[day].append(act)

    def after(self, days: int, act: Event) -> None:
        """On the day so many days after DUE."""
        self.on(DUE + timedelta(days=days), act)

    def customer(self, code: str, *, zone: str = "Europe/Paris", country: str = "FR") -> int:
        with self.world.database.transaction() as session:
            account_id = self.world.customer(session, code, zone=zone, country=country)
        self.codes[account_id] = code
        return account_id

    def owes(self, account_id: int, minor: int = 100_000, *, due: date = DUE) -> int:
        with self.world.database.transaction() as session:
            return self.world.invoice(session, account_id, minor, due=due)

    def live(self) -> None:
        day = FIRST
        while day <= LAST:
            for hour in (9, 15):
                now = datetime.combine(day, time(hour, 30), UTC)
                if hour == 9:
                    for act in self.events[day]:
                        with self.world.database.transaction() as session:
                            act(session, now)
                    judge_promises(self.world.kernel, {}, now)
                    if day in self.mails:
                        take(self.world.kernel, self.mails[day], likely=nobody_says, by="system", now=now)
                self.world.run(now)
                self.deliver(now)
            self.listen(day)
            day += timedelta(days=1)

    def deliver(self, now: datetime) -> None:
        carriers = carriers_of(self.world.kernel, now=now)
        flying = self.world.in_flight
        guards = {PURPOSE: reminder_guard(flying), COPY_PURPOSE: copy_guard(flying)}
        deliver(self.world.kernel, carriers, guards, now=now, limit=1000, worker="test")

    def listen(self, day: date) -> None:
        notice, item = DunningNotice, DunningNoticeItem
        query = (
            select(
                *(col(notice.account_id), col(notice.step), col(notice.channel), col(item.amount_minor)),
                col(DunningDecision.reasons),
                col(notice.id),
            )
            .join(item, col(item.notice_id) == col(notice.id))
            .join(DunningDecision, col(DunningDecision.account_id) == col(notice.account_id))
            .where(col(notice.cycle) == day, col(notice.cancelled_at).is_(None))
            .order_by(col(notice.id))
        )
        found: dict[int, tuple[str, Said]] = {}
        with self.world.database.reading() as session:
            for account_id, step, channel, minor, reasons, number in session.connection().execute(query):
                before = found[number][1].asked if number in found else 0
                because = tuple(sorted({reason["code"] for reason in reasons}))
                told = Said(day.isoformat(), step, channel.value, before + minor, because)
                found[number] = (self.codes[account_id], told)
        for code, told in found.values():
            self.said[code].append(told)


@pytest.fixture
def life(kernel: Kernel) -> Life:
    world = World(kernel.database, kernel.settings)
    with world.database.transaction() as session:
        now = datetime.combine(FIRST, time(0), UTC)
        add_policy(session, STANDARD, active_from=now, by="system", now=now)
        first = replace(STANDARD.steps[3], channel=Channel.SMS)
        second = replace(STANDARD.steps[4], channel=Channel.LETTER)
        by_post = replace(STANDARD, name="by-post", steps=(*STANDARD.steps[:3], first, second, *STANDARD.steps[5:]))
        add_policy(session, by_post, scope=Scope(named=True), active_from=now, by="system", now=now)
    return Life(world)


def pays(life: Life, account_id: int, entry_id: int, minor: int) -> Event:
    return lambda session, now: life.world.pay(session, account_id, entry_id, minor, on=now.date())


def punctual(life: Life) -> None:
    """Pays on the day."""
    account = life.customer("PUNCTUAL")
    life.after(0, pays(life, account, life.owes(account), 100_000))


def forgetful(life: Life) -> None:
    """Pays five days late, twice."""
    account = life.customer("FORGETFUL")
    for due in (DUE, DUE + timedelta(days=56)):
        life.on(due + timedelta(days=5), pays(life, account, life.owes(account, due=due), 100_000))


def contesting(life: Life) -> None:
    """Contests 40 % on the fifth day, is answered on the 25th, and pays all on the 40th."""
    account = life.customer("CONTESTING")
    entry = life.owes(account)
    made: list[int] = []

    def contest(session: Session, now: datetime) -> None:
        words = {"reason": Cause.PRICE, "text": "", "by": "customer:1", "today": now.date(), "now": now}
        made.append(open_dispute(session, entry_id=entry, amount_minor=40_000, **words).id or 0)  # type: ignore[arg-type]

    def answer(session: Session, now: datetime) -> None:
        words = {"answer": "", "by": "user:1", "today": now.date(), "now": now}
        resolve_dispute(session, made[0], outcome=Verdict.REJECTED, accepted_minor=0, **words)  # type: ignore[arg-type]

    life.after(5, contest)
    life.after(25, answer)
    life.after(40, pays(life, account, entry, 100_000))


def promising(life: Life, code: str, *, keeps: bool) -> None:
    """Promises on the eighth day to pay by the 16th."""
    account = life.customer(code)
    entry = life.owes(account)
    day = DUE + timedelta(days=16)
    life.after(
        8,
        lambda session, now: promise(session, account, items=[Part(entry)], due_on=day, by="user:1", now=now) and None,
    )
    life.after(16 if keeps else 60, pays(life, account, entry, 100_000))


def paying_half(life: Life) -> None:
    """Pays half on the fourth day, the rest on the 20th."""
    account = life.customer("HALF")
    entry = life.owes(account)
    for days in (4, 20):
        life.after(days, pays(life, account, entry, 50_000))


def held(life: Life) -> None:
    """A person asks for silence from the second day to the 20th; it pays on the 35th."""
    account = life.customer("HELD")
    entry = life.owes(account)
    until = DUE + timedelta(days=20)
    life.after(
        2, lambda session, now: hold(session, account, until=until, reason="new address", by="user:1", now=now) and None
    )
    life.after(35, pays(life, account, entry, 100_000))


def bounced(life: Life) -> None:
    """Mail comes back on the fourth day; a new contact is known on the twelfth; paid on the 20th."""
    account = life.customer("BOUNCED")
    entry = life.owes(account)

    def comes_back(session: Session, now: datetime) -> None:
        contact = session.get_one(Contact, account)
        contact.bounced_at = now

    life.after(4, comes_back)
    life.after(
        12, lambda session, now: session.add(Contact(account_id=account, name="New", email="new@bounced.example"))
    )
    life.after(20, pays(life, account, entry, 100_000))


def unmatched(life: Life) -> None:
    """Its money came on the second day, and nobody knows yet what for."""
    account = life.customer("UNMATCHED")
    life.owes(account)
    life.after(
        2,
        lambda session, now: (
            life.world.credit(session, account, 100_000, kind=EntryKind.PAYMENT, on=now.date()) and None
        ),
    )


def by_post(life: Life) -> None:
    """Is written to by text message and letter, as its policy says; never pays before a person calls."""
    account = life.customer("BYPOST")
    life.owes(account)
    with life.world.database.transaction() as session:
        row = session.get_one(Account, account)
        row.street, row.postcode, row.city = "1 rue du Port", "13002", "Marseille"
        session.get_one(Contact, account).phone = "+33612345678"
        now = datetime.combine(FIRST, time(8), UTC)
        choose(session, account, "by-post", entry_id=None, reason="asked for letters", by="user:1", now=now)


def far_away(life: Life) -> None:
    """Works in New York: Presidents' Day, 16 February, is no day for reminders there."""
    account = life.customer("FARAWAY", zone="America/New_York", country="US")
    life.after(20, pays(life, account, life.owes(account), 100_000))


def imported_late(life: Life) -> None:
    """Comes in on 2 March with an invoice forty days late."""
    account = life.customer("IMPORTED")
    day = date(2026, 3, 2)

    def comes_in(session: Session, now: datetime) -> None:
        life.world.invoice(session, account, 100_000, due=day - timedelta(days=40))

    life.on(day, comes_in)


def talking(life: Life) -> None:
    """Spoke with a person on the eighth day, and had its week of rest; pays on the 20th."""
    account = life.customer("TALKING")
    entry = life.owes(account)
    said = Note(account, CallOutcome.SPOKE)
    kernel, flying = life.world.kernel, life.world.in_flight
    life.after(8, lambda session, now: note_contact(session, kernel, said, by="user:1", now=now, in_flight=flying))
    life.after(20, pays(life, account, entry, 100_000))


def replying(life: Life) -> None:
    """Writes back on the ninth day, and nobody has looked yet five business days later; pays on the 25th."""
    account = life.customer("REPLYING")
    entry = life.owes(account)
    day = DUE + timedelta(days=9)
    at = datetime.combine(day, time(7), UTC)
    life.mails[day] = mail("Who may I talk to about this?", sender="replying@customers.example", at=at)
    life.after(25, pays(life, account, entry, 100_000))


WAYS = (
    punctual,
    forgetful,
    contesting,
    paying_half,
    held,
    bounced,
    unmatched,
    by_post,
    far_away,
    imported_late,
    talking,
    replying,
)
EXPECTED: dict[str, list[Said]] = {
    "PUNCTUAL": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
    ],
    "FORGETFUL": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-03-23", "received", "email", 100_000, (), "its second invoice, a week before it is due"),
        Said("2026-03-27", "courtesy", "email", 100_000, (), "three days before"),
        Said("2026-03-30", "due", "email", 100_000, (), "due today"),
        Said("2026-04-02", "friendly", "email", 100_000, (), "three days late"),
    ],
    "CONTESTING": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said(
            "2026-02-09",
            "question",
            "email",
            60_000,
            ("contested",),
            "the rest: 400.00 is contested since Saturday",
        ),
        Said("2026-02-16", "firm", "email", 60_000, ("contested",), "still the rest alone"),
        Said("2026-03-04", "formal", "email", 100_000, (), "all of it: the claim was answered on Friday"),
    ],
    "HALF": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-02-09", "question", "email", 50_000, (), "half of it came on Friday"),
        Said("2026-02-16", "firm", "email", 50_000, (), "two weeks late"),
    ],
    "HELD": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said(
            "2026-02-23",
            "friendly",
            "email",
            100_000,
            (),
            "the day after the hold, where it had stopped",
        ),
        Said("2026-02-26", "question", "email", 100_000, (), "then one step at a time, with three days of rest"),
        Said("2026-03-02", "firm", "email", 100_000, (), "two weeks late"),
        Said("2026-03-05", "formal", "email", 100_000, (), "thirty days late"),
    ],
    "BOUNCED": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-02-16", "question", "email", 100_000, (), "there is somebody to write to again"),
        Said("2026-02-19", "firm", "email", 100_000, (), "three days after the last word"),
    ],
    "UNMATCHED": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "the last: its money came, nobody knows yet what for"),
    ],
    "BYPOST": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "sms", 100_000, (), "by text message, as its policy says"),
        Said("2026-02-09", "question", "letter", 100_000, (), "by letter"),
        Said("2026-02-16", "firm", "email", 100_000, (), "two weeks late"),
        Said("2026-03-04", "formal", "email", 100_000, (), "thirty days late"),
        Said("2026-03-19", "call", "phone", 100_000, (), "a person calls"),
    ],
    "FARAWAY": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-02-09", "question", "email", 100_000, (), "a week late"),
        Said("2026-02-17", "firm", "email", 100_000, (), "the 16th is a holiday there"),
    ],
    "IMPORTED": [
        Said(
            "2026-03-02",
            "friendly",
            "email",
            100_000,
            (),
            "first seen so late, it starts gently",
        ),
        Said("2026-03-05", "question", "email", 100_000, (), "a week late"),
        Said("2026-03-09", "firm", "email", 100_000, (), "the 8th is a Sunday"),
        Said("2026-03-12", "formal", "email", 100_000, (), "thirty days late"),
        Said("2026-03-16", "call", "phone", 100_000, (), "a person decides"),
    ],
    "TALKING": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-02-09", "question", "email", 100_000, (), "a week late"),
        Said("2026-02-17", "firm", "email", 100_000, (), "a week after the conversation"),
    ],
    "REPLYING": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-02-09", "question", "email", 100_000, (), "a week late"),
        Said("2026-02-19", "firm", "email", 100_000, (), "its reply of the 11th has waited five business days"),
    ],
    "KEEPING": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-02-09", "question", "email", 100_000, (), "the day before it promises; then silence, and it pays"),
    ],
    "BREAKING": [
        Said("2026-01-26", "received", "email", 100_000, (), "a week before the due date"),
        Said("2026-01-30", "courtesy", "email", 100_000, (), "three days before, which is a Friday"),
        Said("2026-02-02", "due", "email", 100_000, (), "due today"),
        Said("2026-02-05", "friendly", "email", 100_000, (), "three days late"),
        Said("2026-02-09", "question", "email", 100_000, (), "a week late"),
        Said(
            "2026-02-23",
            "promise-passed",
            "email",
            100_000,
            (),
            "its promise for the 18th was judged on Saturday",
        ),
        Said("2026-02-26", "firm", "email", 100_000, (), "three days after the last word"),
        Said("2026-03-04", "formal", "email", 100_000, (), "thirty days late"),
        Said("2026-03-19", "call", "phone", 100_000, (), "everything was written: a person calls"),
    ],
}


def test_every_message_of_six_months_has_its_reason(life: Life) -> None:
    for way in WAYS:
        way(life)
    promising(life, "KEEPING", keeps=True)
    promising(life, "BREAKING", keeps=False)
    life.live()
    import pprint

    pprint.pprint(dict(life.said), width=150)
    told = {code: [one._replace(why="") for one in said] for code, said in EXPECTED.items()}
    assert {code: life.said[code] for code in life.codes.values()} == told
    with life.world.database.reading() as session:
        ended = select(col(OutboxMessage.channel), col(OutboxMessage.state)).distinct()
        assert {tuple(row) for row in session.connection().execute(ended)} == {
            (MessageChannel.EMAIL, MessageState.SENT),
            (MessageChannel.SMS, MessageState.SENT),
            (MessageChannel.LETTER, MessageState.QUEUED),  # it is printed with others
        }
        assert verify(session) == []
