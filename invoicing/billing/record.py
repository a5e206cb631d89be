"""Writing what a run decided: invoices, what they bill of orders and plans, what orders come to after it, holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from ar.core.db import among, bulk_insert, bulk_update
from invoicing.billing.facts import OrderFacts, Outcome, Proposed, Take
from invoicing.billing.models import BillingDocument, BillingHold, BillingPlan, BillingPlanPeriod
from invoicing.billing.periods import PlanFacts, next_on
from invoicing.draft import draft_all
from invoicing.issue import issue_all
from invoicing.orders.amounts import LineFacts, StageFacts, state_of, unbilled_minor
from invoicing.orders.models import OrderBilling, OrderStage, SalesOrder


def write(
    session: Session,
    outcome: Outcome,
    orders: Sequence[OrderFacts],
    plans: Sequence[PlanFacts],
    days: Mapping[int, date],
    *,
    run_id: int,
    by: str,
    now: datetime,
) -> Counter[str]:
    """Make the invoices, issue those that need no approval, and keep what they bill; what was made, as counts."""
    made: list[tuple[int, Proposed]] = []
    for day in sorted({days[one.draft.entity_id] for one in outcome.invoices}):
        of_day = [one for one in outcome.invoices if days[one.draft.entity_id] == day]
        ids = draft_all(session, [one.draft for one in of_day], by=by, today=day, now=now)
        made += zip(ids, of_day, strict=True)
        _keep_billed(session, list(zip(ids, of_day, strict=True)), run_id=run_id)
        issue_all(
            session, [n for n, one in zip(ids, of_day, strict=True) if not one.approval], by=by, today=day, now=now
        )
    _stand_again(session, made, orders)
    _plan_again(session, made, plans)
    _hold(session, outcome, orders, plans, now=now)
    drafted = sum(one.approval for _, one in made)
    return Counter(issued=len(made) - drafted, drafted=drafted, held=len(outcome.held), waiting=len(outcome.waiting))


def _keep_billed(session: Session, made: Sequence[tuple[int, Proposed]], *, run_id: int) -> None:
    """What each invoice bills. The database refuses what is billed already, whatever was decided."""
    bulk_insert(
        session,
        BillingDocument,
        [{"invoice_id": n, "run_id": run_id, "approval": one.approval} for n, one in made],
    )
    bulk_insert(
        session,
        OrderBilling,
        [
            {
                "invoice_id": invoice_id,
                "position": position,
                "order_line_id": take.line_id,
                "quantity_millionths": take.quantity,
                "discount_minor": take.discount_minor,
            }
            for invoice_id, one in made
            for position, take in enumerate(one.takes, start=1)
        ],
    )
    bulk_update(
        session, OrderStage, [{"id": one.stage_id, "invoice_id": n} for n, one in made if one.stage_id is not None]
    )
    bulk_insert(
        session,
        BillingPlanPeriod,
        [
            {"plan_id": one.plan_id, "period_from": one.period[0], "period_to": one.period[1], "invoice_id": n}
            for n, one in made
            if one.plan_id is not None and one.period is not None
        ],
    )


def _stand_again(session: Session, made: Sequence[tuple[int, Proposed]], orders: Sequence[OrderFacts]) -> None:
    """Where the orders stand, and what is left to bill of them, after these invoices."""
    takes: dict[int, Take] = {take.line_id: take for _, one in made for take in one.takes}
    staged = {one.stage_id: n for n, one in made if one.stage_id is not None}
    touched = {take.order_id for take in takes.values()}
    changes = []
    for order in orders:
        stages = [_billed_stage(stage, staged) for stage in order.stages]
        if order.id not in touched and stages == list(order.stages):
            continue
        lines = [_billed_line(line, takes.get(line.id)) for line in order.lines]
        left = unbilled_minor(lines, stages, order.currency)
        changes.append({"id": order.id, "state": state_of(lines, stages), "unbilled_minor": left})
    bulk_update(session, SalesOrder, changes)


def _billed_line(line: LineFacts, take: Take | None) -> LineFacts:
    if take is None:
        return line
    left = None if line.discount_left_minor is None else line.discount_left_minor - take.discount_minor
    return replace(line, billed=line.billed + take.quantity, discount_left_minor=left)


def _billed_stage(stage: StageFacts, staged: Mapping[int, int]) -> StageFacts:
    return replace(stage, invoice_id=staged[stage.id]) if stage.id in staged else stage


def _plan_again(session: Session, made: Sequence[tuple[int, Proposed]], plans: Sequence[PlanFacts]) -> None:
    """The day of each plan's next invoice, after these."""
    billed: dict[int, set[date]] = defaultdict(set)
    for _, one in made:
        if one.plan_id is not None and one.period is not None:
            billed[one.plan_id].add(one.period[0])
    bulk_update(
        session,
        BillingPlan,
        [
            {"id": plan.id, "next_on": next_on(replace(plan, billed=plan.billed | billed[plan.id]))}
            for plan in plans
            if plan.id in billed
        ],
    )


def _hold(
    session: Session, outcome: Outcome, orders: Sequence[OrderFacts], plans: Sequence[PlanFacts], *, now: datetime
) -> None:
    """Put the holds where those before them were."""
    subjects = [*(f"order:{one.id}" for one in orders), *(f"plan:{one.id}" for one in plans)]
    session.connection().execute(delete(BillingHold).where(among(session, col(BillingHold.subject), subjects)))
    bulk_insert(
        session,
        BillingHold,
        [
            {
                "subject": one.subject,
                "account_id": one.account_id,
                "reasons": [reason.as_data() for reason in one.reasons],
                "held_at": now,
            }
            for one in outcome.held
        ],
    )
