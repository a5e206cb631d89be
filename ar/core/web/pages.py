"""Console pages: their frame with its menu, and the notice that a form's answer shows on the page after it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ar.core.access.permissions import Permission
from ar.core.access.principals import Principal
from ar.core.access.roles import ROLE_LABELS
from ar.core.kernel import Kernel

FLASH_COOKIE = "amiable_notice"


@dataclass(frozen=True)
class MenuEntry:
    """One line of the menu. `label` is an English sentence marked for translation."""

    path: str
    label: str
    permission: Permission


def page(
    request: Request, kernel: Kernel, principal: Principal, template: str, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """The page `template` in the console's frame, in the principal's language, its menu cut to what it may see."""
    language, say = principal.language, kernel.renderer.text
    here = request.url.path
    flashes = [*_flashed(request, kernel), *context.pop("flashes", ())]
    text = kernel.renderer.page(
        template,
        language=language,
        menu=[
            (entry.path, say(entry.label, language=language), _leads(entry.path, here))
            for entry in request.app.state.menu
            if principal.may(entry.permission)
        ],
        user_name=principal.user.name if principal.user else principal.actor,
        role_label=say(ROLE_LABELS[principal.role], language=language) if principal.role else "",
        csrf_token=principal.csrf_token,
        here=here,
        principal=principal,
        flashes=flashes,
        **context,
    )
    response = HTMLResponse(text, status)
    if FLASH_COOKIE in request.cookies:
        response.delete_cookie(FLASH_COOKIE, path="/")
    return response


def _leads(path: str, here: str) -> bool:
    return here == path or (path != "/" and here.startswith(path + "/"))


def redirect(
    kernel: Kernel, principal: Principal | None, path: str, *, done: str = "", kind: str = "good", **values: Any
) -> RedirectResponse:
    """Off to `path` (303) after a form. `done`, a marked sentence, is shown there once as `kind`: good, info, warn."""
    response = RedirectResponse(path, status_code=303)
    if done:
        language = principal.language if principal else kernel.settings.default_language
        told = kernel.renderer.text(done, language=language, **values)
        response.set_cookie(
            FLASH_COOKIE,
            _signer(kernel).dumps([kind, told[:600]]),
            max_age=60,
            path="/",
            secure=kernel.settings.secure,
            httponly=True,
            samesite="lax",
        )
    return response


def _flashed(request: Request, kernel: Kernel) -> list[tuple[str, str]]:
    try:
        kind, text = _signer(kernel).loads(request.cookies.get(FLASH_COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        return []
    return [(kind, text)]


def _signer(kernel: Kernel) -> URLSafeSerializer:
    return URLSafeSerializer(kernel.settings.signing_key, salt="notice")


def local_path(wanted: str | None, default: str = "/") -> str:
    """`wanted`, when it is a path on this site and nothing else; else `default`. Browsers read '\\' as '/'."""
    if not wanted or len(wanted) > 2000 or not wanted.startswith("/") or wanted.startswith("//"):
        return default
    if "\\" in wanted or any(ord(character) < 0x21 or ord(character) > 0x7E for character in wanted):
        return default
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else wanted


def set_session_cookie(response: Response, name: str, token: str, *, seconds: int, secure: bool) -> None:
    """Set a session's cookie on `response`: for scripts invisible, sent by this site's own requests and by links."""
    response.set_cookie(name, token, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")
