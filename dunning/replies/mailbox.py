"""The mailbox that customers answer to, over IMAP. Nothing is deleted there: messages read are marked, or moved.

Messages are found by UID: those above the last one read, under the server's UIDVALIDITY. When the server numbers anew,
all are looked at again, and those known are known by their digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from imaplib import IMAP4
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted, MailMessageFlags
from imap_tools.errors import ImapToolsError

from ar.core.errors import DomainError
from ar.core.settings import SettingsError

_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,12})")
_VALIDITY = re.compile(rb"\d{1,10}")
_BEGINNING = 100_000
_PORTS = {"always": 993, "starttls": 143, "none": 143}


class MailboxError(DomainError):
    """The mailbox cannot be reached or read; nothing was changed."""

    status = 503
    code = "mailbox-unreachable"


Broken = (OSError, ImapToolsError, IMAP4.error)


@dataclass(frozen=True)
class Fetched:
    """A message as it lies in the mailbox. `raw` is its beginning alone where it is larger than was asked for."""

    uid: int
    size: int
    raw: bytes


@dataclass(frozen=True)
class ImapMailbox:
    """One folder of one server. `timeout` in seconds holds for each answer; `done_folder` takes what was read."""

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    tls: str = "always"
    done_folder: str = ""
    timeout: float = 30

    @classmethod
    def from_url(cls, url: str, *, done_folder: str = "", timeout: float = 30) -> Self:
        """From imaps://user:password@host:port/INBOX, or imap://...?starttls=1. Raises SettingsError."""
        wrong = SettingsError(
            "AMIABLE_IMAP_URL must read imaps://user:password@host:port/INBOX, or imap://...?starttls=1"
        )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise wrong from None
        if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username:
            raise wrong
        starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] in ("1", "true", "yes")
        tls = "always" if parts.scheme == "imaps" else "starttls" if starttls else "none"
        user, password = unquote(parts.username), unquote(parts.password or "")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        return cls(parts.hostname, port or _PORTS[tls], user, password, folder, tls, done_folder, timeout)

    @property
    def name(self) -> str:
        """What it is remembered by, without the password."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"[:400]

    @contextmanager
    def opened(self) -> Iterator[OpenMailbox]:
        """The folder, opened. Raises MailboxError when the server does not let us in, or breaks off on the way."""
        try:
            box = self._signed_in()
        except Broken as error:
            raise MailboxError(f"The mailbox {self.name} cannot be opened: {_words(error)}") from error
        try:
            yield OpenMailbox(box, self)
        except Broken as error:
            raise MailboxError(f"The mailbox {self.name} broke off: {_words(error)}") from error
        finally:
            with suppress(*Broken):
                box.logout()

    def _signed_in(self) -> BaseMailBox:
        kinds = {"always": MailBox, "starttls": MailBoxStartTls, "none": MailBoxUnencrypted}
        box: BaseMailBox = kinds[self.tls](self.host, self.port, timeout=self.timeout)
        try:
            box.login(self.user, self.password, initial_folder=None)
            if self.done_folder and not box.folder.exists(self.done_folder):
                box.folder.create(self.done_folder)
            box.folder.set(self.folder)
        except BaseException:
            with suppress(*Broken):
                box.client.shutdown()
            raise
        return box


class OpenMailbox:
    """A folder whose messages are read by UID."""

    def __init__(self, box: BaseMailBox, mailbox: ImapMailbox) -> None:
        self._box = box
        self._mailbox = mailbox

    @property
    def uid_validity(self) -> int:
        """What the server's UIDs hold under. Raises MailboxError when the server does not say."""
        told: Any = self._box.client.response("UIDVALIDITY")[1]
        found = _VALIDITY.search(told[-1]) if told and isinstance(told[-1], bytes) else None
        if found is None:
            raise MailboxError(f"The mailbox {self._mailbox.name} does not say its UIDVALIDITY")
        return int(found[0])

    def uids_after(self, last: int) -> list[int]:
        """The UIDs above `last`, in order."""
        found = self._answer("SEARCH", f"UID {last + 1}:*")
        words = b" ".join(one for one in found if isinstance(one, bytes)).split()
        # "n:*" names the last message even when its UID is below n.
        return sorted({int(one) for one in words if one.isdigit() and int(one) > last})

    def fetch(self, uid: int, *, max_bytes: int) -> Fetched | None:
        """The message, or None when it is gone meanwhile. It is not marked as seen by this."""
        told = self._answer("FETCH", str(uid), "(UID RFC822.SIZE)")
        sizes = [size for size in (_SIZE.search(one) for one in _flat(told)) if size]
        if not sizes:
            return None
        size = int(sizes[-1][1])
        wanted = "BODY.PEEK[]" if size <= max_bytes else f"BODY.PEEK[]<0.{_BEGINNING}>"
        parts = [one[1] for one in self._answer("FETCH", str(uid), f"(UID {wanted})") if isinstance(one, tuple)]
        return Fetched(uid, size, parts[0]) if parts and isinstance(parts[0], bytes) else None

    def done(self, uid: int) -> None:
        """Mark a message as seen, and move it where the settings say so."""
        self._box.flag([str(uid)], [MailMessageFlags.SEEN], True)
        if self._mailbox.done_folder:
            self._box.move([str(uid)], self._mailbox.done_folder)

    def _answer(self, command: str, *arguments: str) -> Sequence[Any]:
        status, told = self._box.client.uid(command, *arguments)
        if status != "OK":
            raise MailboxError(f"The mailbox {self._mailbox.name} refused {command}")
        return told


def _flat(told: Sequence[Any]) -> Iterator[bytes]:
    for one in told:
        if isinstance(one, bytes):
            yield one
        elif isinstance(one, tuple):
            yield from (part for part in one if isinstance(part, bytes))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
