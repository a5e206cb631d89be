"""Living plans followed by the ledger: customers reminded, told of what is missing, plans kept or broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.cash.checkout import in_flight
from ar.cash.collections.models import CollectionLine
from ar.cash.mandates.models import Mandate, MandateState
from ar.cash.plans.facts import PlanFacts, plan_facts
from ar.cash.plans.manage import close, locked_plan, mark
from ar.cash.plans.models import Instalment, PaymentPlan, PlanState
from ar.cash.plans.policy import Bounds, all_bounds
from ar.cash.plans.schedule import Covered, Standing, Verdict, covered, due_by, stand
from ar.core.clock import local_date
from ar.core.db import among
from ar.core.kernel import Kernel
from ar.customers.models import Account
from ar.customers.notes import write_note
from ar.ledger.models import EntryKind, OpenItem

_CHUNK = 50

Purse = tuple[int, int, str]
"""Whose money, with which seller, in which currency."""


def follow_plans(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Job: judge every agreed plan by the ledger, and write what is to be said: how many of each, in words."""
    with kernel.database.reading() as session:
        query = select(PaymentPlan.id).where(PaymentPlan.state == PlanState.AGREED).order_by(col(PaymentPlan.id))
        ids = [number for number in session.exec(query) if number is not None]
    counts: dict[str, int] = defaultdict(int)
    for start in range(0, len(ids), _CHUNK):
        with kernel.database.transaction() as session:
            for said in follow(session, kernel, ids[start : start + _CHUNK], now=now):
                counts[said] += 1
    return ", ".join(f"{count} {said}" for said, count in sorted(counts.items())) or "no plan to follow"


def follow(session: Session, kernel: Kernel, plan_ids: Sequence[int], *, now: datetime) -> list[str]:
    """Judge these plans: the verdict of each that is agreed still, and what was said beside it."""
    query = select(PaymentPlan).where(
        among(session, col(PaymentPlan.id), plan_ids), PaymentPlan.state == PlanState.AGREED
    )
    locked = list(session.exec(query.order_by(col(PaymentPlan.id)).with_for_update()))
    found = plan_facts(session, [plan.id for plan in locked if plan.id is not None])
    accounts = sorted({plan.account_id for plan in locked})
    where = {
        number: (country, zone)
        for number, country, zone in session.exec(
            select(Account.id, Account.country, Account.time_zone).where(among(session, col(Account.id), accounts))
        )
    }
    purses, flying, bounds = _unapplied(session, accounts), in_flight(session, accounts), all_bounds(session)
    noted, ours = _noted(session, list(found)), _ours_to_collect(session, accounts)
    said = []
    for plan_id, facts in sorted(found.items()):
        country, zone = where[facts.plan.account_id]
        today = local_date(now, zone)
        policy = bounds.get(facts.plan.entity_id, Bounds())
        standing = stand(
            facts.parts,
            paid_minor=facts.paid_minor,
            coming_minor=_coming(facts, purses, flying) + _uncollected(facts, ours, today),
            today=today,
            grace_days=policy.grace_days,
            country=country,
        )
        said += _act(session, kernel, facts, standing, policy, noted[plan_id], today=today, now=now)
    return said


def _unapplied(session: Session, account_ids: Sequence[int]) -> dict[Purse, int]:
    """Cash of these customers that is not set against anything yet: our own delay breaks nobody's plan."""
    keys = (col(OpenItem.account_id), col(OpenItem.entity_id), col(OpenItem.currency))
    query = select(*keys, func.sum(col(OpenItem.open_minor))).where(
        among(session, col(OpenItem.account_id), account_ids),
        col(OpenItem.open_minor) > 0,
        col(OpenItem.side) == -1,
        col(OpenItem.kind) == EntryKind.PAYMENT,
    )
    return {
        (account, entity, currency): int(minor)
        for account, entity, currency, minor in session.exec(query.group_by(*keys))
    }


def _ours_to_collect(session: Session, account_ids: Sequence[int]) -> Mapping[tuple[int, int], date | None]:
    """The customers (and sellers) with a mandate in force, and when a debit under it last came back, if any did."""
    query = (
        select(Mandate.account_id, Mandate.entity_id, func.max(col(CollectionLine.returned_on)))
        .outerjoin(CollectionLine, col(CollectionLine.mandate_id) == col(Mandate.id))
        .where(among(session, col(Mandate.account_id), account_ids), Mandate.state == MandateState.ACTIVE)
        .group_by(col(Mandate.account_id), col(Mandate.entity_id))
    )
    return {(account_id, entity_id): last for account_id, entity_id, last in session.exec(query)}


def _uncollected(facts: PlanFacts, ours: Mapping[tuple[int, int], date | None], today: date) -> int:
    """What is due and was for us to collect: nobody misses an instalment that we did not debit.

    Once a debit came back since the plan was agreed, the customer is asked for what is due like any other.
    """
    key = (facts.plan.account_id, facts.plan.entity_id)
    if not facts.plan.collected or key not in ours:
        return 0
    last, agreed_at = ours[key], facts.plan.agreed_at
    if last is not None and agreed_at is not None and last >= agreed_at.date():
        return 0
    return due_by(facts.parts, paid_minor=facts.paid_minor, until=today)


def _coming(facts: PlanFacts, purses: Mapping[Purse, int], flying: Mapping[int, int]) -> int:
    plan = facts.plan
    on_its_way = sum(min(flying.get(item.entry_id, 0), item.left_minor) for item in facts.items)
    return on_its_way + purses.get((plan.account_id, plan.entity_id, plan.currency), 0)


@dataclass
class _Noted:
    """The numbers of a plan's instalments that were reminded of, and that were noted as met."""

    reminded: set[int] = field(default_factory=set)
    met: set[int] = field(default_factory=set)


def _noted(session: Session, plan_ids: Sequence[int]) -> Mapping[int, _Noted]:
    query = select(Instalment).where(among(session, col(Instalment.plan_id), plan_ids))
    found: dict[int, _Noted] = defaultdict(_Noted)
    for instalment in session.exec(query):
        if instalment.reminded_at is not None:
            found[instalment.plan_id].reminded.add(instalment.number)
        if instalment.met_at is not None:
            found[instalment.plan_id].met.add(instalment.number)
    return found


def _act(
    session: Session,
    kernel: Kernel,
    facts: PlanFacts,
    standing: Standing,
    policy: Bounds,
    noted: _Noted,
    *,
    today: date,
    now: datetime,
) -> list[str]:
    """Write down what the standing asks for; in words, what it was."""
    plan_id = facts.plan.id
    assert plan_id is not None
    met = {one.part.number for one in covered(facts.parts, facts.paid_minor) if not one.open_minor}
    if met - noted.met:
        mark(session, plan_id, sorted(met - noted.met), "met_at", now=now)
    if standing.verdict is Verdict.KEPT:
        close(session, locked_plan(session, plan_id), PlanState.KEPT, why="paid in full", by="system", now=now)
        return ["kept"]
    if standing.verdict is Verdict.BROKEN:
        numbers = ", ".join(str(one.part.number) for one in standing.late)
        why = f"instalments {numbers} did not come"
        mark(session, plan_id, [one.part.number for one in standing.late], "missed_at", now=now)
        close(session, locked_plan(session, plan_id), PlanState.BROKEN, why=why, by="system", now=now)
        _tell(session, kernel, facts, "plan_broken", standing.late[-1], f"plan:{plan_id}:broken", now=now)
        return ["broken"]
    said = ["in good standing" if standing.verdict is Verdict.GOOD else "late with one"]
    for one in standing.late:
        if not one.part.missed:
            mark(session, plan_id, [one.part.number], "missed_at", now=now)
            _tell(session, kernel, facts, "plan_missed", one, f"plan:{plan_id}:{one.part.number}", now=now)
            said.append("told of a missed instalment")
    following = standing.next
    if following is not None and following.part.number not in noted.reminded:
        days = timedelta(days=policy.reminder_days)
        if following.part.due_on - days <= today <= following.part.due_on:
            mark(session, plan_id, [following.part.number], "reminded_at", now=now)
            about = f"plan:{plan_id}:{following.part.number}"
            _tell(session, kernel, facts, "plan_reminder", following, about, now=now)
            said.append("reminded")
    return said


def _tell(
    session: Session, kernel: Kernel, facts: PlanFacts, kind: str, one: Covered, about: str, *, now: datetime
) -> None:
    write_note(
        session,
        kernel,
        kind,
        account_id=facts.plan.account_id,
        entity_id=facts.plan.entity_id,
        about=about,
        now=now,
        plan=told_of(facts),
        part={"number": one.part.number, "due_on": one.part.due_on, "open_minor": one.open_minor},
    )


def tell_plan(session: Session, kernel: Kernel, plan_id: int, kind: str, *, now: datetime) -> None:
    """The plan as it was proposed or agreed, in a message to its customer."""
    facts = plan_facts(session, [plan_id])[plan_id]
    write_note(
        session,
        kernel,
        kind,
        account_id=facts.plan.account_id,
        entity_id=facts.plan.entity_id,
        about=f"plan:{plan_id}",
        now=now,
        plan=told_of(facts),
        parts=[{"due_on": part.due_on, "amount_minor": part.amount_minor} for part in facts.parts],
    )


def told_of(facts: PlanFacts) -> dict[str, Any]:
    """What messages say of a plan. Amounts in minor units."""
    return {
        "amount_minor": facts.plan.amount_minor,
        "currency": facts.plan.currency,
        "collected": facts.plan.collected,
        "paid_minor": facts.paid_minor,
        "left_minor": facts.plan.amount_minor - facts.paid_minor,
        "count": len(facts.parts),
    }
