"""The customer's own pages of instalment plans: see one, agree to one, ask for one within the seller's bounds."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, select

from ar.cash.mandates.models import Mandate, MandateState
from ar.cash.plans.facts import PlanFacts, plan_facts
from ar.cash.plans.follow import tell_plan
from ar.cash.plans.manage import PlanDraft, PlanNotFoundError, agree, ask_plan, locked_plan
from ar.cash.plans.models import PaymentPlan, PlanApproval
from ar.cash.plans.policy import all_bounds
from ar.cash.plans.schedule import covered
from ar.core.errors import DomainError
from ar.core.web import Day, Id, SessionDep
from selfservice.frame import VisitDep, shown
from selfservice.position import OpenInvoice, Position, positions
from selfservice.visits import Visit, Visitor

router = APIRouter(include_in_schema=False)

PATH = "/portal/plan"


@router.get(PATH)
def plan(
    request: Request, session: SessionDep, visit: VisitDep, done: Annotated[str, Query(max_length=20)] = ""
) -> HTMLResponse:
    """The customer's plans and how far they are paid; and the form to ask for one."""
    return _page(request, session, visit, visit.by(session), done="agreed" if done == "agreed" else "")


@router.post(PATH)
def ask(
    request: Request,
    session: SessionDep,
    visit: VisitDep,
    count: Annotated[int, Form(ge=1, le=60)],
    first_on: Annotated[Day, Form()],
    entry: Annotated[list[int] | None, Form(max_length=100)] = None,
    collected: Annotated[bool, Form()] = False,
) -> Response:
    """Agree on a plan for the chosen invoices, within the seller's bounds."""
    visitor = visit.by(session)
    own = {row.entry_id for position in positions(session, visitor.account_id) for row in position.invoices}
    draft = PlanDraft(
        account_id=visitor.account_id,
        entry_ids=[entry_id for entry_id in entry or [] if entry_id in own],
        count=count,
        first_on=first_on,
        collected=collected,
    )
    try:
        if not draft.entry_ids:
            raise NothingPlannedError("Choose at least one open invoice")
        made = ask_plan(session, draft, by=visitor.actor, now=visit.now)
    except DomainError as error:
        session.rollback()
        return _page(request, session, visit, visitor, error=error)
    assert made.id is not None
    tell_plan(session, visit.kernel, made.id, "plan_agreed", now=visit.now)
    return RedirectResponse(f"{PATH}?done=agreed", 303)


class NothingPlannedError(DomainError):
    code = "nothing-chosen"


@router.post(f"{PATH}/{{plan_id}}/agree")
def say_yes(plan_id: Id, request: Request, session: SessionDep, visit: VisitDep) -> Response:
    """Agree to a plan that was proposed."""
    visitor = visit.by(session)
    if locked_plan(session, plan_id).account_id != visitor.account_id:
        raise PlanNotFoundError("There is no such plan of yours")
    try:
        agree(session, plan_id, by=visitor.actor, now=visit.now)
    except DomainError as error:
        session.rollback()
        return _page(request, session, visit, visitor, error=error)
    tell_plan(session, visit.kernel, plan_id, "plan_agreed", now=visit.now)
    return RedirectResponse(f"{PATH}?done=agreed", 303)


def _page(
    request: Request,
    session: Session,
    visit: Visit,
    visitor: Visitor,
    *,
    done: str = "",
    error: DomainError | None = None,
) -> HTMLResponse:
    found = positions(session, visitor.account_id)
    plans = _plans(session, visitor.account_id)
    taken = {item.entry_id for facts in plans if facts.plan.over_at is None for item in facts.items}
    bounds = all_bounds(session)
    offers = [
        (position, rows, list(range(2, bounds[position.seller.id].max_instalments + 1)))
        for position in found
        if position.seller.id in bounds and bounds[position.seller.id].offered and (rows := _free(position, taken))
    ]
    query = select(Mandate.entity_id).where(
        Mandate.account_id == visitor.account_id, col(Mandate.state) == MandateState.ACTIVE
    )
    return shown(
        request,
        visit,
        visitor,
        "portal/plan.html",
        found[0].seller,
        status_code=200 if error is None else error.status,
        plans=[(facts, covered(facts.parts, facts.paid_minor if facts.plan.agreed_at else 0)) for facts in plans],
        offers=offers,
        collecting=set(session.exec(query)),
        today=visitor.today,
        done=done,
        error=error,
    )


def _free(position: Position, taken: set[int]) -> list[OpenInvoice]:
    """The invoices that a plan may be made for: uncontested, not being paid, in no plan."""
    return [
        row
        for row in position.invoices
        if row.entry_id not in taken and not row.disputed_minor and not row.in_flight_minor
    ]


def _plans(session: Session, account_id: int) -> list[PlanFacts]:
    waiting = select(PlanApproval.plan_id).where(
        PlanApproval.plan_id == PaymentPlan.id, col(PlanApproval.approved_at).is_(None)
    )
    query = select(PaymentPlan.id).where(PaymentPlan.account_id == account_id, ~waiting.exists())
    query = query.order_by(col(PaymentPlan.id).desc())
    ids = [number for number in session.exec(query.limit(10)) if number is not None]
    found = plan_facts(session, ids)
    return [found[number] for number in ids]
