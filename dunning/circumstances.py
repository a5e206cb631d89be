"""What else is known of customers and their items: events, statuses, forecasts, chosen policies, the bank's news."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.cash.bank.models import BankStatement
from ar.core.calendars import business_days_between
from ar.core.clock import local_date
from ar.core.db import among
from ar.customers.models import BankAccount, LegalEntity
from ar.disputes.models import Dispute, DisputeState
from dunning.models import DunningChoice, DunningNotice, Promise, PromiseItem, PromiseState
from dunning.timing import Forecast
from invoicing.delivery.models import Delivery
from invoicing.models import InvoiceInstalment
from prediction.lists import last_scoring
from prediction.models import ModelKind, Prediction, PredictionModel

HOLDING = ("208", "211")
"""Statuses of an e-invoice under which it is not asked for: suspended, payment sent. 207 and 210 open a dispute."""

FORECAST_DAYS = 7
"""Forecasts older than this are not used."""


class Events(NamedTuple):
    """The last event per item, and the items of which a promise was broken."""

    last: Mapping[int, date]
    broken: frozenset[int]


def events(session: Session, account_ids: Sequence[int]) -> Events:
    """Promises that were broken, wholly or in part, and disputes that were answered, of these customers' items."""
    last: dict[int, date] = {}
    verdicts = (
        select(col(PromiseItem.entry_id), func.max(col(Promise.judged_at)))
        .join(Promise, col(Promise.id) == col(PromiseItem.promise_id))
        .where(
            among(session, col(Promise.account_id), account_ids),
            col(Promise.state).in_((PromiseState.BROKEN, PromiseState.PARTLY)),
        )
        .group_by(col(PromiseItem.entry_id))
    )
    for entry_id, judged_at in session.connection().execute(verdicts):
        assert judged_at is not None
        last[entry_id] = local_date(judged_at, "UTC")
    broken = frozenset(last)
    answers = (
        select(col(Dispute.entry_id), func.max(col(Dispute.resolved_on)))
        .where(among(session, col(Dispute.account_id), account_ids), col(Dispute.state) == DisputeState.RESOLVED)
        .group_by(col(Dispute.entry_id))
    )
    for entry_id, on in session.connection().execute(answers):
        assert on is not None
        last[entry_id] = max(on, last.get(entry_id, on))
    return Events(last, broken)


def statuses(session: Session, account_ids: Sequence[int]) -> dict[int, str]:
    """The status by which the newest delivery of its invoice holds an item back, per item that has one."""
    newest = (
        select(func.max(col(Delivery.id)).label("id"))
        .where(among(session, col(Delivery.account_id), account_ids))
        .group_by(col(Delivery.invoice_id))
        .subquery()
    )
    query = (
        select(col(InvoiceInstalment.entry_id), col(Delivery.status_code))
        .join(newest, newest.c.id == col(Delivery.id))
        .join(InvoiceInstalment, col(InvoiceInstalment.invoice_id) == col(Delivery.invoice_id))
        .where(col(Delivery.status_code).in_(HOLDING))
    )
    return {row.entry_id: row.status_code for row in session.connection().execute(query)}


def forecasts(session: Session, account_ids: Sequence[int], *, today: date) -> dict[int, Forecast]:
    """What the newest scoring says of these customers' items; nothing when it is old, or of a naive model."""
    scoring = last_scoring(session)
    if scoring is None or scoring.scored_on < today - timedelta(days=FORECAST_DAYS):
        return {}
    kind = select(col(PredictionModel.kind)).where(col(PredictionModel.id) == scoring.model_id)
    if session.connection().execute(kind).scalar_one() is ModelKind.NAIVE:
        return {}
    query = select(
        col(Prediction.entry_id),
        col(Prediction.late_probability),
        col(Prediction.unpaid_in_30),
        col(Prediction.expected_on),
    ).where(
        among(session, col(Prediction.account_id), account_ids),
        col(Prediction.scored_on) == scoring.scored_on,
        col(Prediction.model_id) == scoring.model_id,
    )
    return {row[0]: Forecast(*row[1:]) for row in session.connection().execute(query)}


class Choices(NamedTuple):
    """Names of policies that a person chose, per account and per item."""

    accounts: Mapping[int, str]
    items: Mapping[int, str]


def choices(session: Session, account_ids: Sequence[int]) -> Choices:
    """The choices that stand for these customers and their items."""
    choice = DunningChoice
    query = select(col(choice.account_id), col(choice.entry_id), col(choice.policy)).where(
        among(session, col(choice.account_id), account_ids), col(choice.ended_at).is_(None)
    )
    accounts: dict[int, str] = {}
    items: dict[int, str] = {}
    for account_id, entry_id, policy in session.connection().execute(query):
        if entry_id is None:
            accounts[account_id] = policy
        else:
            items[entry_id] = policy
    return Choices(accounts, items)


def reminded_late(session: Session, account_ids: Sequence[int]) -> set[int]:
    """Who of these customers was ever reminded of a late invoice, by a notice that was not cancelled."""
    notice = DunningNotice
    query = select(col(notice.account_id)).distinct()
    query = query.where(
        among(session, col(notice.account_id), account_ids), col(notice.late), col(notice.cancelled_at).is_(None)
    )
    return set(session.connection().execute(query).scalars())


def bank_ages(session: Session, *, now: datetime) -> dict[int, int]:
    """The age of each seller's newest bank statement, in its own business days; a seller without one is left out."""
    query = (
        select(col(LegalEntity.id), col(LegalEntity.country), func.max(col(BankStatement.closing_on)))
        .join(BankAccount, col(BankAccount.entity_id) == col(LegalEntity.id))
        .join(BankStatement, col(BankStatement.bank_account_id) == col(BankAccount.id))
        .where(col(BankStatement.closing_on).is_not(None))
        .group_by(col(LegalEntity.id), col(LegalEntity.country))
    )
    today = local_date(now, "UTC")
    ages = {}
    for entity_id, country, newest in session.connection().execute(query):
        assert entity_id is not None
        assert newest is not None
        ages[entity_id] = business_days_between(newest, today, country)
    return ages


def risk_of(said: Sequence[tuple[Forecast, int]]) -> str | None:
    """'low', 'medium' or 'high' by the chance, weighted by open minor units, to be open in 30 days; None unforecast."""
    total = sum(minor for _, minor in said)
    if not total:
        return None
    chance = sum(forecast.unpaid_in_30 * minor for forecast, minor in said) / total
    return "high" if chance >= 0.5 else "medium" if chance >= 0.2 else "low"
