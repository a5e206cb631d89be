"""The last look before a reminder leaves: what it asks must still be exactly what is asked, today, of that contact.

A reminder that is no longer true is cancelled, and so is its notice: the next run writes a true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlmodel import Session, col

from ar.core.calendars import within_hours
from ar.core.clock import local_date
from ar.core.db import among, table
from ar.core.money import plain
from ar.core.outbox import Guard, MessageChannel, OutboxMessage
from dunning.case import CustomerFacts
from dunning.decision import Ask, asks, left_out, silences
from dunning.facts import InFlight, gather
from dunning.message import PURPOSE, recipient
from dunning.models import DunningNotice, DunningNoticeItem
from dunning.policies import policies_in_force
from dunning.policy import Policy


class _Asked(NamedTuple):
    entry_id: int
    offset_days: int
    amount_minor: int


_LETTER_DAYS = 5
"""A letter is printed with others: it may be a few days old, and no hour is better than another."""


def reminder_guard(in_flight: InFlight) -> Guard:
    """The guard of the purpose `dunning.message.PURPOSE`: ids of messages no longer wanted, each with the reason.

    Their notices are cancelled with them.
    """

    def no_longer_wanted(session: Session, messages: Sequence[OutboxMessage], now: datetime) -> dict[int, str]:
        reasons = _unwanted(session, messages, now=now, in_flight=in_flight)
        cancelled = {_notice_id(message): reasons[message.id] for message in messages if message.id in reasons}
        _cancel(session, cancelled, now=now)
        return reasons

    return no_longer_wanted


def copy_guard(in_flight: InFlight) -> Guard:
    """The guard of copies: one goes as long as what it tells is still true; it cancels nothing but itself."""
    return lambda session, messages, now: _unwanted(session, messages, now=now, in_flight=in_flight)


def _notice_id(message: OutboxMessage) -> int:
    return int(message.subject_ref.removeprefix("notice:"))


def _unwanted(
    session: Session, messages: Sequence[OutboxMessage], *, now: datetime, in_flight: InFlight
) -> dict[int, str]:
    notice_ids = sorted({_notice_id(message) for message in messages})
    notices = _notices(session, notice_ids)
    asked = _asked(session, notice_ids)
    account_ids = sorted({notice.account_id for notice in notices.values()})
    company = policies_in_force(session, now=now).company
    facts = {found.account_id: found for found in gather(session, account_ids, now=now, in_flight=in_flight)}
    reasons = {}
    for message in messages:
        assert message.id is not None
        notice = notices[_notice_id(message)]
        customer = facts[notice.account_id]
        reason = (
            _out_of_time(message, notice, customer, now=now)
            or _silenced(customer, company, today=local_date(now, customer.zone))
            or _elsewhere(message, customer)
            or _untrue(asked[_notice_id(message)], customer)
        )
        if reason is not None:
            reasons[message.id] = reason[:400]
    return reasons


def _notices(session: Session, ids: Sequence[int]) -> dict[int, DunningNotice]:
    query = select(table(DunningNotice)).where(among(session, col(DunningNotice.id), ids))
    return {row["id"]: DunningNotice(**row) for row in session.connection().execute(query).mappings()}


def _asked(session: Session, ids: Sequence[int]) -> dict[int, list[_Asked]]:
    item = DunningNoticeItem
    query = select(col(item.notice_id), col(item.entry_id), col(item.offset_days), col(item.amount_minor))
    found: dict[int, list[_Asked]] = {notice_id: [] for notice_id in ids}
    for notice_id, *rest in session.connection().execute(query.where(among(session, col(item.notice_id), ids))):
        found[notice_id].append(_Asked(*rest))
    return found


def _out_of_time(message: OutboxMessage, notice: DunningNotice, facts: CustomerFacts, *, now: datetime) -> str | None:
    today = local_date(now, facts.zone)
    if message.channel is MessageChannel.LETTER:
        stale = (today - notice.cycle).days > _LETTER_DAYS
        return f"written for {notice.cycle}, and not printed since" if stale else None
    if today != notice.cycle or not within_hours(now, facts.zone):
        return f"written for {notice.cycle}, between 9 and 18 o'clock at the customer's"
    return None


def _silenced(facts: CustomerFacts, company: Policy, *, today: date) -> str | None:
    codes = {reason.code for reason in silences(facts, company, today=today)} - {"no_contact", "bounced"}
    if "held" in codes:
        return "held by a person since it was written"
    return f"silenced since it was written: {', '.join(sorted(codes))}" if codes else None


def _elsewhere(message: OutboxMessage, facts: CustomerFacts) -> str | None:
    """Why it is not for this recipient any more; a copy for a colleague, or another contact, is for who it says."""
    if message.purpose == PURPOSE and recipient(facts, message.channel) != message.recipient:
        return "the contact to write to has changed since it was written"
    return None


def _untrue(asked: Sequence[_Asked], facts: CustomerFacts) -> str | None:
    if facts.contact is not None and facts.contact.opted_out and all(line.offset_days <= 0 for line in asked):
        return "the contact opted out of courtesy messages since it was written"
    current = {ask.item.entry_id: ask for ask in asks(facts)}
    for line in asked:
        ask = current.get(line.entry_id)
        if ask is None:
            return f"item {line.entry_id} was settled since it was written"
        if ask.item.status:
            return f"{ask.item.reference or line.entry_id}: the customer's platform says {ask.item.status}"
        if ask.amount_minor != line.amount_minor:
            return _changed(line, ask)
    return None


def _changed(line: _Asked, ask: Ask) -> str:
    currency = ask.item.currency
    causes = ", ".join(reason.code for reason in left_out(ask)) or "paid in part"
    return (
        f"{ask.item.reference or line.entry_id}: {plain(line.amount_minor, currency)} {currency} was asked, "
        f"{plain(ask.amount_minor, currency)} would be now ({causes})"
    )


def _cancel(session: Session, reasons: dict[int, str], *, now: datetime) -> None:
    for words in sorted(set(reasons.values())):
        ids = [notice_id for notice_id, reason in reasons.items() if reason == words]
        notice = update(DunningNotice).where(among(session, col(DunningNotice.id), ids))
        session.connection().execute(notice.values(cancelled_at=now, cancelled_for=words))
    items = update(DunningNoticeItem).where(among(session, col(DunningNoticeItem.notice_id), list(reasons)))
    session.connection().execute(items.values(cancelled_at=now))
