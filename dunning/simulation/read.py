"""Reading the histories of a sample of customers: a handful of set-based queries for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session, col

from ar.cash.bank.models import BankStatement
from ar.core.calendars import business_days_between
from ar.core.db import among
from ar.customers.models import BankAccount, LegalEntity
from ar.ledger.items import balance_steps
from ar.ledger.models import Allocation, OpenItem
from dunning.facts import DUNNED, gather
from dunning.simulation import spans
from dunning.simulation.history import DAY, History, ItemHistory, morning_of
from dunning.simulation.spans import Morning, Window


def population(session: Session, window: Window) -> list[int]:
    """The customers who had an item within a policy's reach on some day of the window, by id."""
    item = OpenItem
    settled = (
        select(col(Allocation.id))
        .where(col(Allocation.debit_id) == col(item.entry_id), col(Allocation.allocated_on) >= window.first)
        .correlate(item)
        .exists()
    )
    query = (
        select(col(item.account_id))
        .distinct()
        .where(
            col(item.side) == 1,
            col(item.kind).in_(DUNNED),
            col(item.effective_on) < window.last,
            col(item.due_on) <= window.last + timedelta(days=window.ahead),
            or_(col(item.open_minor) > 0, settled),
        )
    )
    return sorted(session.connection().execute(query).scalars())


def drawn(ids: Sequence[int], sample: int, *, seed: int) -> list[int]:
    """All of them when they are no more than `sample`, else so many, by chance: the same for the same seed."""
    return list(ids) if len(ids) <= sample else sorted(Random(seed).sample(list(ids), sample))  # noqa: S311


def read_histories(
    session: Session, account_ids: Sequence[int], window: Window, *, forecasts: bool, now: datetime
) -> list[History]:
    """The histories of these customers, by id. `forecasts` tells whether a policy heeds them; it costs most."""
    bases = gather(session, account_ids, now=now, in_flight=lambda _session, _ids: {})
    zones = {base.account_id: base.zone for base in bases}

    def morning(account_id: int, instant: datetime) -> date:
        return morning_of(instant, zones[account_id])

    items = _items(session, account_ids, window, morning, forecasts=forecasts)
    choices = spans.choices(session, account_ids, morning)
    holds = spans.holds(session, account_ids, window, morning)
    notices, late = spans.notices(session, account_ids, window)
    return [
        History(
            base,
            tuple(items.get(base.account_id, ())),
            tuple(choices.get(base.account_id, ())),
            tuple(holds.get(base.account_id, ())),
            tuple(notices.get(base.account_id, ())),
            base.account_id in late,
        )
        for base in bases
    ]


def _items(
    session: Session, account_ids: Sequence[int], window: Window, morning: Morning, *, forecasts: bool
) -> dict[int, list[ItemHistory]]:
    item = OpenItem
    rows = session.connection().execute(
        select(
            *(col(item.account_id), col(item.entry_id), col(item.entity_id), col(item.reference), col(item.due_on)),
            *(col(item.currency), col(item.side), col(item.kind)),
        ).where(
            among(session, col(item.account_id), account_ids),
            col(item.effective_on) < window.last,
            or_(col(item.side) == -1, col(item.kind).in_(DUNNED)),
        )
    )
    known = list(rows)
    balances = {
        entry_id: tuple((day + DAY, minor) for day, minor in steps)
        for entry_id, steps in balance_steps(session, [row.entry_id for row in known]).items()
    }
    kept = [row for row in known if _matters(balances[row.entry_id], window)]
    parts: Mapping[str, Mapping[int, Sequence[Any]]] = {
        "contested": spans.contested(session, account_ids),
        "promised": spans.promised(session, account_ids, morning),
        "planned": spans.planned(session, account_ids, morning),
        "flights": spans.flights(session, account_ids, morning),
        "events": spans.events(session, account_ids, morning),
        "chosen": spans.chosen(session, account_ids, morning),
        "statuses": spans.statuses(session, account_ids, morning),
        "noticed": spans.noticed(session, account_ids, window),
        "forecasts": spans.forecasts(session, account_ids, window) if forecasts else {},
    }
    found: dict[int, list[ItemHistory]] = defaultdict(list)
    for row in kept:
        if row.side < 0:
            told = (row.entry_id, row.entity_id, row.reference, row.due_on, row.currency, False)
            found[row.account_id].append(ItemHistory(*told, balances[row.entry_id]))
            continue
        found[row.account_id].append(
            ItemHistory(
                row.entry_id,
                row.entity_id,
                row.reference,
                row.due_on,
                row.currency,
                True,
                balances[row.entry_id],
                **{name: tuple(of.get(row.entry_id, ())) for name, of in parts.items()},
            )
        )
    return found


def _matters(balance: Sequence[tuple[date, int]], window: Window) -> bool:
    """Whether something was open of it on a morning of the window or later."""
    return any(minor for _, minor in balance) and (balance[-1][1] > 0 or balance[-1][0] > window.first)


def bank_ages(session: Session, window: Window) -> dict[date, dict[int, int]]:
    """Per day of the window, the age of each seller's newest statement of the days before it, in business days."""
    query = (
        select(col(LegalEntity.id), col(LegalEntity.country), col(BankStatement.closing_on))
        .join(BankAccount, col(BankAccount.entity_id) == col(LegalEntity.id))
        .join(BankStatement, col(BankStatement.bank_account_id) == col(BankAccount.id))
        .where(col(BankStatement.closing_on).is_not(None), col(BankStatement.closing_on) < window.last)
        .distinct()
    )
    closed: dict[tuple[int, str], list[date]] = defaultdict(list)
    for entity_id, country, on in session.connection().execute(query):
        assert entity_id is not None
        assert on is not None
        closed[entity_id, country].append(on)
    ages: dict[date, dict[int, int]] = {}
    for n in range((window.last - window.first).days + 1):
        day = window.first + n * DAY
        ages[day] = {}
        for (entity_id, country), days in closed.items():
            newest = max((on for on in days if on < day), default=None)
            if newest is not None:
                ages[day][entity_id] = business_days_between(newest, day, country)
    return ages
