"""Experiments set up, and ended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isclose

from sqlalchemy import or_
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.money import exponent
from dunning.experiments.assign import Arm
from dunning.experiments.models import Experiment
from dunning.policies import policies_in_force

MOST_HELD_OUT = 30
MOST_ARMS = 5
LONGEST_DAYS = 366


class ExperimentError(DomainError):
    """The experiment cannot be set up as given; each fault names the place."""

    code = "bad-experiment"


class ExperimentNotFoundError(NotFoundError):
    code = "experiment-not-found"


class ExperimentOverlapError(ConflictError):
    """Another experiment has the same customers in the same days, or the same name."""

    code = "experiment-overlap"


@dataclass(frozen=True)
class Plan:
    """What an experiment is to be; the first arm is the control. See the table for what each means."""

    name: str
    arms: Sequence[Arm]
    starts_on: date
    ends_on: date
    segment: str | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    kept_out: Sequence[int] = ()
    most_days_late: int = 30


def create_experiment(session: Session, plan: Plan, *, by: str, now: datetime) -> Experiment:
    """Set up an experiment that starts by itself on its day.

    Raises ExperimentError, or ExperimentOverlapError for a name that is taken or customers who may be in another one.
    """
    known = policies_in_force(session, now=now).by_name
    faults = [*_faults(plan, today=now.date()), *_unknown_policies(plan, known)]
    if faults:
        raise ExperimentError(faults[0].message, faults=faults)
    if session.exec(select(Experiment).where(Experiment.name == plan.name)).first() is not None:
        raise ExperimentOverlapError(f"there is an experiment named {plan.name!r} already")
    _refuse_overlap(session, plan)
    row = Experiment(
        name=plan.name,
        arms=[arm.as_data() for arm in plan.arms],
        segment=plan.segment,
        limits=dict(plan.limits),
        kept_out=sorted(set(plan.kept_out)),
        most_days_late=plan.most_days_late,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
        salt=hashlib.sha256(f"{plan.name}:{now.isoformat()}".encode()).hexdigest()[:20],
        created_by=by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    change = {"name": row.name, "arms": row.arms, "segment": row.segment, "salt": row.salt}
    change |= {"starts_on": row.starts_on.isoformat(), "ends_on": row.ends_on.isoformat()}
    record(session, [Act(by, "experiment.created", f"experiment:{row.id}", change)], now=now)
    return row


def _faults(plan: Plan, *, today: date) -> Iterator[Fault]:
    if not 2 <= len(plan.arms) <= MOST_ARMS:
        yield Fault("/arms", f"give 2 to {MOST_ARMS} arms, the control first")
    if len({arm.name for arm in plan.arms}) != len(plan.arms):
        yield Fault("/arms", "give every arm a name of its own")
    if not isclose(sum(arm.share for arm in plan.arms), 1, abs_tol=1e-9):
        yield Fault("/arms", "the shares of the arms sum to 1")
    for at, arm in enumerate(plan.arms):
        if not 0.01 <= arm.share < 1:
            yield Fault(f"/arms/{at}/share", "a share is at least 0.01 and below 1")
        if not 0 <= arm.holdout_days <= MOST_HELD_OUT:
            yield Fault(f"/arms/{at}/holdout_days", f"hold out for 0 to {MOST_HELD_OUT} days")
    treatments = {(arm.holdout_days, arm.policy, arm.timing) for arm in plan.arms}
    if len(plan.arms) > 1 and len(treatments) == 1 and treatments != {(0, None, None)}:
        yield Fault("/arms", "all arms do the same; for a check of the method itself leave them all as they are")
    if plan.starts_on < today:
        yield Fault("/starts_on", f"an experiment starts on {today} at the earliest")
    if not 1 <= (plan.ends_on - plan.starts_on).days <= LONGEST_DAYS:
        yield Fault("/ends_on", f"it ends 1 to {LONGEST_DAYS} days after its start")
    for currency, minor in plan.limits.items():
        if minor <= 0 or not _is_currency(currency):
            yield Fault(f"/limits/{currency[:3]}", "give amounts above zero, in minor units, by currency")


def _is_currency(code: str) -> bool:
    try:
        exponent(code)
    except DomainError:
        return False
    return True


def _unknown_policies(plan: Plan, known: Mapping[str, object]) -> Iterator[Fault]:
    for at, arm in enumerate(plan.arms):
        if arm.policy is not None and arm.policy not in known:
            yield Fault(f"/arms/{at}/policy", f"no policy named {arm.policy[:60]!r} is in force")


def _refuse_overlap(session: Session, plan: Plan) -> None:
    query = select(Experiment).where(
        col(Experiment.ended_at).is_(None),
        Experiment.ends_on >= plan.starts_on,
        Experiment.starts_on <= plan.ends_on,
    )
    if plan.segment is not None:
        query = query.where(or_(col(Experiment.segment).is_(None), col(Experiment.segment) == plan.segment))
    other = session.exec(query.order_by(col(Experiment.id)).with_for_update()).first()
    if other is not None:
        whom = f"the segment {other.segment!r}" if other.segment else "all customers"
        raise ExperimentOverlapError(
            f"{other.name!r} has {whom} from {other.starts_on} to {other.ends_on}: a customer is in one at a time"
        )


def end_experiment(session: Session, experiment_id: int, *, by: str, now: datetime) -> Experiment:
    """End it now: everybody is treated as without it again. Ending one that has ended changes nothing.

    Raises ExperimentNotFoundError.
    """
    row = session.get(Experiment, experiment_id, with_for_update=True)
    if row is None:
        raise ExperimentNotFoundError(f"there is no experiment {experiment_id}")
    if row.ended_at is None and row.ends_on >= now.date():
        row.ended_at, row.ended_by = now, by
        session.flush()
        record(session, [Act(by, "experiment.ended", f"experiment:{experiment_id}", {"name": row.name})], now=now)
    return row


def experiment(session: Session, experiment_id: int) -> Experiment:
    """Raises ExperimentNotFoundError."""
    row = session.get(Experiment, experiment_id)
    if row is None:
        raise ExperimentNotFoundError(f"there is no experiment {experiment_id}")
    return row
