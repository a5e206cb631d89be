"""Stripe's webhook signatures: an HMAC over the time and the raw body, checked here to the letter. Pure.

Stripe's library raises TypeError on a header that is not ASCII and takes a time in the future; both are refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

from ar.core.errors import DomainError

TOLERANCE_SECONDS = 300

_TIME = re.compile(r"\d{1,11}", re.ASCII)
_MAX_HEADER = 2000


class SignatureError(DomainError):
    """The message does not prove that the gateway sent it, just now."""

    status = 400
    code = "bad-signature"


def sign(payload: bytes, secret: str, *, at: int) -> str:
    """The Stripe-Signature header for `payload` sent at `at` (epoch seconds)."""
    return f"t={at},v1={_mac(payload, secret, str(at))}"


def verify(payload: bytes, header: str | None, secret: str, *, now: datetime) -> None:
    """Raises SignatureError unless `header` signs these very bytes within five minutes of `now`, before or after."""
    if not header or len(header) > _MAX_HEADER or not header.isascii():
        raise SignatureError("The Stripe-Signature header is missing or is not one")
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        raise SignatureError("The Stripe-Signature header states no time")
    expected = _mac(payload, secret, times[0]).encode()
    given = [value.encode() for name, _, value in parts if name == "v1"]
    if not any([hmac.compare_digest(expected, one) for one in given]):  # noqa: C419 (a list: no early way out)
        raise SignatureError("The signature does not fit the message: check the endpoint's signing secret")
    if abs(int(times[0]) - now.timestamp()) > TOLERANCE_SECONDS:
        raise SignatureError("The message is too old, or comes from the future: check this server's clock")


def _mac(payload: bytes, secret: str, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + payload, hashlib.sha256).hexdigest()
