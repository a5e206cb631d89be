"""JSON: what was made of an issued invoice or credit note, and the files themselves."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from ar.core.files import StoredFile, headers_of, read
from ar.core.kernel import Kernel
from ar.core.web import Id, KernelDep, NowDep, Principal, SessionDep, allow
from invoicing.einvoice.find import DocumentFile, again, file_of, files_of
from invoicing.models import FileFormat

router = APIRouter(prefix="/api/v1/invoices/{invoice_id}/documents", tags=["invoices"])

FILE: dict[str, Any] = {
    "format": "pdf",
    "valid": True,
    "name": "FR1-2026-000123.pdf",
    "media_type": "application/pdf",
    "size": 52_763,
    "sha256": "0" * 64,
    "failures": [],
    "made_at": "2026-03-16T09:00:05Z",
}


class FailureOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"rule": "BR-S-02", "message": "An invoice that…"}]})

    rule: str = Field(description="By the name that the standard gives it, or XSD")
    message: str


class DocumentOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [FILE]})

    format: FileFormat = Field(description="pdf: PDF/A-3, with the cii inside (Factur-X); cii, ubl: EN 16931")
    valid: bool = Field(description="What fails a rule is not given out")
    name: str | None
    media_type: str | None
    size: int | None = Field(description="In bytes")
    sha256: str | None
    failures: list[FailureOut]
    made_at: datetime


class DocumentsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "made", "files": [FILE]}]})

    state: str = Field(description="being made, or made")
    files: list[DocumentOut]


def document_out(one: DocumentFile) -> DocumentOut:
    stored = one.stored
    return DocumentOut(
        format=one.made.format,
        valid=stored is not None,
        name=stored.name if stored else None,
        media_type=stored.media_type if stored else None,
        size=stored.size if stored else None,
        sha256=stored.sha256 if stored else None,
        failures=[FailureOut(**failure) for failure in one.made.failures or ()],
        made_at=one.made.made_at,
    )


def file_response(kernel: Kernel, stored: StoredFile) -> Response:
    """The stored file, to be saved."""
    return Response(read(stored, kernel.settings.files), headers=headers_of(stored))


@router.get("", summary="List an invoice's documents", dependencies=[allow("invoices:read")])
def get_documents(invoice_id: Id, session: SessionDep) -> DocumentsOut:
    """The files made of an invoice or credit note issued here, and of those that failed the rules that they failed."""
    found = files_of(session, invoice_id)
    return DocumentsOut(state="made" if found else "being made", files=[document_out(one) for one in found])


@router.post("", status_code=202, summary="Make failed documents again", response_model=DocumentsOut)
def post_documents(
    invoice_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
) -> DocumentsOut:
    """After what failed was mended: all files of this invoice are made anew. Those that are valid stay until then."""
    again(session, invoice_id, by=principal.actor, now=now)
    return DocumentsOut(state="being made", files=[document_out(one) for one in files_of(session, invoice_id)])


@router.get(
    "/{format}",
    summary="Download a document",
    dependencies=[allow("invoices:read")],
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}, "application/xml": {}}, "description": "The file"}},
)
def get_document(invoice_id: Id, format: FileFormat, session: SessionDep, kernel: KernelDep) -> Response:  # noqa: A002
    """One file, byte for byte as it was made. 409 while it is being made, and for one that failed."""
    return file_response(kernel, file_of(session, invoice_id, format))
