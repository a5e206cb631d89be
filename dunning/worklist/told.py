"""What was decided on each customer of the queue, what comes next, and what stands in the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_
from sqlalchemy import select as rows_of
from sqlmodel import Session, col

from ar.core.clock import local_date
from ar.core.db import among, table
from ar.customers.models import Account
from dunning.case import CustomerFacts
from dunning.decision import Ask, Send, asks, decide, policy_of
from dunning.facts import InFlight, gather
from dunning.ladder import next_step
from dunning.models import (
    DunningDecision,
    DunningHold,
    DunningNotice,
    DunningParked,
    Promise,
    PromiseState,
)
from dunning.policies import policies_in_force
from dunning.policy import Policies

FORESIGHT_DAYS = 60


@dataclass(frozen=True)
class Waiting:
    """One customer of the queue. `next_step` may come on `next_on` at the earliest; both None when there is none."""

    account: Account
    overdue: list[tuple[str, int]]
    oldest_days: int
    outcome: str | None
    decided_on: date | None
    reasons: list[dict[str, Any]]
    last_step: str | None
    last_on: date | None
    next_step: str | None
    next_on: date | None
    hold_ids: list[int]
    parked: str | None


def described(session: Session, accounts: Sequence[Account], *, now: datetime, in_flight: InFlight) -> list[Waiting]:
    """What a collector sees of each of these accounts, in their order."""
    ids = [account.id for account in accounts if account.id is not None]
    facts = {found.account_id: found for found in gather(session, ids, now=now, in_flight=in_flight)}
    in_force = policies_in_force(session, now=now)
    decisions = last_by_account(session, DunningDecision, ids)
    parked = last_by_account(session, DunningParked, ids)
    last = last_notices(session, ids)
    return [
        _waiting(account, facts[account.id], in_force, decisions, parked, last, now=now)
        for account in accounts
        if account.id in facts
    ]


def _waiting(
    account: Account,
    facts: CustomerFacts,
    in_force: Policies,
    decisions: Mapping[int, dict[str, Any]],
    parked: Mapping[int, dict[str, Any]],
    last: Mapping[int, tuple[str, date]],
    *,
    now: datetime,
) -> Waiting:
    today = local_date(now, facts.zone)
    overdue: dict[str, int] = defaultdict(int)
    for item in facts.items:
        if item.due_on < today:
            overdue[item.currency] += item.open_minor
    decision = decisions.get(facts.account_id)
    following = upcoming(facts, in_force, today=today)
    step, on = last.get(facts.account_id, (None, None))
    return Waiting(
        account=account,
        overdue=sorted(overdue.items()),
        oldest_days=max(((today - item.due_on).days for item in facts.items), default=0),
        outcome=decision["outcome"].value if decision else None,
        decided_on=decision["cycle"] if decision else None,
        reasons=[with_days(reason) for reason in decision["reasons"]] if decision else [],
        last_step=step,
        last_on=on,
        next_step=following[0] if following else None,
        next_on=following[1] if following else None,
        hold_ids=[hold.id for hold in facts.holds if hold.until is None or hold.until >= today],
        parked=parked[facts.account_id]["error"] if facts.account_id in parked else None,
    )


def with_days(reason: Mapping[str, Any]) -> dict[str, Any]:
    """The reason as it was decided, its days being days again."""
    return {key: date.fromisoformat(value) if key in ("until", "on") else value for key, value in reason.items()}


def upcoming(facts: CustomerFacts, in_force: Policies, *, today: date) -> tuple[str, date] | None:
    """The step that an item still asked for takes next, and the first day it may: today at the earliest."""
    found = []
    for ask in asks(facts):
        policy = policy_of(ask.item, facts, in_force)
        following = policy and next_step(ask.item, policy, facts, today=today, asked_minor=ask.amount_minor)
        if following and ask.amount_minor:
            found.append((max(following.on, today), -following.step.offset_days, following.step.key))
    if not found:
        return None
    on, _, key = min(found)
    return key, on


def foreseen(facts: CustomerFacts, in_force: Policies, *, today: date) -> tuple[date, Send] | None:
    """The next message and its day, if nothing changed, no hold stood and no cap did; None within FORESIGHT_DAYS."""
    free = replace(facts, holds=(), notices=())
    for days in range(FORESIGHT_DAYS):
        day = today + timedelta(days=days)
        decision = decide(free, in_force, today=day)
        if isinstance(decision, Send):
            return day, decision
    return None


def asked_of(facts: CustomerFacts, *, today: date) -> list[tuple[Ask, int]]:
    """What is asked for each item and its days late, oldest first."""
    return [(ask, (today - ask.item.due_on).days) for ask in asks(facts)]


def last_by_account(
    session: Session, model: type[DunningDecision] | type[DunningParked], ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    query = rows_of(table(model)).where(among(session, col(model.account_id), ids))
    return {row["account_id"]: dict(row) for row in session.connection().execute(query).mappings()}


def last_notices(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, date]]:
    notice = table(DunningNotice).c
    newest = rows_of(func.max(notice.id)).where(among(session, notice.account_id, ids), notice.cancelled_at.is_(None))
    query = rows_of(notice.account_id, notice.step, notice.cycle)
    query = query.where(notice.id.in_(newest.group_by(notice.account_id)))
    return {account: (step, cycle) for account, step, cycle in session.connection().execute(query)}


def notices_of(session: Session, account_id: int, *, limit: int = 50) -> list[DunningNotice]:
    """The customer's notices, the newest first, cancelled ones too."""
    query = rows_of(table(DunningNotice)).where(col(DunningNotice.account_id) == account_id)
    query = query.order_by(table(DunningNotice).c.id.desc()).limit(limit)
    return [DunningNotice(**row) for row in session.connection().execute(query).mappings()]


def standing_holds(session: Session, account_id: int, *, today: date) -> list[DunningHold]:
    """The customer's holds that stand on its day `today`."""
    hold = table(DunningHold).c
    query = rows_of(table(DunningHold)).where(
        hold.account_id == account_id, hold.lifted_at.is_(None), or_(hold.until.is_(None), hold.until >= today)
    )
    return [DunningHold(**row) for row in session.connection().execute(query.order_by(hold.id)).mappings()]


def living_promises(session: Session, account_id: int) -> list[Promise]:
    """The customer's promises that are not judged yet, the nearest day first."""
    made = table(Promise).c
    query = rows_of(table(Promise)).where(made.account_id == account_id, made.state == PromiseState.ALIVE)
    return [Promise(**row) for row in session.connection().execute(query.order_by(made.due_on, made.id)).mappings()]
