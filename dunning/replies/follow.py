"""What each kind of proposal does when a person follows it, by the functions that other pages use as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from ar.cash.plans.manage import PlanDraft, propose_plan
from ar.core.audit import Act, record
from ar.core.calendars import add_business_days
from ar.core.clock import local_date
from ar.core.errors import DomainError, Fault
from ar.customers.accounts import ContactDraft, account, add_contact, contacts_of, opt_out, reachable_contacts
from ar.customers.models import Contact
from ar.disputes.claim import open_dispute
from ar.disputes.models import Reason
from dunning.holds import hold
from dunning.models import HoldKind, PromiseSource
from dunning.promises import promise
from dunning.replies.chosen import items_of, parts_of
from dunning.replies.kinds import ProposalKind
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.safe import want_copies

_FIRST_PART = timedelta(days=14)
PAID_DAYS = 5
"""Business days for which reminders wait for money that a customer says it has sent."""


class ProposalError(DomainError):
    """The proposal cannot be followed as it stands: something has to be told with it, or nothing can be done for it."""

    code = "bad-proposal"


@dataclass(frozen=True)
class Changes:
    """What the person tells otherwise than proposed; None keeps what was proposed."""

    due_on: date | None = None
    amount_minor: int | None = None
    entry_ids: tuple[int, ...] | None = None
    reason: Reason | None = None
    until: date | None = None
    email: str | None = None


def _quoted(reply: Reply, one: ReplyProposal) -> str:
    return reply.text[one.quote_start : one.quote_end].strip() or reply.subject


def _entries(one: ReplyProposal, changes: Changes) -> list[int]:
    return list(changes.entry_ids) if changes.entry_ids is not None else list(one.data.get("entry_ids") or ())


def _promise(
    session: Session, reply: Reply, one: ReplyProposal, changes: Changes, by: str, now: datetime
) -> dict[str, Any]:
    told = changes.due_on or (date.fromisoformat(one.data["due_on"]) if one.data.get("due_on") else None)
    if told is None:
        raise ProposalError("Say by which day", faults=[Fault("/due_on", "no day is said in the message")])
    amount = changes.amount_minor or one.data.get("amount_minor")
    parts = parts_of(
        session,
        _account(reply),
        entry_ids=_entries(one, changes),
        amount_minor=amount,
        currency=one.data.get("currency"),
        now=now,
    )
    if not parts:
        raise ProposalError("Say which invoices are promised: none of those open fits the message")
    made = promise(
        session,
        _account(reply),
        items=parts,
        due_on=told,
        by=by,
        now=now,
        source=PromiseSource.REPLY,
    )
    return {"promise_id": made.id}


def _dispute(
    session: Session, reply: Reply, one: ReplyProposal, changes: Changes, by: str, now: datetime
) -> dict[str, Any]:
    entries = _entries(one, changes)
    mine = items_of(session, _account(reply), entries)
    if not entries or len(mine) != len(entries):
        raise ProposalError(
            "Say which invoices are contested", faults=[Fault("/entry_ids", "name open invoices of this customer")]
        )
    reason = changes.reason or Reason(one.data.get("reason", Reason.OTHER.value))
    today = local_date(now, account(session, _account(reply)).time_zone)
    made = [
        open_dispute(
            session,
            entry_id=item.entry_id,
            amount_minor=changes.amount_minor if len(mine) == 1 else None,
            reason=reason,
            text=_quoted(reply, one)[:4000],
            by=by,
            today=today,
            now=now,
        )
        for item in mine
    ]
    return {"dispute_ids": [dispute.id for dispute in made]}


def _hold_until(
    day: Callable[[ReplyProposal, date, str], date | None], why: str, kind: HoldKind = HoldKind.PERSON
) -> _Do:
    """A hold up to the day that `day` gives from the proposal, today and the country; without end for None."""

    def act(
        session: Session, reply: Reply, one: ReplyProposal, changes: Changes, by: str, now: datetime
    ) -> dict[str, Any]:
        customer = account(session, _account(reply))
        today = local_date(now, customer.time_zone)
        until = changes.until or day(one, today, customer.country)
        if until is not None and until < today:
            raise ProposalError(f"{until} is over: say until when", faults=[Fault("/until", "a day to come")])
        reason = f"{why}: {_quoted(reply, one)}"
        made = hold(session, _account(reply), until=until, reason=reason, by=by, now=now, kind=kind)
        return {"hold_id": made.id}

    return act


def _copy(
    session: Session, reply: Reply, one: ReplyProposal, changes: Changes, by: str, now: datetime
) -> dict[str, Any]:
    contact_id = reply.contact_id or _reachable(session, _account(reply))
    if changes.entry_ids is not None:
        one.data = {**one.data, "entry_ids": list(changes.entry_ids)}
        session.flush()
    want_copies(session, one, contact_id=contact_id, by=by, now=now)
    return {"contact_id": contact_id}


def _opt_out(
    session: Session, reply: Reply, _one: ReplyProposal, _changes: Changes, by: str, now: datetime
) -> dict[str, Any]:
    if reply.contact_id is None:
        raise ProposalError("The sender is no contact of this customer: there is nobody to write to no more")
    opt_out(session, _account(reply), reply.contact_id, by=by, now=now)
    return {"contact_id": reply.contact_id}


def _contact(
    session: Session, reply: Reply, one: ReplyProposal, changes: Changes, by: str, now: datetime
) -> dict[str, Any]:
    """The new contact is added; the address that answered is written to no more, as if its mail had come back."""
    email = changes.email or one.data.get("email")
    if not email:
        raise ProposalError("Say whom to write to", faults=[Fault("/email", "no address is named in the message")])
    account_id = _account(reply)
    known = next((c for c in contacts_of(session, account_id) if (c.email or "").lower() == email.lower()), None)
    made = known or add_contact(session, account_id, ContactDraft(email=email), by=by, now=now)
    old = session.get(Contact, reply.contact_id) if reply.contact_id else None
    if old is not None and old.id != made.id and old.bounced_at is None:
        old.bounced_at = now
        session.flush()
        change = {"after": {"contact_id": old.id}}
        record(session, [Act(by, "contact.left", f"account:{account_id}", change)], now=now)
    return {"contact_id": made.id, "left_contact_id": old.id if old is not None and old.id != made.id else None}


def _plan(
    session: Session, reply: Reply, one: ReplyProposal, changes: Changes, by: str, now: datetime
) -> dict[str, Any]:
    """A plan proposed to the customer, who agrees to it on its page: the instalments named, or equal monthly ones."""
    account_id = _account(reply)
    parts = parts_of(session, account_id, entry_ids=_entries(one, changes), amount_minor=None, currency=None, now=now)
    count = one.data.get("count")
    if not parts or not count:
        raise ProposalError("Make the plan by hand: the message does not say into how many parts, or of what")
    told = [(date.fromisoformat(day), minor) for day, minor in one.data.get("parts") or () if day]
    first = changes.due_on or local_date(now, account(session, account_id).time_zone) + _FIRST_PART
    draft = PlanDraft(
        account_id,
        [part.entry_id for part in parts],
        count=0 if told else count,
        first_on=None if told else first,
        parts=told,
        note=_quoted(reply, one)[:200],
    )
    return {"plan_id": propose_plan(session, draft, by=by, now=now).id}


def _nothing(
    _session: Session, _reply: Reply, one: ReplyProposal, _changes: Changes, _by: str, _now: datetime
) -> dict[str, Any]:
    if one.kind is ProposalKind.DETAILS:
        raise ProposalError(
            "Nothing is changed on the word of a message. Ask the customer by a telephone number that you knew before"
        )
    raise ProposalError("Send the file to the remittance advices: it could not be read when it came")


def _account(reply: Reply) -> int:
    assert reply.account_id is not None
    return reply.account_id


def _reachable(session: Session, account_id: int) -> int:
    found = reachable_contacts(session, [account_id]).get(account_id)
    if found is None or found.id is None:
        raise ProposalError("The customer has no contact that can be written to")
    return found.id


def _told_day(one: ReplyProposal, _today: date, _country: str) -> date | None:
    return date.fromisoformat(one.data["until"]) if one.data.get("until") else None


def _paid_day(_one: ReplyProposal, today: date, country: str) -> date:
    return add_business_days(today, PAID_DAYS, country)


_Do = Callable[[Session, Reply, ReplyProposal, Changes, str, datetime], dict[str, Any]]
FOLLOW: dict[ProposalKind, _Do] = {
    ProposalKind.PROMISE: _promise,
    ProposalKind.DISPUTE: _dispute,
    ProposalKind.PAID: _hold_until(_paid_day, "Says that it has paid"),
    ProposalKind.COPY: _copy,
    ProposalKind.OPT_OUT: _opt_out,
    ProposalKind.WAIT: _hold_until(_told_day, "Away"),
    ProposalKind.INSOLVENCY: _hold_until(lambda *_: None, "Insolvency", HoldKind.INSOLVENCY),
    ProposalKind.CONTACT: _contact,
    ProposalKind.DETAILS: _nothing,
    ProposalKind.REMITTANCE: _nothing,
    ProposalKind.PLAN: _plan,
}
