"""What the provider posts to us: what became of a text message, and text messages that came in.

Proved by its signature over the address and the raw parameters; applied in any order, any number of times.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.core.db import is_postgres
from ar.core.errors import DomainError, NotFoundError
from ar.core.outbox.arrivals import News, note_arrivals
from ar.core.outbox.check import E164
from ar.core.outbox.models import Arrival, OutboxMessage
from ar.core.settings import Settings
from ar.core.sms.models import SmsReceived
from ar.core.sms.numbers import Learned, NumberNews, learn_numbers
from ar.core.sms.provider import BAD_NUMBER, HttpTexts

MAX_PAYLOAD = 64 * 1024
_MOST_FIELDS = 200
_ARRIVAL: dict[str, Arrival | None] = {
    "accepted": None,
    "queued": None,
    "sending": None,
    "sent": None,
    "delivered": Arrival.DELIVERED,
    "read": Arrival.DELIVERED,
    "undelivered": Arrival.BOUNCED,
    "failed": Arrival.BOUNCED,
    "canceled": Arrival.BOUNCED,
}
_STOP = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "arrêt", "stopp", "baja", "basta"}
)
_START = frozenset({"start", "unstop"})
_DIGEST = re.compile(r"[0-9a-f]{40}", re.ASCII)
_REF = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class SmsCallbackError(DomainError):
    """The message is not taken in: it is not signed by the provider, or not readable."""

    status = 400
    code = "bad-sms-callback"


class NoSmsProviderError(NotFoundError):
    """No provider of text messages is set up."""

    code = "no-sms-provider"


def receive(
    session: Session, settings: Settings, path: str, query: str, payload: bytes, signature: str | None, *, now: datetime
) -> None:
    """Take in one callback to `path` (with `query`). Raises SmsCallbackError, NoSmsProviderError."""
    if not settings.sms_url:
        raise NoSmsProviderError("No provider of text messages is set up")
    token = HttpTexts.from_settings(settings).token
    if len(payload) > MAX_PAYLOAD:
        raise SmsCallbackError("The message is larger than any callback")
    try:
        fields = parse_qsl(
            payload.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise SmsCallbackError("The message is no form that can be read") from None
    url = f"{settings.base_url.rstrip('/')}{path}{f'?{query}' if query else ''}"
    expected = sign(token, url, fields)
    if not hmac.compare_digest(expected.encode(), (signature or "").encode("utf-8", "replace")):
        raise SmsCallbackError("The signature is not that of the provider")
    told = dict(fields)
    if any("\x00" in value for value in told.values()):
        raise SmsCallbackError("The message holds a NUL character")
    if "Body" in told and "MessageStatus" not in told:
        _take_in(session, told, now=now)
    else:
        _follow(session, told, dict(parse_qsl(query)).get("message", ""), now=now)


def sign(token: str, url: str, fields: Sequence[tuple[str, str]]) -> str:
    """The provider's signature: HMAC-SHA1 over the address and every parameter with its value, sorted by name."""
    parts = sorted(set(fields))
    said = url + "".join(name + value for name, value in parts)
    digest = hmac.new(token.encode(), said.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return b64encode(digest).decode("ascii")


def _follow(session: Session, told: dict[str, str], digest: str, *, now: datetime) -> None:
    """What became of a message: found by its digest in the address, else by the provider's name of it."""
    ref, status = told.get("MessageSid", ""), told.get("MessageStatus", "")
    if status not in _ARRIVAL or not _REF.fullmatch(ref):
        return
    if not _DIGEST.fullmatch(digest):
        found = session.exec(select(OutboxMessage.digest).where(col(OutboxMessage.carrier_ref) == ref)).first()
        if found is None:
            return
        digest = found
    said = told.get("ErrorCode", "")
    code = int(said) if re.fullmatch(r"[0-9]{1,9}", said, re.ASCII) else 0
    arrival = _ARRIVAL[status]
    note_arrivals(session, [News(digest, arrival, f"{status} {code or ''}".strip(), ref)], now=now)
    number = told.get("To", "")
    if arrival is Arrival.BOUNCED and code in BAD_NUMBER and E164.fullmatch(number):
        learn_numbers(session, [NumberNews(number, Learned.FAILED, f"{status} {code}")], now=now)


def _take_in(session: Session, told: dict[str, str], *, now: datetime) -> None:
    """A text message that came in: kept once; STOP and its like bar the number it came from, START frees it."""
    ref, sender = told.get("MessageSid", ""), told.get("From", "")
    if not _REF.fullmatch(ref) or not E164.fullmatch(sender):
        raise SmsCallbackError("The message says no sender or no number of its own")
    answered = session.exec(
        select(OutboxMessage.id)
        .where(text("channel = 'sms'"), col(OutboxMessage.recipient) == sender)  # as the index has it
        .order_by(col(OutboxMessage.id).desc())
        .limit(1)
    ).first()
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    row = {
        "provider_ref": ref,
        "sender": sender,
        "recipient": told.get("To", "")[:40],
        "text": told["Body"][:1600],
        "received_at": now,
        "message_id": answered,
    }
    statement = insert(SmsReceived).values(row).on_conflict_do_nothing(index_elements=["provider_ref"])
    if session.connection().execute(statement.returning(col(SmsReceived.id))).first() is None:
        return
    word = told["Body"].strip().rstrip(".!").casefold()
    kind = told.get("OptOutType", "").casefold()
    if word in _STOP or kind == "stop":
        learn_numbers(session, [NumberNews(sender, Learned.STOPPED, "said STOP")], now=now)
    elif word in _START or kind == "start":
        learn_numbers(session, [NumberNews(sender, Learned.STARTED, "said START")], now=now)
