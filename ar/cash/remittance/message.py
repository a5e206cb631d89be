"""E-mails taken apart: who wrote, about what, the words, and the files that came along. Pure.

Nothing of a message is trusted: headers may be forged, broken or endless, parts mislabelled and nested without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from itertools import islice

from ar.cash.remittance import mailtext
from ar.core.errors import DomainError

MAX_BYTES = 15_000_000
MAX_PARTS = 200
MAX_FILES = 20
MAX_HEADER = 500_000
MAX_BOUNDARIES = 100
"""Parts within parts cost the parser their depth at each line of the message, so they are counted beforehand."""

_MULTIPART = re.compile(rb"multipart/", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_ADDRESS = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,255}")


class MessageRefusedError(DomainError):
    """This is no e-mail that can be read."""

    code = "bad-message"


@dataclass(frozen=True)
class Attached:
    """A file of a message, as it calls it."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """An e-mail. `sender` is the one address that it claims to come from, in small letters; empty when it claims none,
    or several. `text` is the writer's own words, or all of them where it passes a message on."""

    message_id: str
    sender: str
    subject: str
    text: str
    files: tuple[Attached, ...]


def read_message(raw: bytes) -> Mail:
    """The message in `raw`, as it came by SMTP or out of an .eml file. Raises MessageRefusedError."""
    message, parts = taken_apart(raw)
    subject = header(message, "subject")
    forwarded = mailtext.is_forwarded(subject)
    text = shown_text(parts, quotes=forwarded)
    return Mail(
        message_id=header(message, "message-id")[:255],
        sender=sender_of(message),
        subject=subject[:400],
        text=text if forwarded else mailtext.own_words(text),
        files=files_of(parts),
    )


def taken_apart(raw: bytes) -> tuple[Message, list[Message]]:
    """The message in `raw`, and its parts that hold no others. Raises MessageRefusedError."""
    if len(raw) > MAX_BYTES:
        raise MessageRefusedError(f"The message has {len(raw):,} bytes; at most {MAX_BYTES:,} are taken")
    if len(raw) > MAX_HEADER and not re.search(rb"\r?\n\r?\n", raw[:MAX_HEADER]):
        raise MessageRefusedError("The message has header lines without end")
    if sum(1 for _ in islice(_MULTIPART.finditer(raw), MAX_BOUNDARIES + 1)) > MAX_BOUNDARIES:
        raise MessageRefusedError(f"The message has more than {MAX_BOUNDARIES} parts with parts of their own")
    try:
        message = message_from_bytes(raw)
        parts = list(_leaves(message))
    except (MessageError, RecursionError, ValueError, LookupError) as error:
        raise MessageRefusedError(
            "The message cannot be taken apart: its parts are broken or nested too deep"
        ) from error
    if not message.keys() or not parts:
        raise MessageRefusedError("This is no e-mail: it has no header lines")
    return message, parts


def shown_text(parts: Sequence[Message], *, quotes: bool) -> str:
    """The words of a message; with `quotes` those too that HTML marks as quoted."""
    plain = [_text(part) for part in parts if _is_body(part, "text/plain")]
    html = [_text(part) for part in parts if _is_body(part, "text/html")]
    # Tables live in HTML; plain text beside it is often a poor copy of them.
    shown = [mailtext.text_of_html(one, quotes=quotes) for one in html] if html else plain
    return "\n".join(shown if "".join(shown).strip() else plain)


def _leaves(message: Message) -> Iterator[Message]:
    for n, part in enumerate(message.walk()):
        if n >= MAX_PARTS:
            raise MessageRefusedError(f"The message has more than {MAX_PARTS} parts")
        if not part.is_multipart():
            yield part


def _is_body(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and not _file_name(part) and part.get_content_disposition() != "attachment"


def _text(part: Message) -> str:
    content = _content(part)
    named = part.get_content_charset() or "utf-8"
    for charset in (named, "utf-8", "cp1252"):
        try:
            return content.decode(charset)
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("latin-1")


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        return b""
    return content if isinstance(content, bytes) else b""


def files_of(parts: Sequence[Message]) -> tuple[Attached, ...]:
    """The files that came along, the first MAX_FILES."""
    return tuple(islice(_files(parts), MAX_FILES))


def _files(parts: Sequence[Message]) -> Iterator[Attached]:
    for part in parts:
        name = _file_name(part)
        if not name and part.get_content_disposition() != "attachment":
            continue
        yield Attached(name[:150] or "file", part.get_content_type(), _content(part))


def _file_name(part: Message) -> str:
    try:
        return _one_line(_decoded(part.get_filename() or ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def header(message: Message, name: str) -> str:
    """A header's words on one line; the first where there are several of that name."""
    return _one_line(_decoded(str(message.get(name, ""))[:4_000]))


def sender_of(message: Message) -> str:
    """The one address that the message claims to come from, in small letters; empty for none, or several."""
    told = message.get_all("from", [])
    if len(told) != 1:
        return ""
    addresses = [address for _, address in getaddresses([str(told[0])[:2_000]]) if address]
    if len(addresses) != 1 or not _ADDRESS.fullmatch(addresses[0]):
        return ""
    return addresses[0].lower()


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, UnicodeError, MessageError, AssertionError):
        return value


def _one_line(value: str) -> str:
    return _CONTROL.sub(" ", value).strip()
