"""What surrounds every request: its id, its line in the log, its size, and the headers of its answer.

Plain ASGI, one layer for all of it: each layer of Starlette's own kind costs more than a route's own work.
"""

import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ar.core.settings import Settings
from ar.core.web.problems import document

log = structlog.get_logger(__name__)

BODY_BYTES = 8 << 20
STRANGERS_BODY_BYTES = 1 << 20
FORM_OVERHEAD_BYTES = 1 << 20


class Perimeter:
    """The outermost layer of the product's own: every answer passes it, that to an unexpected error included."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.headers = [(name.lower().encode(), value.encode()) for name, value in security_headers(settings)]
        self.upload_bytes = (settings.max_upload_mb << 20) + FORM_OVERHEAD_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope["request_id"] = request_id
        began = time.perf_counter()
        status = 0
        headers = Headers(scope=scope)
        has_cookie = "cookie" in headers
        # An address with the mark of its content (asset() makes them) never changes what it gives.
        is_static = scope["path"].startswith("/static/") and scope["query_string"].startswith(b"v=")

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(message, request_id, has_cookie, is_static and status in (200, 304))
            await send(message)

        try:
            if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
                answer = document(400, "bad-request", "The address holds a NUL character", request_id=request_id)
                await answer(scope, receive, send_dressed)
            else:
                await self.app(scope, _capped(receive, headers, self._most(headers)), send_dressed)
        except Exception:
            log.exception("unexpected_error", request_id=request_id, method=scope["method"], route=_route(scope))
            if status:
                raise
            told = "Something broke on our side; whoever runs this finds the cause by the request id"
            await document(500, "unexpected", told, request_id=request_id)(scope, receive, send_dressed)
        finally:
            log.info(
                "request",
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
                actor=_actor(scope),
                request_id=request_id,
            )

    def _most(self, headers: Headers) -> int:
        """Bytes of body taken: uploads by known callers as the settings have it, little from strangers."""
        if "cookie" not in headers and "authorization" not in headers:
            return STRANGERS_BODY_BYTES
        return self.upload_bytes if headers.get("content-type", "").startswith("multipart/") else BODY_BYTES

    def _dress(self, message: Message, request_id: str, has_cookie: bool, is_static: bool) -> None:
        raw = message.setdefault("headers", [])
        own = {name for name, _ in raw}
        raw.extend(header for header in self.headers if header[0] not in own)
        raw.append((b"x-request-id", request_id.encode()))
        headers = MutableHeaders(raw=raw)
        if is_static:
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif has_cookie or "set-cookie" in headers or message["status"] >= 400:
            headers["Cache-Control"] = "no-store"
        else:
            headers.setdefault("Cache-Control", "no-store")


def security_headers(settings: Settings) -> list[tuple[str, str]]:
    """What every answer carries. A route may set its own Content-Security-Policy first, for a file it serves."""
    # With 'no-referrer' browsers send 'Origin: null' even to ourselves, and the check of the origin would be blind.
    pay = " https://checkout.stripe.com" if settings.stripe_secret_key else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"font-src 'self'; form-action 'self'{pay}; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = [
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ]
    if settings.secure:
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    return headers


def _capped(receive: Receive, headers: Headers, most: int) -> Receive:
    declared = headers.get("content-length", "")
    total = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0
    seen = 0

    async def receive_capped() -> Message:
        nonlocal seen
        if total > most:
            raise _too_large(most)
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise _too_large(most)
        return message

    return receive_capped


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"This is larger than the {most >> 20} MB that are taken here")


def _route(scope: Scope) -> str:
    # The route's own pattern: the address itself may hold a customer's token.
    return getattr(scope.get("route"), "path", None) or "(none)"


def _actor(scope: Scope) -> str | None:
    principal = scope.get("state", {}).get("principal")
    return getattr(principal, "actor", None)
