"""Pages: bringing in a file of invoices, and what became of it."""

import io
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, select

from ar.core.errors import DomainError
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Page,
    Principal,
    Search,
    SessionDep,
    TodayDep,
    allow,
    page,
    paged,
)
from ar.customers.entities import entities
from invoicing.imports.api import csv_file
from invoicing.imports.batches import first_refusals, read_batch, write_refused
from invoicing.imports.profiles import FIELDS, named, shipped
from invoicing.imports.run import import_invoices
from invoicing.models import ImportBatch

router = APIRouter(include_in_schema=False)

SHOWN = 200


def _batches(session: Session, cursor: str | None = None) -> Page[ImportBatch]:
    return paged(session, select(ImportBatch), key=(col(ImportBatch.id).desc(),), cursor=cursor, limit=50)


@router.get("/imports")
def imports(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
    cursor: Cursor = None,
) -> HTMLResponse:
    return _listed(request, session, kernel, principal, cursor=cursor)


def _listed(
    request: Request,
    session: Session,
    kernel: KernelDep,
    principal: Principal,
    *,
    cursor: str | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    return page(
        request,
        kernel,
        principal,
        "console/invoicing/imports.html",
        status=error.status if error else 200,
        found=_batches(session, cursor),
        sellers=entities(session),
        profiles=shipped(),
        columns=FIELDS,
        error=error,
        may_import=principal.may("import:write"),
    )


@router.post("/imports")
def bring_in(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("import:write")],
    file: Annotated[UploadFile, File()],
    profile: Annotated[Search, Form()] = "neutral",
    entity: Annotated[Search, Form()] = "",
) -> Response:
    """Import the file and show its report; a bad file shows the form again with what is wrong."""
    try:
        with session.begin_nested():
            report = import_invoices(
                session,
                file.file,
                file_name=file.filename or "",
                profile=named(profile or "neutral"),
                entity_code=entity or None,
                by=principal.actor,
                today=today,
                now=now,
            )
    except DomainError as error:
        return _listed(request, session, kernel, principal, error=error)
    return RedirectResponse(f"/imports/{report.batch_id}", status_code=303)


@router.get("/imports/{import_id}")
def batch(
    import_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("invoices:read")],
) -> HTMLResponse:
    return page(
        request,
        kernel,
        principal,
        "console/invoicing/import.html",
        batch=read_batch(session, import_id),
        refusals=first_refusals(session, import_id, SHOWN),
    )


@router.get("/imports/{import_id}/refused.csv", dependencies=[allow("invoices:read")])
def refused_csv(import_id: Id, session: SessionDep) -> Response:
    """The refused rows, to mend and bring again."""
    out = io.StringIO()
    write_refused(session, read_batch(session, import_id), out)
    return csv_file(out.getvalue(), f"refused-{import_id}.csv")
