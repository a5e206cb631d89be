"""JSON: files of invoices imported, and what became of their rows."""

import io
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.core.web import (
    Cursor,
    Id,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    idempotent,
    paged,
)
from invoicing.imports.batches import first_refusals, read_batch, refusals, write_refused
from invoicing.imports.profiles import named
from invoicing.imports.run import import_invoices
from invoicing.models import ImportBatch, ImportRefusal

router = APIRouter(prefix="/api/v1/imports", tags=["imports"])

BATCH = {
    "id": 3,
    "entity_id": 1,
    "file_name": "invoices-2026-03.csv",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "profile": "neutral",
    "accepted": 412,
    "refused": 1,
    "unchanged": 20,
    "imported_at": "2026-03-16T09:00:00Z",
    "imported_by": "user:3",
}
REFUSAL = {
    "row_number": 17,
    "column_name": "due_date",
    "value": "31/02/2026",
    "reason": "is not a date: write it like 2026-12-31",
}


def example(given: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [given]}, from_attributes=True)


class RefusalOut(BaseModel):
    model_config = example(REFUSAL)

    row_number: int = Field(description="Line of the file; 1 holds the names of the columns")
    column_name: str = Field(description="As the file names it; empty when the row as a whole is at fault")
    value: str
    reason: str


class BatchOut(BaseModel):
    model_config = example(BATCH)

    id: int
    entity_id: int
    file_name: str
    sha256: str
    profile: str
    accepted: int
    refused: int
    unchanged: int
    imported_at: datetime
    imported_by: str


class BatchDetailOut(BatchOut):
    model_config = example(BATCH | {"refusals": [REFUSAL]})

    refusals: list[RefusalOut] = Field(description="The first 100; /refusals lists them all")


@router.post("/invoices", status_code=201, summary="Import a file of invoices", response_model=BatchDetailOut)
def post_import(
    file: Annotated[UploadFile, File(description="CSV or XLSX")],
    session: SessionDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("import:write")],
    once: Annotated[Once, idempotent(required=False)],
    profile: Annotated[ShortText, Form(description="How the file is written: neutral, ibm or hr")] = "neutral",
    entity: Annotated[
        ShortText | None, Form(description="Code of the legal entity; needed when there are more")
    ] = None,
) -> Response:
    """Take in every good row, tell every bad one; a file that is not a table changes nothing. Again adds nothing."""
    chosen = named(profile)

    def act() -> BatchDetailOut:
        report = import_invoices(
            session,
            file.file,
            file_name=file.filename or "",
            profile=chosen,
            entity_code=entity,
            by=principal.actor,
            today=today,
            now=now,
        )
        return _told(session, report.batch_id)

    return once(session, act)


def _told(session: SessionDep, batch_id: int) -> BatchDetailOut:
    batch = BatchOut.model_validate(read_batch(session, batch_id))
    refused = [RefusalOut.model_validate(one) for one in first_refusals(session, batch_id, 100)]
    return BatchDetailOut(**batch.model_dump(), refusals=refused)


@router.get("", summary="List imports", dependencies=[allow("invoices:read")])
def get_imports(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[BatchOut]:
    """The files that were imported, the last first."""
    key = (col(ImportBatch.id).desc(),)
    return paged(session, select(ImportBatch), key=key, cursor=cursor, limit=limit).map(BatchOut.model_validate)


@router.get("/{import_id}", summary="Read an import", dependencies=[allow("invoices:read")])
def get_import(import_id: Id, session: SessionDep) -> BatchDetailOut:
    """What became of one file, with its first refused rows."""
    return _told(session, import_id)


@router.get("/{import_id}/refusals", summary="List refused rows", dependencies=[allow("invoices:read")])
def get_refusals(import_id: Id, session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[RefusalOut]:
    """The refused rows of one file, in its order."""
    read_batch(session, import_id)
    key = (col(ImportRefusal.row_number),)
    found = paged(session, refusals(import_id), key=key, cursor=cursor, limit=limit)
    return found.map(RefusalOut.model_validate)


@router.get(
    "/{import_id}/refused.csv",
    summary="Refused rows as CSV",
    dependencies=[allow("invoices:read")],
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "The file's own columns, then where and why"}},
)
def get_refused_csv(import_id: Id, session: SessionDep) -> Response:
    """The refused rows to mend and import again; no cell is a live formula."""
    out = io.StringIO()
    write_refused(session, read_batch(session, import_id), out)
    return csv_file(out.getvalue(), f"refused-{import_id}.csv")


def csv_file(content: str, name: str) -> Response:
    """A CSV to be saved, never shown."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)
