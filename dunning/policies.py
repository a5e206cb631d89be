"""Policies as rows: drafts, what is in force, and who was given another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.db import among, table
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.customers.entities import entity
from ar.customers.models import LegalEntity
from dunning.message import Seller
from dunning.models import DunningPolicy
from dunning.policy import FRIENDLY_FIVE, STANDARD, Policies, Policy, PolicyError, parse_policy
from dunning.texts.kinds import KINDS


class PolicyExistsError(ConflictError):
    """That version of the policy is stored already; a change is a new version."""

    code = "policy-exists"


class PolicyNotFoundError(NotFoundError):
    code = "policy-not-found"


class PolicyLiveError(ConflictError):
    """The policy is in force already, or was."""

    code = "policy-live"


class UntestedError(DomainError):
    """A policy goes live after a simulation of it, or with a word why without."""

    code = "policy-untested"


@dataclass(frozen=True)
class Scope:
    """For whom a policy is: the company, one seller, or a segment of customers; `named`, only for whom it is chosen."""

    entity_id: int | None = None
    segment: str | None = None
    named: bool = False


COMPANY = Scope()


def draft_policy(
    session: Session, name: str, body: dict[str, Any], *, scope: Scope = COMPANY, by: str, now: datetime
) -> DunningPolicy:
    """Store `body` as the next version of the policy `name`, not in force yet.

    Raises PolicyError for what is no policy, PolicyExistsError for a name that is used in another scope, or
    EntityNotFoundError.
    """
    if scope.entity_id is not None:
        entity(session, scope.entity_id)
    known = session.connection().execute(
        select(table(DunningPolicy)).where(col(DunningPolicy.name) == name).order_by(col(DunningPolicy.version).desc())
    )
    last = known.mappings().first()
    if last is not None and Scope(last["entity_id"], last["segment"], last["named"]) != scope:
        raise PolicyExistsError(f"{name!r} is the name of a policy for others: give this one another name")
    policy = parse_policy(name, last["version"] + 1 if last is not None else 1, body)
    faults = [
        Fault(f"/steps/{at}/kind", f"there is no message {step.kind!r}: give one of {', '.join(KINDS)}")
        for at, step in enumerate(policy.steps)
        if step.kind not in KINDS
    ]
    if faults:
        raise PolicyError(faults[0].message, faults=faults)
    return _stored(session, policy, scope, active_from=None, by=by, now=now)


def add_policy(
    session: Session, policy: Policy, *, scope: Scope = COMPANY, active_from: datetime, by: str, now: datetime
) -> int:
    """Store a version of a policy that is in force from `active_from`: its id. Raises PolicyExistsError."""
    known = select(col(DunningPolicy.id)).where(
        col(DunningPolicy.name) == policy.name, col(DunningPolicy.version) == policy.version
    )
    if session.connection().execute(known).first() is not None:
        raise PolicyExistsError(f"policy {policy.label} exists already: give the changed one the next version")
    row = _stored(session, policy, scope, active_from=active_from, by=by, now=now)
    assert row.id is not None
    return row.id


def _stored(
    session: Session, policy: Policy, scope: Scope, *, active_from: datetime | None, by: str, now: datetime
) -> DunningPolicy:
    row = DunningPolicy(
        name=policy.name,
        version=policy.version,
        entity_id=scope.entity_id,
        segment=scope.segment,
        named=scope.named,
        body=policy.body(),
        active_from=active_from,
        created_by=by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    change = {"policy": policy.label, "entity_id": scope.entity_id, "segment": scope.segment, "named": scope.named}
    change["active_from"] = active_from.isoformat() if active_from else None
    record(session, [Act(by, "dunning.policy_added", f"dunning_policy:{row.id}", change)], now=now)
    return row


def activate(
    session: Session, policy_id: int, *, active_from: datetime, reason: str = "", by: str, now: datetime
) -> DunningPolicy:
    """Put a draft in force from `active_from`, now at the earliest.

    Raises PolicyNotFoundError, PolicyLiveError, or UntestedError for one that was not simulated and has no `reason`.
    """
    row = session.get(DunningPolicy, policy_id, with_for_update=True)
    if row is None:
        raise PolicyNotFoundError(f"there is no policy {policy_id}")
    if row.active_from is not None:
        raise PolicyLiveError(f"policy {row.name} {row.version} is in force from {row.active_from:%Y-%m-%d %H:%M} UTC")
    if row.simulated is None and not reason.strip():
        raise UntestedError("simulate the policy over past days first, or say why it goes live untested")
    row.active_from, row.reason = max(active_from, now), reason.strip()[:400]
    session.flush()
    change = {"active_from": row.active_from.isoformat(), "simulated": row.simulated is not None, "reason": row.reason}
    record(session, [Act(by, "dunning.policy_activated", f"dunning_policy:{row.id}", change)], now=now)
    return row


def stored_policy(session: Session, policy_id: int) -> DunningPolicy:
    """Raises PolicyNotFoundError."""
    row = session.get(DunningPolicy, policy_id)
    if row is None:
        raise PolicyNotFoundError(f"there is no policy {policy_id}")
    return row


def seed_policies(session: Session, *, now: datetime) -> None:
    """Store the shipped policies, unless there is a policy already: one as the company's, one to be chosen."""
    if session.connection().execute(select(func.count()).select_from(DunningPolicy)).scalar_one() == 0:
        add_policy(session, FRIENDLY_FIVE, active_from=now, by="system", now=now)
        add_policy(session, STANDARD, scope=Scope(named=True), active_from=now, by="system", now=now)


def policies_in_force(session: Session, *, now: datetime) -> Policies:
    """The policies in force at the instant `now`: the newest of each name, and whose each is."""
    query = (
        select(table(DunningPolicy))
        .where(col(DunningPolicy.active_from) <= now)
        .order_by(col(DunningPolicy.active_from), col(DunningPolicy.id))
    )
    return as_policies(list(session.connection().execute(query).mappings()))


def as_policies(rows: Sequence[RowMapping]) -> Policies:
    """The policies of stored rows, the later ones taking the place of earlier ones; the shipped one for want of any."""
    company: Policy = FRIENDLY_FIVE
    by_entity: dict[int, Policy] = {}
    by_segment: dict[str, str] = {}
    by_name: dict[str, Policy] = {}
    for row in rows:
        policy = parse_policy(row["name"], row["version"], row["body"])
        by_name[policy.name] = policy
        if row["named"]:
            continue
        if row["entity_id"] is not None:
            by_entity[row["entity_id"]] = policy
        elif row["segment"] is not None:
            by_segment[row["segment"]] = policy.name
        else:
            company = policy
    return Policies(company, by_entity, by_segment, by_name)


def sellers(session: Session, entity_ids: Sequence[int]) -> dict[int, Seller]:
    """The legal entities of these ids, as their messages sign."""
    entity = table(LegalEntity).c
    query = select(entity.id, entity.name, entity.email, entity.phone, entity.country, entity.code)
    query = query.where(among(session, entity.id, entity_ids))
    return {row.id: Seller(*row) for row in session.connection().execute(query)}
