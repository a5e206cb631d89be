"""What came of talking with a customer: noted, and what it means done, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.calendars import next_business_day
from ar.core.clock import local_date
from ar.core.db import among, table
from ar.core.errors import DomainError, Fault
from ar.core.kernel import Kernel
from ar.customers.accounts import ContactNotFoundError, account
from ar.customers.models import Account, Contact
from ar.disputes.claim import open_dispute
from ar.disputes.models import Reason
from ar.disputes.notify import tell_received
from ar.ledger.allocate import locked_items
from dunning.calls.models import (
    CONVERSATIONS,
    CallOutcome,
    CallTask,
    ContactChannel,
    ContactEvent,
    Direction,
    TaskSource,
    TaskState,
)
from dunning.calls.tasks import TaskDraft, add_tasks, task
from dunning.decision import asks
from dunning.facts import InFlight, gather, lock_accounts
from dunning.models import PromiseSource
from dunning.promises import Part, promise


class CallError(DomainError):
    """What was noted lacks something, or says what cannot be."""

    code = "bad-call"


@dataclass(frozen=True)
class Note:
    """A contact to log: with `promised_on` for a promise (of `parts`, or of all that is asked for and late),
    `entry_id` for a dispute, `call_back_at` for a call back."""

    account_id: int
    outcome: CallOutcome
    channel: ContactChannel = ContactChannel.PHONE
    direction: Direction = Direction.OUT
    contact_id: int | None = None
    task_id: int | None = None
    text: str = ""
    seconds: int | None = None
    call_back_at: datetime | None = None
    promised_on: date | None = None
    parts: Sequence[Part] = ()
    entry_id: int | None = None
    amount_minor: int | None = None
    reason: Reason = Reason.OTHER


def note_contact(
    session: Session, kernel: Kernel, note: Note, *, by: str, now: datetime, in_flight: InFlight
) -> ContactEvent:
    """The line of the log, once what its outcome means is done.

    A promise is taken, a dispute opened and receipted, a wrong number marked, a call back planned; a conversation ends
    the calls that were due, and an attempt moves them to the next business day. Raises AccountNotFoundError,
    ContactNotFoundError, TaskNotFoundError, CallError, PromiseError, DisputeError.
    """
    customer = account(session, note.account_id)
    lock_accounts(session, [note.account_id])  # before its items, in the order of runs, so that none deadlocks
    _check(session, note, customer, now=now)
    today = local_date(now, customer.time_zone)
    event = ContactEvent(
        account_id=note.account_id,
        contact_id=note.contact_id,
        channel=note.channel,
        direction=note.direction,
        outcome=note.outcome,
        note=note.text,
        call_back_at=note.call_back_at if note.outcome is CallOutcome.CALL_BACK else None,
        seconds=note.seconds,
        task_id=note.task_id,
        at=now,
        noted_by=by,
    )
    if note.outcome is CallOutcome.PROMISE:
        event.promise_id = _take_promises(session, note, today=today, by=by, now=now, in_flight=in_flight)
    elif note.outcome is CallOutcome.DISPUTE:
        event.dispute_id = _open_dispute(session, kernel, note, today=today, by=by, now=now)
    elif note.outcome is CallOutcome.WRONG_NUMBER:
        _mark_number(session, note, by=by, now=now)
    _move_tasks(session, note, customer, today=today, by=by, now=now)
    session.add(event)
    session.flush()
    if note.outcome is CallOutcome.CALL_BACK:
        assert note.call_back_at is not None
        _plan_call(session, event, local_date(note.call_back_at, customer.time_zone), by=by, now=now)
    change = {"event": event.id, "outcome": note.outcome.value, "channel": note.channel.value}
    record(session, [Act(by, "contact.noted", f"account:{note.account_id}", change)], now=now)
    return event


def _check(session: Session, note: Note, customer: Account, *, now: datetime) -> None:
    _own_contact(session, note.account_id, note.contact_id)
    if note.task_id is not None and task(session, note.task_id).account_id != note.account_id:
        raise CallError("That call is to another customer", faults=[Fault("/task_id", "is another customer's")])
    faults = []
    if note.outcome is CallOutcome.PROMISE and note.promised_on is None:
        faults.append(Fault("/promised_on", "say by which day the customer will pay"))
    if note.outcome is CallOutcome.DISPUTE and note.entry_id is None:
        faults.append(Fault("/entry_id", "say which invoice the customer contests"))
    if note.outcome is CallOutcome.WRONG_NUMBER and note.contact_id is None:
        faults.append(Fault("/contact_id", "say whose number is wrong"))
    if note.outcome is CallOutcome.CALL_BACK:
        if note.call_back_at is None:
            faults.append(Fault("/call_back_at", "say when to call again"))
        elif not now < note.call_back_at <= now + timedelta(days=366):
            local = now.astimezone(ZoneInfo(customer.time_zone))
            faults.append(Fault("/call_back_at", f"is within a year from now ({local:%Y-%m-%d %H:%M} there)"))
    if faults:
        raise CallError(f"Not noted: {faults[0].message}", faults=faults)


def _take_promises(
    session: Session, note: Note, *, today: date, by: str, now: datetime, in_flight: InFlight
) -> int | None:
    """Take what is promised, one promise for each seller and currency; the id of the first."""
    assert note.promised_on is not None
    groups: dict[tuple[int, str], list[Part]] = defaultdict(list)
    if note.parts:
        groups[0, ""] = list(note.parts)
    else:
        [facts] = gather(session, [note.account_id], now=now, in_flight=in_flight)
        asked = [ask for ask in asks(facts) if ask.amount_minor and not ask.promised_minor]
        for ask in [ask for ask in asked if ask.item.due_on < today] or asked:
            groups[ask.item.entity_id, ask.item.currency].append(Part(ask.item.entry_id, ask.amount_minor))
    if not groups:
        raise CallError("Nothing is asked of this customer that it could promise to pay")
    source = PromiseSource.PHONE if note.channel is ContactChannel.PHONE else PromiseSource.PERSON
    made = [
        promise(session, note.account_id, items=parts, due_on=note.promised_on, by=by, now=now, source=source)
        for parts in groups.values()
    ]
    return made[0].id


def _open_dispute(session: Session, kernel: Kernel, note: Note, *, today: date, by: str, now: datetime) -> int | None:
    assert note.entry_id is not None
    if locked_items(session, [note.entry_id])[note.entry_id]["account_id"] != note.account_id:
        raise CallError("This invoice is another customer's", faults=[Fault("/entry_id", "is another customer's")])
    made = open_dispute(
        session,
        entry_id=note.entry_id,
        amount_minor=note.amount_minor,
        reason=note.reason,
        text=note.text or "-",
        by=by,
        today=today,
        now=now,
    )
    tell_received(session, kernel, made, now=now)
    return made.id


def _mark_number(session: Session, note: Note, *, by: str, now: datetime) -> None:
    contact = session.get(Contact, note.contact_id, with_for_update=True)
    assert contact is not None
    if contact.phone_bad_at is None:
        contact.phone_bad_at = now
        session.add(contact)
        change = {"contact_id": contact.id, "phone": contact.phone}
        record(session, [Act(by, "contact.phone_bad", f"account:{note.account_id}", change)], now=now)


def _move_tasks(session: Session, note: Note, customer: Account, *, today: date, by: str, now: datetime) -> None:
    """End the calls that this was or makes needless; move those that reached nobody to the next business day."""
    done = note.outcome in CONVERSATIONS or note.outcome is CallOutcome.CALL_BACK
    wanted = select(CallTask.id).where(
        CallTask.account_id == note.account_id, CallTask.state == TaskState.OPEN, CallTask.due_on <= today
    )
    ids = {task_id for task_id in session.exec(wanted) if task_id is not None}
    if done and note.task_id is not None:
        ids.add(note.task_id)
    if not ids:
        return
    statement = update(table(CallTask)).where(
        among(session, col(CallTask.id), sorted(ids)), col(CallTask.state) == TaskState.OPEN
    )
    if done:
        values = {"state": TaskState.DONE, "over_at": now, "over_by": by, "over_for": note.outcome.value}
    elif note.outcome is CallOutcome.WRONG_NUMBER:
        return
    else:
        values = {"due_on": next_business_day(today + timedelta(days=1), customer.country), "due_at": None}
    session.connection().execute(statement.values(**values))


def ask_call(
    session: Session, account_id: int, *, on: date, why: str, contact_id: int | None, by: str, now: datetime
) -> CallTask:
    """The call that a person asks the customer's collector for; one a customer and day: asked again, it is changed.

    Raises AccountNotFoundError, ContactNotFoundError, CallError for a day that is over.
    """
    customer = account(session, account_id)
    _own_contact(session, account_id, contact_id)
    if on < local_date(now, customer.time_zone):
        raise CallError("That day is over", faults=[Fault("/due_on", "is over")])
    key = f"call:person:{account_id}:{on.isoformat()}"
    add_tasks(session, [TaskDraft(key, account_id, TaskSource.PERSON, on, why, contact_id=contact_id, by=by)], now=now)
    made = session.exec(select(CallTask).where(CallTask.key == key).with_for_update()).one()
    made.state, made.over_at, made.why, made.contact_id = TaskState.OPEN, None, why[:400], contact_id
    session.add(made)
    session.flush()
    record(session, [Act(by, "call.asked", f"account:{account_id}", {"task": made.id, "why": why})], now=now)
    return made


def _own_contact(session: Session, account_id: int, contact_id: int | None) -> None:
    contact = session.get(Contact, contact_id) if contact_id is not None else None
    if contact_id is not None and (contact is None or contact.account_id != account_id):
        raise ContactNotFoundError(f"Account {account_id} has no contact {contact_id}")


def _plan_call(session: Session, event: ContactEvent, on: date, *, by: str, now: datetime) -> None:
    user = by.removeprefix("user:")
    draft = TaskDraft(
        f"call:back:{event.id}",
        event.account_id,
        TaskSource.CALL_BACK,
        on,
        why=event.note[:400],
        contact_id=event.contact_id,
        owner_id=int(user) if by.startswith("user:") else None,
        due_at=event.call_back_at,
        by=by,
    )
    add_tasks(session, [draft], now=now)


def next_contact(session: Session, account_id: int, *, after: int | None = None) -> Contact | None:
    """Whom to call: the first contact whose number is not known to be wrong; another than `after`, where given."""
    query = select(Contact).where(
        Contact.account_id == account_id, col(Contact.phone).is_not(None), col(Contact.phone_bad_at).is_(None)
    )
    if after is not None:
        query = query.where(Contact.id != after)
    return session.exec(query.order_by(col(Contact.id))).first()
