"""JSON: billing rules, plans, runs, what they hold, and drafts until they are issued or discarded."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from sqlmodel import Session, col, select

from ar.core.db import MAX_ID, among
from ar.core.kernel import Kernel
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
    etag,
    idempotent,
    paged,
    require_match,
)
from ar.customers.accounts import account
from invoicing.billing.drafts import (
    approve_drafts,
    discard_draft,
    draft_by_hand,
    draft_detail,
    drafts,
    issue_drafts,
    unapproved,
)
from invoicing.billing.holds import holds, reasons_of
from invoicing.billing.jobs import want_run
from invoicing.billing.models import BillingHold, BillingPlan, BillingRun
from invoicing.billing.plans import add_plan, change_price, end_plan, mend_plan, plan, plan_detail, search_plans
from invoicing.billing.rules import drop_rule, rules_of, set_rule
from invoicing.billing.run import run_of
from invoicing.billing.shapes import (
    DiscardIn,
    DraftDetailOut,
    DraftOut,
    DraftsIn,
    EndIn,
    HoldOut,
    IssuedOut,
    PlanChangeIn,
    PlanDetailOut,
    PlanIn,
    PlanOut,
    PriceChangeIn,
    RuleIn,
    RuleOut,
    RunOut,
    draft_detail_out,
    draft_out,
    plan_detail_out,
    plan_out,
    rule_out,
    run_out,
)
from invoicing.bodies import InvoiceIn, example
from invoicing.models import Invoice
from invoicing.orders.shapes import reasons_told
from invoicing.totals import millionths

router = APIRouter(prefix="/api/v1", tags=["billing"])

OfAccount = Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only this account's")]
ThisAccount = Annotated[int, Query(ge=1, le=MAX_ID, description="The account", examples=[17])]
OfSeller = Annotated[int | None, Query(ge=1, le=MAX_ID, description="The rule for this seller; else the general one")]


class ManyIssuedOut(BaseModel):
    model_config = example({"issued": [{"id": 9, "invoice_id": 42, "number": "FR1-2026-000123"}]})

    issued: list[IssuedOut]


class ManyDraftsOut(BaseModel):
    model_config = example({"drafts": []})

    drafts: list[DraftOut]


@router.get("/billing-rules", summary="List a customer's billing rules", dependencies=[allow("invoices:read")])
def get_rules(session: SessionDep, account_id: ThisAccount) -> list[RuleOut]:
    """The account's own rules, the general one first. Without any, each order has its own invoice on delivery."""
    account(session, account_id)
    return [rule_out(row) for row in rules_of(session, account_id)]


@router.put("/billing-rules", summary="Set a billing rule")
def put_rule(
    body: RuleIn, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("invoices:write")]
) -> RuleOut:
    """Set how an account is billed, by all sellers or by one, from the next run on."""
    return rule_out(set_rule(session, body.account_id, body.entity_id, body.rule(), by=principal.actor, now=now))


@router.delete("/billing-rules", status_code=204, summary="Take a billing rule back")
def delete_rule(
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    account_id: ThisAccount,
    entity_id: OfSeller = None,
) -> None:
    """Take a rule back: the general one, or the default, holds again."""
    drop_rule(session, account_id, entity_id, by=principal.actor, now=now)


@router.post("/billing-plans", status_code=201, summary="Add a subscription", response_model=PlanOut)
def post_plan(
    body: PlanIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Add a plan that is billed for each period, once. Periods that began already are billed by the next run."""
    return once(session, lambda: plan_out(add_plan(session, body.draft(), by=principal.actor, now=now)))


@router.get("/billing-plans", summary="List subscriptions", dependencies=[allow("invoices:read")])
def get_plans(
    session: SessionDep, account_id: OfAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[PlanOut]:
    """Plans, the last added first."""
    query = search_plans(account_id=account_id)
    return paged(session, query, key=(col(BillingPlan.id).desc(),), cursor=cursor, limit=limit).map(plan_out)


@router.get("/billing-plans/{plan_id}", summary="Read a subscription")
def get_plan(
    plan_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
    response: Response,
) -> PlanDetailOut:
    """One plan with its prices by day, and the periods that are billed."""
    return _plan(session, kernel, principal, plan_id, response)


def _plan(session: Session, kernel: Kernel, principal: Principal, plan_id: int, response: Response) -> PlanDetailOut:
    found = plan_detail(session, plan_id)
    response.headers["ETag"] = etag(found.plan.version)
    held = reasons_told(kernel, reasons_of(session, f"plan:{plan_id}"), language=principal.language)
    return plan_detail_out(found, held)


@router.patch("/billing-plans/{plan_id}", summary="Mend a subscription's references")
def patch_plan(
    plan_id: Id,
    body: PlanChangeIn,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    response: Response,
) -> PlanDetailOut:
    """Change the references of the invoices to come. Send the ETag that you read as If-Match."""
    require_match(request, plan(session, plan_id).version)
    mend_plan(
        session,
        plan_id,
        purchase_order=body.purchase_order,
        buyer_reference=body.buyer_reference,
        by=principal.actor,
        now=now,
    )
    return _plan(session, kernel, principal, plan_id, response)


@router.post("/billing-plans/{plan_id}/prices", summary="Change a subscription's price")
def post_price(
    plan_id: Id,
    body: PriceChangeIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    response: Response,
) -> PlanDetailOut:
    """Another price from a day on, which is not billed yet."""
    change_price(
        session,
        plan_id,
        body.position,
        unit_price_millionths=millionths(body.unit_price),
        valid_from=body.valid_from,
        by=principal.actor,
        now=now,
    )
    return _plan(session, kernel, principal, plan_id, response)


@router.post("/billing-plans/{plan_id}/end", summary="End a subscription")
def post_end(
    plan_id: Id,
    body: EndIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    response: Response,
) -> PlanDetailOut:
    """Set the last day; a period that it cuts is billed by days."""
    end_plan(session, plan_id, ends_on=body.ends_on, by=principal.actor, now=now)
    return _plan(session, kernel, principal, plan_id, response)


@router.post("/billing-runs", status_code=202, summary="Bill now", response_model=RunOut)
def post_run(
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Bill all that is due, without waiting for the evening. A job does it; read the run to see what came of it."""
    return once(session, lambda: run_out(run_of(session, want_run(session, by=principal.actor, now=now))))


@router.get("/billing-runs", summary="List billing runs", dependencies=[allow("invoices:read")])
def get_runs(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[RunOut]:
    """Runs and what came of them, the last one first."""
    query = select(BillingRun)
    return paged(session, query, key=(col(BillingRun.id).desc(),), cursor=cursor, limit=limit).map(run_out)


@router.get("/billing-runs/{run_id}", summary="Read a billing run", dependencies=[allow("invoices:read")])
def get_run(run_id: Id, session: SessionDep) -> RunOut:
    """One run: `finished_at` is empty as long as it has not ended."""
    return run_out(run_of(session, run_id))


@router.get("/billing-holds", summary="List what is held back from billing")
def get_holds(
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
    account_id: OfAccount = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[HoldOut]:
    """Orders and plans that could not be billed as they are, what is missing, and how to mend it."""
    found = paged(session, holds(account_id=account_id), key=(col(BillingHold.subject),), cursor=cursor, limit=limit)

    def told(row: BillingHold) -> HoldOut:
        reasons = reasons_told(kernel, row.reasons, language=principal.language)
        return HoldOut(subject=row.subject, account_id=row.account_id, reasons=reasons, held_at=row.held_at)

    return found.map(told)


@router.post("/invoice-drafts", status_code=201, summary="Draft an invoice", response_model=DraftDetailOut)
def post_draft(
    body: InvoiceIn,
    session: SessionDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Write a draft by hand: nothing is numbered or owed until it is issued."""

    def act() -> DraftDetailOut:
        document_id = draft_by_hand(session, body.draft(), by=principal.actor, today=today, now=now)
        return draft_detail_out(draft_detail(session, document_id))

    return once(session, act)


@router.get("/invoice-drafts", summary="List drafts", dependencies=[allow("invoices:read")])
def get_drafts(
    session: SessionDep, account_id: OfAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[DraftOut]:
    """Drafts, by customer; each says whether it wants an approval."""
    key = (col(Invoice.account_id), col(Invoice.id))
    found = paged(session, drafts(account_id=account_id), key=key, cursor=cursor, limit=limit)
    waiting = unapproved(session, found.items)
    return found.map(lambda document: draft_out(document, waiting))


@router.get("/invoice-drafts/{document_id}", summary="Read a draft", dependencies=[allow("invoices:read")])
def get_draft(document_id: Id, session: SessionDep) -> DraftDetailOut:
    """One draft with its lines, and the orders that it bills."""
    return draft_detail_out(draft_detail(session, document_id))


@router.post("/invoice-drafts/approve", summary="Approve drafts", response_model=ManyDraftsOut)
def post_approve(
    body: DraftsIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:approve")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Say that drafts may be issued. Who wrote one by hand does not approve it where the rule wants approval."""

    def act() -> ManyDraftsOut:
        approve_drafts(session, body.distinct(), by=principal.actor, now=now)
        return ManyDraftsOut(drafts=[draft_out(one, set()) for one in _documents(session, body.distinct())])

    return once(session, act)


@router.post("/invoice-drafts/issue", summary="Issue drafts", response_model=ManyIssuedOut)
def post_issue(
    body: DraftsIn,
    session: SessionDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("invoices:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Number and post drafts, in that order; all of them or none."""

    def act() -> ManyIssuedOut:
        issue_drafts(session, body.distinct(), by=principal.actor, today=today, now=now)
        told = [
            IssuedOut(id=one.id or 0, invoice_id=one.entry_id or 0, number=one.number or "")
            for one in _documents(session, body.distinct())
        ]
        return ManyIssuedOut(issued=told)

    return once(session, act)


@router.post("/invoice-drafts/{document_id}/discard", status_code=204, summary="Discard a draft")
def post_discard(
    document_id: Id,
    body: DiscardIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
) -> None:
    """Delete a draft; what it billed of orders and plans is billable again."""
    discard_draft(session, document_id, reason=body.reason, by=principal.actor, now=now)


def _documents(session: Session, ids: list[int]) -> list[Invoice]:
    query = select(Invoice).where(among(session, col(Invoice.id), ids)).order_by(col(Invoice.id))
    return list(session.exec(query))
