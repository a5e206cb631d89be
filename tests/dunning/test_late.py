"""What is announced and booked for lateness: the law's figures, each once, and only once the message has left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import table
from ar.core.mail import FolderMailer
from ar.core.outbox import MessageChannel, always_wanted, deliver
from ar.customers.accounts import change_account
from ar.customers.models import AccountKind
from ar.ledger.items import mark_disputed
from ar.ledger.models import Entry, EntryKind
from dunning.late import book_charges
from dunning.message import PURPOSE
from dunning.models import DunningNotice
from dunning.policies import add_policy
from dunning.policy import FRIENDLY_FIVE
from dunning.steps import Charge
from invoicing.law.interest import interest_minor
from invoicing.law.table import law_of
from invoicing.models import LawKind
from tests.dunning.world import MORNING, World

LATE = MORNING.date() - timedelta(days=32)


def ladder(world: World, charge: Charge) -> None:
    """Only the formal step, so that the first word of the test reaches it."""
    formal = replace(FRIENDLY_FIVE.steps[-1], interest=charge, fixed_sum=charge)
    policy = replace(FRIENDLY_FIVE, name="formal", steps=(formal,))
    with world.database.transaction() as session:
        add_policy(session, policy, active_from=MORNING, by="user:1", now=MORNING)


def charges(world: World) -> list[DunningNotice]:
    with world.database.reading() as session:
        rows = session.connection().execute(select(table(DunningNotice)).order_by(col(DunningNotice.id)))
        return [DunningNotice(**row) for row in rows.mappings()]


def leave(world: World) -> None:
    mailer = FolderMailer(Path(world.settings.var_dir) / "mail")
    carriers = {MessageChannel.EMAIL: mailer}
    deliver(world.kernel, carriers, {PURPOSE: always_wanted}, now=MORNING, limit=100, worker="test")


def booked(session: Session) -> list[tuple[int, int, str]]:
    query = select(col(Entry.account_id), col(Entry.amount_minor), col(Entry.source_key))
    rows = session.connection().execute(query.where(col(Entry.kind) == EntryKind.LATE_CHARGE))
    return [(row.account_id, row.amount_minor, row.source_key) for row in rows]


def test_sums_are_those_of_the_law_and_of_one_invoice(world: World) -> None:
    ladder(world, Charge.ANNOUNCED)
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo, 1_000_000, due=LATE)
        contested = world.invoice(session, jo, 500_000, due=LATE)
        mark_disputed(session, contested, 100_000, on=LATE, source="test")
        percent = law_of(session, "FR").on(LawKind.INTEREST, LATE).value
    world.run()
    [notice] = charges(world)
    [charge] = notice.charges or []
    assert charge["entry_id"] == entry  # nothing is reckoned on what is contested in part
    assert (charge["days"], charge["fixed_minor"], charge["book_minor"]) == (32, 4_000, 0)
    assert charge["interest_minor"] == interest_minor(1_000_000, percent, 32)
    assert not notice.to_book
    leave(world)
    assert book_charges(world.kernel, {}, MORNING) == "0 late charges booked"


def test_a_booked_charge_is_posted_once_and_after_the_message(world: World) -> None:
    ladder(world, Charge.BOOKED)
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo, 1_000_000, due=LATE)
    world.run()
    assert book_charges(world.kernel, {}, MORNING) == "0 late charges booked"  # it has not left yet
    leave(world)
    assert book_charges(world.kernel, {}, MORNING) == "1 late charges booked"
    assert book_charges(world.kernel, {}, MORNING) == "0 late charges booked"
    [notice] = charges(world)
    [charge] = notice.charges or []
    assert charge["book_minor"] == charge["interest_minor"] + charge["fixed_minor"]
    with world.database.reading() as session:
        assert booked(session) == [(jo, charge["book_minor"], f"late:{entry}")]


def test_a_consumer_owes_nothing_of_it(world: World) -> None:
    ladder(world, Charge.BOOKED)
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        change_account(session, jo, {"kind": AccountKind.CONSUMER}, by="user:1", now=MORNING)
        world.invoice(session, jo, 1_000_000, due=LATE)
    world.run()
    assert [notice.charges for notice in charges(world)] == [None]


def test_where_the_law_is_not_known_nothing_is_told(world: World) -> None:
    ladder(world, Charge.ANNOUNCED)
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo, 1_000_000, due=MORNING.date() - timedelta(days=300))
    world.run()
    assert [notice.charges for notice in charges(world)] == [None]
