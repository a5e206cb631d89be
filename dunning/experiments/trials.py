"""Which customers are in a running experiment, and that they entered it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from ar.core.clock import local_date
from ar.core.db import among, is_postgres, table
from ar.customers.models import Account
from ar.ledger.models import OpenItem
from dunning.case import CustomerFacts, Trial
from dunning.experiments.assign import arm_for, arms_of
from dunning.experiments.models import Experiment, ExperimentArm


def running(session: Session, *, today: date) -> list[Experiment]:
    """The experiments that are on, by id."""
    query = (
        select(table(Experiment))
        .where(col(Experiment.starts_on) <= today, col(Experiment.ends_on) >= today, col(Experiment.ended_at).is_(None))
        .order_by(col(Experiment.id))
    )
    return [Experiment(**row) for row in session.connection().execute(query).mappings()]


def trials(session: Session, account_ids: Sequence[int], *, today: date) -> dict[int, Trial]:
    """The arm that each of these customers is in on `today`, or enters if it is looked at; only those in one.

    One who has entered a running experiment stays in its arm, whatever has become of its segment or its debt.
    """
    on = {one.id: one for one in running(session, today=today) if one.id is not None}
    if not on:
        return {}
    found: dict[int, Trial] = {}
    entered = select(col(ExperimentArm.account_id), col(ExperimentArm.experiment_id), col(ExperimentArm.arm)).where(
        among(session, col(ExperimentArm.account_id), account_ids), col(ExperimentArm.experiment_id).in_(list(on))
    )
    for account_id, experiment_id, name in session.connection().execute(entered.order_by(col(ExperimentArm.id).desc())):
        arm = next(arm for arm in arms_of(on[experiment_id].arms) if arm.name == name)
        found[account_id] = arm.trial(experiment_id)
    free = [account_id for account_id in account_ids if account_id not in found]
    for experiment in on.values():
        assert experiment.id is not None
        drawable = _drawable(session, free, experiment, today=today)
        free = [account_id for account_id in free if account_id not in drawable]
        arms = arms_of(experiment.arms)
        for account_id in drawable:
            found[account_id] = arm_for(arms, experiment.salt, account_id).trial(experiment.id)
    return found


def _drawable(session: Session, account_ids: Sequence[int], experiment: Experiment, *, today: date) -> set[int]:
    """Who of these customers may be drawn: by what is so before any arm does anything, so that arms stay alike."""
    query = select(col(Account.id)).where(among(session, col(Account.id), account_ids))
    if experiment.segment is not None:
        query = query.where(col(Account.segment) == experiment.segment)
    found = {number for number in session.connection().execute(query).scalars() if number is not None}
    found -= set(experiment.kept_out)
    if not found:
        return found
    owed = (
        select(
            col(OpenItem.account_id),
            col(OpenItem.currency),
            func.sum(col(OpenItem.open_minor)),
            func.min(col(OpenItem.due_on)),
        )
        .where(
            among(session, col(OpenItem.account_id), sorted(found)),
            col(OpenItem.open_minor) > 0,
            col(OpenItem.side) == 1,
        )
        .group_by(col(OpenItem.account_id), col(OpenItem.currency))
    )
    oldest = today - timedelta(days=experiment.most_days_late)
    limits: Mapping[str, int] = experiment.limits
    for account_id, currency, minor, due_on in session.connection().execute(owed):
        if due_on < oldest or (currency in limits and minor > limits[currency]):
            found.discard(account_id)
    return found


def enter(session: Session, facts: Sequence[CustomerFacts], *, now: datetime) -> None:
    """Note that those of these customers who are in a trial have entered it, on their local day; known ones stay."""
    rows = [
        {
            "experiment_id": one.trial.experiment_id,
            "account_id": one.account_id,
            "arm": one.trial.arm,
            "entered_on": local_date(now, one.zone),
        }
        for one in facts
        if one.trial is not None
    ]
    if not rows:
        return
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(table(ExperimentArm)).on_conflict_do_nothing(index_elements=["account_id", "experiment_id"])
    session.connection().execute(statement, rows)
