"""The address to answer to: replies+k17.3f9c0a2b41d7@firm.example names the account, signed so that none is made up."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from ar.core.mail import parse_address
from ar.core.settings import Settings

_TAG = re.compile(r"k([1-9]\d{0,17})\.([0-9a-f]{16})", re.ASCII)


def reply_address(settings: Settings, account_id: int) -> str | None:
    """Where this account's answers are to go, for a Reply-To header; None when no address is set."""
    if not settings.reply_address:
        return None
    local, domain = parse_address(settings.reply_address)[1].rsplit("@", 1)
    return f"{local}+k{account_id}.{_signature(settings, account_id)}@{domain}"


def account_named(settings: Settings, addresses: Iterable[str]) -> int | None:
    """The account that one of `addresses` names with our signature; None when none does."""
    if not settings.reply_address:
        return None
    local, domain = parse_address(settings.reply_address)[1].lower().rsplit("@", 1)
    for address in addresses:
        before, _, after = address.lower().rpartition("@")
        found = _TAG.fullmatch(before.removeprefix(f"{local}+")) if before.startswith(f"{local}+") else None
        if found and after == domain and hmac.compare_digest(found[2], _signature(settings, int(found[1]))):
            return int(found[1])
    return None


def _signature(settings: Settings, account_id: int) -> str:
    told = f"reply-address:{account_id}".encode()
    return hmac.new(settings.signing_key.encode(), told, hashlib.sha256).hexdigest()[:16]
