"""One message that came in, taken apart: who wrote to which address, in answer to what, its own words. Pure.

Nothing of it is trusted. What cannot be read is refused in words; no message makes anything else happen here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from ar.cash.remittance import mailtext
from ar.cash.remittance.message import (
    Attached,
    MessageRefusedError,
    files_of,
    header,
    sender_of,
    shown_text,
    taken_apart,
)

MAX_TEXT = 20_000
"""Characters of a letter that are kept and read for meaning; nobody's own words are longer."""

MOST_PARENTS = 50
_MOST_ADDRESSES = 60
_ID = re.compile(r"<([^<>\s]{3,250})>")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TELLING = (
    "auto-submitted",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponse",
    "x-auto-response-suppress",
    "precedence",
    "list-id",
    "list-unsubscribe",
    "feedback-id",
    "x-failed-recipients",
    "return-path",
    "disposition-notification-to",
)
_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")


@dataclass(frozen=True)
class Letter:
    """A message as it was written. `text` is the writer's own words; `marks` the headers that tell what kind it is.

    `parents` are the Message-IDs it answers, the nearest first, without brackets; `sender` is one address in small
    letters, or empty. `report` is the kind of a report ('delivery-status'), `given` the types of all its parts.
    """

    digest: str
    message_id: str
    parents: tuple[str, ...]
    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    sent_at: datetime | None
    text: str
    files: tuple[Attached, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    report: str = ""
    given: tuple[str, ...] = ()


def read_letter(raw: bytes) -> Letter:
    """The letter in `raw`. Raises MessageRefusedError for what is no message, too large, or built to exhaust."""
    message, parts = taken_apart(raw)
    try:
        return _letter(raw, message, parts)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError) as error:
        # The standard parser's getters raise any of these on headers that were made to break it.
        raise MessageRefusedError("The message cannot be read: its headers are broken") from error


def _letter(raw: bytes, message: Message, parts: list[Message]) -> Letter:
    subject = storable(header(message, "subject"))[:400]
    forwarded = mailtext.is_forwarded(subject)
    shown = shown_text(parts, quotes=forwarded)[: 20 * MAX_TEXT]
    own = shown if forwarded else mailtext.own_words(shown)
    return Letter(
        digest=digest_of(raw, message),
        message_id=_one_id(message),
        parents=parents_of(message),
        sender=storable(sender_of(message))[:320],
        sender_name=storable(_name(message))[:200],
        recipients=_recipients(message),
        subject=subject,
        sent_at=_sent_at(message),
        text=re.sub(r"\n{3,}", "\n\n", storable(own)).strip()[:MAX_TEXT],
        files=files_of(parts),
        marks={name: storable(header(message, name))[:500].lower() for name in _TELLING if name in message},
        report=_report(message),
        given=tuple(dict.fromkeys(part.get_content_type() for part in message.walk()))[:20],
    )


def storable(text: str) -> str:
    """`text` without what a database or a screen chokes on: NUL, other controls, halves of surrogates."""
    return _UNSTORABLE.sub("", text)


def digest_of(raw: bytes, message: Message) -> str:
    """What makes two copies the same letter: its Message-ID, sender and body, not the headers of its way here."""
    body = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)
    told = hashlib.sha256()
    for part in (_one_id(message), sender_of(message), header(message, "date"), header(message, "subject")):
        told.update(hashlib.sha256(part.encode("utf-8", "replace")).digest())
    told.update(hashlib.sha256(body[1].strip() if len(body) > 1 else b"").digest())
    return told.hexdigest()


def _one_id(message: Message) -> str:
    found = _ID.search(header(message, "message-id"))
    return storable(found[1])[:255] if found else ""


def parents_of(message: Message) -> tuple[str, ...]:
    answered = _ID.findall(header(message, "in-reply-to"))
    named = _ID.findall(" ".join(str(message.get("references", "")).split())[:16_000])
    return tuple(dict.fromkeys(storable(one) for one in [*answered, *reversed(named)]))[:MOST_PARENTS]


def _name(message: Message) -> str:
    told = getaddresses([header(message, "from")[:2_000]])
    return told[0][0] if told else ""


def _recipients(message: Message) -> tuple[str, ...]:
    told = [str(value)[:4_000] for name in _TO for value in message.get_all(name, [])[:5]]
    found = (storable(address).lower()[:320] for _, address in getaddresses(told))
    return tuple(dict.fromkeys(address for address in found if "@" in address))[:_MOST_ADDRESSES]


def _sent_at(message: Message) -> datetime | None:
    try:
        told = parsedate_to_datetime(header(message, "date")[:200])
        sent = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return sent if 1990 <= sent.year <= 2200 else None


def _report(message: Message) -> str:
    if message.get_content_type() != "multipart/report":
        return ""
    told = message.get_param("report-type", "")
    return str(told).lower()[:60] if isinstance(told, str) else ""


def sentences(text: str) -> Sequence[tuple[int, int]]:
    """Where each sentence of `text` begins and ends. A line break ends one only where a new one may begin."""
    spans = []
    for found in _SENTENCE.finditer(text):
        start, end = found.span()
        inner = found[0]
        start += len(inner) - len(inner.lstrip())
        end -= len(inner) - len(inner.rstrip())
        if end > start:
            spans.append((start, min(end, start + LONGEST_SENTENCE)))
    return spans[:MOST_SENTENCES]


MOST_SENTENCES = 120
LONGEST_SENTENCE = 600
_SENTENCE = re.compile(
    r"(?:[^.!?\n]|[.!?](?=[\w@/,])|\.(?=[ \t]+[a-zàâäéèêëîïôöùûüç(\d])"
    r"|\n(?!\s*\n)(?=[ \t]*[a-zàâäéèêëîïôöùûüç(\d]))+[.!?]*"
)
