"""JSON: instalment plans proposed, agreed on, told and ended; and what customers may ask for by themselves."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from ar.cash.plans.facts import PlanFacts, plan_facts
from ar.cash.plans.follow import tell_plan
from ar.cash.plans.limits import Limit as GrantLimit
from ar.cash.plans.limits import entity_of, limit_of, limits, set_limits, waits
from ar.cash.plans.manage import PlanDraft, PlanNotFoundError, agree, approve, end_plan, locked_plan, propose_plan
from ar.cash.plans.models import PaymentPlan, PlanApproval, PlanState
from ar.cash.plans.policy import Bounds, bounds_of, set_policy
from ar.cash.plans.schedule import covered
from ar.core.access.models import Role
from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
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

router = APIRouter(prefix="/api/v1", tags=["payment plans"])

Minor = Annotated[int, Field(gt=0, le=10**15, description="Minor units", examples=[40_000])]

POLICY = {
    "offered": True,
    "max_months": 6,
    "max_instalments": 6,
    "min_instalment_minor": 5_000,
    "reminder_days": 3,
    "grace_days": 3,
}
PLAN = {
    "id": 4,
    "entity_id": 1,
    "account_id": 17,
    "currency": "EUR",
    "amount_minor": 120_000,
    "collected": False,
    "state": "agreed",
    "state_reason": "",
    "note": "",
    "made_by": "user:3",
    "made_at": "2026-03-12T09:30:00Z",
    "agreed_by": "customer:17",
    "agreed_at": "2026-03-13T09:30:00Z",
    "over_at": None,
}
APPROVAL = {
    "why": "it ends on 2026-12-01, later than 6 months from now",
    "asked_by": "user:3",
    "approved_by": None,
    "approved_at": None,
}
PART = {"number": 1, "due_on": "2026-04-01", "amount_minor": 40_000, "open_minor": 0}


class PolicyBody(BaseModel):
    model_config = example(POLICY) | ConfigDict(extra="forbid")

    offered: bool = Field(description="Customers may ask for a plan on their page")
    max_months: Annotated[int, Field(ge=1, le=60)] = 12
    max_instalments: Annotated[int, Field(ge=2, le=60)] = 12
    min_instalment_minor: Annotated[int, Field(ge=1, le=10**15, description="Minor units of the entity's currency")] = 1
    reminder_days: Annotated[int, Field(ge=0, le=30, description="Days before an instalment to remind of it")] = 3
    grace_days: Annotated[int, Field(ge=0, le=30, description="Business days after it until it is missed")] = 3


class LimitBody(BaseModel):
    model_config = example({"role": "collector", "max_minor": 500_000, "max_months": 6}) | ConfigDict(extra="forbid")

    role: Role
    max_minor: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        default=None, description="Minor units of the entity's currency; any amount when null"
    )
    max_months: Annotated[int, Field(ge=0, le=60)] | None = Field(
        default=None, description="To the last instalment; any length when null"
    )


class LimitsBody(BaseModel):
    model_config = example({"limits": [{"role": "collector", "max_minor": 500_000, "max_months": 6}]}) | ConfigDict(
        extra="forbid"
    )

    limits: Annotated[list[LimitBody], Field(max_length=10)]


class ApprovalOut(BaseModel):
    model_config = example(APPROVAL)

    why: str
    asked_by: str
    approved_by: str | None
    approved_at: datetime | None


class PartIn(BaseModel):
    model_config = example({"due_on": "2026-04-01", "amount_minor": 40_000}) | ConfigDict(extra="forbid")

    due_on: Day
    amount_minor: Minor


class PlanIn(BaseModel):
    model_config = example(
        {"account_id": 17, "entry_ids": [41, 42], "count": 3, "first_on": "2026-04-01"}
    ) | ConfigDict(extra="forbid")

    account_id: Number
    entry_ids: Annotated[list[Number], Field(min_length=1, max_length=200)]
    count: Annotated[int, Field(ge=1, le=60)] | None = Field(default=None, description="Equal monthly instalments")
    first_on: Day | None = Field(default=None, description="The day of the first of them")
    instalments: Annotated[list[PartIn], Field(min_length=1, max_length=60)] | None = Field(
        default=None, description="In place of count and first_on; they sum to what is open of the items"
    )
    collected: bool = Field(default=False, description="Debit the instalments under the customer's mandate")
    note: ShortText | None = None


class PlanOut(BaseModel):
    model_config = example(PLAN)

    id: int
    entity_id: int
    account_id: int
    currency: str
    amount_minor: int
    collected: bool
    state: PlanState
    state_reason: str
    note: str
    made_by: str
    made_at: datetime
    agreed_by: str | None
    agreed_at: datetime | None
    over_at: datetime | None


class PartOut(BaseModel):
    model_config = example(PART)

    number: int
    due_on: date
    amount_minor: int
    open_minor: int = Field(description="What of it has not come, money spent on the earliest first")


class PlanItemOut(BaseModel):
    model_config = example({"entry_id": 41, "reference": "2026-000041", "amount_minor": 120_000, "left_minor": 80_000})

    entry_id: int
    reference: str
    amount_minor: int
    left_minor: int


class PlanDetailOut(PlanOut):
    model_config = example(
        PLAN
        | {
            "paid_minor": 40_000,
            "approval": None,
            "instalments": [PART],
            "items": [{"entry_id": 41, "reference": "2026-000041", "amount_minor": 120_000, "left_minor": 80_000}],
        }
    )

    approval: ApprovalOut | None = Field(default=None, description="Of another person, where the plan wanted one")
    paid_minor: int = Field(description="What the ledger has seen of it since it was agreed")
    instalments: list[PartOut]
    items: list[PlanItemOut]


class WhyIn(BaseModel):
    model_config = example({"why": "paid by another way"}) | ConfigDict(extra="forbid")

    why: Annotated[ShortText, Field(description="Why, for the audit trail")]


@router.get("/legal-entities/{entity_id}/plan-policy", summary="Read a plan policy", dependencies=[allow("cash:read")])
def get_policy(entity_id: Id, session: SessionDep) -> PolicyBody:
    """What customers may ask for by themselves; nothing until it is set."""
    return PolicyBody(**asdict(bounds_of(session, entity_id)))


@router.put("/legal-entities/{entity_id}/plan-policy", summary="Set a plan policy")
def put_policy(
    entity_id: Id,
    body: PolicyBody,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
) -> PolicyBody:
    """The bounds of the plans that customers agree on by themselves, reminders and grace of all plans."""
    bounds = set_policy(session, entity_id, Bounds(**body.model_dump()), by=principal.actor, now=now)
    return PolicyBody(**asdict(bounds))


@router.get("/plans", summary="List payment plans", dependencies=[allow("cash:read")])
def get_plans(
    session: SessionDep,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    state: PlanState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PlanOut]:
    """Payment plans, the newest first."""
    query = select(PaymentPlan)
    if account_id is not None:
        query = query.where(col(PaymentPlan.account_id) == account_id)
    if state is not None:
        query = query.where(col(PaymentPlan.state) == state)
    found = paged(session, query, key=(col(PaymentPlan.id).desc(),), cursor=cursor, limit=limit)
    return found.map(PlanOut.model_validate)


@router.get("/plans/{plan_id}", summary="Read a payment plan", dependencies=[allow("cash:read")])
def get_plan(plan_id: Id, session: SessionDep) -> PlanDetailOut:
    """A plan with its instalments and items, and how far it is paid."""
    return _detail(session, plan_id)


@router.post("/plans", status_code=201, summary="Propose a payment plan", response_model=PlanDetailOut)
def post_plan(
    body: PlanIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Propose that a customer pays open items in parts; it is written to, and agrees on its page, or by telephone.

    What is above your limit waits, and nobody is written to, until another person approves it.
    """

    def act() -> PlanDetailOut:
        draft = PlanDraft(
            account_id=body.account_id,
            entry_ids=body.entry_ids,
            count=body.count or 0,
            first_on=body.first_on,
            parts=[(part.due_on, part.amount_minor) for part in body.instalments or []],
            collected=body.collected,
            note=body.note or "",
        )
        entity_id = entity_of(session, body.entry_ids)
        limit = limit_of(session, entity_id, principal.role)
        made = propose_plan(session, draft, by=principal.actor, now=now, limit=limit)
        assert made.id is not None
        if not waits(session, made.id):
            tell_plan(session, kernel, made.id, "plan_proposed", now=now)
        return _detail(session, made.id)

    return once(session, act)


@router.post("/plans/{plan_id}/approval", summary="Approve a payment plan")
def post_approval(
    plan_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
) -> PlanDetailOut:
    """Approve a plan above the limit of who proposed it, within your own; the customer is written to."""
    limit = limit_of(session, locked_plan(session, plan_id).entity_id, principal.role)
    approve(session, plan_id, by=principal.actor, limit=limit, now=now)
    tell_plan(session, kernel, plan_id, "plan_proposed", now=now)
    return _detail(session, plan_id)


@router.get("/legal-entities/{entity_id}/plan-limits", summary="Read plan limits", dependencies=[allow("cash:read")])
def get_limits(entity_id: Id, session: SessionDep) -> LimitsBody:
    """What each role may grant alone; a role not named: a credit manager anything, everybody else nothing."""
    found = limits(session, entity_id)
    return LimitsBody(
        limits=[
            LimitBody(role=role, max_minor=limit.max_minor, max_months=limit.max_months)
            for role, limit in sorted(found.items())
        ]
    )


@router.put("/legal-entities/{entity_id}/plan-limits", summary="Set plan limits")
def put_limits(
    entity_id: Id,
    body: LimitsBody,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
) -> LimitsBody:
    """Set what each role may grant without another's approval; the limits given take the place of all before."""
    wanted = {one.role: GrantLimit(one.max_minor, one.max_months) for one in body.limits}
    set_limits(session, entity_id, wanted, by=principal.actor, now=now)
    return get_limits(entity_id, session)


@router.post("/plans/{plan_id}/agreement", summary="Note that a customer agreed")
def post_agreement(
    plan_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
) -> PlanDetailOut:
    """The customer said yes otherwise than on its page; from now on nobody reminds it of the items."""
    agree(session, plan_id, by=principal.actor, now=now)
    tell_plan(session, kernel, plan_id, "plan_agreed", now=now)
    return _detail(session, plan_id)


@router.post("/plans/{plan_id}/end", summary="End a payment plan")
def post_end(
    plan_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
) -> PlanDetailOut:
    """Take a proposal back, or end a plan before it is paid: its items are asked for again."""
    end_plan(session, plan_id, why=body.why, by=principal.actor, now=now)
    return _detail(session, plan_id)


def _detail(session: Session, plan_id: int) -> PlanDetailOut:
    session.flush()
    found = plan_facts(session, [plan_id]).get(plan_id)
    if found is None:
        raise PlanNotFoundError(f"There is no plan {plan_id}")
    detail, approval = told(found), session.get(PlanApproval, plan_id)
    detail.approval = ApprovalOut.model_validate(approval) if approval is not None else None
    return detail


def told(facts: PlanFacts) -> PlanDetailOut:
    """A plan as the API tells it."""
    paid = facts.paid_minor if facts.plan.agreed_at else 0
    return PlanDetailOut(
        **PlanOut.model_validate(facts.plan).model_dump(),
        paid_minor=paid,
        instalments=[
            PartOut(
                number=one.part.number,
                due_on=one.part.due_on,
                amount_minor=one.part.amount_minor,
                open_minor=one.open_minor,
            )
            for one in covered(facts.parts, paid)
        ],
        items=[
            PlanItemOut(
                entry_id=item.entry_id,
                reference=item.reference,
                amount_minor=item.amount_minor,
                left_minor=item.left_minor,
            )
            for item in facts.items
        ],
    )
