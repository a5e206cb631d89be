"""What the ledger says of living plans: what was paid since, what they still cover, and what they expect when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select
from sqlmodel import Session, col

from ar.cash.matching.facts import Expected
from ar.cash.plans.models import Instalment, PaymentPlan, PlanItem, PlanState
from ar.cash.plans.schedule import Part, covered, due_by
from ar.core.db import among, table
from ar.ledger.models import OpenItem


@dataclass(frozen=True, slots=True)
class InPlan:
    """An item of a plan: what of it the plan covers, what was open of it when it was agreed, and what is open now."""

    entry_id: int
    reference: str
    due_on: date
    amount_minor: int
    open_then: int
    open_now: int

    @property
    def paid_minor(self) -> int:
        """What came for it since, up to what the plan covers: what came first counts for the plan."""
        return max(0, min(self.amount_minor, self.open_then - self.open_now))

    @property
    def left_minor(self) -> int:
        return min(self.amount_minor - self.paid_minor, self.open_now)


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan with its items, the oldest due first, and its instalments in order."""

    plan: PaymentPlan
    items: tuple[InPlan, ...]
    parts: tuple[Part, ...]

    @property
    def paid_minor(self) -> int:
        return sum(item.paid_minor for item in self.items)


def plan_facts(session: Session, plan_ids: Sequence[int]) -> dict[int, PlanFacts]:
    """These plans as the ledger has them now, by id: three queries, however many."""
    plans = session.connection().execute(
        select(table(PaymentPlan)).where(among(session, col(PaymentPlan.id), plan_ids))
    )
    items: dict[int, list[InPlan]] = defaultdict(list)
    query = (
        select(
            col(PlanItem.plan_id),
            col(PlanItem.entry_id),
            col(OpenItem.reference),
            col(OpenItem.due_on),
            col(PlanItem.amount_minor),
            col(PlanItem.open_minor),
            col(OpenItem.open_minor),
        )
        .join(OpenItem, col(OpenItem.entry_id) == col(PlanItem.entry_id))
        .where(among(session, col(PlanItem.plan_id), plan_ids))
        .order_by(col(OpenItem.due_on), col(PlanItem.entry_id))
    )
    for row in session.connection().execute(query):
        items[row[0]].append(InPlan(*row[1:]))
    parts: dict[int, list[Part]] = defaultdict(list)
    instalments = select(
        col(Instalment.plan_id),
        col(Instalment.number),
        col(Instalment.due_on),
        col(Instalment.amount_minor),
        col(Instalment.missed_at),
    ).where(among(session, col(Instalment.plan_id), plan_ids))
    for plan_id, number, due_on, minor, missed_at in session.connection().execute(
        instalments.order_by(col(Instalment.plan_id), col(Instalment.number))
    ):
        parts[plan_id].append(Part(number, due_on, minor, missed_at is not None))
    return {
        row["id"]: PlanFacts(PaymentPlan(**row), tuple(items[row["id"]]), tuple(parts[row["id"]]))
        for row in plans.mappings()
    }


def living_plans(session: Session, account_ids: Sequence[int]) -> list[PlanFacts]:
    """The agreed plans of these customers, by id."""
    ids = _living_ids(session, account_ids)
    found = plan_facts(session, ids) if ids else {}
    return [found[plan_id] for plan_id in sorted(found)]


def _living_ids(session: Session, account_ids: Sequence[int]) -> list[int]:
    if len(account_ids) == 1:
        return list(session.connection().execute(_LIVING_OF_ONE, {"account_id": account_ids[0]}).scalars())
    return list(
        session.connection().execute(_living(among(session, col(PaymentPlan.account_id), account_ids))).scalars()
    )


def _living(whose: ColumnElement[bool]) -> Any:
    return select(col(PaymentPlan.id)).where(whose, col(PaymentPlan.state) == PlanState.AGREED)


_LIVING_OF_ONE = _living(col(PaymentPlan.account_id) == bindparam("account_id"))
"""Made once: the customer's page asks for it at every visit."""


def planned_parts(session: Session, account_ids: Sequence[int]) -> dict[int, tuple[int, date]]:
    """What living plans still cover of each item, and the day of the plan's next instalment: entry id -> both."""
    found = {}
    for facts in living_plans(session, account_ids):
        open_parts = [one.part for one in covered(facts.parts, facts.paid_minor) if one.open_minor]
        until = min((part.due_on for part in open_parts), default=facts.parts[-1].due_on)
        for item in facts.items:
            if item.left_minor:
                found[item.entry_id] = (item.left_minor, until)
    return found


def collectable(session: Session, account_ids: Sequence[int], *, until: date) -> dict[int, int]:
    """What of each item is due by instalments that are collected by direct debit, on or before `until`."""
    found = {}
    for facts in living_plans(session, account_ids):
        if not facts.plan.collected:
            continue
        left = due_by(facts.parts, paid_minor=facts.paid_minor, until=until)
        for item in facts.items:
            given = min(left, item.left_minor)
            left -= given
            if given:
                found[item.entry_id] = given
    return found


def expected(session: Session, account_ids: Sequence[int]) -> dict[int, list[Expected]]:
    """Per account, the next open instalment of each living plan, for matching money that comes in."""
    found: dict[int, list[Expected]] = {}
    for facts in living_plans(session, account_ids):
        following = next((one for one in covered(facts.parts, facts.paid_minor) if one.open_minor), None)
        if following is not None:
            entries = tuple(item.entry_id for item in facts.items if item.left_minor)
            found.setdefault(facts.plan.account_id, []).append(
                Expected("instalment", following.open_minor, facts.plan.currency, following.part.due_on, entries)
            )
    return found
