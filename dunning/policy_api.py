"""JSON: policies drafted, activated, and chosen for a customer or one of its invoices."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.core.web import (
    Cursor,
    Id,
    Limit,
    NowDep,
    Number,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    allow,
    example,
    idempotent,
    paged,
)
from dunning.choices import choose, end_choice
from dunning.models import DunningChoice, DunningPolicy
from dunning.policies import Scope, activate, draft_policy, stored_policy
from dunning.policy import NO_POLICY

router = APIRouter(prefix="/api/v1/dunning", tags=["dunning"])

BODY = {
    "steps": [
        {"key": "friendly", "offset_days": 3, "kind": "reminder_friendly", "tone": "friendly"},
        {
            "key": "firm",
            "offset_days": 14,
            "kind": "reminder_firm",
            "tone": "firm",
            "channel": "letter",
            "when": {"minimum": {"EUR": 100_000}},
        },
    ],
    "per_week": 2,
}
POLICY = {
    "id": 3,
    "name": "calm",
    "version": 2,
    "entity_id": None,
    "segment": "retail",
    "named": False,
    "active_from": None,
    "created_by": "user:3",
    "created_at": "2026-03-02T09:30:00Z",
    "tested": False,
    "reason": "",
}
CHOICE = {"account_id": 17, "entry_id": None, "policy": "calm", "reason": "Agreed with their finance director"}


class PolicyIn(BaseModel):
    """The next version of the policy `name`, for the company unless an entity or a segment is given."""

    model_config = example({"name": "calm", "segment": "retail", "policy": BODY}) | ConfigDict(extra="forbid")

    name: ShortText
    entity_id: Number | None = None
    segment: ShortText | None = None
    named: bool = Field(default=False, description="Only for customers and invoices for which it is chosen")
    policy: dict[str, Any] = Field(description="Steps and limits, as docs/dunning.md tells them")


class PolicyOut(BaseModel):
    model_config = example(POLICY)

    id: int
    name: str
    version: int
    entity_id: int | None
    segment: str | None
    named: bool
    active_from: datetime | None = Field(description="In force from then on; a draft when null")
    created_by: str
    created_at: datetime | None
    tested: bool = Field(description="Whether it was simulated over past days")
    reason: str = Field(description="Why it went live untested, when it did")


class PolicyDetailOut(PolicyOut):
    model_config = example(POLICY | {"policy": BODY, "simulated": None})

    policy: dict[str, Any]
    simulated: dict[str, Any] | None = Field(description="What a simulation of it over past days gave")


class ActivateIn(BaseModel):
    model_config = example({"active_from": "2026-04-01T06:00:00Z", "reason": "Only the wording changed"}) | ConfigDict(
        extra="forbid"
    )

    active_from: AwareDatetime | None = Field(default=None, description="At once when null")
    reason: ShortText | None = Field(default=None, description="Needed for a policy that was not simulated")


class ChoiceIn(BaseModel):
    """An empty policy means that no automatic word is written."""

    model_config = example(CHOICE) | ConfigDict(extra="forbid")

    account_id: Number
    entry_id: Number | None = Field(default=None, description="For this item alone")
    policy: Annotated[str, Field(max_length=60)] = NO_POLICY
    reason: ShortText


class ChoiceOut(BaseModel):
    model_config = example(
        CHOICE | {"id": 5, "made_by": "user:3", "created_at": "2026-03-02T09:30:00Z", "ended_at": None}
    )

    id: int
    account_id: int
    entry_id: int | None
    policy: str
    reason: str
    made_by: str
    created_at: datetime
    ended_at: datetime | None


def _told(row: DunningPolicy) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in PolicyOut.model_fields if name != "tested"}
    return {**shown, "tested": row.simulated is not None}


def policy_out(row: DunningPolicy) -> PolicyDetailOut:
    return PolicyDetailOut(**_told(row), policy=row.body, simulated=row.simulated)


@router.get("/policies", summary="List policies", dependencies=[allow("dunning:read")])
def list_policies(
    session: SessionDep,
    name: Annotated[str | None, Query(max_length=60, description="Only versions of this one")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PolicyOut]:
    """Every version, the newest first, drafts too."""
    query = select(DunningPolicy)
    if name is not None:
        query = query.where(DunningPolicy.name == name)
    found = paged(session, query, key=(col(DunningPolicy.id).desc(),), cursor=cursor, limit=limit)
    return found.map(lambda row: PolicyOut(**_told(row)))


@router.get("/policies/{policy_id}", summary="Read a policy", dependencies=[allow("dunning:read")])
def get_policy(policy_id: Id, session: SessionDep) -> PolicyDetailOut:
    """One version with its steps, and what a simulation of it gave."""
    return policy_out(stored_policy(session, policy_id))


@router.post("/policies", status_code=201, summary="Draft a policy", response_model=PolicyDetailOut)
def post_policy(
    body: PolicyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Store the next version of a policy as a draft: nothing changes until it is activated."""
    scope = Scope(body.entity_id, body.segment, body.named)
    return once(
        session,
        lambda: policy_out(draft_policy(session, body.name, body.policy, scope=scope, by=principal.actor, now=now)),
    )


@router.post("/policies/{policy_id}/activate", summary="Put a policy in force")
def post_activate(
    policy_id: Id,
    body: ActivateIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> PolicyDetailOut:
    """Put a draft in force, at once or later; it takes the place of the version before it."""
    row = activate(
        session,
        policy_id,
        active_from=body.active_from or now,
        reason=body.reason or "",
        by=principal.actor,
        now=now,
    )
    return policy_out(row)


@router.get("/policy-choices", summary="List chosen policies", dependencies=[allow("dunning:read")])
def list_choices(
    session: SessionDep,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ChoiceOut]:
    """Choices of a policy for customers and invoices, the newest first, those ended too."""
    query = select(DunningChoice)
    if account_id is not None:
        query = query.where(DunningChoice.account_id == account_id)
    found = paged(session, query, key=(col(DunningChoice.id).desc(),), cursor=cursor, limit=limit)
    return found.map(ChoiceOut.model_validate)


@router.post("/policy-choices", status_code=201, summary="Choose a policy", response_model=ChoiceOut)
def post_choice(
    body: ChoiceIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Give a customer, or one of its invoices, another policy, or no automatic word."""
    return once(
        session,
        lambda: ChoiceOut.model_validate(
            choose(
                session,
                body.account_id,
                body.policy,
                entry_id=body.entry_id,
                reason=body.reason,
                by=principal.actor,
                now=now,
            )
        ),
    )


@router.post("/policy-choices/{choice_id}/end", summary="End a choice of a policy")
def post_end_choice(
    choice_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> ChoiceOut:
    """Go back to the usual policy; ending it again changes nothing."""
    return ChoiceOut.model_validate(end_choice(session, choice_id, by=principal.actor, now=now))
