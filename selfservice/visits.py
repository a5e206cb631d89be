"""A customer's visit: begun by the link in a message, kept in a signed cookie, ended by time or by revoking links.

The cookie holds what the link held and when the visit began; nothing of it is stored. Revoking an account's links
(raising its epoch) ends its visits with the next request.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import Depends, Request
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from ar.core.access.links import LinkError, read
from ar.core.clock import local_date
from ar.core.errors import DomainError
from ar.core.kernel import Kernel
from ar.core.settings import Settings
from ar.core.web import Guard, require_own_origin, require_token, throttle
from ar.core.web.deps import SAFE_METHODS, kernel_of, now_of
from ar.customers.models import Account

_FORM = struct.Struct(">QIQ8s")
_PURPOSE = b"amiable portal visit v1"


class VisitOverError(DomainError):
    """There is no visit, or it has ended."""

    status = 401
    code = "visit-over"

    def __init__(self) -> None:
        super().__init__("This visit is over. Open the link in our last message again.")


@dataclass(frozen=True)
class Visitor:
    """The customer at the other end: one account, and nothing of any other. `today` is its own local day."""

    account_id: int
    name: str
    language: str
    today: date
    csrf_token: str

    @property
    def actor(self) -> str:
        return f"customer:{self.account_id}"


@dataclass(frozen=True)
class Visit:
    """What the cookie says, and when. Who the visitor is, is told by the route's own session alone."""

    kernel: Kernel
    now: datetime
    account_id: int
    epoch: int
    chosen_language: str | None
    csrf_token: str

    def by(self, session: Session) -> Visitor:
        """The visitor. Raises VisitOverError when the account's links were revoked meanwhile."""
        row = session.connection().execute(_ACCOUNT, {"id": self.account_id}).first()
        if row is None or row.portal_epoch != self.epoch:
            raise VisitOverError
        language = self.kernel.renderer.language(self.chosen_language or row.language)
        today = local_date(self.now, row.time_zone)
        return Visitor(self.account_id, row.legal_name, language, today, self.csrf_token)


_ACCOUNT = select(
    col(Account.legal_name), col(Account.language), col(Account.time_zone), col(Account.portal_epoch)
).where(col(Account.id) == bindparam("id"))


def csrf_token(cookie: str) -> str:
    """What the forms of the visit kept in `cookie` carry: nobody without the cookie can tell it."""
    return hashlib.sha256(b"csrf" + cookie.encode()).hexdigest()


def visit_cookie(settings: Settings) -> str:
    return "__Host-amiable_visit" if settings.secure else "amiable_visit"


def language_cookie(settings: Settings) -> str:
    return "__Host-amiable_language" if settings.secure else "amiable_language"


def begin(kernel: Kernel, session: Session, token: str, nonce: bytes, *, now: datetime) -> str:
    """The cookie of a visit begun by the link `token`. Raises LinkError for one that opens nothing any more."""
    key = kernel.settings.signing_key
    link = read(key, token, now=now, days=kernel.settings.portal_link_days)
    account = session.get(Account, link.account_id)
    if account is None or account.portal_epoch != link.epoch:
        raise LinkError
    told = _FORM.pack(link.account_id, link.epoch, int(now.timestamp()), nonce)
    return base64.urlsafe_b64encode(told + _mark(key, told)).rstrip(b"=").decode()


def _mark(key: str, told: bytes) -> bytes:
    return hmac.digest(key.encode(), _PURPOSE + told, hashlib.sha256)[:20]


def _read(key: str, cookie: str, *, now: datetime, hours: int) -> tuple[int, int]:
    """Account id and epoch of a visit's cookie. Raises VisitOverError."""
    try:
        raw = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
        told, mark = raw[: _FORM.size], raw[_FORM.size :]
        account_id, epoch, seconds, _ = _FORM.unpack(told)
    except (binascii.Error, ValueError, struct.error):
        raise VisitOverError from None
    if not hmac.compare_digest(mark, _mark(key, told)):
        raise VisitOverError
    if now - datetime.fromtimestamp(seconds, UTC) > timedelta(hours=hours):
        raise VisitOverError
    return account_id, epoch


@dataclass(frozen=True)
class Customer(Guard):
    """Guard: the customer whose visit this is. What it may see is its own account alone."""

    scheme = ("visit",)

    async def admit(self, request: Request) -> Visit:
        kernel, now = kernel_of(request), now_of(request)
        settings = kernel.settings
        request.state.error_page = "portal/error.html"
        cookie = request.cookies.get(visit_cookie(settings), "")
        account_id, epoch = _read(settings.signing_key, cookie, now=now, hours=settings.portal_session_hours)
        throttle(request, settings.portal_requests, "portal", str(account_id))
        token = csrf_token(cookie)
        if request.method not in SAFE_METHODS:
            require_own_origin(request, kernel)
            await require_token(request, token)
        return Visit(kernel, now, account_id, epoch, request.cookies.get(language_cookie(settings)), token)


def customer() -> Any:
    """Guard: a customer on its own pages."""
    return Depends(Customer())
