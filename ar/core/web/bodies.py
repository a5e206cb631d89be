"""What no route ever wants in a body, refused by every guard before any route looks at it, whatever types it declares.

JSON that Python reads and others do not (NaN, 1e400), numbers beyond 64 bits, NUL characters, lone surrogates, and
nesting that exhausts the stack. A quick scan of the bytes clears nearly every body; only a suspect is walked.
"""

import json
import re
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from ar.core.db import MAX_ID
from ar.core.errors import DomainError, Fault

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
DEEPEST = 32
_SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]|\\u0000|\x00|\xed[\xa0-\xbf]|NaN|Infinity|\d[eE]\+?\d{3}|\d{19}")


class BodyError(DomainError):
    """The body holds what cannot be stored; the fault says where."""

    status = 400
    code = "bad-body"


async def sane_body(request: Request) -> None:
    """Raises BodyError for JSON or a form that holds what nobody can store."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORMS:
        _check_form(request)
    elif kind.endswith("json"):
        body = await request.body()
        if _SUSPECT.search(body) or body.count(b"[") + body.count(b"{") > DEEPEST:
            _walk(_parsed(body))


async def form_of(request: Request) -> FormData:
    """The request's form. Raises BodyError for one that does not read, whatever the reason."""
    try:
        form = await request.form()
    except HTTPException:
        raise
    except Exception:
        raise _refused("", "this is not a form that can be read") from None
    # Where FastAPI's own forms are closed too, once the answer has left.
    request.scope["fastapi_middleware_astack"].push_async_callback(form.close)
    return form


def _check_form(request: Request) -> None:
    # A form that the route does not declare is left unread: the route may want the bytes themselves.
    form: FormData | None = getattr(request, "_form", None)
    for name, value in form.multi_items() if form is not None else ():
        _check_text("", name)
        _check_text(f"/{name}", value.filename or "" if isinstance(value, UploadFile) else value)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise _refused("", "this is not JSON that can be read") from None


def _walk(root: Any) -> None:
    waiting: list[tuple[str, Any, int]] = [("", root, 0)]
    while waiting:
        pointer, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise _refused("", f"nested deeper than {DEEPEST} levels")
        if isinstance(value, dict):
            for name, child in value.items():
                _check_text(pointer, name)
                waiting.append((f"{pointer}/{name}", child, depth + 1))
        elif isinstance(value, list):
            waiting.extend((f"{pointer}/{n}", child, depth + 1) for n, child in enumerate(value))
        elif isinstance(value, str):
            _check_text(pointer, value)
        elif isinstance(value, float) and not abs(value) < float("inf"):
            raise _refused(pointer, "must be a finite number")
        elif isinstance(value, int) and abs(value) > MAX_ID:
            raise _refused(pointer, "must be a number of at most 64 bits")


def _check_text(pointer: str, text: str) -> None:
    if "\x00" in text:
        raise _refused(pointer, "must not contain the NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _refused(pointer, "must be valid Unicode, without lone surrogates")


def _refused(pointer: str, message: str) -> BodyError:
    return BodyError(f"{pointer or 'the body'}: {message}", faults=[Fault(pointer, message)])
