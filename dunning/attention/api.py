"""JSON: marks of attention and their rules, and customers handed on."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from ar.cash.checkout import in_flight
from ar.core.files import download_headers
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
from dunning.attention.dossier import make_dossier
from dunning.attention.escalate import end_escalation, escalate
from dunning.attention.escalate import search as search_escalations
from dunning.attention.marks import dismiss, end_mark, mark_by_hand, search
from dunning.attention.models import AttentionMark, Automation, Escalation, EscalationKind, MarkKind
from dunning.attention.rules import Rule, rules_in_force, set_rule
from dunning.worklist.act import touched

router = APIRouter(prefix="/api/v1", tags=["attention"])

OneAccount = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account")]

MARK = {
    "id": 6,
    "account_id": 17,
    "kind": "difficulty",
    "reasons": [{"code": "broken_promises", "count": 2, "days": 90}],
    "since": "2026-03-20",
    "until": None,
    "made_by": "system",
    "made_at": "2026-03-20T04:00:00Z",
    "dismissed_until": None,
    "dismissed_for": "",
    "dismissed_by": "",
}
RULE = {"automation": "none", "numbers": {"broken_promises": 2, "days": 90}}
ESCALATION = {
    "id": 2,
    "account_id": 17,
    "kind": "manager",
    "to_id": 2,
    "reason": "Two promises broken, asks for six months",
    "made_by": "user:3",
    "made_at": "2026-03-24T09:00:00Z",
    "ended_by": None,
    "ended_at": None,
    "ended_for": "",
}


class MarkIn(BaseModel):
    model_config = example({"account_id": 17, "kind": "value", "why": "Our oldest customer: calls only"}) | ConfigDict(
        extra="forbid"
    )

    account_id: Number
    kind: MarkKind
    why: ShortText


class MarkOut(BaseModel):
    model_config = example(MARK)

    id: int
    account_id: int
    kind: MarkKind
    reasons: list[dict[str, Any]] = Field(description="Codes with their figures")
    since: date
    until: date | None = Field(description="Null while it stands")
    made_by: str
    made_at: datetime
    dismissed_until: date | None
    dismissed_for: str
    dismissed_by: str


class DismissalIn(BaseModel):
    model_config = example({"until": "2026-06-30", "why": "Paid late while moving house"}) | ConfigDict(extra="forbid")

    until: Day = Field(description="The last day on which it counts for nothing")
    why: ShortText


class WhyIn(BaseModel):
    model_config = example({"why": "Agreed with the customer"}) | ConfigDict(extra="forbid")

    why: ShortText


class RuleBody(BaseModel):
    model_config = example(RULE) | ConfigDict(extra="forbid")

    automation: Automation = Field(description="What still goes out by itself to a customer with this mark")
    numbers: dict[str, Annotated[int, Field(ge=0, le=10**6)]] = Field(
        default={}, max_length=20, description="What it takes to be marked; the usual ones where not given"
    )


class RulesOut(BaseModel):
    model_config = example({"late": RULE, "difficulty": RULE, "value": RULE})

    late: RuleBody
    difficulty: RuleBody
    value: RuleBody


class EscalationIn(BaseModel):
    model_config = example(
        {"account_id": 17, "kind": "manager", "reason": "Two promises broken, asks for six months"}
    ) | ConfigDict(extra="forbid")

    account_id: Number
    kind: EscalationKind
    reason: ShortText


class EscalationOut(BaseModel):
    model_config = example(ESCALATION)

    id: int
    account_id: int
    kind: EscalationKind
    to_id: int | None
    reason: str
    made_by: str
    made_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    ended_for: str


@router.get("/attention", summary="List customers that want attention", dependencies=[allow("dunning:read")])
def list_marks(
    session: SessionDep,
    kind: Annotated[MarkKind | None, Query(description="Only this kind")] = None,
    account_id: OneAccount = None,
    standing: Annotated[bool, Query(description="Only marks that stand; all that ever stood when false")] = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MarkOut]:
    """Marks, the newest first, with why."""
    query = search(kind, account_id, standing=standing)
    return paged(session, query, key=(col(AttentionMark.id).desc(),), cursor=cursor, limit=limit).map(
        MarkOut.model_validate
    )


@router.post("/attention", status_code=201, summary="Mark a customer", response_model=MarkOut)
def post_mark(
    body: MarkIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Mark a customer by hand; the daily judgement leaves such a mark alone."""

    def act() -> MarkOut:
        made = mark_by_hand(session, body.account_id, body.kind, words=body.why, by=principal.actor, now=now)
        touched(session, kernel, body.account_id, now=now, in_flight=in_flight)
        return MarkOut.model_validate(made)

    return once(session, act)


@router.get("/attention/rules", summary="Read the rules of attention", dependencies=[allow("dunning:read")])
def get_rules(session: SessionDep) -> RulesOut:
    """What it takes to be marked, and what each mark takes out of automation."""
    found = rules_in_force(session)
    return RulesOut(
        **{kind.value: RuleBody(automation=rule.automation, numbers=dict(rule.numbers)) for kind, rule in found.items()}
    )


@router.put("/attention/rules/{kind}", summary="Set a rule of attention")
def put_rule(
    kind: MarkKind,
    body: RuleBody,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
) -> RuleBody:
    """The rule of a kind of marks from the next judgement on; what it takes out of automation holds at once."""
    found = set_rule(session, kind, Rule(body.automation, body.numbers), by=principal.actor, now=now)
    return RuleBody(automation=found.automation, numbers=dict(found.numbers))


@router.post("/attention/{mark_id}/dismissal", summary="Dismiss a mark for a while")
def post_dismissal(
    mark_id: Id,
    body: DismissalIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> MarkOut:
    """Let a mark count for nothing until a day, and say why."""
    found = dismiss(session, mark_id, until=body.until, why=body.why, by=principal.actor, now=now)
    touched(session, kernel, found.account_id, now=now, in_flight=in_flight)
    return MarkOut.model_validate(found)


@router.post("/attention/{mark_id}/end", summary="End a mark")
def post_mark_end(
    mark_id: Id,
    body: WhyIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> MarkOut:
    """End a mark; one that its rule still gives comes back with the next judgement."""
    found = end_mark(session, mark_id, why=body.why, by=principal.actor, now=now)
    touched(session, kernel, found.account_id, now=now, in_flight=in_flight)
    return MarkOut.model_validate(found)


@router.get("/escalations", summary="List customers handed on", dependencies=[allow("dunning:read")])
def list_escalations(
    session: SessionDep,
    kind: Annotated[EscalationKind | None, Query(description="Only this kind")] = None,
    account_id: OneAccount = None,
    to_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only to this user")] = None,
    standing: Annotated[bool, Query(description="Only those not ended")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[EscalationOut]:
    """Escalations, the newest first."""
    query = search_escalations(kind, account_id, to_id, open_only=standing)
    return paged(session, query, key=(col(Escalation.id).desc(),), cursor=cursor, limit=limit).map(
        EscalationOut.model_validate
    )


@router.post("/escalations", status_code=201, summary="Hand a customer on", response_model=EscalationOut)
def post_escalation(
    body: EscalationIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Hand a customer on; with an agency or counsel, nothing goes out to it by itself until it is taken back."""

    def act() -> EscalationOut:
        made = escalate(session, body.account_id, body.kind, reason=body.reason, by=principal.actor, now=now)
        touched(session, kernel, body.account_id, now=now, in_flight=in_flight)
        return EscalationOut.model_validate(made)

    return once(session, act)


@router.post("/escalations/{escalation_id}/end", summary="Take a customer back")
def post_escalation_end(
    escalation_id: Id,
    body: WhyIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> EscalationOut:
    """End an escalation."""
    found = end_escalation(session, escalation_id, why=body.why, by=principal.actor, now=now)
    touched(session, kernel, found.account_id, now=now, in_flight=in_flight)
    return EscalationOut.model_validate(found)


@router.get(
    "/escalations/{escalation_id}/dossier.zip",
    summary="Download a dossier",
    dependencies=[allow("dunning:read")],
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}, "description": "The archive"}},
)
def get_dossier(escalation_id: Id, kernel: KernelDep, now: NowDep) -> Response:
    """What an agency or counsel needs: what is owed, the invoices, a statement, and all that was said."""
    name, content = make_dossier(kernel, escalation_id, now=now)
    return Response(content, headers=download_headers(name, "application/zip"))
