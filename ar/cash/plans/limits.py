"""Who may grant which payment plans alone: limits of roles, and the approval of another for what is above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dateutil.relativedelta import relativedelta
from sqlmodel import Session, col, delete, select

from ar.cash.plans.models import PaymentPlan, PlanApproval, PlanLimit
from ar.core.access.models import Role
from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import ForbiddenError
from ar.customers.entities import entity
from ar.ledger.models import OpenItem


class ApprovalError(ForbiddenError):
    """This person cannot approve this plan."""

    code = "plan-approval"


@dataclass(frozen=True)
class Limit:
    """The most that may be granted: minor units of the seller's currency, months to the last instalment; None: any."""

    max_minor: int | None = None
    max_months: int | None = None


UNLIMITED = Limit()
NOTHING = Limit(0, 0)


def limit_of(session: Session, entity_id: int, role: Role | None) -> Limit:
    """What a person in `role` may grant for a legal entity; an API key, without role, is trusted with what it may do.

    Where nothing is set: a credit manager whatever it takes, everybody else nothing without approval.
    """
    if role is None:
        return UNLIMITED
    row = session.get(PlanLimit, (entity_id, role))
    if row is not None:
        return Limit(row.max_minor, row.max_months)
    return UNLIMITED if role is Role.CREDIT_MANAGER else NOTHING


def limits(session: Session, entity_id: int) -> dict[Role, Limit]:
    """What is set for a legal entity. Raises EntityNotFoundError."""
    entity(session, entity_id)
    rows = session.exec(select(PlanLimit).where(PlanLimit.entity_id == entity_id))
    return {row.role: Limit(row.max_minor, row.max_months) for row in rows}


def set_limits(session: Session, entity_id: int, wanted: Mapping[Role, Limit], *, by: str, now: datetime) -> None:
    """Set the limits of a legal entity, all of them; roles left out have the usual ones. Raises EntityNotFoundError."""
    entity(session, entity_id)
    session.exec(delete(PlanLimit).where(col(PlanLimit.entity_id) == entity_id))
    for role, limit in wanted.items():
        session.add(PlanLimit(entity_id=entity_id, role=role, max_minor=limit.max_minor, max_months=limit.max_months))
    session.flush()
    change = {role.value: [limit.max_minor, limit.max_months] for role, limit in wanted.items()}
    record(session, [Act(by, "plan_limits.set", f"legal_entity:{entity_id}", change)], now=now)


def why_above(session: Session, plan: PaymentPlan, limit: Limit, *, last_on: date, today: date) -> str | None:
    """Why a plan whose last instalment is on `last_on` is above `limit`, in words; None when it is within."""
    currency = entity(session, plan.entity_id).currency
    if limit.max_minor is not None and (plan.currency != currency or plan.amount_minor > limit.max_minor):
        return f"{plan.amount_minor} {plan.currency} where {limit.max_minor} {currency} may be granted (minor units)"
    if limit.max_months is not None and last_on > today + relativedelta(months=limit.max_months):
        return f"it ends on {last_on}, later than {limit.max_months} months from now"
    return None


def entity_of(session: Session, entry_ids: Sequence[int]) -> int:
    """The legal entity of the first of these items; 0 for unknown ones, which proposing the plan refuses by name."""
    query = select(OpenItem.entity_id).where(among(session, col(OpenItem.entry_id), sorted(entry_ids)[:1]))
    return session.exec(query).first() or 0


def waits(session: Session, plan_id: int) -> bool:
    """Whether a plan waits for somebody's approval."""
    found = session.get(PlanApproval, plan_id)
    return found is not None and found.approved_at is None
