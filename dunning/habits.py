"""What got a customer to act: at what hour it acts itself, and after messages by which channel it did something.

Too little of it tells nothing, and then nothing is assumed. The rates of channels compare what policies chose, not what
chance did: a channel of late steps meets other invoices than one of early steps. An experiment compares channels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from math import exp, lgamma, log
from statistics import median_low
from typing import Any, NamedTuple

from sqlalchemy import func, select, union_all
from sqlmodel import Session, col

from ar.cash.models import Payment
from ar.core.calendars import add_business_days, zone_info
from ar.core.db import among, table
from ar.customers.models import Account, Channel
from ar.disputes.models import Dispute
from ar.ledger.models import EntryKind, OpenItem
from dunning.models import DunningNotice, Promise

LEAST_ACTS = 3
LEAST_MESSAGES = 5
SURE = 0.9
ANSWER_DAYS = 2
"""Business days after a message within which an act counts as its answer."""

_KEPT = timedelta(days=730)
_FIRST_HOUR, _LAST_HOUR = 9, 17
_COMPARED = (Channel.EMAIL, Channel.SMS, Channel.LETTER)


class Habit(NamedTuple):
    """The local hour at which it is best written to, and by which channel; None where too little tells.

    `acts` is how many acts of its own are known.
    """

    hour: int | None
    channel: Channel | None
    acts: int


class Tried(NamedTuple):
    """How many messages went by a channel, and how many of them were answered."""

    messages: int
    answered: int


NOTHING_KNOWN = Habit(None, None, 0)


def hour_of(acts: Sequence[datetime], zone: str) -> int | None:
    """The median local hour of these acts, from 9 to 17; None with fewer than three of them."""
    if len(acts) < LEAST_ACTS:
        return None
    hours = [instant.astimezone(zone_info(zone)).hour for instant in acts]
    return min(_LAST_HOUR, max(_FIRST_HOUR, median_low(hours)))


def better_channel(tried: Mapping[Channel, Tried]) -> Channel | None:
    """The channel whose rate of answers is the best with a chance above 90 %, of those with five messages at least.

    Each rate has a uniform prior, so Beta(1 + answered, 1 + not answered) after the messages. None when there are not
    two such channels, or none is sure to be the better.
    """
    known = {channel: one for channel, one in tried.items() if one.messages >= LEAST_MESSAGES}
    if len(known) < 2:
        return None
    best = max(
        known, key=lambda channel: ((known[channel].answered + 1) / (known[channel].messages + 2), channel.value)
    )
    others = [one for channel, one in known.items() if channel is not best]
    return best if all(chance_better(known[best], one) > SURE for one in others) else None


def chance_better(one: Tried, other: Tried) -> float:
    """The chance that the true rate of `one` is above that of `other`, by the exact sum for whole parameters.

    P(p > q) for p ~ Beta(a, b), q ~ Beta(c, d) is the sum over i < a of B(c + i, b + d) / ((b + i) B(1 + i, b) B(c, d))
    (E. Miller, Formulas for Bayesian A/B testing).
    """
    a, b = 1 + one.answered, 1 + one.messages - one.answered
    c, d = 1 + other.answered, 1 + other.messages - other.answered
    terms = (exp(_beta(c + i, b + d) - log(b + i) - _beta(1 + i, b) - _beta(c, d)) for i in range(a))
    return min(1.0, sum(terms))


def _beta(a: int, b: int) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def answered_within(day: date, acted: Sequence[date], country: str) -> bool:
    """Whether one of the days `acted` is `day` or one of the next two business days, or a day between."""
    last = _answer_by(day, country)
    return any(day <= on <= last for on in acted)


@cache
def _answer_by(day: date, country: str) -> date:
    return add_business_days(day, ANSWER_DAYS, country)


def habits(session: Session, account_ids: Sequence[int], *, now: datetime) -> dict[int, Habit]:
    """The habits of those of these customers who ever acted themselves, or were written to by several channels."""
    acts = _acts(session, account_ids, since=now - _KEPT)
    sent = _messages(session, account_ids, since=now.date() - _KEPT)
    concerned = sorted({*acts, *sent})
    if not concerned:
        return {}
    where = _places(session, concerned)
    paid = _paid(session, sorted(sent), since=now.date() - _KEPT)
    found = {}
    for account_id in concerned:
        zone, country = where[account_id]
        own = acts.get(account_id, [])
        days = [*paid.get(account_id, ()), *(instant.astimezone(zone_info(zone)).date() for instant in own)]
        tried = {
            channel: Tried(len(cycles), sum(answered_within(day, days, country) for day in cycles))
            for channel, cycles in sent.get(account_id, {}).items()
        }
        found[account_id] = Habit(hour_of(own, zone), better_channel(tried), len(own))
    return found


def _places(session: Session, account_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Zone and country of each of these customers."""
    account = table(Account).c
    query = select(account.id, account.time_zone, account.country).where(among(session, account.id, account_ids))
    return {row.id: (row.time_zone, row.country) for row in session.connection().execute(query)}


def _acts(session: Session, account_ids: Sequence[int], *, since: datetime) -> dict[int, list[datetime]]:
    """When these customers themselves promised, contested or paid online."""
    kinds: tuple[tuple[Any, Any, Any], ...] = (
        (Promise.account_id, Promise.created_at, Promise.made_by),
        (Dispute.account_id, Dispute.opened_at, Dispute.opened_by),
        (Payment.account_id, Payment.created_at, Payment.recorded_by),
    )
    parts: list[Any] = [
        select(col(whose).label("account_id"), col(at).label("at")).where(
            among(session, col(whose), account_ids), col(at) >= since, col(by).startswith("customer:")
        )
        for whose, at, by in kinds
    ]
    acts: dict[int, list[datetime]] = defaultdict(list)
    for account_id, at in session.connection().execute(union_all(*parts)):
        acts[account_id].append(at)
    return acts


def _messages(session: Session, account_ids: Sequence[int], *, since: date) -> dict[int, dict[Channel, list[date]]]:
    """The days of messages by channel, of those who got enough by two of them."""
    notice = DunningNotice
    counted = (
        among(session, col(notice.account_id), account_ids),
        col(notice.cycle) >= since,
        col(notice.cancelled_at).is_(None),
        col(notice.channel).in_(_COMPARED),
    )
    enough = (
        select(col(notice.account_id), col(notice.channel))
        .where(*counted)
        .group_by(col(notice.account_id), col(notice.channel))
        .having(func.count() >= LEAST_MESSAGES)
    )
    channels: dict[int, list[Channel]] = defaultdict(list)
    for account_id, channel in session.connection().execute(enough):
        channels[account_id].append(channel)
    several = sorted(account_id for account_id, found in channels.items() if len(found) > 1)
    if not several:
        return {}
    query = select(col(notice.account_id), col(notice.channel), col(notice.cycle)).where(
        *counted, among(session, col(notice.account_id), several)
    )
    sent: dict[int, dict[Channel, list[date]]] = defaultdict(lambda: defaultdict(list))
    for account_id, channel, cycle in session.connection().execute(query):
        sent[account_id][channel].append(cycle)
    return sent


def _paid(session: Session, account_ids: Sequence[int], *, since: date) -> dict[int, list[date]]:
    """The days on which these customers' money came."""
    if not account_ids:
        return {}
    item = OpenItem
    query = select(col(item.account_id), col(item.effective_on)).where(
        among(session, col(item.account_id), account_ids),
        col(item.effective_on) >= since,
        col(item.kind) == EntryKind.PAYMENT,
        col(item.side) == -1,
    )
    paid: dict[int, list[date]] = defaultdict(list)
    for account_id, on in session.connection().execute(query):
        paid[account_id].append(on)
    return paid
