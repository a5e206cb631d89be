"""What runs by itself: the last tick of each entry of the rota, jobs that failed, and those that ran lately."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import func
from sqlmodel import Session, col, select
from starlette.responses import HTMLResponse, Response

from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.jobs import Job, JobRun, JobState, run_again
from ar.core.web import Cursor, Id, KernelDep, NowDep, Principal, Search, SessionDep, allow, page, paged, redirect

router = APIRouter()

ROWS = 50
FAILED_ROWS = 100


@router.get("/admin/jobs")
def jobs_page(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    principal: Annotated[Principal, allow("audit:read")],
    state: Annotated[Search, Query()] = "",
    cursor: Cursor = None,
) -> HTMLResponse:
    chosen = JobState(state) if state in set(JobState) else None
    query = select(Job) if chosen is None else select(Job).where(col(Job.state) == chosen)
    # In one state by the instant to be run at, as that state's index has it.
    order = [col(Job.id).desc()] if chosen is None else [col(Job.run_after).desc(), col(Job.id).desc()]
    failed = select(Job).where(col(Job.state) == JobState.FAILED).order_by(col(Job.run_after).desc()).limit(FAILED_ROWS)
    return page(
        request,
        kernel,
        principal,
        "console/admin/jobs.html",
        ticks=last_ticks(session),
        failed=session.exec(failed).all(),
        found=paged(session, query, key=order, cursor=cursor, limit=ROWS),
        state=chosen,
        may_run=principal.may("users:write"),
    )


def last_ticks(session: Session) -> list[tuple[JobRun, Job | None]]:
    """The newest tick of each entry of the rota with the job that did it; the job may be forgotten by now."""
    newest = (
        select(JobRun.name, func.max(JobRun.scheduled_for).label("latest"))
        .group_by(col(JobRun.name))
        .subquery("newest")
    )
    query = (
        select(JobRun, Job)
        .join(newest, (newest.c.name == col(JobRun.name)) & (newest.c.latest == col(JobRun.scheduled_for)))
        .outerjoin(Job, col(Job.dedup_key) == col(JobRun.job_key))
        .order_by(col(JobRun.name))
    )
    return [(tick, job) for tick, job in session.exec(query)]


@router.post("/admin/jobs/{job_id}/again")
def again(
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    job_id: Id,
    principal: Annotated[Principal, allow("users:write")],
) -> Response:
    """Queue a job that failed once more; one that somebody else queued meanwhile is left as it is."""
    try:
        run_again(session, job_id, actor=principal.actor, now=now)
    except DomainError as error:
        if error.status == 404:
            raise
        return redirect(kernel, principal, "/admin/jobs", done=error.message, kind="warn")
    return redirect(kernel, principal, "/admin/jobs", done=_("Queued: it runs again shortly."))
