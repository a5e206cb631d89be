"""Simulating a stored policy: asked for by a person, done by a job, kept beside the policy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from ar.core.audit import Act, record
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from dunning.models import DunningPolicy
from dunning.policies import Scope, stored_policy
from dunning.policy import parse_policy
from dunning.simulation.simulate import MONTHS, SAMPLE, months_before, simulate

SIMULATE_JOB = "simulate-policy"
"""The name of the job, and its lane: two are not made at once."""


@dataclass(frozen=True)
class Extent:
    """How much is simulated: so many months up to yesterday, of so many customers, drawn by a seed."""

    months: int = MONTHS
    sample: int = SAMPLE
    seed: int = 1


def ask_simulation(session: Session, policy_id: int, extent: Extent, *, by: str, now: datetime) -> bool:
    """Queue a simulation of the policy over the last months; False when it was asked for this minute already.

    Raises PolicyNotFoundError.
    """
    stored_policy(session, policy_id)
    arguments = {"policy_id": policy_id, "by": by, **asdict(extent)}
    asked = f"{policy_id}:{extent.months}:{extent.sample}:{extent.seed}"
    key = f"{SIMULATE_JOB}:{asked}:{now.strftime('%Y-%m-%dT%H:%M')}"
    return enqueue(session, SIMULATE_JOB, arguments, dedup_key=key, now=now, lane=SIMULATE_JOB)


def simulate_policy(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: simulate, and keep the result with the policy, in the place of an earlier one."""
    policy_id, by = arguments["policy_id"], arguments["by"]
    with kernel.database.reading() as session:
        row = stored_policy(session, policy_id)
        policy = parse_policy(row.name, row.version, row.body)
        first, last = months_before(now.date(), arguments["months"])
        found = simulate(
            session,
            policy,
            scope=Scope(row.entity_id, row.segment, row.named),
            first=first,
            last=last,
            sample=arguments["sample"],
            seed=arguments["seed"],
            now=now,
        )
    with kernel.database.transaction() as session:
        kept = session.get(DunningPolicy, policy_id, with_for_update=True)
        assert kept is not None  # policies are never deleted
        kept.simulated = {**found.as_data(), "made_at": now.isoformat(), "made_by": by}
        change = {"first": first.isoformat(), "last": last.isoformat(), "sampled": found.sampled}
        record(session, [Act(by, "dunning.policy_simulated", f"dunning_policy:{policy_id}", change)], now=now)
    return f"{found.policy}: {found.candidate.messages} messages to {found.candidate.customers} of {found.sampled}"
