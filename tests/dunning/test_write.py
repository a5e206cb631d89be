"""By which way a message goes, to whom besides, and who signs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session, col, select

from ar.core.access.models import Role, User
from ar.core.outbox import MessageChannel, MessageState, OutboxMessage
from ar.customers.models import Account, Channel, Contact
from dunning.facts import mobile
from dunning.guard import copy_guard, reminder_guard
from dunning.message import COPY_PURPOSE, PURPOSE
from dunning.models import DunningNotice, DunningNoticeItem
from dunning.policies import add_policy
from dunning.policy import FRIENDLY_FIVE
from dunning.steps import Copy, Signer, Step
from tests.dunning.world import DUE, MORNING, World


def friendly(world: World, **change: object) -> None:
    """The friendly step alone, changed."""
    step: Step = replace(FRIENDLY_FIVE.steps[1], **change)  # type: ignore[arg-type]
    policy = replace(FRIENDLY_FIVE, name="test", steps=(step,))
    with world.database.transaction() as session:
        add_policy(session, policy, active_from=MORNING, by="user:1", now=MORNING)


def jo_of(world: World, **account: object) -> int:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        row = session.get_one(Account, jo)
        for name, value in account.items():
            setattr(row, name, value)
        world.invoice(session, jo)
    return jo


def contact(session: Session, account_id: int) -> Contact:
    return session.exec(select(Contact).where(Contact.account_id == account_id).order_by(col(Contact.id))).first()  # type: ignore[return-value]


def sent(world: World) -> list[OutboxMessage]:
    world.run()
    with world.database.reading() as session:
        return world.messages(session)


def test_a_text_message_goes_to_the_number(world: World) -> None:
    friendly(world, channel=Channel.SMS)
    jo = jo_of(world)
    with world.database.transaction() as session:
        contact(session, jo).phone = "+33 (0)6 12.34.56.78"
    [message] = sent(world)
    assert (message.channel, message.recipient, message.body_html) == (MessageChannel.SMS, "+33612345678", "")
    assert "https://pay.example" in message.body_text


def test_without_a_number_it_goes_by_mail_and_says_so(world: World) -> None:
    friendly(world, channel=Channel.SMS)
    jo_of(world)
    [message] = sent(world)
    assert message.channel is MessageChannel.EMAIL
    with world.database.reading() as session:
        [notice] = session.exec(select(DunningNotice)).all()
        assert notice.channel is Channel.EMAIL


def test_a_letter_goes_to_the_address(world: World) -> None:
    friendly(world, channel=Channel.LETTER)
    jo_of(world, street="1 rue du Port", postcode="13002", city="Marseille")
    [message] = sent(world)
    assert message.channel is MessageChannel.LETTER
    assert message.recipient.split("\n") == ["Company JO", "1 rue du Port", "13002 Marseille"]
    assert message.sender == "FR1"


def test_a_notice_on_the_portal_needs_no_address(world: World) -> None:
    friendly(world, channel=Channel.PORTAL)
    jo = jo_of(world)
    [message] = sent(world)
    assert (message.channel, message.account_id) == (MessageChannel.PORTAL, jo)


def test_who_pays_is_written_to_before_who_comes_first(world: World) -> None:
    jo = jo_of(world)
    with world.database.transaction() as session:
        for name, roles in (("billing", ["billing"]), ("paying", ["paying"])):
            session.add(Contact(account_id=jo, name=name, email=f"{name}@jo.example", roles=roles))
    [message] = sent(world)
    assert message.recipient == "paying@jo.example"


def test_copies_go_to_whom_the_step_names_and_the_owner_signs(world: World) -> None:
    friendly(world, copies=(Copy.MANAGEMENT, Copy.OWNER), signer=Signer.OWNER)
    with world.database.transaction() as session:
        owner = User(
            email="ana@seller.example", name="Ana Owner", password_hash="x", role=Role.COLLECTOR, created_at=MORNING
        )
        session.add(owner)
        session.flush()
        owner_id = owner.id
    jo = jo_of(world, owner_id=owner_id)
    with world.database.transaction() as session:
        boss = Contact(account_id=jo, name="Boss", email="boss@jo.example", roles=["management"])
        session.add_all([boss, Contact(account_id=jo, name="Else", email="else@jo.example", roles=["disputes"])])
    main, *copies = sent(world)
    assert (main.purpose, main.recipient) == (PURPOSE, "jo@customers.example")
    assert {copy.recipient for copy in copies} == {"Boss <boss@jo.example>", "Ana Owner <ana@seller.example>"}
    assert {copy.purpose for copy in copies} == {COPY_PURPOSE}
    assert {copy.body_text for copy in copies} == {main.body_text}
    with world.database.transaction() as session:
        entry_id = session.exec(select(DunningNoticeItem.entry_id)).one()
        world.pay(session, jo, entry_id, 1)
        found = world.messages(session)
        soon = MORNING + timedelta(minutes=5)
        unwanted = copy_guard(world.in_flight)(session, found[1:], soon)
        assert set(unwanted) == {copy.id for copy in copies}
        assert session.exec(select(DunningNotice)).one().cancelled_at is None  # a copy cancels nothing but itself
        assert set(reminder_guard(world.in_flight)(session, found[:1], soon)) == {main.id}


def test_a_letter_may_wait_for_its_batch_a_message_may_not(world: World) -> None:
    friendly(world, channel=Channel.LETTER)
    jo_of(world, street="1 rue du Port", postcode="13002", city="Marseille")
    [message] = sent(world)
    assert message.state is MessageState.QUEUED
    guard = reminder_guard(world.in_flight)
    with world.database.transaction() as session:
        assert guard(session, [message], MORNING + timedelta(days=2, hours=10)) == {}
        assert set(guard(session, [message], MORNING + timedelta(days=6))) == {message.id}


def test_numbers_as_people_write_them() -> None:
    assert mobile("0033 6 12 34 56 78") == "+33612345678"
    assert mobile("06 12 34 56 78") == mobile("call me") == mobile(None) == mobile("+33-12") == ""
    assert MORNING.date() > DUE
