"""Random tokens, of which only digests are kept. Their 256 bits need no slow hash."""

from __future__ import annotations

import hashlib
import secrets


def fresh() -> str:
    """A new token, safe in a URL, a cookie and a header."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of `token`, whatever characters a stranger put into it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
