"""The audit trail, and whether its chain holds."""

from typing import Annotated

from fastapi import APIRouter, Request
from sqlmodel import col, select
from starlette.responses import HTMLResponse

from ar.core import audit
from ar.core.audit import AuditEntry
from ar.core.web import (
    Cursor,
    KernelDep,
    Principal,
    Search,
    SessionDep,
    allow,
    page,
    paged,
)

router = APIRouter()

ROWS = 50


@router.get("/admin/audit")
def audit_page(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    principal: Annotated[Principal, allow("audit:read")],
    cursor: Cursor = None,
    subject: Search = "",
    verify: bool = False,
) -> HTMLResponse:
    query = select(AuditEntry).where(AuditEntry.subject == subject) if subject else select(AuditEntry)
    found = paged(session, query, key=[col(AuditEntry.id).desc()], cursor=cursor, limit=ROWS)
    wrong = audit.verify(session)[:100] if verify else None
    return page(request, kernel, principal, "console/admin/audit.html", entries=found, subject=subject, wrong=wrong)
