"""JSON: experiments on reminders set up, listed, ended, and what they have shown."""

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
from dunning.experiments.assign import Arm
from dunning.experiments.manage import Plan, create_experiment, end_experiment, experiment
from dunning.experiments.models import Experiment
from dunning.experiments.report import EFFECT, report
from dunning.experiments.shapes import ExperimentIn, ExperimentOut, ReportOut, told_experiment, told_report

router = APIRouter(prefix="/api/v1/dunning", tags=["dunning"])


@router.get("/experiments", summary="List experiments", dependencies=[allow("dunning:read")])
def list_experiments(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[ExperimentOut]:
    """Experiments, the newest first."""
    found = paged(session, select(Experiment), key=(col(Experiment.id).desc(),), cursor=cursor, limit=limit)
    return found.map(told_experiment)


@router.post("/experiments", status_code=201, summary="Set up an experiment", response_model=ExperimentOut)
def post_experiment(
    body: ExperimentIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Draw customers into arms from a day on; the first arm is the control. Nobody is in two at once."""
    plan = Plan(
        name=body.name,
        arms=[Arm(**arm.model_dump()) for arm in body.arms],
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        segment=body.segment,
        limits=body.limits,
        kept_out=body.kept_out,
        most_days_late=body.most_days_late,
    )
    return once(session, lambda: told_experiment(create_experiment(session, plan, by=principal.actor, now=now)))


@router.post("/experiments/{experiment_id}/end", summary="End an experiment")
def post_end_experiment(
    experiment_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> ExperimentOut:
    """End it now: its customers are treated as all others are. Ending it again changes nothing."""
    return told_experiment(end_experiment(session, experiment_id, by=principal.actor, now=now))


@router.get(
    "/experiments/{experiment_id}/report", summary="Read what an experiment shows", dependencies=[allow("dunning:read")]
)
def get_report(
    experiment_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    effect: Annotated[
        float, Query(ge=0.001, le=0.5, description="The difference of cash shares for which `needed` is told")
    ] = EFFECT,
) -> ReportOut:
    """Arm by arm, the later ones each against the control, with 95 % intervals."""
    found = experiment(session, experiment_id)
    currency = kernel.settings.reporting_currency
    return told_report(report(session, found, today=today, currency=currency, effect=effect))
