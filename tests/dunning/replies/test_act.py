"""What a person decides: whose it is, what is followed, and when it is handled; twice is once."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Thread

import pytest
from sqlmodel import col, select

from ar.cash.plans.models import PaymentPlan
from ar.core.errors import DomainError
from ar.core.jobs import run_due
from ar.customers.models import Contact
from ar.disputes.models import Dispute, Reason
from dunning.models import DunningHold, Promise
from dunning.promises import PromiseError
from dunning.replies.act import ProposalDecidedError, accept, assign, dismiss, handle, reply_by_id
from dunning.replies.copies import send_copies
from dunning.replies.follow import Changes, ProposalError
from dunning.replies.jobs import FORGOTTEN, forget_replies
from dunning.replies.kinds import MatchedBy, ProposalKind, ProposalState, ReplyState
from dunning.replies.model import likely
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.safe import COPIES_JOB
from dunning.replies.take import proposals_of, take
from dunning.replies.thread import ANSWER_PURPOSE
from dunning.replies.tokens import account_named, reply_address
from dunning.replies.understand import Likely, nobody_says
from tests.dunning.replies.mails import WRITTEN, mail
from tests.dunning.world import World

NOW = WRITTEN + timedelta(hours=1)
BY = "user:1"


@pytest.fixture
def bakery(world: World) -> int:
    with world.database.transaction() as session:
        account_id = world.customer(session, "BAKERY", email="jo@bakery.example")
        world.invoice(session, account_id)
        world.invoice(session, account_id, 25_000)
        return account_id


def came(world: World, text: str, model: Likely = nobody_says, **given: str) -> tuple[Reply, list[ReplyProposal]]:
    reply = take(world.kernel, mail(text, **given), likely=model, by="system", now=WRITTEN)  # type: ignore[arg-type]
    with world.database.reading() as session:
        found = proposals_of(session, [reply.id or 0])[reply.id or 0]
        session.expunge_all()
    return reply, found


def followed(world: World, one: ReplyProposal, changes: Changes | None = None) -> ReplyProposal:
    with world.database.transaction() as session:
        return accept(session, one.id or 0, by=BY, now=NOW, changes=changes)


def test_a_promise_followed_twice_is_one(world: World, bakery: int) -> None:
    reply, [one] = came(world, "We will pay INV-1 on Friday.")
    first, again = followed(world, one), followed(world, one)
    assert first.result == again.result
    with world.database.reading() as session:
        [made] = session.exec(select(Promise)).all()
        assert (made.amount_minor, made.due_on, made.made_by) == (10_000, date(2026, 3, 13), BY)
        assert reply_by_id(session, reply.id or 0).state is ReplyState.HANDLED


def test_two_people_at_once_follow_it_once(world: World, bakery: int) -> None:
    _, [one] = came(world, "We will pay INV-1 on Friday.")
    people = [Thread(target=followed, args=(world, one)) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    with world.database.reading() as session:
        assert len(session.exec(select(Promise)).all()) == 1


def test_an_amount_without_an_invoice_goes_to_what_is_due_first(world: World, bakery: int) -> None:
    _, [one] = came(world, "We will pay 150.00 EUR on Friday.")
    followed(world, one)
    with world.database.reading() as session:
        assert [made.amount_minor for made in session.exec(select(Promise))] == [15_000]


def test_a_promise_without_a_day_wants_one(world: World, bakery: int) -> None:
    _, [one] = came(world, "We will pay INV-1 very soon.", likely)
    with pytest.raises(ProposalError):
        followed(world, one)
    assert followed(world, one, Changes(due_on=date(2026, 3, 20))).state is ProposalState.ACCEPTED


def test_what_fails_leaves_the_proposal_open(world: World, bakery: int) -> None:
    _, [one] = came(world, "We will pay INV-1 on Friday.")
    with pytest.raises(PromiseError):
        followed(world, one, Changes(due_on=date(2020, 1, 1)))
    with world.database.reading() as session:
        again = session.get(ReplyProposal, one.id)
        assert again is not None
        assert again.state is ProposalState.OPEN


def test_a_dispute_with_its_reason_and_words(world: World, bakery: int) -> None:
    _, [one] = came(world, "Two boxes of INV-1 arrived damaged. Thanks")
    followed(world, one)
    with world.database.reading() as session:
        [made] = session.exec(select(Dispute)).all()
        assert (made.reason, made.reference) == (Reason.QUALITY, "INV-1")
        assert made.text == "Two boxes of INV-1 arrived damaged."


def test_a_dispute_of_nothing_wants_an_invoice_and_of_anothers_gets_none(world: World, bakery: int) -> None:
    with world.database.transaction() as session:
        foreign = world.invoice(session, world.customer(session, "OTHER"))
    _, [one] = came(world, "The price is wrong.")
    for changes in (None, Changes(entry_ids=(foreign,)), Changes(entry_ids=(99_999,))):
        with pytest.raises(ProposalError):
            followed(world, one, changes)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("We paid INV-1 yesterday.", date(2026, 3, 18)),
        ("Our company is in liquidation.", None),
    ],
)
def test_holds(world: World, bakery: int, text: str, until: date | None) -> None:
    _, [one] = came(world, text)
    followed(world, one)
    with world.database.reading() as session:
        [made] = session.exec(select(DunningHold)).all()
        assert made.until == until
        assert text in made.reason


def test_reminders_wait_until_somebody_is_back(world: World, bakery: int) -> None:
    reply, [one] = came(world, "I am away until 20 March.", subject="Out of office", Auto_Submitted="auto-replied")
    assert not reply.human
    followed(world, one)
    with world.database.reading() as session:
        [made] = session.exec(select(DunningHold)).all()
        assert made.until == date(2026, 3, 21)


def test_another_contact_is_written_to_from_now_on(world: World, bakery: int) -> None:
    _, [one] = came(world, "Jo no longer works here, please write to ap@bakery.example.")
    followed(world, one)
    with world.database.reading() as session:
        contacts = {c.email: c for c in session.exec(select(Contact).where(Contact.account_id == bakery))}
        assert contacts["jo@bakery.example"].bounced_at is not None
        assert contacts["ap@bakery.example"].bounced_at is None


def test_other_bank_details_change_nothing(world: World, bakery: int) -> None:
    _, [one] = came(world, "Our bank details have changed, use the new IBAN.")
    assert (one.kind, one.data) == (ProposalKind.DETAILS, {"bank": True})
    with pytest.raises(ProposalError, match="telephone"):
        followed(world, one)


def test_a_plan_is_proposed_to_the_customer(world: World, bakery: int) -> None:
    _, [one] = came(world, "Could we pay in three instalments?")
    followed(world, one)
    with world.database.reading() as session:
        [made] = session.exec(select(PaymentPlan)).all()
        assert (made.account_id, made.amount_minor) == (bakery, 35_000)


def test_a_copy_for_a_stranger_goes_to_the_contact_when_a_person_says_so(world: World, bakery: int) -> None:
    reply, _ = came(world, "Please send a copy of INV-1.", sender="x@elsewhere.example")
    with world.database.transaction() as session:
        assign(session, reply.id or 0, bakery, likely=nobody_says, by=BY, now=NOW)
        [one] = proposals_of(session, [reply.id or 0])[reply.id or 0]
        assert one.state is ProposalState.OPEN  # nothing is done by itself
    followed(world, one)
    followed(world, one)
    run_due(world.kernel, {COPIES_JOB: send_copies}, now=NOW, limit=10)
    with world.database.reading() as session:
        answers = [m.recipient for m in world.messages(session) if m.purpose == ANSWER_PURPOSE]
    assert answers == ["jo@bakery.example"]


def test_who_it_is_from_can_be_told_and_changed_until_something_was_done(world: World, bakery: int) -> None:
    with world.database.transaction() as session:
        other = world.customer(session, "OTHER")
    reply, [blind] = came(world, "We will pay INV-1 on Friday.", sender="x@elsewhere.example")
    assert reply.account_id is None
    with pytest.raises(ProposalError):
        followed(world, blind)
    with world.database.transaction() as session:
        told = assign(session, reply.id or 0, bakery, likely=nobody_says, by=BY, now=NOW)
        assert told.matched_by is MatchedBy.PERSON
        [one] = proposals_of(session, [reply.id or 0])[reply.id or 0]
        assert len(one.data["entry_ids"]) == 1  # its invoices are known now
    followed(world, one)
    with world.database.transaction() as session, pytest.raises(ProposalDecidedError):
        assign(session, reply.id or 0, other, likely=nobody_says, by=BY, now=NOW)


def test_laid_aside_and_handled(world: World, bakery: int) -> None:
    reply, [one] = came(world, "We will pay INV-1 on Friday.")
    with world.database.transaction() as session:
        for _ in range(2):
            assert dismiss(session, one.id or 0, by=BY, now=NOW).state is ProposalState.DISMISSED
        assert reply_by_id(session, reply.id or 0).state is ReplyState.OPEN  # a person has still to answer
        for _ in range(2):
            assert handle(session, reply.id or 0, by=BY, now=NOW).handled_by == BY
    with pytest.raises(ProposalDecidedError):
        followed(world, one)


@pytest.mark.parametrize("act", [accept, dismiss])
def test_what_is_not_there(world: World, act: object) -> None:
    with world.database.transaction() as session, pytest.raises(DomainError, match="no proposal"):
        act(session, 4711, by=BY, now=NOW)  # type: ignore[operator]


def test_the_address_to_answer_to_names_the_customer(world: World, bakery: int) -> None:
    settings = world.settings.model_copy(update={"reply_address": "replies@seller.example"})
    address = reply_address(settings, bakery)
    assert address is not None
    assert account_named(settings, ["x@y.example", address.upper()]) == bakery
    forged = address.replace(f"+k{bakery}.", f"+k{bakery + 1}.")
    assert account_named(settings, [forged, "replies@seller.example"]) is None
    assert account_named(world.settings, [address]) is None
    assert reply_address(world.settings, bakery) is None


def test_old_words_are_forgotten_and_what_was_done_stays(world: World, bakery: int) -> None:
    reply, [one] = came(world, "We will pay INV-1 on Friday.")
    followed(world, one)
    assert forget_replies(world.kernel, {}, NOW) == "0 messages forgotten"
    late = NOW + timedelta(days=world.settings.replies_kept_days + 1)
    assert forget_replies(world.kernel, {}, late) == "1 messages forgotten"
    assert forget_replies(world.kernel, {}, late) == "0 messages forgotten"
    with world.database.reading() as session:
        kept = session.exec(select(Reply).where(col(Reply.id) == reply.id)).one()
        assert (kept.text, kept.sender, kept.subject, kept.file_id) == ("", "", FORGOTTEN, None)
        assert kept.kind is reply.kind
        assert len(session.exec(select(Promise)).all()) == 1
    assert not any(path.is_file() for path in (world.settings.var_dir / "files").rglob("*"))
