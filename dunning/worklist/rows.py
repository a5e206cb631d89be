"""The work-list reckoned anew, for the customers that a click touched or for all: rows of `worklist_row`, in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import delete, select
from sqlmodel import Session, col

from ar.core.clock import local_date
from ar.core.db import among, bulk_insert, table
from ar.core.halving import halving
from ar.core.kernel import Kernel
from ar.core.settings import Settings
from ar.customers.models import Account, Contact
from ar.ledger.models import OpenItem
from ar.ledger.rates import Rates, rates_on
from dunning.calls.tasks import due_tasks
from dunning.case import CustomerFacts
from dunning.decision import asks
from dunning.facts import DUNNED, InFlight, gather, lock_accounts
from dunning.kept import TRUST
from dunning.policies import policies_in_force
from dunning.policy import Policies
from dunning.promises import broken_promises
from dunning.worklist.exchange import last_attempts, last_exchanges
from dunning.worklist.hidden import Situation, hidden
from dunning.worklist.models import Collector, WorklistRow
from dunning.worklist.people import collectors, worker
from dunning.worklist.told import upcoming
from dunning.worklist.value import Effort, Owed, worth
from prediction.lists import last_scoring
from prediction.models import Prediction

_log = structlog.get_logger()


@dataclass(frozen=True)
class Terms:
    """What every row of one refresh shares: the reporting currency and its rates, what a minute costs, the people."""

    currency: str
    rates: Rates
    effort: Effort
    people: Mapping[int, Collector]
    policies: Policies
    now: datetime


class Reach(NamedTuple):
    """A contact, with the number and the address that it can be reached by, as far as is known."""

    id: int
    name: str
    roles: list[str]
    phone: str | None
    email: str | None


@dataclass(frozen=True)
class Facts:
    """What the rows of a chunk rest on beside the customers' own facts; by account, the predictions by item."""

    owners: Mapping[int, int | None]
    contacts: Mapping[int, list[Reach]]
    streets: frozenset[int]
    unpaid: Mapping[int, int]
    broken: Mapping[int, int]
    tried: Mapping[int, datetime]
    tasks: Mapping[int, tuple[int, date, datetime | None]]
    exchanges: Mapping[int, dict[str, Any]]


def terms_of(session: Session, settings: Settings, *, now: datetime) -> Terms:
    return Terms(
        settings.reporting_currency,
        rates_on(session, local_date(now, "UTC")),
        Effort(settings.collector_minute_minor),
        collectors(session),
        policies_in_force(session, now=now),
        now,
    )


def refresh(session: Session, account_ids: Sequence[int], terms: Terms, *, in_flight: InFlight) -> int:
    """Write the rows of these customers anew: how many have one. One with nothing overdue has none."""
    if not account_ids:
        return 0
    session.flush()
    lock_accounts(session, account_ids)
    facts = gather(session, account_ids, now=terms.now, in_flight=in_flight)
    beside = _beside(session, account_ids, now=terms.now)
    rows = [row for customer in facts if (row := row_of(customer, beside, terms)) is not None]
    session.connection().execute(delete(WorklistRow).where(among(session, col(WorklistRow.account_id), account_ids)))
    bulk_insert(session, WorklistRow, rows)
    return len(rows)


def refresh_all(kernel: Kernel, *, now: datetime, in_flight: InFlight, size: int = 500) -> tuple[int, int]:
    """Write every row anew, `size` customers in a transaction: how many rows there are, how many customers failed.

    A customer that fails keeps the row it had; the error is logged, and the others go through.
    """
    with kernel.database.reading() as session:
        ids, terms = _overdue(session, now=now), terms_of(session, kernel.settings, now=now)
    failed: list[int] = []

    def work(session: Session, chunk: Sequence[int]) -> int:
        return refresh(session, chunk, terms, in_flight=in_flight)

    def park(account_id: int, error: Exception) -> None:
        failed.append(account_id)
        _log.error("worklist.failed", account_id=account_id, error=str(error)[:200])

    rows = 0
    for at in range(0, len(ids), size):
        rows += sum(halving(kernel.database, ids[at : at + size], work, park))
    return rows, len(failed)


def _overdue(session: Session, *, now: datetime) -> list[int]:
    """The customers with an overdue item, or a row from when they had one, by id."""
    item = OpenItem
    late = select(col(item.account_id)).where(
        col(item.open_minor) > 0,
        col(item.side) == 1,
        col(item.kind).in_(DUNNED),
        col(item.due_on) <= local_date(now, "UTC"),
    )
    query = late.union(select(col(WorklistRow.account_id)))
    return sorted(session.connection().execute(query).scalars())


def _beside(session: Session, account_ids: Sequence[int], *, now: datetime) -> Facts:
    today = local_date(now, "UTC")
    a = table(Account).c
    accounts = (
        session.connection().execute(select(a.id, a.owner_id, a.street).where(among(session, a.id, account_ids))).all()
    )
    broken = broken_promises(session, account_ids, since=today - timedelta(days=TRUST.days))
    return Facts(
        owners={row.id: row.owner_id for row in accounts},
        contacts=_contacts(session, account_ids),
        streets=frozenset(row.id for row in accounts if row.street),
        unpaid=_unpaid(session, account_ids),
        broken={account: len(found) for account, found in broken.items()},
        tried=last_attempts(session, account_ids, since=now - timedelta(days=2)),
        tasks=due_tasks(session, account_ids),
        exchanges=last_exchanges(session, account_ids),
    )


def _contacts(session: Session, account_ids: Sequence[int]) -> dict[int, list[Reach]]:
    one = table(Contact).c
    query = select(
        one.account_id, one.id, one.name, one.roles, one.phone, one.phone_bad_at, one.email, one.bounced_at
    ).where(among(session, one.account_id, account_ids))
    found: dict[int, list[Reach]] = defaultdict(list)
    rows = session.connection().execute(query.order_by(one.account_id, one.id))
    for account_id, number, name, roles, phone, bad, email, bounced in rows:
        found[account_id].append(
            Reach(number, name, roles, phone if bad is None else None, email if bounced is None else None)
        )
    return found


def _unpaid(session: Session, account_ids: Sequence[int]) -> dict[int, int]:
    """The chance, in thousandths, that each item scored last is unpaid in 30 days; by item."""
    scoring = last_scoring(session)
    if scoring is None:
        return {}
    said = Prediction
    query = select(col(said.entry_id), col(said.unpaid_in_30)).where(
        among(session, col(said.account_id), account_ids),
        col(said.scored_on) == scoring.scored_on,
        col(said.model_id) == scoring.model_id,
    )
    return {entry_id: round(chance * 1_000) for entry_id, chance in session.connection().execute(query)}


def row_of(customer: CustomerFacts, beside: Facts, terms: Terms) -> dict[str, Any] | None:
    """The row of one customer; None when nothing of it is overdue."""
    number, today = customer.account_id, local_date(terms.now, customer.zone)
    late = [ask for ask in asks(customer) if ask.item.due_on < today]
    task = beside.tasks.get(number)
    if not late and task is None:
        return None
    owed = [
        Owed(
            _converted(terms, ask.amount_minor, ask.item.currency),
            (today - ask.item.due_on).days,
            beside.unpaid.get(ask.item.entry_id),
        )
        for ask in late
    ]
    contacts = beside.contacts.get(number, [])
    found = worth(
        owed,
        _channels(customer, contacts, number in beside.streets),
        broken=beside.broken.get(number, 0),
        effort=terms.effort,
    )
    asked = sum(one.asked_minor for one in owed)
    why, until = hidden(
        _situation(customer, beside, asked > 0, today=today), rest_days=terms.policies.company.rest_days, today=today
    )
    overdue: dict[str, int] = {}
    for ask in late:
        overdue[ask.item.currency] = overdue.get(ask.item.currency, 0) + ask.item.open_minor
    owner = beside.owners.get(number)
    following = upcoming(customer, terms.policies, today=today)
    return {
        "account_id": number,
        "owner_id": owner,
        "worker_id": worker(terms.people, owner, today=today),
        "value_minor": min(found.value_minor, 10**15),
        "asked_minor": asked,
        "currency": terms.currency,
        "overdue": [[currency, minor] for currency, minor in sorted(overdue.items())],
        "oldest_days": max((one.days_late for one in owed), default=0),
        "channel": found.channel,
        "parts": dict(found.parts),
        "contact": _contact(contacts, found.channel),
        "exchange": beside.exchanges.get(number),
        "task_id": task[0] if task else None,
        "next_step": following[0] if following else None,
        "next_on": following[1] if following else None,
        "hold_ids": [hold.id for hold in customer.holds if hold.until is None or hold.until >= today],
        "hidden_until": until,
        "hidden_for": why,
        "computed_at": terms.now,
    }


def _situation(customer: CustomerFacts, beside: Facts, asked: bool, *, today: date) -> Situation:
    number = customer.account_id
    holds = [hold.until for hold in customer.holds if hold.until is None or hold.until >= today]
    tried, task = beside.tried.get(number), beside.tasks.get(number)
    return Situation(
        asked=asked,
        handed_on=customer.taken_out or None,
        held=bool(holds),
        held_until=None if None in holds else max((until for until in holds if until), default=None),
        talked_on=customer.spoken_on,
        tried_on=local_date(tried, customer.zone) if tried else None,
        call_on=task[1] if task else None,
    )


def _converted(terms: Terms, minor: int, currency: str) -> int:
    """In the reporting currency; an amount without a rate counts as it is, for this is a rank."""
    if currency == terms.currency:
        return minor
    if terms.rates.known(currency) and terms.rates.known(terms.currency):
        return terms.rates.convert(minor, currency, terms.currency)
    return minor


def _channels(customer: CustomerFacts, contacts: Sequence[Reach], street: bool) -> list[str]:
    found = []
    if any(contact.phone for contact in contacts):
        found.append("phone")
    if customer.contact is not None:
        found.append("email")
    if street:
        found.append("letter")
    return found


def _contact(contacts: Sequence[Reach], channel: str) -> dict[str, Any] | None:
    """Whom to contact: for a call the first whose number is not known to be wrong, else the first to write to."""
    able = (one for one in contacts if (one.phone if channel == "phone" else one.email))
    chosen = next(able, None) or next(iter(contacts), None)
    return dict(chosen._asdict()) if chosen is not None else None
