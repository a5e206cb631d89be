"""One click, and what it does: the log, the promise, the dispute, the number, the call back, and the queue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from ar.core.outbox import OutboxMessage
from ar.customers.accounts import ContactNotFoundError
from ar.customers.models import Contact
from ar.disputes.models import Dispute, Reason
from ar.ledger.allocate import ItemNotFoundError
from dunning.calls.act import CallError, Note, ask_call, next_contact
from dunning.calls.models import CallOutcome, CallTask, ContactEvent, TaskSource, TaskState
from dunning.calls.rest import conversations
from dunning.calls.tasks import TaskDraft, TaskOverError, add_tasks, call_after_broken, drop_gone, end_task, why_gone
from dunning.holds import hold
from dunning.models import Promise, PromiseSource, PromiseState
from dunning.promises import Part, PromiseError, judge, promise
from dunning.worklist.act import act_on
from dunning.worklist.find import row_of_account
from dunning.worklist.models import WorklistRow
from tests.dunning.make import customer, item
from tests.dunning.world import DUE, MORNING, World

TODAY = MORNING.date()
BY = "system"


def act(world: World, session: Session, account: int, outcome: CallOutcome, **given: object) -> ContactEvent:
    note = Note(account, outcome, **given)  # type: ignore[arg-type]
    return act_on(session, world.kernel, note, by=BY, now=MORNING, in_flight=world.in_flight)


def row(session: Session, account: int) -> WorklistRow:
    found = row_of_account(session, account)
    assert found is not None
    return found


def phone(session: Session, account: int, number: str = "+33 1") -> int:
    contact = Contact(account_id=account, name="Ann", phone=number)
    session.add(contact)
    session.flush()
    assert contact.id is not None
    return contact.id


def test_a_conversation_rests_for_seven_days(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO", zone="Pacific/Auckland")
        world.invoice(session, jo, due=DUE)
        act(world, session, jo, CallOutcome.SPOKE, text="will look", seconds=60)
        found = row(session, jo)
        assert (found.hidden_for, found.hidden_until) == ("resting", date(2026, 3, 9))
        assert found.exchange is not None
        assert (found.exchange["kind"], found.exchange["what"], found.exchange["note"]) == (
            "contact",
            "spoke",
            "will look",
        )
        assert conversations(session, [jo, 999], since=TODAY - timedelta(days=7)) == {jo: date(2026, 3, 2)}
        assert conversations(session, [jo], since=TODAY + timedelta(days=2)) == {}


def test_an_attempt_comes_back_tomorrow_and_is_no_conversation(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo, due=DUE)
        ask_call(session, jo, on=TODAY, why="ask", contact_id=None, by=BY, now=MORNING)
        act(world, session, jo, CallOutcome.LEFT_WORD)
        found = row(session, jo)
        assert (found.hidden_for, found.hidden_until) == ("tried", TODAY)
        assert conversations(session, [jo], since=TODAY) == {}
        [task] = session.exec(select(CallTask))
        session.refresh(task)
        assert (task.state, task.due_on) == (TaskState.OPEN, TODAY + timedelta(days=1))


def test_a_promise_is_taken_of_all_that_is_late_and_uncontested(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        late = world.invoice(session, jo, 10_000, due=DUE)
        world.invoice(session, jo, 500, due=DUE + timedelta(days=30))
        act(
            world,
            session,
            jo,
            CallOutcome.DISPUTE,
            entry_id=late,
            amount_minor=4_000,
            reason=Reason.PRICE,
            text="too dear",
        )
        event = act(world, session, jo, CallOutcome.PROMISE, promised_on=TODAY + timedelta(days=9))
        [made] = session.exec(select(Promise))
        assert (event.promise_id, made.amount_minor, made.source) == (made.id, 6_000, PromiseSource.PHONE)
        assert row(session, jo).hidden_for == "resting"
        assert row(session, jo).asked_minor == 0


def test_a_promise_of_a_part(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo, 10_000, due=DUE)
        act(world, session, jo, CallOutcome.PROMISE, promised_on=TODAY, parts=[Part(entry, 2_500)])
        assert session.exec(select(Promise.amount_minor)).all() == [2_500]
        assert row(session, jo).asked_minor == 7_500
        with pytest.raises(CallError, match="Nothing is asked"):
            act(world, session, world.customer(session, "NONE"), CallOutcome.PROMISE, promised_on=TODAY)


def test_a_dispute_is_opened_and_receipted(world: World) -> None:
    with world.database.transaction() as session:
        jo, other = world.customer(session, "JO"), world.customer(session, "OTHER")
        entry, foreign = world.invoice(session, jo, due=DUE), world.invoice(session, other, due=DUE)
        event = act(
            world, session, jo, CallOutcome.DISPUTE, entry_id=entry, reason=Reason.QUANTITY, text="one is missing"
        )
        dispute = session.exec(select(Dispute)).one()
        assert (event.dispute_id, dispute.amount_minor, dispute.reason) == (dispute.id, 10_000, Reason.QUANTITY)
        assert [message.subject_ref for message in session.exec(select(OutboxMessage))] == [f"dispute:{dispute.id}"]
        with pytest.raises(CallError, match="another customer"):
            act(world, session, jo, CallOutcome.DISPUTE, entry_id=foreign)
        with pytest.raises(ItemNotFoundError):
            act(world, session, jo, CallOutcome.DISPUTE, entry_id=999)


def test_a_wrong_number_is_marked_and_the_next_contact_proposed(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo, 900_000, due=DUE)
        first, second = phone(session, jo), phone(session, jo, "+33 2")
        act(world, session, jo, CallOutcome.NO_ANSWER)
        assert row(session, jo).contact["id"] == first  # type: ignore[index]
        act(world, session, jo, CallOutcome.WRONG_NUMBER, contact_id=first)
        assert row(session, jo).contact["id"] == second  # type: ignore[index]
        assert next_contact(session, jo).id == second  # type: ignore[union-attr]
        act(world, session, jo, CallOutcome.WRONG_NUMBER, contact_id=second)
        found = row(session, jo)
        assert (found.channel, found.contact["phone"]) == ("email", None)  # type: ignore[index]
        assert next_contact(session, jo) is None


def test_a_call_back_is_planned_for_its_local_day(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO", zone="Pacific/Auckland")
        world.invoice(session, jo, due=DUE)
        at = datetime(2026, 3, 3, 20, tzinfo=UTC)  # the fourth, 9 o'clock, in Auckland
        act(world, session, jo, CallOutcome.CALL_BACK, call_back_at=at)
        [task] = session.exec(select(CallTask))
        assert (task.source, task.due_on, task.due_at) == (TaskSource.CALL_BACK, date(2026, 3, 4), at)
        assert (row(session, jo).hidden_for, row(session, jo).hidden_until) == ("call_back", date(2026, 3, 3))
        act_on(
            session,
            world.kernel,
            Note(jo, CallOutcome.SPOKE, task_id=task.id),
            by=BY,
            now=at,
            in_flight=world.in_flight,
        )
        session.refresh(task)
        assert (task.state, task.over_for) == (TaskState.DONE, "spoke")


@pytest.mark.parametrize(
    ("outcome", "given", "fault"),
    [
        (CallOutcome.PROMISE, {}, "/promised_on"),
        (CallOutcome.DISPUTE, {}, "/entry_id"),
        (CallOutcome.WRONG_NUMBER, {}, "/contact_id"),
        (CallOutcome.CALL_BACK, {}, "/call_back_at"),
        (CallOutcome.CALL_BACK, {"call_back_at": MORNING}, "/call_back_at"),
    ],
)
def test_what_an_outcome_lacks(world: World, outcome: CallOutcome, given: dict[str, object], fault: str) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        with pytest.raises(CallError) as refused:
            act(world, session, jo, outcome, **given)
        assert [one.pointer for one in refused.value.faults] == [fault]


def test_others_contacts_and_calls_are_refused_and_nothing_is_stored(world: World) -> None:
    with world.database.transaction() as session:
        jo, other = world.customer(session, "JO"), world.customer(session, "OTHER")
        contact = session.exec(select(Contact.id).where(Contact.account_id == other)).one()
        task = ask_call(session, other, on=TODAY, why="ask", contact_id=None, by=BY, now=MORNING)
        with pytest.raises(ContactNotFoundError):
            act(world, session, jo, CallOutcome.SPOKE, contact_id=contact)
        with pytest.raises(CallError):
            act(world, session, jo, CallOutcome.SPOKE, task_id=task.id)
        with pytest.raises(PromiseError):
            act(world, session, jo, CallOutcome.PROMISE, promised_on=TODAY, parts=[Part(world.invoice(session, other))])
        assert session.exec(select(ContactEvent)).all() == []


def test_calls_are_added_once_and_dropped_when_their_reason_is_gone(world: World) -> None:
    with world.database.transaction() as session:
        paid, held, asked = (world.customer(session, code) for code in ("PAID", "HELD", "ASKED"))
        entries = {account: world.invoice(session, account, due=DUE) for account in (paid, held, asked)}
        drafts = [
            TaskDraft(f"k{account}", account, TaskSource.STEP, TODAY, entry_ids=(entry,))
            for account, entry in entries.items()
        ]
        assert (add_tasks(session, drafts, now=MORNING), add_tasks(session, drafts, now=MORNING)) == (3, 0)
        assert drop_gone(session, list(entries), now=MORNING, in_flight=world.in_flight) == {}
        world.pay(session, paid, entries[paid], 10_000)
        hold(session, held, until=None, reason="in talks", by=BY, now=MORNING)
        dropped = drop_gone(session, list(entries), now=MORNING, in_flight=world.in_flight)
        assert sorted(dropped.values()) == ["held", "paid"]
        [left] = session.exec(select(CallTask).where(CallTask.state == TaskState.OPEN))
        assert left.account_id == asked
        assert left.id is not None
        end_task(session, left.id, state=TaskState.DROPPED, why="settled", by=BY, now=MORNING)
        with pytest.raises(TaskOverError):
            end_task(session, left.id, state=TaskState.DONE, why="", by=BY, now=MORNING)


def test_why_a_call_need_not_be_made() -> None:
    def why(source: TaskSource = TaskSource.STEP, out: str | None = None, **given: Any) -> str | None:
        return why_gone(customer(item(1, **given)), [1], source, out, today=TODAY)

    assert why() is None
    assert why(disputed_minor=10_000) == "contested"
    assert why(promised_minor=10_000) == "promised"
    assert why(planned_minor=10_000) == "promised"
    assert why(in_flight_minor=10_000) == "being_paid"
    assert why(disputed_minor=5_000) is None
    assert why(out="legal") == "handed_on"
    assert why(out="difficulty") is None
    assert why(TaskSource.CALL_BACK, disputed_minor=10_000) is None
    assert why_gone(customer(), [1], TaskSource.STEP, None, today=TODAY) == "paid"


def test_a_broken_promise_asks_for_a_call_once(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = world.invoice(session, jo, due=DUE)
        promise(session, jo, items=[Part(entry)], due_on=TODAY, by=BY, now=MORNING)
    later = MORNING + timedelta(days=7)
    with world.database.transaction() as session:
        assert list(judge(session, now=later).values()) == [PromiseState.BROKEN]
        assert (call_after_broken(session, now=later), call_after_broken(session, now=later)) == (1, 0)
        [task] = session.exec(select(CallTask).order_by(col(CallTask.id)))
        assert (task.source, task.entry_ids, task.due_on) == (TaskSource.BROKEN_PROMISE, [entry], later.date())
