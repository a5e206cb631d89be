"""Who may use a route: declared on every route, beside its path. A route without a guard fails the build.

    @router.get("/api/v1/accounts")
    def accounts(session: SessionDep, principal: Annotated[Principal, allow("customers:read")]) -> ...

A guard also says how the route is kept from forgery: with a session cookie an unsafe request must come from our own
pages and carry their token; with an API key, which no browser sends by itself, there is nothing to forge.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from ar.core.access.keys import principal_of_key
from ar.core.access.permissions import Permission
from ar.core.access.principals import Principal
from ar.core.access.sessions import principal_of_session
from ar.core.errors import ForbiddenError
from ar.core.kernel import Kernel
from ar.core.web.bodies import sane_body
from ar.core.web.deps import SAFE_METHODS, kernel_of, now_of
from ar.core.web.limiting import throttle
from ar.core.web.origin import form_cookie, require_own_origin, require_token, visitor_token
from ar.core.web.problems import SignInRequiredError


class Guard:
    """What every guard is: a dependency that the house test finds on each route. `scheme` names it in OpenAPI.

    A guard depends on the request alone: what it wants declared, FastAPI would work out anew for each that asks.
    """

    scheme: ClassVar[tuple[str, ...]] = ()

    async def __call__(self, request: Request) -> Any:
        if request.method not in SAFE_METHODS:
            await sane_body(request)
        return await self.admit(request)

    async def admit(self, request: Request) -> Any:
        """Who is admitted, for the route to know. Raises SignInRequiredError, ForbiddenError."""
        raise NotImplementedError


class PermissionMissingError(ForbiddenError):
    """The caller's role, or the API key's scopes, do not cover this."""

    code = "permission-missing"


@dataclass(frozen=True)
class Allow(Guard):
    """Staff with `permission`, by session cookie or API key; None: every user, and no key."""

    permission: Permission | None

    scheme = ("apiKey", "session")

    async def admit(self, request: Request) -> Principal:
        kernel, now = kernel_of(request), now_of(request)
        authorization = request.headers.get("authorization")
        cookie = request.cookies.get(session_cookie(kernel.settings.secure))
        principal = None
        if authorization is not None:
            kind, _, token = authorization.partition(" ")
            if kind.lower() == "bearer" and token.startswith("ak_"):
                principal = await run_in_threadpool(_by_key, kernel, token.strip(), now)
            if principal is None:
                raise SignInRequiredError("This API key is unknown, has ended or was revoked")
            throttle(request, kernel.settings.api_requests, "api", principal.actor)
        elif cookie:
            principal = await run_in_threadpool(_by_session, kernel, cookie, now)
        if principal is None:
            raise SignInRequiredError("Sign in, or send an API key as 'Authorization: Bearer ak_...'")
        request.state.principal = principal
        if self.permission is not None and not principal.may(self.permission):
            raise PermissionMissingError(f"This needs the permission {self.permission}: ask an administrator for it")
        if self.permission is None and principal.user is None:
            raise PermissionMissingError("This is for people who are signed in, not for API keys")
        if principal.user is not None and request.method not in SAFE_METHODS:
            require_own_origin(request, kernel)
            await require_token(request, principal.csrf_token)
        return principal


@dataclass(frozen=True)
class Public(Guard):
    """Open to all, for `reason`. With `form` an unsafe request must carry the token of the visitor's own page."""

    reason: str
    form: bool = False

    async def admit(self, request: Request) -> None:
        if request.method in SAFE_METHODS:
            return
        kernel = kernel_of(request)
        if request.cookies or self.form:
            require_own_origin(request, kernel)
        if self.form:
            nonce = request.cookies.get(form_cookie(kernel.settings), "")
            await require_token(request, visitor_token(kernel, nonce) if nonce else "")


def allow(permission: Permission) -> Any:
    """Guard: staff whose role, or API keys whose scopes, hold `permission`."""
    return Depends(Allow(permission))


def signed_in() -> Any:
    """Guard: every signed-in user, for what concerns only that user."""
    return Depends(Allow(None))


def public(reason: str, *, form: bool = False) -> Any:
    """Guard: everybody, for `reason`; `form` protects a form that visitors send, such as sign-in."""
    return Depends(Public(reason, form))


def session_cookie(secure: bool) -> str:
    """The name of the session's cookie; with the prefix browsers keep it to this host, path / and HTTPS."""
    return "__Host-amiable_session" if secure else "amiable_session"


def _by_session(kernel: Kernel, token: str, now: datetime) -> Principal | None:
    # A session of its own, ended before the route runs: whoever holds a connection never waits for a thread.
    with kernel.database.reading() as session:
        return principal_of_session(session, token, now=now)


def _by_key(kernel: Kernel, token: str, now: datetime) -> Principal | None:
    with kernel.database.reading() as session:
        return principal_of_key(session, token, now=now)
