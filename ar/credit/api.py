"""JSON: a customer's credit, its limits and holds, the rules of segments, and an order asked about, stored nowhere."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import col, select

from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    TodayDep,
    allow,
    idempotent,
    paged,
)
from ar.credit.consult import consult
from ar.credit.holds import lift_hold, place_hold, standing_holds
from ar.credit.limits import search_limits, set_limit
from ar.credit.models import CreditHoldEvent, CreditLimit, CreditOverride
from ar.credit.rules import set_rule, standing_rules
from ar.credit.shapes import (
    AnswerOut,
    CheckIn,
    CreditOut,
    HoldEventOut,
    HoldIn,
    LiftIn,
    LimitIn,
    LimitOut,
    OverrideOut,
    RuleIn,
    RuleOut,
    answer_out,
    credit_out,
    limit_out,
    override_out,
)
from ar.customers.accounts import account
from ar.customers.entities import entity

router = APIRouter(prefix="/api/v1", tags=["credit"])

OfAccount = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")]


@router.get("/accounts/{account_id}/credit", summary="Read a customer's credit")
def get_credit(
    account_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:read")],
) -> CreditOut:
    """What is owed against each limit, what is left, what is overdue, and the holds that stand.

    What is ordered and not billed yet is left out here: the orders tell it.
    """
    found = account(session, account_id)
    answer = consult(session, account_id, amount_minor=0, currency=found.currency, today=today)
    holds = standing_holds(session, [account_id]).get(account_id, ())
    return credit_out(answer, holds, renderer=kernel.renderer, language=principal.language)


@router.post("/credit-checks", summary="Ask whether an order would be granted")
def post_check(
    body: CheckIn,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:read")],
) -> AnswerOut:
    """The answer that an order of this amount would get today. Nothing is stored."""
    if body.entity_id is not None:
        entity(session, body.entity_id)
    answer = consult(
        session,
        body.account_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        unbilled_minor=body.unbilled_minor,
        entity_id=body.entity_id,
        today=today,
    )
    return answer_out(answer, renderer=kernel.renderer, language=principal.language)


@router.get("/credit-limits", summary="List credit limits", dependencies=[allow("credit:read")])
def get_limits(
    session: SessionDep, account_id: OfAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[LimitOut]:
    """Every limit ever set, the last set first."""
    key = [col(CreditLimit.id).desc()]
    return paged(session, search_limits(account_id), key=key, cursor=cursor, limit=limit).map(limit_out)


@router.post("/credit-limits", status_code=201, summary="Set a credit limit", response_model=LimitOut)
def post_limit(
    body: LimitIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Set a limit. Limits never change: of those valid on a day the last set holds; without an amount there is none."""
    return once(session, lambda: limit_out(set_limit(session, body.draft(), by=principal.actor, now=now)))


@router.get("/credit-holds", summary="List credit holds", dependencies=[allow("credit:read")])
def get_holds(
    session: SessionDep, account_id: OfAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[HoldEventOut]:
    """Holds placed and lifted, the last event first."""
    query = select(CreditHoldEvent)
    if account_id is not None:
        query = query.where(col(CreditHoldEvent.account_id) == account_id)
    found = paged(session, query, key=[col(CreditHoldEvent.id).desc()], cursor=cursor, limit=limit)
    return found.map(HoldEventOut.model_validate)


@router.post("/credit-holds", status_code=201, summary="Place a credit hold", response_model=HoldEventOut)
def post_hold(
    body: HoldIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Grant no order of a customer until the hold is lifted."""

    def act() -> HoldEventOut:
        made = place_hold(session, body.account_id, reason=body.reason, words=body.words, by=principal.actor, now=now)
        return HoldEventOut.model_validate(made)

    return once(session, act)


@router.post("/credit-holds/{hold_id}/lift", status_code=201, summary="Lift a credit hold")
def post_lift(
    hold_id: Id,
    body: LiftIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
) -> HoldEventOut:
    """Lift a hold, and say why. A hold is lifted once."""
    return HoldEventOut.model_validate(lift_hold(session, hold_id, words=body.words, by=principal.actor, now=now))


@router.get("/credit-rules", summary="List the rules of segments", dependencies=[allow("credit:read")])
def get_rules(session: SessionDep) -> Sequence[RuleOut]:
    """The rule that holds for each segment, and the one for every other customer."""
    return [RuleOut.model_validate(row) for row in standing_rules(session)]


@router.post("/credit-rules", status_code=201, summary="Set the rule of a segment", response_model=RuleOut)
def post_rule(
    body: RuleIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Set what holds for a segment from now on: how late its customers may be, and whether they need a limit."""
    return once(session, lambda: RuleOut.model_validate(set_rule(session, body.draft(), by=principal.actor, now=now)))


@router.get("/credit-overrides", summary="List exceptions granted")
def get_overrides(
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("credit:read")],
    account_id: OfAccount = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[OverrideOut]:
    """What was let through although credit refused it, the last first, with what spoke against it and why."""
    query = select(CreditOverride)
    if account_id is not None:
        query = query.where(col(CreditOverride.account_id) == account_id)
    found = paged(session, query, key=[col(CreditOverride.id).desc()], cursor=cursor, limit=limit)
    return found.map(lambda row: override_out(row, renderer=kernel.renderer, language=principal.language))
