"""Signing in and out, and one's own language."""

from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ar.core.access import sessions, users
from ar.core.access.tokens import digest
from ar.core.kernel import Kernel
from ar.core.web import (
    KernelDep,
    NowDep,
    Principal,
    SessionDep,
    client_address,
    language_of,
    local_path,
    public,
    set_session_cookie,
    signed_in,
    throttle,
)
from ar.core.web.guards import session_cookie
from ar.core.web.origin import form_cookie, visitor_nonce, visitor_token

router = APIRouter()


@router.get("/sign-in", dependencies=[public("nobody is signed in before signing in")])
def sign_in_page(request: Request, kernel: KernelDep, next: str = "") -> HTMLResponse:  # noqa: A002
    return _sign_in_form(request, kernel, back=local_path(next, ""))


@router.post("/sign-in", dependencies=[public("nobody is signed in before signing in", form=True)])
async def sign_in(
    request: Request,
    kernel: KernelDep,
    now: NowDep,
    email: Annotated[str, Form(max_length=320)],
    password: Annotated[str, Form(max_length=1024)],
    next: Annotated[str, Form(max_length=2000)] = "",  # noqa: A002
) -> Response:
    # The address first: only what it lets through may fill the memory with e-mail addresses.
    rate = kernel.settings.sign_in_attempts
    throttle(request, rate, "sign-in", client_address(request, kernel))
    throttle(request, rate, "sign-in-email", digest(users.canonical_email(email)))
    try:
        # A limit of its own: hashing is slow and takes memory on purpose, and must not take every thread and all of it.
        work = partial(sessions.sign_in, kernel, email, password, now=now)
        opened = await run_sync(work, limiter=request.app.state.hashing)
    except sessions.SignInError as error:
        return _sign_in_form(
            request, kernel, back=local_path(next, ""), status=error.status, email=email, message=error.message
        )
    response = RedirectResponse(local_path(next), status_code=303)
    secure = kernel.settings.secure
    set_session_cookie(
        response, session_cookie(secure), opened.token, seconds=kernel.settings.session_hours * 3600, secure=secure
    )
    return response


@router.post("/sign-out")
def sign_out(
    request: Request, kernel: KernelDep, session: SessionDep, now: NowDep, _me: Annotated[Principal, signed_in()]
) -> Response:
    name = session_cookie(kernel.settings.secure)
    sessions.close_session(session, request.cookies.get(name, ""), now=now)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(name, path="/", secure=kernel.settings.secure, httponly=True, samesite="lax")
    return response


@router.post("/language")
def choose_language(
    kernel: KernelDep,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, signed_in()],
    language: Annotated[str, Form(max_length=8)],
    next: Annotated[str, Form(max_length=2000)] = "",  # noqa: A002
) -> Response:
    """The language of one's own pages, from the next one on."""
    assert principal.user is not None, "signed_in() lets in people only"
    user = users.user_of(session, principal.user.id)
    chosen = users.UserChange(language=kernel.renderer.language(language))
    users.change_user(session, principal.user.id, chosen, version=user.version, actor=principal.actor, now=now)
    return RedirectResponse(local_path(next), status_code=303)


def _sign_in_form(
    request: Request, kernel: Kernel, *, back: str, status: int = 200, email: str = "", message: str = ""
) -> HTMLResponse:
    nonce = visitor_nonce(request, kernel)
    language = language_of(request, kernel)
    text = kernel.renderer.page(
        "console/sign_in.html",
        language=language,
        csrf_token=visitor_token(kernel, nonce),
        here="/sign-in",
        email=email,
        message=kernel.renderer.text(message, language=language) if message else "",
        next=back,
    )
    response = HTMLResponse(text, status)
    name = form_cookie(kernel.settings)
    set_session_cookie(response, name, nonce, seconds=12 * 3600, secure=kernel.settings.secure)
    return response
