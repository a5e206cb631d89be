"""Mail over SMTP, phase by phase, so that the fate of each message is known, or known to be unknown.

Until the final dot is written a server cannot have accepted anything: whatever breaks, the message may go again.
From then on only the server's answer tells; without one the fate is unknown and the message must not go again.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from ar.core.mail import Carrier, Fate, FateKind, FolderMailer, Mail, Send, compose, nothing, parse_address
from ar.core.settings import Settings, SettingsError

_BARE_DOT = re.compile(rb"(?m)^\.")
_SIGN_IN_CODES = (530, 534, 535, 538)
_CLOSING = 421
_LONGEST_ANSWER = 8192
Broken = (OSError, smtplib.SMTPException)


@dataclass(frozen=True)
class SmtpMailer:
    """One server. `tls` is 'none', 'starttls' or 'always'; `timeout` in seconds holds for each answer waited for."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: str = "none"
    timeout: float = 30
    at: Callable[[str], None] = nothing

    @classmethod
    def from_url(cls, url: str, *, timeout: float = 30, at: Callable[[str], None] = nothing) -> Self:
        """From smtp://user:password@host:port?starttls=1, or smtps://. Raises SettingsError."""
        wrong = SettingsError(
            "AMIABLE_SMTP_URL must read smtp://user:password@host:port, smtps://... or ...?starttls=1"
        )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise wrong from None
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise wrong
        starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] in ("1", "true", "yes")
        tls = "always" if parts.scheme == "smtps" else "starttls" if starttls else "none"
        usual = {"always": 465, "starttls": 587, "none": 25}[tls]
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port or usual, user, password, tls, timeout, at)

    @contextmanager
    def connect(self) -> Iterator[Send]:
        """Opened at the first message, kept for all of them, opened anew when the server hangs up between two."""
        line = _Line(self)
        try:
            yield line.send
        finally:
            line.close()

    def open(self) -> smtplib.SMTP:
        """A greeted, encrypted and signed-in connection. Raises OSError or SMTPException."""
        context = None if self.tls == "none" else ssl.create_default_context()
        name = socket.gethostname()  # the full name would ask a DNS that may not answer
        server: smtplib.SMTP
        if self.tls == "always":
            server = smtplib.SMTP_SSL(self.host, self.port, name, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, name, timeout=self.timeout)
        try:
            server.ehlo_or_helo_if_needed()
            if self.tls == "starttls":
                server.starttls(context=context)
                server.ehlo()
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server


class _HangupError(Exception):
    """A connection kept from the message before was closed by the server meanwhile."""


class _Line:
    """One connection, reused."""

    def __init__(self, mailer: SmtpMailer) -> None:
        self._mailer = mailer
        self._server: smtplib.SMTP | None = None

    def close(self) -> None:
        if self._server is not None:
            with suppress(*Broken):
                self._server.quit()
            self._server.close()
            self._server = None

    def send(self, mail: Mail) -> Fate:
        sender, recipient = parse_address(mail.sender)[1], parse_address(mail.recipient)[1]
        if not (sender + recipient).isascii():
            return Fate(FateKind.REFUSED, "an address with letters beyond ASCII before the @ cannot be served")
        content = compose(mail)
        try:
            return self._send(sender, recipient, content)
        except _HangupError:
            return self._send(sender, recipient, content)

    def _send(self, sender: str, recipient: str, content: bytes) -> Fate:
        reused = self._server is not None
        try:
            server = self._server = self._server or self._mailer.open()
        except Broken as error:
            return Fate(FateKind.UNREACHED, _words(error))
        refusal = self._offer(server, sender, recipient, len(content), reused=reused)
        return refusal or self._hand_over(server, content)

    def _offer(self, server: smtplib.SMTP, sender: str, recipient: str, size: int, *, reused: bool) -> Fate | None:
        """MAIL, RCPT and DATA; None when the server now waits for the content."""
        stated = f" SIZE={size}" if server.has_extn("size") else ""
        if server.has_extn("pipelining"):
            return self._offer_at_once(server, f"FROM:<{sender}>{stated}", f"TO:<{recipient}>", reused=reused)
        first = True
        try:
            code, text = server.docmd("MAIL", f"FROM:<{sender}>{stated}")
            if code == _CLOSING and reused:
                self._drop()
                raise _HangupError
            first = False
            if code == 250:
                code, text = server.docmd("RCPT", f"TO:<{recipient}>")
            if code in (250, 251):
                self._mailer.at("before-data")
                code, text = server.docmd("DATA")
            if code != 354:
                return self._refused(server, code, text)
        except Broken as error:
            self._drop()
            if first and reused:
                raise _HangupError from error
            return Fate(FateKind.LATER, _words(error))
        return None

    def _offer_at_once(self, server: smtplib.SMTP, sender: str, recipient: str, *, reused: bool) -> Fate | None:
        """The same three commands in one breath, as RFC 2920 allows: one way to the server and back, not three."""
        self._mailer.at("before-data")
        answers: list[tuple[int, bytes]] = []
        try:
            server.send(f"MAIL {sender}\r\nRCPT {recipient}\r\nDATA\r\n")
            for _ in range(3):
                answers.append(_answer(server))
                if answers[-1][0] == _CLOSING:
                    break
        except Broken as error:
            self._drop()
            if not answers and reused:
                raise _HangupError from error
            return Fate(FateKind.LATER, _words(error))
        if answers[0][0] == _CLOSING and reused:
            self._drop()
            raise _HangupError
        for (code, text), wanted in zip(answers, ((250,), (250, 251), (354,)), strict=False):
            if code in wanted:
                continue
            if answers[-1][0] == 354:  # it waits for the content of a message that it refused: it gets none
                self._drop()
            return self._refused(server, code, text)
        return None

    def _hand_over(self, server: smtplib.SMTP, content: bytes) -> Fate:
        """The content, the final dot, and the answer to it."""
        left = memoryview(_BARE_DOT.sub(b"..", content) + b".\r\n")
        assert server.sock is not None
        try:
            while left:  # while the socket has not taken the last byte, the server cannot have seen the final dot
                left = left[server.sock.send(left) :]
        except OSError as error:
            self._drop()
            return Fate(FateKind.LATER, f"lost before the end of the message: {_words(error)}")
        try:
            self._mailer.at("after-data")
            code, text = _answer(server)
        except Broken as error:
            self._drop()
            return Fate(FateKind.UNKNOWN, f"no answer after the final dot: {_words(error)}")
        if code // 100 == 2:
            return Fate(FateKind.SENT, _reply(code, text))
        if code // 100 in (4, 5):
            return self._refused(server, code, text)
        self._drop()
        return Fate(FateKind.UNKNOWN, f"an answer after the final dot that says nothing: {_reply(code, text)}")

    def _refused(self, server: smtplib.SMTP, code: int, text: bytes) -> Fate:
        if code == _CLOSING:
            self._drop()
        elif self._server is not None:
            try:
                server.rset()
            except Broken:
                self._drop()
        if code in _SIGN_IN_CODES:
            return Fate(FateKind.UNREACHED, _reply(code, text))
        return Fate(FateKind.REFUSED if code // 100 == 5 else FateKind.LATER, _reply(code, text))

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _answer(server: smtplib.SMTP) -> tuple[int, bytes]:
    """The server's next answer. One of one line, as nearly all are, is taken apart here, in a fraction of smtplib's
    time; of several lines, the last counts. Raises what smtplib raises."""
    if server.file is None:
        return server.getreply()
    while True:
        line = server.file.readline(_LONGEST_ANSWER)
        if not line.endswith(b"\n"):  # the end, or a line too long, of which the rest would pass for another answer
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        known = line[:3].isdigit()
        if line[3:4] != b"-" or not known:
            return (int(line[:3]) if known else -1), line[4:].strip()


def _reply(code: int, text: bytes) -> str:
    return _short(f"{code} {text.decode('ascii', 'replace')}")


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        detail = error.smtp_error
        return _reply(error.smtp_code, detail if isinstance(detail, bytes) else detail.encode())
    return _short(f"{type(error).__name__}: {error}")


def _short(words: str) -> str:
    return " ".join(words.replace("\x00", "").split())[:300]


def mailer_of(settings: Settings) -> Carrier:
    """The server that the settings name, or the folder mail under var_dir. Raises SettingsError."""
    if settings.smtp_url:
        return SmtpMailer.from_url(settings.smtp_url)
    return FolderMailer(settings.var_dir / "mail")
