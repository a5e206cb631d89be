"""An event as it is told, and its signature. Pure; Standard Webhooks, https://www.standardwebhooks.com."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

PREFIX = "whsec_"
PING = "webhook.pinged"
TYPE = re.compile(r"\*|[a-z][a-z0-9_-]{0,39}(?:\.[a-z0-9_-]{1,60}){0,3}(?:\.\*)?", re.ASCII)
"""The kinds that a subscription asks for: 'invoice.issued', 'dispute.*', or '*'."""


def wanted(event_types: Sequence[str], action: str) -> bool:
    """Whether a subscription to `event_types` (none means all) is told of `action`."""
    return not event_types or any(
        kind in ("*", action) or (kind.endswith(".*") and action.startswith(kind[:-1])) for kind in event_types
    )


def event_id(entry_id: int) -> str:
    """The same for every attempt and every subscription: by it a receiver knows what it has had already."""
    return f"evt_{entry_id}"


def payload(
    entry_id: int, action: str, subject: str, actor: str, at: datetime, change: Mapping[str, Any] | None = None
) -> bytes:
    """The body: what happened to what, when, and by whom; with what was changed only where `change` is given."""
    data: dict[str, Any] = {"id": event_id(entry_id), "subject": subject, "actor": actor}
    if change is not None:
        data["change"] = change
    told = {"type": action, "timestamp": at.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def secret_of(signing_key: str, subscription_id: int, salt: str) -> str:
    """The secret of a subscription, as it is shown once: derived, so that the database holds none."""
    said = f"webhook:{subscription_id}:{salt}"
    return PREFIX + b64encode(hmac.new(signing_key.encode(), said.encode(), hashlib.sha256).digest()).decode("ascii")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature 'v1,...' of `body`: HMAC-SHA256 over id, timestamp and body. `secret` as shown, 'whsec_...'."""
    key = b64decode(secret.removeprefix(PREFIX))
    said = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode("ascii")


def headers(secrets: Sequence[str], message_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """The headers to post `body` with: one signature for each secret in force."""
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Amiable-Webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets),
    }
