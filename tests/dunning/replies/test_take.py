"""A message is taken in once, belongs to whom its thread or its sender says, and what is safe is done, once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from ar.cash.remittance.models import RemittanceAdvice
from ar.core.db import Database
from ar.core.jobs import run_due
from ar.core.outbox import Arrival
from ar.core.settings import Settings
from ar.customers.models import Contact, LegalEntity
from dunning.replies.copies import send_copies
from dunning.replies.kinds import MatchedBy, ProposalKind, ProposalState, ReplyKind, ReplyState
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.safe import COPIES_JOB
from dunning.replies.take import take
from dunning.replies.thread import ANSWER_PURPOSE
from dunning.replies.understand import nobody_says
from dunning.replies.waiting import waiting_replies
from tests.dunning.replies.mails import WRITTEN, bounce_of, mail
from tests.dunning.world import MORNING, World

NOW = WRITTEN + timedelta(minutes=5)


@pytest.fixture
def bakery(world: World) -> int:
    with world.database.transaction() as session:
        account_id = world.customer(session, "BAKERY", email="jo@bakery.example")
        world.invoice(session, account_id)
        world.invoice(session, account_id, 25_000)
        return account_id


def taken(world: World, raw: bytes, **other: object) -> Reply:
    return take(world.kernel, raw, likely=nobody_says, by="system", now=other.get("now", NOW))  # type: ignore[arg-type]


def proposals(world: World, reply: Reply) -> list[ReplyProposal]:
    with world.database.reading() as session:
        query = select(ReplyProposal).where(ReplyProposal.reply_id == reply.id).order_by(col(ReplyProposal.position))
        found = list(session.exec(query))
        session.expunge_all()
        return found


def test_the_same_message_is_one_reply(world: World, bakery: int) -> None:
    first = taken(world, mail("We will pay INV-1 on Friday."))
    again = taken(world, b"Received: by another way\r\n" + mail("We will pay INV-1 on Friday."))
    other = taken(world, mail("We will pay INV-2 on Friday.", message_id="<m2@bakery.example>"))
    assert first.id == again.id != other.id


def test_without_a_message_id_the_content_counts(world: World, bakery: int) -> None:
    one, two = mail("We pay.", message_id=""), mail("We pay not.", message_id="")
    assert taken(world, one).id == taken(world, one).id != taken(world, two).id


def test_a_promise_is_proposed_with_its_sentence(world: World, bakery: int) -> None:
    reply = taken(world, mail("Hello,\n\nWe will pay 60.00 EUR of INV-1 by Friday.\n\nRegards\nJo"))
    assert (reply.account_id, reply.matched_by, reply.kind) == (bakery, MatchedBy.SENDER, ReplyKind.PROMISE)
    assert (reply.state, reply.human) == (ReplyState.OPEN, True)
    [one] = proposals(world, reply)
    assert one.state is ProposalState.OPEN
    assert reply.text[one.quote_start : one.quote_end] == "We will pay 60.00 EUR of INV-1 by Friday."
    assert (one.data["due_on"], one.data["amount_minor"]) == ("2026-03-13", 6_000)
    assert len(one.data["entry_ids"]) == 1


def test_a_message_belongs_to_the_thread_it_answers(world: World, bakery: int) -> None:
    world.run()
    with world.database.reading() as session:
        [message] = world.messages(session)
    answers = f"<{message.digest}@seller.example>"
    reply = taken(world, mail("We will pay on Friday.", sender="colleague@elsewhere.example", answers=answers))
    assert (reply.account_id, reply.matched_by, reply.contact_id) == (bakery, MatchedBy.THREAD, None)
    assert reply.outbox_id == message.id
    [one] = proposals(world, reply)
    assert one.data["entry_ids"] == []


def test_a_reminder_asks_for_answers_at_an_address_that_names_the_customer(
    database: Database, settings: Settings
) -> None:
    world = World(database, settings.model_copy(update={"reply_address": "replies@seller.example"}))
    with database.transaction() as session:
        account_id = world.customer(session, "BAKERY")
        world.invoice(session, account_id)
    world.run()
    with database.reading() as session:
        [message] = world.messages(session)
    raw = mail("We will pay on Friday.", sender="x@elsewhere.example", to=message.headers["Reply-To"])
    reply = taken(world, raw)
    assert (reply.account_id, reply.matched_by, reply.contact_id) == (account_id, MatchedBy.TOKEN, None)


def test_a_sender_of_another_customer_is_left_to_a_person(world: World, bakery: int) -> None:
    with world.database.transaction() as session:
        other = world.customer(session, "OTHER", email="pat@other.example")
    world.run()
    with world.database.reading() as session:
        [message] = world.messages(session)
    raw = mail("We pay.", sender="pat@other.example", answers=f"<{message.digest}@seller.example>")
    reply = taken(world, raw)
    assert (reply.account_id, reply.matched_by) == (None, MatchedBy.NOBODY)
    assert reply.suggested == [bakery, other]
    assert reply.doubts


def test_content_never_says_whose_it_is(world: World, bakery: int) -> None:
    raw = mail("Company BAKERY pays INV-1 on Friday. Yours, jo@bakery.example", sender="x@unknown.example")
    reply = taken(world, raw)
    assert (reply.account_id, reply.suggested) == (None, [])


def test_a_domain_only_suggests(world: World, bakery: int) -> None:
    assert taken(world, mail("We pay.", sender="new@bakery.example")).suggested == [bakery]
    assert taken(world, mail("We pay.", sender="new@gmail.com", message_id="<2@x>")).suggested == []


def test_a_shared_address_is_left_to_a_person(world: World, bakery: int) -> None:
    with world.database.transaction() as session:
        second = world.customer(session, "SECOND", email="JO@bakery.example")
    reply = taken(world, mail("We will pay on Friday."))
    assert (reply.account_id, reply.suggested) == (None, [bakery, second])


def test_a_copy_goes_at_once_to_the_contact_alone(world: World, bakery: int) -> None:
    reply = taken(world, mail("Could you send us a copy of invoice INV-1?", Reply_To="thief@evil.example"))
    [one] = proposals(world, reply)
    assert (one.kind, one.state) == (ProposalKind.COPY, ProposalState.DONE)
    assert (reply.state, reply.handled_by) == (ReplyState.HANDLED, "system")
    assert run_due(world.kernel, {COPIES_JOB: send_copies}, now=NOW, limit=10) == 1
    with world.database.reading() as session:
        [message] = [one for one in world.messages(session) if one.purpose == ANSWER_PURPOSE]
    assert message.recipient == "jo@bakery.example"
    assert message.headers["In-Reply-To"] == "<m1@bakery.example>"
    assert len(message.attachments) == 1  # the invoice was imported: the statement tells of it
    assert "INV-1" in message.subject


def test_a_stranger_gets_nothing_by_itself(world: World, bakery: int) -> None:
    world.run()
    with world.database.reading() as session:
        [message] = world.messages(session)
    raw = mail("Please send a copy of INV-1.", sender="x@elsewhere.example", answers=f"<{message.digest}@s.example>")
    reply = taken(world, raw)
    assert reply.account_id == bakery
    [one] = proposals(world, reply)
    assert one.state is ProposalState.OPEN
    assert run_due(world.kernel, {COPIES_JOB: send_copies}, now=NOW, limit=10) == 0


def test_two_machines_that_answer_each_other_end_with_one_answer(world: World, bakery: int) -> None:
    """Guarantee 16: the other machine asks again whatever it gets, and hides that it is one."""
    asked = "Please send a copy of INV-1."
    taken(world, mail(asked, message_id="<0@bakery.example>"))
    for n in range(1, 8):
        now = NOW + timedelta(hours=5 * n)
        run_due(world.kernel, {COPIES_JOB: send_copies}, now=now, limit=10)
        with world.database.reading() as session:
            sent = [one for one in world.messages(session) if one.purpose == ANSWER_PURPOSE]
        answers = f"<{sent[-1].digest}@seller.example>"
        taken(world, mail(asked, message_id=f"<{n}@bakery.example>", answers=answers), now=now)
    assert len(sent) == 1


def test_fresh_messages_get_few_answers_a_day(world: World, bakery: int) -> None:
    for n in range(6):
        taken(world, mail("Please send a copy of INV-1.", message_id=f"<{n}@bakery.example>"))
    run_due(world.kernel, {COPIES_JOB: send_copies}, now=NOW, limit=10)
    with world.database.reading() as session:
        assert len([one for one in world.messages(session) if one.purpose == ANSWER_PURPOSE]) == 3


def test_opting_out_is_done_for_the_contact(world: World, bakery: int) -> None:
    reply = taken(world, mail("Please unsubscribe me from these messages."))
    assert reply.state is ReplyState.HANDLED
    with world.database.reading() as session:
        [contact] = session.exec(select(Contact).where(Contact.account_id == bakery))
        assert contact.opted_out_at is not None


def test_an_advice_is_handed_to_remittances(world: World, bakery: int) -> None:
    table = b"Invoice;Amount paid;Currency\nINV-1;100,00;EUR\nINV-2;250,00;EUR\n"
    raw = mail("Please find attached our remittance advice.", files=(("advice.csv", "text/csv", table),))
    reply = taken(world, raw)
    assert reply.kind is ReplyKind.REMITTANCE
    [one] = proposals(world, reply)
    assert one.state is ProposalState.DONE
    with world.database.reading() as session:
        advice = session.get(RemittanceAdvice, one.result["advice_id"])
        assert advice is not None
        assert (advice.account_id, advice.amount_minor) == (bakery, 35_000)


def test_nobody_waits_for_machines(world: World, bakery: int) -> None:
    away = mail(
        "I am out of the office until 20 March.", subject="Automatic reply: Invoice", Auto_Submitted="auto-replied"
    )
    reply = taken(world, away)
    assert (reply.kind, reply.human, reply.back_on) == (ReplyKind.OUT_OF_OFFICE, False, date(2026, 3, 21))
    [one] = proposals(world, reply)
    assert (one.kind, one.data) == (ProposalKind.WAIT, {"until": "2026-03-21"})
    bounce = mail("It failed.", sender="MAILER-DAEMON@mx.example", subject="Undeliverable", message_id="<b@x>")
    assert (taken(world, bounce).kind, taken(world, bounce).state) == (ReplyKind.BOUNCE, ReplyState.HANDLED)
    with world.database.reading() as session:
        assert waiting_replies(session, [bakery], since=date(2026, 3, 1)) == {}


def test_our_own_message_coming_back_is_known(world: World, bakery: int) -> None:
    world.run()
    with world.database.transaction() as session:
        [message] = world.messages(session)
        seller = session.get(LegalEntity, world.entity_id)
        assert seller is not None
    own = mail("Please pay.", message_id=f"<{message.digest}@seller.example>")
    assert taken(world, own).kind is ReplyKind.OWN


def test_who_waits_since_when(world: World, bakery: int) -> None:
    with world.database.transaction() as session:
        other = world.customer(session, "OTHER")
    first = taken(world, mail("We contest INV-1: the price is wrong.", at=MORNING))
    taken(world, mail("And another thing: what is INV-2 about?", message_id="<m2@x>"))
    ids = [bakery, other]
    with world.database.reading() as session:
        assert waiting_replies(session, ids, since=date(2026, 1, 1)) == {bakery: first.written_on}
        assert waiting_replies(session, ids, since=date(2026, 3, 5)) == {bakery: date(2026, 3, 11)}
        assert waiting_replies(session, [other], since=date(2026, 1, 1)) == {}


def test_a_bounce_is_noted_at_its_message(world: World, bakery: int) -> None:
    world.run()
    with world.database.reading() as session:
        [message] = world.messages(session)
    reply = taken(world, bounce_of(f"<{message.digest}@seller.example>", "jo@bakery.example"))
    assert (reply.kind, reply.outbox_id, reply.account_id) == (ReplyKind.BOUNCE, message.id, bakery)
    with world.database.reading() as session:
        [again] = world.messages(session)
        [contact] = session.exec(select(Contact).where(Contact.account_id == bakery))
        assert again.arrival is Arrival.BOUNCED
        assert contact.bounced_at is not None


def test_nothing_is_kept_of_a_message_that_fails_half_way(
    world: World, bakery: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr("dunning.replies.take.do_safe", breaks)
    with pytest.raises(RuntimeError):
        taken(world, mail("Please send a copy of INV-1."))
    with world.database.reading() as session:
        assert session.exec(select(Reply)).all() == []
        assert session.exec(select(ReplyProposal)).all() == []
