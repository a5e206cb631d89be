"""JSON: disputes listed, read, opened for a customer, and resolved without a credit. Invoicing resolves with one."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    LongText,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    TodayDep,
    allow,
    etag,
    example,
    idempotent,
    paged,
    require_match,
)
from ar.disputes.claim import dispute, open_dispute, resolve_dispute
from ar.disputes.find import order_of, search
from ar.disputes.models import DisputeState, Outcome, Reason
from ar.disputes.notify import tell_received, tell_resolved

router = APIRouter(prefix="/api/v1", tags=["disputes"])

DISPUTE = {
    "id": 12,
    "entity_id": 1,
    "account_id": 17,
    "entry_id": 42,
    "reference": "FR1-2026-000123",
    "currency": "EUR",
    "amount_minor": 54_000,
    "reason": "quality",
    "text": "one of the two tables came damaged",
    "state": "open",
    "opened_on": "2026-03-16",
    "opened_at": "2026-03-16T09:30:00Z",
    "opened_by": "user:3",
    "outcome": None,
    "accepted_minor": 0,
    "answer": "",
    "resolved_on": None,
    "resolved_by": None,
    "version": 1,
}
REJECTED = DISPUTE | {
    "state": "resolved",
    "outcome": "rejected",
    "answer": "The carrier's note, signed by you, shows no damage.",
    "resolved_on": "2026-03-20",
    "resolved_by": "user:2",
    "version": 2,
}


class DisputeIn(BaseModel):
    model_config = example(
        {"entry_id": 42, "amount_minor": 54_000, "reason": "quality", "text": "by telephone: one table came damaged"}
    ) | ConfigDict(extra="forbid")

    entry_id: Annotated[int, Field(ge=1, le=2**63 - 1, description="The ledger entry of the invoice")]
    amount_minor: Annotated[int, Field(gt=0, le=10**15)] | None = Field(
        default=None, description="Minor units; all that is open and uncontested when not given"
    )
    reason: Reason
    text: LongText = Field(description="What the customer says")


class ResolutionIn(BaseModel):
    model_config = example({"outcome": REJECTED["outcome"], "answer": REJECTED["answer"]}) | ConfigDict(extra="forbid")

    outcome: Literal[Outcome.REJECTED, Outcome.WITHDRAWN]
    answer: LongText = Field(description="Sent to the customer")


class DisputeOut(BaseModel):
    model_config = example(DISPUTE)

    id: int
    entity_id: int
    account_id: int
    entry_id: int
    reference: str
    currency: str
    amount_minor: int = Field(description="Contested, in minor units")
    reason: Reason
    text: str
    state: DisputeState
    opened_on: date
    opened_at: datetime
    opened_by: str
    outcome: Outcome | None
    accepted_minor: int = Field(description="Granted in the end, in minor units")
    answer: str
    resolved_on: date | None
    resolved_by: str | None
    version: int


class ResolvedOut(DisputeOut):
    model_config = example(REJECTED)


@router.get("/disputes", summary="List disputes", dependencies=[allow("disputes:read")])
def get_disputes(
    session: SessionDep,
    state: Annotated[DisputeState | None, Query(description="Only in this state")] = None,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DisputeOut]:
    """Disputes, those still open first and the oldest first; of resolved ones alone, the newest first."""
    found = paged(session, search(state, account_id), key=order_of(state), cursor=cursor, limit=limit)
    return found.map(DisputeOut.model_validate)


@router.get("/disputes/{dispute_id}", summary="Read a dispute", dependencies=[allow("disputes:read")])
def get_dispute(dispute_id: Id, session: SessionDep, response: Response) -> DisputeOut:
    """One dispute; its ETag goes into If-Match when it is resolved."""
    found = dispute(session, dispute_id)
    response.headers["ETag"] = etag(found.version)
    return DisputeOut.model_validate(found)


@router.post("/disputes", status_code=201, summary="Open a dispute", response_model=DisputeOut)
def post_dispute(
    body: DisputeIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("disputes:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Note what a customer contests, by telephone say: it gets a receipt, and no reminder of that amount."""

    def act() -> DisputeOut:
        made = open_dispute(
            session,
            entry_id=body.entry_id,
            amount_minor=body.amount_minor,
            reason=body.reason,
            text=body.text,
            by=principal.actor,
            today=today,
            now=now,
        )
        tell_received(session, kernel, made, now=now)
        return DisputeOut.model_validate(made)

    return once(session, act)


@router.post("/disputes/{dispute_id}/resolution", summary="Resolve a dispute without a credit")
def post_resolution(
    dispute_id: Id,
    body: ResolutionIn,
    request: Request,
    response: Response,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("disputes:write")],
) -> ResolvedOut:
    """Reject a dispute, or note that the customer withdrew it. The amount is asked for again; the answer is sent."""
    require_match(request, dispute(session, dispute_id).version)
    resolved = resolve_dispute(
        session,
        dispute_id,
        outcome=body.outcome,
        accepted_minor=0,
        answer=body.answer,
        by=principal.actor,
        today=today,
        now=now,
    )
    tell_resolved(session, kernel, resolved, now=now)
    response.headers["ETag"] = etag(resolved.version)
    return ResolvedOut.model_validate(resolved)
