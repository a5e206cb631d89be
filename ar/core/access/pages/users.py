"""The administrator's page of users."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlmodel import col, select
from starlette.responses import HTMLResponse, Response

from ar.core.access import users
from ar.core.access.models import Role, User
from ar.core.access.passwords import hash_password
from ar.core.access.roles import ROLE_LABELS
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
    require_version,
)

router = APIRouter()

Version = Annotated[int, Form(ge=1, le=2**31 - 1)]
ROWS = 50


@router.get("/admin/users")
def users_page(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    principal: Annotated[Principal, allow("users:read")],
    cursor: Cursor = None,
) -> HTMLResponse:
    found = paged(session, select(User), key=[col(User.email)], cursor=cursor, limit=ROWS)
    return page(request, kernel, principal, "console/admin/users.html", users=found, roles=ROLE_LABELS)


@router.get("/admin/users/new")
def new_user_page(
    request: Request, kernel: KernelDep, principal: Annotated[Principal, allow("users:write")]
) -> HTMLResponse:
    return _user_form(request, kernel, principal, user=None, given={})


@router.post("/admin/users")
def create_user(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
    email: Annotated[str, Form(max_length=320)],
    name: Annotated[ShortText, Form()],
    role: Annotated[Role, Form()],
    password: Annotated[str, Form(max_length=200)],
    language: Annotated[str, Form(max_length=8)] = "en",
) -> Response:
    try:
        made = users.create_user(
            session,
            email=email,
            name=name,
            role=role,
            language=kernel.renderer.language(language),
            password_hash=hash_password(password, settings=kernel.settings, email=email),
            actor=principal.actor,
            now=now,
        )
    except DomainError as error:
        given = {"email": email, "name": name, "role": role, "language": language}
        return _user_form(request, kernel, principal, user=None, given=given, error=error)
    return redirect(kernel, principal, "/admin/users", done=_("%(name)s can sign in now."), name=made.name)


@router.get("/admin/users/{user_id}")
def user_page(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    user_id: Id,
    principal: Annotated[Principal, allow("users:read")],
) -> HTMLResponse:
    return _user_form(request, kernel, principal, user=users.user_of(session, user_id), given={})


@router.post("/admin/users/{user_id}")
def change_user(
    request: Request,
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    user_id: Id,
    principal: Annotated[Principal, allow("users:write")],
    version: Version,
    name: Annotated[ShortText, Form()],
    role: Annotated[Role, Form()],
    language: Annotated[str, Form(max_length=8)],
    active: Annotated[bool, Form()] = False,
    password: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    change = users.UserChange(name=name, role=role, language=kernel.renderer.language(language), active=active)
    try:
        if password:
            change["password_hash"] = hash_password(password, settings=kernel.settings)
        user = users.user_of(session, user_id)
        require_version(version, user.version)
        users.change_user(session, user_id, change, version=version, actor=principal.actor, now=now)
    except DomainError as error:
        user = users.user_of(session, user_id)
        given = {"name": name, "role": role, "language": language, "active": active}
        return _user_form(request, kernel, principal, user=user, given=given, error=error)
    return redirect(kernel, principal, "/admin/users", done=_("%(name)s was changed."), name=name)


def _user_form(
    request: Request,
    kernel: Kernel,
    principal: Principal,
    *,
    user: User | None,
    given: Mapping[str, object],
    error: DomainError | None = None,
) -> HTMLResponse:
    shown: dict[str, object] = {"email": "", "name": "", "role": Role.COLLECTOR, "language": "en", "active": True}
    if user is not None:
        shown.update({name: getattr(user, name) for name in shown})
    return page(
        request,
        kernel,
        principal,
        "console/admin/user.html",
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        user=user,
        shown={**shown, **given},
        roles=ROLE_LABELS,
    )
