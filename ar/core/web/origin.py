"""Cross-site request forgery: where a request comes from, and the token that only our own pages hold."""

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import UploadFile

from ar.core.errors import ForbiddenError
from ar.core.kernel import Kernel
from ar.core.settings import Settings
from ar.core.web.bodies import FORMS, form_of


class ForgeryError(ForbiddenError):
    """The request does not come from a page of ours, or that page has become too old."""

    code = "forged"


def require_own_origin(request: Request, kernel: Kernel) -> None:
    """Raises ForgeryError when the browser says that another site made this request.

    Programs that are no browsers say nothing and bring no cookies of others; the token still holds for them.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise ForgeryError("This request was made by another site, so it was not carried out")
        return
    origin = request.headers.get("origin")
    if origin is not None and origin not in _own_origins(request, kernel):
        raise ForgeryError("This request was made by another site, so it was not carried out")


def _own_origins(request: Request, kernel: Kernel) -> set[str]:
    public = urlsplit(kernel.settings.base_url)
    return {f"{public.scheme}://{public.netloc}", f"{request.url.scheme}://{request.headers.get('host', '')}"}


async def require_token(request: Request, expected: str) -> None:
    """Raises ForgeryError unless the request carries `expected`, in the header X-CSRF-Token or the form."""
    given = request.headers.get("x-csrf-token") or await _from_form(request)
    if not expected or not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise ForgeryError("This page has become too old: load it again, then repeat what you did")


async def _from_form(request: Request) -> str:
    kind = request.headers.get("content-type", "")
    if not kind.startswith(FORMS):
        return ""
    value = (await form_of(request)).get("csrf_token", "")
    return "" if isinstance(value, UploadFile) else value


def form_cookie(settings: Settings) -> str:
    """The name of the cookie that ties a form for visitors, such as sign-in, to their browser."""
    return "__Host-amiable_form" if settings.secure else "amiable_form"


def visitor_token(kernel: Kernel, nonce: str) -> str:
    """The token of forms for the visitor whose cookie holds `nonce`: nobody without the signing key can make one."""
    return hmac.new(kernel.settings.signing_key.encode(), b"form:" + nonce.encode(), hashlib.sha256).hexdigest()


def visitor_nonce(request: Request, kernel: Kernel) -> str:
    """The visitor's own, from the cookie, or a new one to be set."""
    found = request.cookies.get(form_cookie(kernel.settings), "")
    return found if 20 <= len(found) <= 64 and found.isascii() else secrets.token_urlsafe(24)
