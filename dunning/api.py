"""JSON: runs, notices, holds and promises to pay."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import col, select

from ar.cash.checkout import in_flight
from ar.core.clock import local_date
from ar.core.jobs import enqueue
from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    allow,
    idempotent,
    paged,
)
from dunning.decision import Decision, Send, decide
from dunning.facts import gather
from dunning.holds import hold, lift
from dunning.kept import Per, kept_rates
from dunning.models import DunningHold, DunningNotice, Promise, PromiseState
from dunning.policies import policies_in_force
from dunning.promises import Part, cancel_promise, promise
from dunning.run import RUN_JOB, outcome, reasons_as_data, whose_turn
from dunning.shapes import (
    DecisionOut,
    HoldIn,
    HoldOut,
    KeptRateOut,
    KeptRatesOut,
    LineOut,
    NoticeOut,
    PromiseIn,
    PromiseOut,
    RunIn,
    RunOut,
)
from dunning.worklist.act import touched

router = APIRouter(prefix="/api/v1", tags=["dunning"])

OneAccount = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account")]


@router.post("/dunning/runs", status_code=202, summary="Run dunning", response_model=RunOut)
def post_run(
    body: RunIn,
    session: SessionDep,
    now: NowDep,
    _principal: Annotated[Principal, allow("dunning:write")],
) -> RunOut:
    """Queue a run now rather than at the next full hour; or, dry, tell what would be decided, and record nothing."""
    if not body.dry_run:
        key = f"{RUN_JOB}:asked:{now.strftime('%Y-%m-%dT%H:%M')}"
        queued = enqueue(session, RUN_JOB, {}, dedup_key=key, now=now, lane=RUN_JOB)
        return RunOut(state="queued" if queued else "already_queued")
    ids = body.account_ids or whose_turn(session, now=now)[0][:200]
    in_force = policies_in_force(session, now=now)
    decisions = [
        decide(facts, in_force, today=local_date(now, facts.zone))
        for facts in gather(session, ids, now=now, in_flight=in_flight)
    ]
    return RunOut(state="decided", decisions=[_told(decision) for decision in decisions])


def _told(decision: Decision) -> DecisionOut:
    reasons = reasons_as_data(decision.reasons)
    if not isinstance(decision, Send):
        return DecisionOut(account_id=decision.account_id, outcome=outcome(decision), reasons=reasons)
    return DecisionOut(
        account_id=decision.account_id,
        outcome=outcome(decision),
        entity_id=decision.entity_id,
        step=decision.step.key,
        lines=[
            LineOut(
                entry_id=line.ask.item.entry_id,
                reference=line.ask.item.reference,
                step=line.step.key,
                currency=line.ask.item.currency,
                amount_minor=line.ask.amount_minor,
            )
            for line in decision.lines
        ],
        reasons=reasons,
    )


@router.get("/dunning/notices", summary="List notices", dependencies=[allow("dunning:read")])
def list_notices(
    session: SessionDep, account_id: OneAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[NoticeOut]:
    """Reminders written, the newest first, those cancelled before they left too."""
    query = select(DunningNotice)
    if account_id is not None:
        query = query.where(col(DunningNotice.account_id) == account_id)
    found = paged(session, query, key=(col(DunningNotice.id).desc(),), cursor=cursor, limit=limit)
    return found.map(NoticeOut.model_validate)


@router.get("/dunning/holds", summary="List holds", dependencies=[allow("dunning:read")])
def list_holds(
    session: SessionDep, account_id: OneAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[HoldOut]:
    """Holds, the newest first, those lifted too."""
    query = select(DunningHold)
    if account_id is not None:
        query = query.where(col(DunningHold.account_id) == account_id)
    return paged(session, query, key=(col(DunningHold.id).desc(),), cursor=cursor, limit=limit).map(
        HoldOut.model_validate
    )


@router.post("/dunning/holds", status_code=201, summary="Hold reminders", response_model=HoldOut)
def post_hold(
    body: HoldIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Write no reminder to a customer, until a day or until the hold is lifted."""

    def act() -> HoldOut:
        made = hold(
            session,
            body.account_id,
            until=body.until,
            reason=body.reason,
            by=principal.actor,
            now=now,
            kind=body.kind,
        )
        touched(session, kernel, body.account_id, now=now, in_flight=in_flight)
        return HoldOut.model_validate(made)

    return once(session, act)


@router.post("/dunning/holds/{hold_id}/lift", summary="Lift a hold")
def post_lift(
    hold_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> HoldOut:
    """End a hold; lifting it again changes nothing."""
    lifted = lift(session, hold_id, by=principal.actor, now=now)
    touched(session, kernel, lifted.account_id, now=now, in_flight=in_flight)
    return HoldOut.model_validate(lifted)


@router.get("/promises", summary="List promises to pay", dependencies=[allow("dunning:read")])
def list_promises(
    session: SessionDep,
    account_id: OneAccount = None,
    state: Annotated[PromiseState | None, Query(description="Only in this state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PromiseOut]:
    """Promises, the newest first."""
    query = select(Promise)
    if account_id is not None:
        query = query.where(col(Promise.account_id) == account_id)
    if state is not None:
        query = query.where(col(Promise.state) == state)
    return paged(session, query, key=(col(Promise.id).desc(),), cursor=cursor, limit=limit).map(
        PromiseOut.model_validate
    )


@router.post("/promises", status_code=201, summary="Take a promise to pay", response_model=PromiseOut)
def post_promise(
    body: PromiseIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Note that a customer will pay these items by a day; until it is judged, reminders leave them out."""
    parts = [Part(part.entry_id, part.amount_minor) for part in body.items]

    def act() -> PromiseOut:
        made = promise(
            session,
            body.account_id,
            items=parts,
            due_on=body.due_on,
            by=principal.actor,
            now=now,
            source=body.source,
        )
        touched(session, kernel, body.account_id, now=now, in_flight=in_flight)
        return PromiseOut.model_validate(made)

    return once(session, act)


@router.post("/promises/{promise_id}/cancel", summary="Cancel a promise")
def post_cancel_promise(
    promise_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> PromiseOut:
    """Take back a promise that is still alive; what it covered is asked for again."""
    cancelled = cancel_promise(session, promise_id, by=principal.actor, now=now)
    touched(session, kernel, cancelled.account_id, now=now, in_flight=in_flight)
    return PromiseOut.model_validate(cancelled)


@router.get("/promises/kept-rate", summary="Read the promise-kept rate", dependencies=[allow("dunning:read")])
def get_kept_rate(
    session: SessionDep,
    now: NowDep,
    since: Annotated[Day | None, Query(description="First day of judgement; 365 days before the last")] = None,
    until: Annotated[Day | None, Query(description="Last day of judgement; today when not given")] = None,
    per: Annotated[Per, Query(description="One rate for all, or one for each customer or collector")] = Per.ALL,
    account_id: OneAccount = None,
    owner_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this collector's customers")] = None,
    limit: Limit = 50,
) -> KeptRatesOut:
    """Promises met in full by their day and grace, of those matured, by count and by amount, for each currency."""
    last = until or local_date(now, "UTC")
    first = since or last - timedelta(days=365)
    rates = kept_rates(session, since=first, until=last, per=per, account_id=account_id, owner_id=owner_id, limit=limit)
    grace = policies_in_force(session, now=now).company.promise_grace_days
    return KeptRatesOut(
        since=first, until=last, grace_days=grace, per=per, rates=[KeptRateOut.model_validate(rate) for rate in rates]
    )
