"""The last look before a reminder leaves: what it asks must still be exactly what is asked, today, of that contact.

A reminder that is no longer true is cancelled, and so is its notice: the next run writes a true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlmodel import Session, col

from ar.core.calendars import within_hours
from ar.core.clock import local_date
from ar.core.db import among, table
from ar.core.money import plain
from ar.core.outbox import Guard, OutboxMessage
from dunning.case import CustomerFacts
from dunning.decision import Ask, asks, left_out
from dunning.facts import InFlight, gather
from dunning.models import DunningNotice, DunningNoticeItem


class _Asked(NamedTuple):
    entry_id: int
    offset_days: int
    amount_minor: int


def reminder_guard(in_flight: InFlight) -> Guard:
    """The guard of the purpose `dunning.message.PURPOSE`: ids of messages no longer wanted, each with the reason."""

    def no_longer_wanted(session: Session, messages: Sequence[OutboxMessage], now: datetime) -> dict[int, str]:
        by_notice = {int(message.subject_ref.removeprefix("notice:")): message for message in messages}
        notices = _notices(session, list(by_notice))
        asked = _asked(session, list(by_notice))
        account_ids = sorted({notice.account_id for notice in notices.values()})
        facts = {
            customer.account_id: customer for customer in gather(session, account_ids, now=now, in_flight=in_flight)
        }
        reasons = {}
        for notice_id, message in by_notice.items():
            notice = notices[notice_id]
            reason = _why_not(notice, asked[notice_id], facts[notice.account_id], message.recipient, now=now)
            if reason is not None:
                reasons[notice_id] = reason[:400]
        _cancel(session, reasons, now=now)
        return {message.id: reasons[nid] for nid, message in by_notice.items() if nid in reasons and message.id}

    return no_longer_wanted


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


def _why_not(
    notice: DunningNotice, asked: Sequence[_Asked], facts: CustomerFacts, recipient: str, *, now: datetime
) -> str | None:
    today = local_date(now, facts.zone)
    if today != notice.cycle or not within_hours(now, facts.zone):
        return f"written for {notice.cycle}, between 9 and 18 o'clock at the customer's"
    if any(hold.until is None or hold.until >= today for hold in facts.holds):
        return "held by a person since it was written"
    if facts.contact is None or facts.contact.email != recipient:
        return "the contact to write to has changed since it was written"
    if facts.contact.opted_out and all(line.offset_days <= 0 for line in asked):
        return "the contact opted out of courtesy messages since it was written"
    current = {ask.item.entry_id: ask for ask in asks(facts)}
    for line in asked:
        ask = current.get(line.entry_id)
        if ask is None:
            return f"item {line.entry_id} was settled since it was written"
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
