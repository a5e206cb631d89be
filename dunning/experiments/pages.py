"""Pages: the experiments, and what one has shown so far."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col, select

from ar.core.i18n import marked as _
from ar.core.web import Cursor, Id, KernelDep, NowDep, Principal, SessionDep, TodayDep, allow, page, paged, redirect
from dunning.experiments.manage import end_experiment, experiment
from dunning.experiments.models import Experiment
from dunning.experiments.report import report

router = APIRouter(include_in_schema=False)


@router.get("/dunning/experiments")
def experiments(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("dunning:read")],
    cursor: Cursor = None,
) -> HTMLResponse:
    """Experiments, the newest first."""
    found = paged(session, select(Experiment), key=(col(Experiment.id).desc(),), cursor=cursor, limit=25)
    return page(
        request,
        kernel,
        principal,
        "console/dunning/experiments.html",
        rows=found.items,
        next_cursor=found.next_cursor,
        today=today,
    )


@router.get("/dunning/experiments/{experiment_id}")
def one_experiment(
    experiment_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """Arm by arm, the later ones each against the first."""
    found = report(
        session, experiment(session, experiment_id), today=today, currency=kernel.settings.reporting_currency
    )
    return page(
        request,
        kernel,
        principal,
        "console/dunning/experiment.html",
        report=found,
        today=today,
        may_end=principal.may("dunning:write") and is_on(found.experiment, today=today),
    )


def is_on(row: Experiment, *, today: date) -> bool:
    """Whether it runs, or is to come."""
    return row.ended_at is None and row.ends_on >= today


@router.post("/dunning/experiments/{experiment_id}/end")
def end(
    experiment_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> Response:
    """End it now."""
    end_experiment(session, experiment_id, by=principal.actor, now=now)
    done = _("Ended: its customers are treated as all others again.")
    return redirect(kernel, principal, f"/dunning/experiments/{experiment_id}", done=done)
