"""Customers' links: signed, dated, and revocable all at once by raising the account's epoch.

A link opens one account's own pages and nothing else. It is signed rather than stored, so that a run that writes
thousands of messages writes no rows for their links.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ar.core.db import MAX_ID
from ar.core.errors import DomainError

_FORM = struct.Struct(">QIQ")
_PURPOSE = b"amiable portal link v1"
_CONTACT = struct.Struct(">Q")
_SPARING = b"amiable unsubscribe link v1"
_MARK_BYTES = 20
_IN_TEXT = re.compile(r"/(pay|unsubscribe)/[A-Za-z0-9_-]{30,}")


ASK_PATH = "/pay"
"""Where who has no link asks for one: an address that holds no key, so that it may be printed."""


UNSUBSCRIBE_PATH = "/unsubscribe"


class LinkError(DomainError):
    """The link is not ours, was altered, has ended, or was revoked: all answer alike."""

    status = 404
    code = "link-ended"

    def __init__(self) -> None:
        super().__init__("This link does not open anything any more. Ask for a new one, or use a newer message.")


@dataclass(frozen=True)
class Link:
    """What a link says: whose page it opens, under which epoch it was made, and when."""

    account_id: int
    epoch: int
    made_at: datetime


def sign(key: str, account_id: int, epoch: int, *, now: datetime) -> str:
    """A token for the pages of one account."""
    told = _FORM.pack(account_id, epoch, int(now.timestamp()))
    return base64.urlsafe_b64encode(told + _mark(key, told)).rstrip(b"=").decode()


def read(key: str, token: str, *, now: datetime, days: int) -> Link:
    """What `token` says. Raises LinkError when it is not ours or is older than `days`.

    Whoever acts on it still compares the epoch with the account's.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        told, mark = raw[: _FORM.size], raw[_FORM.size :]
        account_id, epoch, seconds = _FORM.unpack(told)
    except (binascii.Error, ValueError, struct.error):
        raise LinkError from None
    if not hmac.compare_digest(mark, _mark(key, told)):
        raise LinkError
    made_at = datetime.fromtimestamp(seconds, UTC)
    if not timedelta(0) <= now - made_at + timedelta(minutes=5) <= timedelta(days=days, minutes=5):
        raise LinkError
    return Link(account_id, epoch, made_at)


def sign_contact(key: str, contact_id: int) -> str:
    """A token by which a contact can be spared courtesy mail. It opens nothing, and does not end: old mail keeps it."""
    told = _CONTACT.pack(contact_id)
    return base64.urlsafe_b64encode(told + _mark(key, told, _SPARING)).rstrip(b"=").decode()


def read_contact(key: str, token: str) -> int:
    """The id of the contact that `token` was made for. Raises LinkError when it is not ours."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        told, mark = raw[: _CONTACT.size], raw[_CONTACT.size :]
        (contact_id,) = _CONTACT.unpack(told)
    except (binascii.Error, ValueError, struct.error):
        raise LinkError from None
    if not hmac.compare_digest(mark, _mark(key, told, _SPARING)) or contact_id > MAX_ID:
        raise LinkError
    return int(contact_id)


def unsubscribe_url(base_url: str, key: str, contact_id: int) -> str:
    """The address by which a contact is spared courtesy mail: looking at it changes nothing, a POST does."""
    return f"{base_url}{UNSUBSCRIBE_PATH}/{sign_contact(key, contact_id)}"


def portal_url(base_url: str, key: str, account_id: int, epoch: int, *, now: datetime) -> str:
    """The address that opens an account's pages."""
    return f"{base_url}/pay/{sign(key, account_id, epoch, now=now)}"


def masked(text: str) -> str:
    """`text` without the tokens of the links in it: who reads a customer's message is not that customer."""
    return _IN_TEXT.sub(r"/\1/…", text)


def _mark(key: str, told: bytes, purpose: bytes = _PURPOSE) -> bytes:
    return hmac.digest(key.encode(), purpose + told, hashlib.sha256)[:_MARK_BYTES]
