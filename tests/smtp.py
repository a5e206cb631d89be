"""A real SMTP server on a free port of 127.0.0.1, whose manners can be changed while it runs."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Manner(StrEnum):
    OK = "ok"
    BUSY_GREETING = "busy greeting"  # 421 instead of a greeting
    SIGN_IN_FIRST = "530 at MAIL"
    SENDER_NEVER = "5xx at MAIL"
    CLOSING = "421 at MAIL of every second message on a connection"
    RCPT_LATER = "4xx at RCPT"
    RCPT_NEVER = "5xx at RCPT"
    SLOW_AT_RCPT = "answer RCPT too late"
    DROP_AT_RCPT = "drop instead of answering RCPT"
    DATA_LATER = "4xx at DATA"
    DROP_AFTER_DATA = "answer DATA with 354, then drop"
    DOT_LATER = "4xx to the final dot"
    DOT_NEVER = "5xx to the final dot"
    NONSENSE_AFTER_DOT = "take the message, answer no code"
    DROP_AFTER_DOT = "take the message, drop before the answer to the final dot"
    SLOW_AFTER_DOT = "take the message, answer the final dot too late"


@dataclass(frozen=True)
class Received:
    """One message that the server took, as it came over the wire."""

    mail_from: str
    recipient: str
    content: bytes

    @property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    @property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"])

    def body(self, kind: str = "plain") -> str:
        """The decoded text of the part `kind` (plain or html)."""
        part = self.parsed.get_body((kind,))
        assert part is not None
        return str(part.get_content())


class SmtpServer:
    """`received` holds what it took, whatever it answered. `manners` rules one recipient, `manner` all the others."""

    def __init__(self) -> None:
        self.manner = Manner.OK
        self.manners: dict[str, Manner] = {}
        self.pipelining = False
        self.received: list[Received] = []
        self.connections = 0
        self.port = 0
        self._clients: list[SMTP] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def twins(self) -> list[str]:
        """Message-IDs taken more than once."""
        counted = Counter(message.message_id for message in self.received)
        return [name for name, times in counted.items() if times > 1]

    def hang_up(self) -> None:
        """Close every connection, as servers do with idle ones."""
        for client in self._clients:
            if client.transport is not None:
                client.loop.call_soon_threadsafe(client.transport.close)

    def to(self, recipient: str) -> list[Received]:
        return [message for message in self.received if message.recipient == recipient]

    def _manner(self, envelope: Envelope) -> Manner:
        recipient = envelope.rcpt_tos[0] if envelope.rcpt_tos else ""
        return self.manners.get(recipient, self.manner)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]] if self.pipelining else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.manner is Manner.SIGN_IN_FIRST:
            return "530 5.7.0 authentication required"
        if self.manner is Manner.SENDER_NEVER:
            return "550 5.7.1 this sender may not"
        if self.manner is Manner.CLOSING:
            served = getattr(session, "served", 0)
            session.served = served + 1  # type: ignore[attr-defined]
            if served % 2:
                return "421 4.3.2 closing"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        manner = self.manners.get(address, self.manner)
        if manner is Manner.DROP_AT_RCPT:
            cast(asyncio.Transport, server.transport).abort()
        if manner is Manner.SLOW_AT_RCPT:
            await asyncio.sleep(0.5)
        if manner is Manner.RCPT_LATER:
            return "450 4.2.1 mailbox busy"
        if manner is Manner.RCPT_NEVER:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        manner = self._manner(envelope)
        if manner is Manner.DOT_LATER:
            return "451 4.3.0 try again later"
        if manner is Manner.DOT_NEVER:
            return "554 5.7.1 refused as spam"
        content = cast(bytes, envelope.content)
        self.received.append(Received(str(envelope.mail_from), envelope.rcpt_tos[0], content))
        if manner is Manner.DROP_AFTER_DOT:
            cast(asyncio.Transport, server.transport).abort()
        if manner is Manner.SLOW_AFTER_DOT:
            await asyncio.sleep(0.5)
        if manner is Manner.NONSENSE_AFTER_DOT:
            return "well, let us see"
        return "250 OK"


class _Protocol(SMTP):
    """aiosmtpd's server, with the two manners that its hooks do not reach."""

    def __init__(self, owner: SmtpServer, *args: Any, **kwargs: Any) -> None:
        self.owner = owner
        super().__init__(owner, *args, **kwargs)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.owner.connections += 1
        if self.owner.manner is Manner.BUSY_GREETING:
            cast(asyncio.WriteTransport, transport).write(b"421 4.3.2 too busy\r\n")
            transport.close()
            return
        self.owner._clients.append(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.session is not None:  # none was made for a client that was turned away
            super().connection_lost(error)

    async def push(self, status: Any) -> None:
        with suppress(ConnectionError):
            await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:
        manner = self.owner._manner(self.envelope) if self.envelope else Manner.OK
        if manner is Manner.DATA_LATER:
            await self.push("451 4.3.0 try again later")
        elif manner is Manner.DROP_AFTER_DATA:
            await self.push("354 go on")
            cast(asyncio.Transport, self.transport).abort()
        else:
            await super().smtp_DATA(arg)


class _Controller(Controller):
    def __init__(self, owner: SmtpServer) -> None:
        self.owner = owner
        super().__init__(owner, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        return _Protocol(self.owner, hostname="mail.example", loop=self.loop)

    def _trigger_server(self) -> None:
        server = cast(asyncio.Server, self.server)
        self.owner.port = server.sockets[0].getsockname()[1]
        with socket.create_connection(("127.0.0.1", self.owner.port), timeout=5) as probe:
            probe.recv(100)


@contextmanager
def smtp_server() -> Iterator[SmtpServer]:
    """A running server; stopped afterwards."""
    owner = SmtpServer()
    controller = _Controller(owner)
    controller.start()
    owner.connections = 0
    try:
        yield owner
    finally:
        controller.stop()


def closed_port() -> int:
    """A port of 127.0.0.1 where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
