"""JSON: the work-list, runs, notices, holds and promises to pay."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import col, select

from ar.cash.checkout import in_flight
from ar.core.clock import local_date
from ar.core.jobs import enqueue
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
from dunning.decision import Decision, Send, decide
from dunning.facts import gather
from dunning.holds import hold, lift
from dunning.models import DunningHold, DunningNotice, Outcome, Promise, PromiseState
from dunning.policies import policies_in_force
from dunning.promises import Part, cancel_promise, promise
from dunning.run import RUN_JOB, outcome, reasons_as_data, whose_turn
from dunning.shapes import (
    Amount,
    DecisionOut,
    HoldIn,
    HoldOut,
    LineOut,
    NoticeOut,
    PromiseIn,
    PromiseOut,
    RunIn,
    RunOut,
    WaitingOut,
)
from dunning.worklist import Waiting, described, key_of, queue, waiting

router = APIRouter(prefix="/api/v1", tags=["dunning"])

OneAccount = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account")]


@router.get("/worklist", summary="Read the work-list", dependencies=[allow("dunning:read")])
def read_worklist(
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    outcome: Annotated[Outcome | None, Query(description="Only with this last decision")] = None,
    parked: Annotated[bool, Query(description="Only those whose decision failed")] = False,
    owner_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this user's")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[WaitingOut]:
    """Customers with overdue items, by amount and age; with what was decided last, why, and what comes next."""
    ranked = queue(session, today=today, currency=kernel.settings.reporting_currency)
    found = paged(
        session,
        waiting(ranked, outcome=outcome, parked=parked, owner_id=owner_id),
        key=key_of(ranked),
        cursor=cursor,
        limit=limit,
    )
    rows = described(session, found.items, now=now, in_flight=in_flight)
    return Page[WaitingOut](items=[_shown(row) for row in rows], next_cursor=found.next_cursor)


def _shown(row: Waiting) -> WaitingOut:
    account = row.account
    assert account.id is not None
    return WaitingOut(
        account_id=account.id,
        code=account.code,
        legal_name=account.legal_name,
        owner_id=account.owner_id,
        overdue=[Amount(currency=currency, amount_minor=minor) for currency, minor in row.overdue],
        oldest_days=row.oldest_days,
        outcome=Outcome(row.outcome) if row.outcome else None,
        decided_on=row.decided_on,
        reasons=row.reasons,
        last_step=row.last_step,
        last_on=row.last_on,
        next_step=row.next_step,
        next_on=row.next_on,
        hold_ids=row.hold_ids,
        parked=row.parked,
    )


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
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Write no reminder to a customer, until a day or until the hold is lifted."""
    return once(
        session,
        lambda: HoldOut.model_validate(
            hold(session, body.account_id, until=body.until, reason=body.reason, by=principal.actor, now=now)
        ),
    )


@router.post("/dunning/holds/{hold_id}/lift", summary="Lift a hold")
def post_lift(
    hold_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> HoldOut:
    """End a hold; lifting it again changes nothing."""
    return HoldOut.model_validate(lift(session, hold_id, by=principal.actor, now=now))


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
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Note that a customer will pay these items by a day; until it is judged, reminders leave them out."""
    parts = [Part(part.entry_id, part.amount_minor) for part in body.items]
    return once(
        session,
        lambda: PromiseOut.model_validate(
            promise(session, body.account_id, items=parts, due_on=body.due_on, by=principal.actor, now=now)
        ),
    )


@router.post("/promises/{promise_id}/cancel", summary="Cancel a promise")
def post_cancel_promise(
    promise_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> PromiseOut:
    """Take back a promise that is still alive; what it covered is asked for again."""
    return PromiseOut.model_validate(cancel_promise(session, promise_id, by=principal.actor, now=now))
