"""Reading what decisions rest on: a handful of queries for a whole chunk of customers, whatever its size."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlmodel import Session, col

from ar.cash.plans.facts import planned_parts
from ar.core.clock import local_date
from ar.core.db import among, prefer_indexes, table
from ar.core.outbox import ADDRESS_WIDTH, E164
from ar.core.sms.numbers import barred
from ar.customers.models import Account, Contact, ContactRole
from ar.ledger.models import EntryKind, OpenItem
from dunning.attention.facts import courtesy_only, taken_out
from dunning.calls.rest import conversations
from dunning.case import ContactFacts, CustomerFacts, HoldFacts, ItemFacts, Noticed, PastNotice
from dunning.circumstances import bank_ages, choices, events, forecasts, reminded_late, risk_of, statuses
from dunning.experiments.trials import trials
from dunning.habits import NOTHING_KNOWN, habits
from dunning.models import DunningHold, DunningNotice, DunningNoticeItem, Promise, PromiseItem, PromiseState
from dunning.replies.waiting import waiting_replies

DUNNED = (EntryKind.INVOICE, EntryKind.LATE_CHARGE)
"""The kinds of debit that are asked for; others (a refund on its way, a reversal) are the seller's own business."""

LONGEST_REST = 61
"""Conversations and replies are looked for so many days back: the longest rest of a policy, and a day for zones."""

InFlight = Callable[[Session, Sequence[int]], Mapping[int, int]]
"""Minor units on their way per item, for the customers of these ids: paid, not yet settled."""


def lock_accounts(session: Session, account_ids: Sequence[int]) -> None:
    """Make other runs over these customers wait for this transaction; in id order, so that none deadlocks.

    SQLite's write transactions exclude each other already.
    """
    query = select(col(Account.id)).where(among(session, col(Account.id), account_ids)).order_by(col(Account.id))
    session.connection().execute(query.with_for_update(key_share=True)).all()


def gather(session: Session, account_ids: Sequence[int], *, now: datetime, in_flight: InFlight) -> list[CustomerFacts]:
    """The facts of each customer as they stand at `now`, by account id; an unknown id is passed over."""
    prefer_indexes(session)  # a run fills the tables that it reads, and the planner still believes them empty
    a = table(Account).c
    query = select(
        *(a.id, a.code, a.legal_name, a.language, a.country, a.time_zone, a.portal_epoch),
        *(a.segment, a.owner_id, a.street, a.postcode, a.city),
    )
    query = query.where(among(session, a.id, account_ids)).order_by(a.id)
    accounts = session.connection().execute(query).all()
    contacts = _contacts(session, account_ids)
    chosen = choices(session, account_ids)
    items, unapplied = _items(session, account_ids, in_flight(session, account_ids), chosen.items, now=now)
    notices = _notices(session, account_ids, since=local_date(now, "UTC") - timedelta(days=9))
    holds = _holds(session, account_ids, now=now)
    reminded = reminded_late(session, account_ids)
    ages = bank_ages(session, now=now)
    spoken = conversations(session, account_ids, since=local_date(now, "UTC") - timedelta(days=LONGEST_REST))
    unanswered = waiting_replies(session, account_ids, since=local_date(now, "UTC") - timedelta(days=LONGEST_REST))
    out = taken_out(session, account_ids, now=now)
    announced = courtesy_only(session, account_ids, now=now)
    habits_of = habits(session, account_ids, now=now)
    trials_of = trials(session, account_ids, today=local_date(now, "UTC"))
    found = []
    for row in accounts:
        reached = contacts.get(row.id, _NOBODY)
        own = tuple(items.get(row.id, ()))
        found.append(
            CustomerFacts(
                account_id=row.id,
                code=row.code,
                name=row.legal_name,
                language=row.language,
                country=row.country,
                zone=row.time_zone,
                epoch=row.portal_epoch,
                contact=reached.first,
                bounced=reached.bounced,
                copied=reached.others,
                items=own,
                credits=unapplied.get(row.id, {}),
                notices=tuple(notices.get(row.id, ())),
                holds=tuple(holds.get(row.id, ())),
                segment=row.segment,
                risk=risk_of([(item.forecast, item.open_minor) for item in own if item.forecast is not None]),
                owner_id=row.owner_id,
                address=_address(row),
                chosen=chosen.accounts.get(row.id),
                reminded_late=row.id in reminded,
                bank_age=ages,
                spoken_on=spoken.get(row.id),
                waiting_since=unanswered.get(row.id),
                taken_out=out.get(row.id, ""),
                courtesy_only=announced.get(row.id, ""),
                trial=trials_of.get(row.id),
                hour=habits_of.get(row.id, NOTHING_KNOWN).hour,
                channel_habit=habits_of.get(row.id, NOTHING_KNOWN).channel,
            )
        )
    return found


def _address(row: Any) -> str:
    """The lines of an envelope; empty unless street and city are known. The country is added for letters abroad."""
    if not (row.street and row.city):
        return ""
    place = " ".join(part for part in (row.postcode, row.city) if part)
    return "\n".join(line[:ADDRESS_WIDTH] for line in (row.legal_name, row.street, place))


class _Reached(NamedTuple):
    """Who of a customer is written to, who else there is, and whether mail to one of them came back."""

    first: ContactFacts | None
    others: tuple[ContactFacts, ...]
    bounced: bool


_PUNCTUATION = re.compile(r"\(0\)|[\s().\-/]")
_NOBODY = _Reached(None, (), False)
_FIRST_ROLES = ((ContactRole.PAYING,), (ContactRole.BILLING,), ())
"""Whom a reminder concerns, in this order; then whoever comes first."""


def _contacts(session: Session, account_ids: Sequence[int]) -> dict[int, _Reached]:
    """Whom to write to per customer: with an e-mail address that works, else with a telephone; of them who pays, else
    who is billed, else the first."""
    query = select(
        col(Contact.account_id),
        col(Contact.id),
        col(Contact.name),
        col(Contact.email),
        col(Contact.language),
        col(Contact.opted_out_at),
        col(Contact.bounced_at),
        col(Contact.phone),
        col(Contact.phone_bad_at),
        col(Contact.roles),
    )
    query = query.where(among(session, col(Contact.account_id), account_ids))
    people: dict[int, list[ContactFacts]] = defaultdict(list)
    bounced = set()
    for row in session.connection().execute(query.order_by(col(Contact.account_id), col(Contact.id))):
        came_back = row.bounced_at is not None
        if came_back:
            bounced.add(row.account_id)
        email = "" if came_back or row.email is None else row.email
        opted_out = row.opted_out_at is not None
        phone = mobile(row.phone) if row.phone_bad_at is None else ""
        told = (row.id, row.name, email, row.language, opted_out, phone, tuple(row.roles))
        people[row.account_id].append(ContactFacts(*told))
    stopped = barred(session, sorted({one.phone for found in people.values() for one in found if one.phone}))
    if stopped:
        for account_id, found in people.items():
            people[account_id] = [one._replace(phone="") if one.phone in stopped else one for one in found]
    return {account_id: _chosen(found, bounced=account_id in bounced) for account_id, found in people.items()}


def mobile(written: str | None) -> str:
    """A telephone number as carriers take it, such as +33612345678; empty for one without its country, or for none."""
    if not written:
        return ""
    number = _PUNCTUATION.sub("", written)
    number = f"+{number[2:]}" if number.startswith("00") else number
    return number if E164.fullmatch(number) else ""


def _chosen(people: Sequence[ContactFacts], *, bounced: bool) -> _Reached:
    if len(people) == 1:
        return _Reached(people[0], (), bounced)
    first = min(people, key=lambda one: (not one.email, not one.phone, _place(one.roles)))
    return _Reached(first, tuple(one for one in people if one is not first), bounced)


def _place(roles: Sequence[str]) -> int:
    return next(at for at, wanted in enumerate(_FIRST_ROLES) if not wanted or wanted[0] in roles)


def _items(
    session: Session,
    account_ids: Sequence[int],
    flying: Mapping[int, int],
    chosen: Mapping[int, str],
    *,
    now: datetime,
) -> tuple[dict[int, list[ItemFacts]], dict[int, dict[tuple[int, str], int]]]:
    """The debit items to ask for, and the unapplied credit, of each customer."""
    promised = promised_parts(session, account_ids)
    planned = planned_parts(session, account_ids)
    happened = events(session, account_ids)
    status = statuses(session, account_ids)
    said = forecasts(session, account_ids, today=local_date(now, "UTC"))
    query = select(
        col(OpenItem.account_id),
        col(OpenItem.entry_id),
        col(OpenItem.entity_id),
        col(OpenItem.reference),
        col(OpenItem.due_on),
        col(OpenItem.currency),
        col(OpenItem.open_minor),
        col(OpenItem.disputed_minor),
        col(OpenItem.side),
        col(OpenItem.kind),
    )
    query = query.where(among(session, col(OpenItem.account_id), account_ids), col(OpenItem.open_minor) > 0)
    rows = session.connection().execute(query).all()
    noticed = _noticed(session, [row.entry_id for row in rows if row.side > 0])
    items: dict[int, list[ItemFacts]] = defaultdict(list)
    unapplied: dict[int, dict[tuple[int, str], int]] = defaultdict(dict)
    for (
        account,
        entry,
        entity,
        reference,
        due_on,
        currency,
        open_minor,
        disputed,
        side,
        kind,
    ) in rows:
        if side < 0:
            held = unapplied[account]
            held[entity, currency] = held.get((entity, currency), 0) + open_minor
        elif kind in DUNNED:
            minor, until = promised.get(entry, (0, None))
            planned_minor, planned_until = planned.get(entry, (0, None))
            items[account].append(
                ItemFacts(
                    entry,
                    entity,
                    reference,
                    due_on,
                    currency,
                    open_minor,
                    disputed,
                    minor,
                    until,
                    flying.get(entry, 0),
                    noticed.get(entry, ()),
                    planned_minor,
                    planned_until,
                    happened.last.get(entry),
                    entry in happened.broken,
                    status.get(entry, ""),
                    chosen.get(entry),
                    said.get(entry),
                )
            )
    return items, unapplied


def promised_parts(session: Session, account_ids: Sequence[int]) -> dict[int, tuple[int, date]]:
    """What living promises still cover of each item, less what came since they were made, and until when."""
    if len(account_ids) == 1:
        rows = session.connection().execute(_PROMISED_BY_ONE, {"account_id": account_ids[0]})
    else:
        rows = session.connection().execute(_promised_by(among(session, col(Promise.account_id), account_ids)))
    return {entry_id: (max(0, min(left, promised)), until) for entry_id, left, promised, until in rows}


def _promised_by(whose: ColumnElement[bool]) -> Any:
    part = PromiseItem
    return (
        select(
            col(part.entry_id),
            col(part.amount_minor) - col(part.open_minor) + col(OpenItem.open_minor),
            col(part.amount_minor),
            col(Promise.due_on),
        )
        .join(Promise, col(Promise.id) == col(part.promise_id))
        .join(OpenItem, col(OpenItem.entry_id) == col(part.entry_id))
        .where(whose, col(Promise.state) == PromiseState.ALIVE)
    )


_PROMISED_BY_ONE = _promised_by(col(Promise.account_id) == bindparam("account_id"))
"""Made once: the customer's page asks for it at every visit."""


def _noticed(session: Session, entry_ids: Sequence[int]) -> dict[int, tuple[Noticed, ...]]:
    """The steps at which each item has been written about, notices that never left apart."""
    item = DunningNoticeItem
    query = select(col(item.entry_id), col(item.step), col(item.offset_days), col(item.noticed_on)).where(
        among(session, col(item.entry_id), entry_ids), col(item.cancelled_at).is_(None)
    )
    found: dict[int, tuple[Noticed, ...]] = {}
    for entry_id, step, offset_days, on in session.connection().execute(query):
        found[entry_id] = (*found.get(entry_id, ()), Noticed(step, offset_days, on))
    return found


def _notices(session: Session, account_ids: Sequence[int], *, since: date) -> dict[int, list[PastNotice]]:
    notice = DunningNotice
    query = select(
        col(notice.account_id), col(notice.entity_id), col(notice.step), col(notice.cycle), col(notice.cancelled_at)
    ).where(among(session, col(notice.account_id), account_ids), col(notice.cycle) >= since)
    found: dict[int, list[PastNotice]] = defaultdict(list)
    for account, entity, step, cycle, cancelled_at in session.connection().execute(query):
        found[account].append(PastNotice(entity, step, cycle, cancelled_at is not None))
    return found


def _holds(session: Session, account_ids: Sequence[int], *, now: datetime) -> dict[int, list[HoldFacts]]:
    """Holds that nobody lifted; those that end are kept a day past it, for zones that are behind."""
    hold = table(DunningHold).c
    query = select(hold.account_id, hold.id, hold.until, hold.reason).where(
        among(session, hold.account_id, account_ids),
        hold.lifted_at.is_(None),
        or_(hold.until.is_(None), hold.until >= local_date(now, "UTC") - timedelta(days=1)),
    )
    found: dict[int, list[HoldFacts]] = defaultdict(list)
    for account, hold_id, until, reason in session.connection().execute(query.order_by(hold.id)):
        found[account].append(HoldFacts(hold_id, until, reason))
    return found
