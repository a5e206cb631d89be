"""JSON: have a policy simulated; the result is read with the policy."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ar.core.web import Id, NowDep, Principal, SessionDep, allow, example
from dunning.simulation.jobs import Extent, ask_simulation
from dunning.simulation.simulate import MONTHS, MOST, SAMPLE

router = APIRouter(prefix="/api/v1/dunning", tags=["dunning"])


class SimulateIn(BaseModel):
    model_config = example({"months": 6, "sample": 500, "seed": 1}) | ConfigDict(extra="forbid")

    months: Annotated[int, Field(ge=1, le=12, description="How many months back, up to yesterday")] = MONTHS
    sample: Annotated[int, Field(ge=1, le=MOST, description="Customers, drawn by chance; all when there are fewer")] = (
        SAMPLE
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="The same draws the same customers")] = 1


class SimulateOut(BaseModel):
    model_config = example({"policy_id": 4, "state": "queued"})

    policy_id: int
    state: Literal["queued", "already_queued"]


@router.post("/policies/{policy_id}/simulate", status_code=202, summary="Simulate a policy")
def post_simulate(
    policy_id: Id,
    body: SimulateIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> SimulateOut:
    """Have the policy lived through over past months, beside those in force; the result comes with the policy."""
    queued = ask_simulation(session, policy_id, Extent(**body.model_dump()), by=principal.actor, now=now)
    return SimulateOut(policy_id=policy_id, state="queued" if queued else "already_queued")
