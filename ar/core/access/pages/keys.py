"""API keys: made, shown once, revoked."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlmodel import col, select
from starlette.responses import HTMLResponse, Response

from ar.core.access import keys
from ar.core.access.models import ApiKey
from ar.core.access.permissions import PERMISSIONS
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Principal,
    SessionDep,
    ShortText,
    allow,
    page,
    paged,
    redirect,
)

router = APIRouter()

ROWS = 50


@router.get("/admin/api-keys")
def keys_page(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("keys:write")],
    cursor: Cursor = None,
) -> HTMLResponse:
    return _keys_page(request, kernel, session, principal, now, cursor=cursor)


@router.post("/admin/api-keys")
def create_key(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("keys:write")],
    name: Annotated[ShortText, Form()],
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006
    days: Annotated[int | None, Form(ge=1, le=3650)] = None,
) -> HTMLResponse:
    """The one page that shows the token: no address leads back to it."""
    expires_at = now + timedelta(days=days) if days else None
    try:
        _key, token = keys.create_key(
            session, name=name[:100], scopes=scopes, creator=principal, expires_at=expires_at, now=now
        )
    except DomainError as error:
        return _keys_page(request, kernel, session, principal, now, error=error)
    return _keys_page(request, kernel, session, principal, now, token=token)


@router.post("/admin/api-keys/{key_id}/revoke")
def revoke_key(
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    key_id: Id,
    principal: Annotated[Principal, allow("keys:write")],
) -> Response:
    key = keys.revoke_key(session, key_id, actor=principal.actor, now=now)
    done = _("The key %(name)s no longer opens anything.")
    return redirect(kernel, principal, "/admin/api-keys", done=done, name=key.name)


def _keys_page(
    request: Request,
    kernel: Kernel,
    session: SessionDep,
    principal: Principal,
    now: datetime,
    *,
    cursor: str | None = None,
    token: str = "",
    error: DomainError | None = None,
) -> HTMLResponse:
    found = paged(session, select(ApiKey), key=[col(ApiKey.id).desc()], cursor=cursor, limit=ROWS)
    return page(
        request,
        kernel,
        principal,
        "console/admin/api_keys.html",
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        keys=found,
        token=token,
        now=now,
        scopes=[name for name in PERMISSIONS if principal.may(name)],
    )
