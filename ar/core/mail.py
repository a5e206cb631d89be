"""An e-mail as bytes, what can become of it, and the folder that takes mail where there is no server."""

from __future__ import annotations

import binascii
import hashlib
import os
import re
import secrets
from base64 import b64encode, encodebytes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ar.core.errors import DomainError

_ATOM = r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]"
_PLACE = rf"{_ATOM}{{1,64}}@{_ATOM}{{1,255}}"
_ADDRESS = re.compile(rf"(?P<bare>{_PLACE})|(?P<name>[^<>\x00-\x1f\x7f]*?) *<(?P<inner>{_PLACE})>")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}", re.ASCII)
_OURS = re.compile(r"(?i)from|sender|to|cc|bcc|subject|date|message-id|mime-version|return-path|received|content-.*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_LONGEST_LINE = 900
"""RFC 5322 allows 998 characters a line; anything longer is encoded and folded."""


_WORD_OCTETS = 45
"""What fits into an encoded word of at most 75 characters."""


class AddressError(DomainError):
    """The text is not one e-mail address, such as jo@firm.example or Jo Doe <jo@firm.example>."""

    code = "bad-address"


@lru_cache(maxsize=4096)
def parse_address(text: str) -> tuple[str, str]:
    """Display name (maybe empty) and address, its domain in ASCII form. Raises AddressError, for a list of them too."""
    match = _ADDRESS.fullmatch(text.strip(" "))
    if not match:
        raise AddressError(f"{text[:80]!r} is not one e-mail address: write jo@firm.example or Jo <jo@firm.example>")
    local, domain = (match["bare"] or match["inner"]).rsplit("@", 1)
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise AddressError(f"{domain[:80]!r} is not the name of a mail domain") from None
    name = (match["name"] or "").strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return name, f"{local}@{ascii_domain}"


def header_fault(name: str, value: object) -> str | None:
    """What is wrong with an extra header, or None: a name of our own, a line break in the value."""
    if not _HEADER_NAME.fullmatch(name) or _OURS.fullmatch(name):
        return f"{name[:60]!r} cannot be set as a header"
    if not isinstance(value, str) or len(value) > 2000:
        return "a header is a text of at most 2,000 characters"
    return text_fault(value, one_line=True)


def text_fault(value: str, *, one_line: bool) -> str | None:
    """What makes `value` unfit for a header (`one_line`) or a body, or None."""
    if "\x00" in value:
        return "holds a NUL character"
    if one_line and _CONTROL.search(value):
        return "holds a line break or another control character"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which no encoding can carry"
    return None


MAX_ATTACHED_BYTES = 10 * 2**20
"""What the files of one message may have together: encoded they stay below what nearly every mail server takes."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes along with a message; its `name` is one that ar.core.files has made safe."""

    name: str
    media_type: str
    content: bytes


def digest_of(key: str) -> str:
    """What stands before the @ in the Message-ID of the message of that dedup key: 40 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Mail:
    """One message to one recipient, by whatever carrier. The same `key` always makes the same Message-ID."""

    key: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    date: datetime
    attachments: Sequence[Attachment] = ()

    @property
    def digest(self) -> str:
        return digest_of(self.key)

    @property
    def message_id(self) -> str:
        return f"<{self.digest}@{parse_address(self.sender)[1].rsplit('@', 1)[1]}>"


def compose(mail: Mail) -> bytes:
    """The message as it goes over the wire: RFC 5322 and MIME, all ASCII, lines ended by CRLF.

    Written by hand, for it is the same few headers and parts each time and the standard generator takes several times
    as long. Text is quoted-printable and files are base64; a boundary with `=_` cannot occur in either.
    """
    headers = {
        "From": _mailbox(mail.sender),
        "To": _mailbox(mail.recipient),
        "Subject": _unstructured(mail.subject),
        "Date": format_datetime(mail.date),
        "Message-ID": mail.message_id,
        "Auto-Submitted": "auto-generated",
    }
    headers |= {name: _unstructured(value) for name, value in mail.headers.items()}
    headers["MIME-Version"] = "1.0"
    body = _part("plain", mail.text)
    if mail.html:
        body = _parts("alternative", f"=_{mail.digest}", [body, _part("html", mail.html)])
    if mail.attachments:
        files = [_file(attachment) for attachment in mail.attachments]
        body = _parts("mixed", f"=_m{mail.digest}", [body, *files])
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\n".join([*lines, f"{body}\n"]).replace("\n", "\r\n").encode("ascii")


def _parts(subtype: str, boundary: str, parts: Sequence[str]) -> str:
    told = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n\n{told}--{boundary}--'


def _file(attachment: Attachment) -> str:
    """A file as a part, named for old readers (ASCII) and new ones (RFC 2231)."""
    plain = attachment.name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    named = f'filename="{plain}"'
    if plain != attachment.name:
        named = f"filename*=utf-8''{quote(attachment.name, safe='')}"
    encoded = encodebytes(attachment.content).decode("ascii").rstrip("\n")
    return (
        f"Content-Type: {attachment.media_type}\nContent-Disposition: attachment;\n {named}\n"
        f"Content-Transfer-Encoding: base64\n\n{encoded}"
    )


def _part(subtype: str, content: str) -> str:
    plain_lines = content.replace("\r\n", "\n").replace("\r", "\n")
    encoded = binascii.b2a_qp(plain_lines.encode(), istext=True).decode("ascii")
    return f"Content-Type: text/{subtype}; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{encoded}"


def _unstructured(value: str) -> str:
    if value.isascii() and "=?" not in value and len(value) < _LONGEST_LINE:
        return value
    return _encoded_words(value)


def _encoded_words(value: str) -> str:
    """`value` as RFC 2047 words of at most 75 characters, each whole in itself, one to a line."""
    octets = value.encode()
    words, start = [], 0
    while start < len(octets):
        end = start + _WORD_OCTETS
        while end < len(octets) and octets[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        words.append(octets[start:end])
        start = end
    return "\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in words)


@lru_cache(maxsize=4096)
def _mailbox(text: str) -> str:
    name, address = parse_address(text)
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{_encoded_words(name)} <{address}>"


class FateKind(StrEnum):
    SENT = "sent"
    LATER = "later"  # refused for now, and surely not accepted
    REFUSED = "refused"  # for good
    UNKNOWN = "unknown"  # perhaps accepted
    UNREACHED = "unreached"  # the server did not let us in: says nothing about this message


@dataclass(frozen=True)
class Fate:
    """What became of one message, the words of the server, and the carrier's own name of the message if it has one."""

    kind: FateKind
    words: str
    carrier_ref: str | None = None


Send = Callable[[Mail], Fate]


class Carrier(Protocol):
    """What takes the messages of one channel out of the house."""

    def connect(self) -> AbstractContextManager[Send]:
        """A function that sends one message after the other over one connection, and never raises for a failure."""
        ...


def nothing(_point: str) -> None:
    """Called at each named point of a delivery; a test passes a function that kills the process instead."""


@dataclass(frozen=True)
class FolderMailer:
    """Writes each message to a file named by its Message-ID; a second copy gets a number, so that it shows."""

    folder: Path
    at: Callable[[str], None] = nothing

    @contextmanager
    def connect(self) -> Iterator[Send]:
        self.folder.mkdir(parents=True, exist_ok=True)
        yield self._send

    def _send(self, mail: Mail) -> Fate:
        draft = self.folder / f".{mail.digest}.{secrets.token_hex(4)}"
        self.at("before-data")
        draft.write_bytes(compose(mail))
        try:
            target = self._place(draft, mail.digest)
        finally:
            draft.unlink()
        self.at("after-data")
        return Fate(FateKind.SENT, f"written to {target.name}")

    def _place(self, draft: Path, digest: str) -> Path:
        copy = 1
        while True:
            target = self.folder / (f"{digest}.eml" if copy == 1 else f"{digest}.{copy}.eml")
            try:
                os.link(draft, target)
            except FileExistsError:
                copy += 1
            else:
                return target
