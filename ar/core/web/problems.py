"""Every error as a problem document (RFC 9457), or as a page for a browser. Nothing of the inside leaks out."""

import http
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web.language import language_of

log = structlog.get_logger(__name__)

_OURS = re.compile(r"amiable: ([^\n]+)")
"""What our own triggers say when they refuse."""

_AT_FAULT = re.compile(r"no such|syntax|readonly|ambiguous|has no column|misuse")
"""SQLite tells a mistake of ours by the same class as a database that is busy."""

CONTRADICTION = (
    "This contradicts what is stored already: the thing exists, or what it refers to does not, or an amount is beyond "
    "what is left. Read it again, then repeat what you meant to do"
)

MEDIA_TYPE = "application/problem+json"


class ProblemFault(BaseModel):
    pointer: str = Field(description="JSON pointer to what is wrong", examples=["/amount"])
    message: str = Field(description="What is wrong there, and how to mend it", examples=["must be above 0"])


class Problem(BaseModel):
    """What went wrong, and how to mend it (RFC 9457)."""

    type: str = Field(description="Names the kind of problem; stable", examples=["urn:amiable:problem:not-found"])
    title: str = Field(description="The status in words", examples=["Not Found"])
    status: int = Field(examples=[404])
    code: str = Field(description="The kind of problem in short; stable", examples=["not-found"])
    detail: str = Field(description="This case in words", examples=["There is no account 7"])
    request_id: str = Field(description="Names this request in the logs", examples=["9f2c51d07be3a846"])
    faults: list[ProblemFault] = Field(default=[], description="Each place at fault", examples=[[]])


class SignInRequiredError(DomainError):
    """Nobody is signed in, or the session or API key has ended."""

    status = 401
    code = "sign-in-required"


TITLES = {
    400: _("This request does not read"),
    401: _("Please sign in"),
    403: _("You may not do this"),
    404: _("This page does not exist"),
    405: _("This cannot be done here"),
    409: _("This does not go with what is there"),
    412: _("This was changed meanwhile"),
    413: _("This is too large"),
    422: _("Something is not right yet"),
    429: _("That was too often"),
    500: _("Something broke on our side"),
    503: _("Busy just now: please try again"),
}


def install(app: FastAPI) -> None:
    """Let every error of `app` be answered here."""
    for kind, handler in (
        (DomainError, _on_domain_error),
        (RequestValidationError, _on_invalid),
        (HTTPException, _on_http_exception),
        (IntegrityError, _on_integrity_error),
        (DataError, _on_data_error),
        (OperationalError, _on_operational_error),
        (PoolTimeoutError, _on_operational_error),
        (OverflowError, _on_overflow),
        (UnicodeEncodeError, _on_bad_text),
    ):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to `request` for an error: a page where a browser asks for one, else a problem document."""
    request_id = request.scope.get("request_id", "")
    if wants_page(request):
        return _error_page(request, status, detail, faults, request_id, headers)
    return document(status, code, detail, request_id=request_id, faults=faults, headers=headers)


def document(
    status: int,
    code: str,
    detail: str,
    *,
    request_id: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document. Whatever characters the words hold, it is valid ASCII JSON."""
    body = {
        "type": f"urn:amiable:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": _clipped(detail),
        "request_id": request_id,
        "faults": [{"pointer": _clipped(f.pointer), "message": _clipped(f.message)} for f in faults[:100]],
    }
    return Response(_ascii_json(body), status, dict(headers or {}), media_type=MEDIA_TYPE)


def wants_page(request: Request) -> bool:
    """Whether the caller is a browser at a page rather than a program: by what it accepts, or by htmx's header."""
    return "hx-request" in request.headers or "text/html" in request.headers.get("accept", "")


def _error_page(
    request: Request,
    status: int,
    detail: str,
    faults: Sequence[Fault],
    request_id: str,
    headers: Mapping[str, str] | None,
) -> Response:
    kernel: Kernel = request.app.state.kernel
    title = TITLES.get(status) or TITLES[500 if status >= 500 else 400]
    language = language_of(request, kernel)
    if detail == http.HTTPStatus(status).phrase:
        detail = kernel.renderer.text(_("Check the address, or start from the overview."), language=language)
    text = kernel.renderer.page(
        getattr(request.state, "error_page", "console/error.html"),
        language=language,
        status=status,
        title=kernel.renderer.text(title, language=language),
        message=_storable(_clipped(detail)),
        faults=[Fault(_storable(_clipped(f.pointer)), _storable(_clipped(f.message))) for f in faults[:20]],
        request_id=request_id,
    )
    return HTMLResponse(text, status, dict(headers or {}))


def _ascii_json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def _clipped(text: str) -> str:
    return text if len(text) <= 1000 else text[:1000] + "..."


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


async def _on_domain_error(request: Request, error: DomainError) -> Response:
    headers = dict(getattr(error, "headers", {}))
    if isinstance(error, SignInRequiredError):
        if wants_page(request):
            return _to_sign_in(request)
        headers["WWW-Authenticate"] = 'Bearer realm="amiable"'
    return problem(request, error.status, error.code, error.message, faults=error.faults, headers=headers)


def _to_sign_in(request: Request) -> Response:
    """Off to the sign-in page, and back again afterwards where that is a page to look at."""
    from_htmx = "hx-request" in request.headers
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = "/sign-in" if from_htmx or request.method != "GET" else f"/sign-in?next={quote(back, safe='/')}"
    if from_htmx:
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    # What came in is not repeated: it may hold what JSON cannot carry (NaN, lone surrogates), or a password.
    faults = [Fault(_pointer(e["loc"]), str(e["msg"])) for e in error.errors()]
    where = faults[0] if faults else Fault("", "it does not read")
    detail = f"{where.pointer}: {where.message}" if where.pointer else where.message
    return problem(request, 422, "invalid", detail, faults=faults)


def _pointer(location: Sequence[Any]) -> str:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "/" + "/".join(parts[1:] if parts[:1] == ["body"] else parts)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    phrase = http.HTTPStatus(error.status_code).phrase
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    code = phrase.lower().replace(" ", "-")
    return problem(request, error.status_code, code, str(error.detail or phrase), headers=error.headers)


async def _on_integrity_error(request: Request, error: IntegrityError) -> Response:
    log.warning("integrity_error", request_id=request.scope.get("request_id"), cause=str(error.orig))
    told = _OURS.search(str(error.orig))
    detail = told[1] if told else CONTRADICTION
    return problem(request, 409, "conflict", detail)


async def _on_data_error(request: Request, error: DataError) -> Response:
    log.warning("data_error", request_id=request.scope.get("request_id"), cause=str(error.orig))
    return problem(request, 422, "invalid", "A value is not one that can be stored: too large, or not valid text")


async def _on_operational_error(request: Request, error: OperationalError | PoolTimeoutError) -> Response:
    cause = str(getattr(error, "orig", error))
    if _AT_FAULT.search(cause):
        raise error
    log.error("database_unavailable", request_id=request.scope.get("request_id"), cause=cause)
    detail = "The database does not answer just now. Nothing was changed: try again in a moment"
    return problem(request, 503, "busy", detail, headers={"Retry-After": "5"})


async def _on_overflow(request: Request, error: OverflowError) -> Response:
    if "SQLite" not in str(error) and "date value out of range" not in str(error):
        raise error
    return problem(request, 422, "invalid", "A number or a day is beyond what can be reckoned with")


async def _on_bad_text(request: Request, error: UnicodeEncodeError) -> Response:
    if "surrogates" not in error.reason:
        raise error
    return problem(request, 422, "invalid", "A text is not valid Unicode: it holds half of a surrogate pair")
