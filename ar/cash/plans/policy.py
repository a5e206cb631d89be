"""Which plans customers may ask for, and how missed instalments are taken: for each legal entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session, select

from ar.cash.plans.models import PlanPolicy
from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault
from ar.customers.entities import entity


class PolicyError(DomainError):
    code = "bad-plan-policy"


@dataclass(frozen=True)
class Bounds:
    """See PlanPolicy. Where a legal entity has set none, customers ask for nothing by themselves."""

    offered: bool = False
    max_months: int = 12
    max_instalments: int = 12
    min_instalment_minor: int = 1
    reminder_days: int = 3
    grace_days: int = 3


_LIMITS = {
    "max_months": (1, 60),
    "max_instalments": (2, 60),
    "min_instalment_minor": (1, 10**15),
    "reminder_days": (0, 30),
    "grace_days": (0, 30),
}


def set_policy(session: Session, entity_id: int, bounds: Bounds, *, by: str, now: datetime) -> Bounds:
    """The bounds in force from now on. Raises EntityNotFoundError, PolicyError."""
    entity(session, entity_id)
    values = asdict(bounds)
    faults = [
        Fault(f"/{name}", f"from {least} to {most}")
        for name, (least, most) in _LIMITS.items()
        if not least <= values[name] <= most
    ]
    if faults:
        raise PolicyError(f"The bounds were not set: {faults[0].pointer} is {faults[0].message}", faults=faults)
    found = session.get(PlanPolicy, entity_id) or PlanPolicy(entity_id=entity_id, **values)
    for name, value in values.items():
        setattr(found, name, value)
    session.add(found)
    session.flush()
    record(session, [Act(by, "plan_policy.set", f"legal_entity:{entity_id}", values)], now=now)
    return bounds


def all_bounds(session: Session) -> Mapping[int, Bounds]:
    """The bounds of every legal entity that has set some, by its id."""
    names = Bounds.__dataclass_fields__
    return {
        found.entity_id: Bounds(**{name: getattr(found, name) for name in names})
        for found in session.exec(select(PlanPolicy))
    }


def bounds_of(session: Session, entity_id: int) -> Bounds:
    """The bounds of a legal entity. Raises EntityNotFoundError."""
    entity(session, entity_id)
    return all_bounds(session).get(entity_id, Bounds())
