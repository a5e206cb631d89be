"""Text messages through a provider's HTTP interface, the one of Twilio that others offer too, or into a folder.

A request that was sent and not answered may have been carried out, and the interface takes no key that would make a
second one harmless: such a message is of unknown fate and does not go again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx

from ar.core.mail import Carrier, Fate, FateKind, Mail, Send, nothing
from ar.core.settings import Settings, SettingsError
from ar.core.sms.numbers import Learned, NumberNews

STOPPED = frozenset({21610})
"""Error codes of the provider: the recipient has said STOP."""

BAD_NUMBER = frozenset({21211, 21214, 21217, 21614, 30005, 30006})
"""No number, no mobile number, an unknown one, a landline."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
_SILENT_IN_A_ROW = 3
_LOCAL = ("127.0.0.1", "localhost", "::1")
Learn = Callable[[Sequence[NumberNews]], None]


def learn_nothing(_news: Sequence[NumberNews]) -> None:
    """For whoever keeps no list of numbers."""


@dataclass(frozen=True)
class HttpTexts:
    """One account at a provider. `base` is where its interface answers, `callback` where it may tell what became of a
    message (empty for nowhere), `learn` is told of bad numbers after the last message; `timeout` in seconds."""

    base: str
    account: str
    token: str
    sender: str
    callback: str = ""
    timeout: float = 15
    learn: Learn = learn_nothing
    at: Callable[[str], None] = nothing

    @classmethod
    def from_settings(cls, settings: Settings, *, learn: Learn = learn_nothing, timeout: float = 15) -> Self:
        """From AMIABLE_SMS_URL and AMIABLE_SMS_FROM. Raises SettingsError."""
        wrong = SettingsError("AMIABLE_SMS_URL must read https://account:token@host/")
        url = settings.sms_url.get_secret_value() if settings.sms_url else ""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise wrong from None
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL):
            raise wrong
        if not (host and parts.username and parts.password):
            raise wrong
        if not settings.sms_from:
            raise SettingsError("AMIABLE_SMS_FROM is missing: the number or name that text messages come from")
        place = f"[{host}]" if ":" in host else host
        base = f"{parts.scheme}://{place}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
        local = urlsplit(settings.base_url).hostname in _LOCAL
        callback = "" if local else f"{settings.base_url.rstrip('/')}/webhooks/sms"
        account, token = unquote(parts.username), unquote(parts.password)
        return cls(base, account, token, settings.sms_from, callback, timeout, learn)

    @contextmanager
    def connect(self) -> Iterator[Send]:
        """Connections are kept and opened anew as needed; what was learned of numbers is told at the end."""
        line = _Line(self)
        with httpx.Client(auth=(self.account, self.token), timeout=self.timeout) as client:
            try:
                yield lambda mail: line.send(client, mail)
            finally:
                if line.learned:
                    self.learn(line.learned)


class _Line:
    """What is learned while messages go out."""

    def __init__(self, texts: HttpTexts) -> None:
        self.learned: list[NumberNews] = []
        self._texts = texts
        self._silent = 0

    def send(self, client: httpx.Client, mail: Mail) -> Fate:
        if self._silent >= _SILENT_IN_A_ROW:
            return Fate(FateKind.UNREACHED, f"{self._silent} messages in a row got no answer")
        texts = self._texts
        sender = mail.sender or texts.sender
        form = {"To": mail.recipient, "MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        form["Body"] = mail.text
        if texts.callback:
            form["StatusCallback"] = f"{texts.callback}?message={mail.digest}"
        url = f"{texts.base}/2010-04-01/Accounts/{texts.account}/Messages.json"
        texts.at("before-data")
        try:
            response = client.post(url, data=form)
        except _NOT_SENT as error:
            return Fate(FateKind.UNREACHED, _short(f"{type(error).__name__}: {error}"))
        except httpx.HTTPError as error:
            self._silent += 1
            return Fate(FateKind.UNKNOWN, _short(f"no answer after the request was sent: {type(error).__name__}"))
        self._silent = 0
        texts.at("after-data")
        return self._fate(response, mail.recipient)

    def _fate(self, response: httpx.Response, number: str) -> Fate:
        told = _json(response)
        code = _number(told.get("code") or told.get("error_code"))
        words = _short(f"{response.status_code} {told.get('message') or told.get('status') or ''} {code or ''}")
        status = response.status_code
        if status in (200, 201, 202):
            sid = told.get("sid")
            if not isinstance(sid, str) or not 1 <= len(sid) <= 64:
                return Fate(FateKind.UNKNOWN, f"an answer that says nothing: {words}")
            if told.get("status") in ("failed", "undelivered"):
                self._learn(number, code, words)
                return Fate(FateKind.REFUSED, words)
            return Fate(FateKind.SENT, words, sid)
        if status in (401, 403, 404, 407, 429):  # it says nothing about this message
            return Fate(FateKind.UNREACHED, words)
        if status in (408, 503):
            return Fate(FateKind.LATER, words)
        if 400 <= status < 500:
            self._learn(number, code, words)
            return Fate(FateKind.REFUSED, words)
        return Fate(FateKind.UNKNOWN, f"an answer that says nothing: {words}")

    def _learn(self, number: str, code: int, words: str) -> None:
        if code in STOPPED:
            self.learned.append(NumberNews(number, Learned.STOPPED, words))
        elif code in BAD_NUMBER:
            self.learned.append(NumberNews(number, Learned.FAILED, words))


@dataclass(frozen=True)
class FolderTexts:
    """Writes each message to a file named by its digest; a second copy gets a number, so that it shows."""

    folder: Path
    sender: str = ""

    @contextmanager
    def connect(self) -> Iterator[Send]:
        self.folder.mkdir(parents=True, exist_ok=True)
        yield self._send

    def _send(self, mail: Mail) -> Fate:
        content = f"To: {mail.recipient}\nFrom: {mail.sender or self.sender}\n\n{mail.text}\n"
        copy = 1
        while True:
            target = self.folder / (f"{mail.digest}.txt" if copy == 1 else f"{mail.digest}.{copy}.txt")
            try:
                with target.open("x", encoding="utf-8") as file:
                    file.write(content)
            except FileExistsError:
                copy += 1
            else:
                return Fate(FateKind.SENT, f"written to {target.name}")


def texts_of(settings: Settings, *, learn: Learn = learn_nothing) -> Carrier:
    """The provider that the settings name, or the folder sms under var_dir. Raises SettingsError."""
    if settings.sms_url:
        return HttpTexts.from_settings(settings, learn=learn)
    return FolderTexts(settings.var_dir / "sms", settings.sms_from)


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        told = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _number(value: object) -> int:
    text = str(value)
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else 0


def _short(words: str) -> str:
    return " ".join(words.replace("\x00", "").split())[:300]
