"""What was known when of customers and their items, one query for each kind: promises, plans, choices, notices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from ar.cash.models import Payment, PaymentTarget
from ar.cash.plans.models import Instalment, PaymentPlan, PlanItem
from ar.core.db import among, table
from ar.disputes.models import Dispute, DisputeState
from ar.ledger.models import DisputeMark, OpenItem
from dunning.case import HoldFacts, Noticed, PastNotice
from dunning.circumstances import HOLDING
from dunning.models import (
    DunningChoice,
    DunningHold,
    DunningNotice,
    DunningNoticeItem,
    Promise,
    PromiseItem,
    PromiseState,
)
from dunning.simulation.history import DAY, Cover, Event, Flight, Foretold, StandingHold, Word
from dunning.timing import Forecast
from invoicing.delivery.models import Delivery, DeliveryEvent
from invoicing.models import InvoiceInstalment
from prediction.models import ModelKind, Prediction, PredictionModel

Morning = Callable[[int, datetime], date]
"""The first morning, at the customer of this account id, that is not before an instant."""


@dataclass(frozen=True)
class Window:
    """The days to live through again, and how far ahead of a due date a step may be, in days."""

    first: date
    last: date
    ahead: int


def contested(session: Session, account_ids: Sequence[int]) -> dict[int, list[tuple[date, int]]]:
    """What was contested of each item from a morning on."""
    mark = DisputeMark
    query = (
        select(col(mark.entry_id), col(mark.marked_on), func.sum(col(mark.change_minor)))
        .join(OpenItem, col(OpenItem.entry_id) == col(mark.entry_id))
        .where(among(session, col(OpenItem.account_id), account_ids))
        .group_by(col(mark.entry_id), col(mark.marked_on))
        .order_by(col(mark.entry_id), col(mark.marked_on))
    )
    found: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for entry_id, on, change in session.connection().execute(query):
        steps = found[entry_id]
        steps.append((on + DAY, int(change) + (steps[-1][1] if steps else 0)))
    return found


def promised(session: Session, account_ids: Sequence[int], morning: Morning) -> dict[int, list[Cover]]:
    """Promises, while they were alive."""
    part = PromiseItem
    query = (
        select(
            *(col(Promise.account_id), col(part.entry_id), col(part.amount_minor), col(part.open_minor)),
            *(col(Promise.due_on), col(Promise.created_at), col(Promise.judged_at)),
        )
        .join(Promise, col(Promise.id) == col(part.promise_id))
        .where(among(session, col(Promise.account_id), account_ids))
        .order_by(col(Promise.id))
    )
    found: dict[int, list[Cover]] = defaultdict(list)
    for row in session.connection().execute(query):
        end = morning(row.account_id, row.judged_at) if row.judged_at else None
        first = morning(row.account_id, row.created_at)
        found[row.entry_id].append(Cover(first, end, row.amount_minor, row.open_minor, row.due_on))
    return found


def planned(session: Session, account_ids: Sequence[int], morning: Morning) -> dict[int, list[Cover]]:
    """Plans that were agreed on, until they were over; `until` is the day of the last instalment."""
    plan, item = PaymentPlan, PlanItem
    ends = select(col(Instalment.plan_id), func.max(col(Instalment.due_on)).label("on"))
    last = ends.group_by(col(Instalment.plan_id)).subquery()
    query = (
        select(
            *(col(plan.account_id), col(item.entry_id), col(item.amount_minor), col(item.open_minor)),
            *(col(plan.agreed_at), col(plan.over_at), last.c.on),
        )
        .join(plan, col(plan.id) == col(item.plan_id))
        .join(last, last.c.plan_id == col(plan.id))
        .where(among(session, col(plan.account_id), account_ids), col(plan.agreed_at).is_not(None))
        .order_by(col(plan.id))
    )
    found: dict[int, list[Cover]] = defaultdict(list)
    for row in session.connection().execute(query):
        end = morning(row.account_id, row.over_at) if row.over_at else None
        first = morning(row.account_id, row.agreed_at)
        found[row.entry_id].append(Cover(first, end, row.amount_minor, row.open_minor, row.on))
    return found


def flights(session: Session, account_ids: Sequence[int], morning: Morning) -> dict[int, list[Flight]]:
    """Payments by a gateway, from when it began to process them to its last word."""
    pay, target = Payment, PaymentTarget
    query = (
        select(
            *(col(pay.account_id), col(target.entry_id), col(target.amount_minor)),
            *(col(pay.processing_at), col(pay.succeeded_at), col(pay.failed_at)),
        )
        .join(pay, col(pay.id) == col(target.payment_id))
        .where(among(session, col(pay.account_id), account_ids), col(pay.processing_at).is_not(None))
    )
    found: dict[int, list[Flight]] = defaultdict(list)
    for row in session.connection().execute(query):
        ended = row.succeeded_at or row.failed_at
        first = morning(row.account_id, row.processing_at)
        end = morning(row.account_id, ended) if ended else None
        found[row.entry_id].append(Flight(first, end, row.amount_minor))
    return found


def events(session: Session, account_ids: Sequence[int], morning: Morning) -> dict[int, list[Event]]:
    """Promises that were broken, wholly or in part, and disputes that were answered."""
    broken = (
        select(col(Promise.account_id), col(PromiseItem.entry_id), col(Promise.judged_at))
        .join(Promise, col(Promise.id) == col(PromiseItem.promise_id))
        .where(
            among(session, col(Promise.account_id), account_ids),
            col(Promise.state).in_((PromiseState.BROKEN, PromiseState.PARTLY)),
        )
    )
    found: dict[int, list[Event]] = defaultdict(list)
    for account_id, entry_id, judged_at in session.connection().execute(broken):
        assert judged_at is not None
        found[entry_id].append(Event(morning(account_id, judged_at), judged_at.date(), True))
    answered = select(col(Dispute.entry_id), col(Dispute.resolved_on)).where(
        among(session, col(Dispute.account_id), account_ids), col(Dispute.state) == DisputeState.RESOLVED
    )
    for entry_id, on in session.connection().execute(answered):
        assert on is not None
        found[entry_id].append(Event(on + DAY, on, False))
    return found


def chosen(session: Session, account_ids: Sequence[int], morning: Morning) -> dict[int, list[Word]]:
    """Policies that persons chose for single items."""
    return _choice_words(session, account_ids, morning, of_items=True)


def choices(session: Session, account_ids: Sequence[int], morning: Morning) -> dict[int, list[Word]]:
    """Policies that persons chose for customers, by account id."""
    return _choice_words(session, account_ids, morning, of_items=False)


def _choice_words(
    session: Session, account_ids: Sequence[int], morning: Morning, *, of_items: bool
) -> dict[int, list[Word]]:
    choice = DunningChoice
    query = select(
        col(choice.account_id), col(choice.entry_id), col(choice.policy), col(choice.created_at), col(choice.ended_at)
    ).where(
        among(session, col(choice.account_id), account_ids),
        col(choice.entry_id).is_not(None) if of_items else col(choice.entry_id).is_(None),
    )
    found: dict[int, list[Word]] = defaultdict(list)
    for account_id, entry_id, policy, made_at, ended_at in session.connection().execute(query.order_by(col(choice.id))):
        key = entry_id if entry_id is not None else account_id
        end = morning(account_id, ended_at) if ended_at else None
        found[key].append(Word(morning(account_id, made_at), end, policy))
    return found


def statuses(session: Session, account_ids: Sequence[int], morning: Morning) -> dict[int, list[Word]]:
    """Statuses of the customers' platforms that hold an item back, each until the next one of its invoice."""
    event = DeliveryEvent
    query = (
        select(col(Delivery.account_id), col(InvoiceInstalment.entry_id), col(event.code), col(event.at))
        .join(Delivery, col(Delivery.id) == col(event.delivery_id))
        .join(InvoiceInstalment, col(InvoiceInstalment.invoice_id) == col(Delivery.invoice_id))
        .where(among(session, col(Delivery.account_id), account_ids), func.length(col(event.code)) == 3)
        .order_by(col(event.id))
    )
    found: dict[int, list[Word]] = defaultdict(list)
    for account_id, entry_id, code, at in session.connection().execute(query):
        first, words = morning(account_id, at), found[entry_id]
        if words and words[-1].end is None:
            words[-1] = words[-1]._replace(end=first)
        if code in HOLDING:
            words.append(Word(first, None, code))
    return found


def noticed(session: Session, account_ids: Sequence[int], window: Window) -> dict[int, list[Noticed]]:
    """What was written about the items before the window."""
    item = DunningNoticeItem
    query = (
        select(col(item.entry_id), col(item.step), col(item.offset_days), col(item.noticed_on))
        .join(OpenItem, col(OpenItem.entry_id) == col(item.entry_id))
        .where(
            among(session, col(OpenItem.account_id), account_ids),
            col(item.noticed_on) < window.first,
            col(item.cancelled_at).is_(None),
        )
    )
    found: dict[int, list[Noticed]] = defaultdict(list)
    for entry_id, step, offset_days, on in session.connection().execute(query):
        found[entry_id].append(Noticed(step, offset_days, on))
    return found


def forecasts(session: Session, account_ids: Sequence[int], window: Window) -> dict[int, list[Foretold]]:
    """What was said of the items once a week: of every day it would be too much to read, and says hardly more."""
    said = Prediction
    span = col(said.scored_on).between(window.first - timedelta(days=7), window.last)
    days = list(session.connection().execute(select(col(said.scored_on)).where(span).distinct()).scalars())
    weekly: list[date] = []
    for day in sorted(days):
        if not weekly or (day - weekly[-1]).days >= 7:
            weekly.append(day)
    query = (
        select(
            *(col(said.entry_id), col(said.scored_on), col(said.late_probability)),
            *(col(said.unpaid_in_30), col(said.expected_on)),
        )
        .join(PredictionModel, col(PredictionModel.id) == col(said.model_id))
        .where(
            among(session, col(said.account_id), account_ids),
            col(said.scored_on).in_(weekly),
            col(PredictionModel.kind) != ModelKind.NAIVE,
        )
        .order_by(col(said.scored_on), col(said.id))
    )
    found: dict[int, list[Foretold]] = defaultdict(list)
    for entry_id, on, late, still, expected_on in session.connection().execute(query):
        found[entry_id].append(Foretold(on, Forecast(late, still, expected_on)))
    return found


def holds(
    session: Session, account_ids: Sequence[int], window: Window, morning: Morning
) -> dict[int, list[StandingHold]]:
    """What persons held, by account id."""
    hold = table(DunningHold).c
    query = select(hold.account_id, hold.id, hold.until, hold.reason, hold.created_at, hold.lifted_at).where(
        among(session, hold.account_id, account_ids), or_(hold.until.is_(None), hold.until >= window.first)
    )
    found: dict[int, list[StandingHold]] = defaultdict(list)
    for row in session.connection().execute(query.order_by(hold.id)):
        end = morning(row.account_id, row.lifted_at) if row.lifted_at else None
        told = HoldFacts(row.id, row.until, row.reason)
        found[row.account_id].append(StandingHold(morning(row.account_id, row.created_at), end, told))
    return found


def notices(
    session: Session, account_ids: Sequence[int], window: Window
) -> tuple[dict[int, list[PastNotice]], set[int]]:
    """The notices of the nine days before the window, and who was reminded of a late item at any time before it."""
    notice = DunningNotice
    theirs = among(session, col(notice.account_id), account_ids)
    query = select(
        col(notice.account_id), col(notice.entity_id), col(notice.step), col(notice.cycle), col(notice.cancelled_at)
    ).where(theirs, col(notice.cycle).between(window.first - 9 * DAY, window.first - DAY))
    found: dict[int, list[PastNotice]] = defaultdict(list)
    for account_id, entity_id, step, cycle, cancelled_at in session.connection().execute(query):
        found[account_id].append(PastNotice(entity_id, step, cycle, cancelled_at is not None))
    late = select(col(notice.account_id)).distinct()
    late = late.where(theirs, col(notice.cycle) < window.first, col(notice.late), col(notice.cancelled_at).is_(None))
    return found, set(session.connection().execute(late).scalars())
