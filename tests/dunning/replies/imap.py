"""A real IMAP server (pymap) on a free port of 127.0.0.1, with one user and mailboxes in memory."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imap_tools import MailBoxUnencrypted

from tests.smtp import closed_port

USER, PASSWORD = "box@seller.example", "a secret: with/marks"


@dataclass(frozen=True)
class ImapServer:
    port: int

    @property
    def url(self) -> str:
        return f"imap://box%40seller.example:a%20secret%3A%20with%2Fmarks@127.0.0.1:{self.port}/INBOX"

    @contextmanager
    def signed_in(self) -> Iterator[MailBoxUnencrypted]:
        box = MailBoxUnencrypted("127.0.0.1", self.port, timeout=10)
        box.login(USER, PASSWORD)
        try:
            yield box
        finally:
            box.logout()

    def deliver(self, *messages: bytes, folder: str = "INBOX") -> None:
        with self.signed_in() as box:
            for raw in messages:
                box.append(raw, folder)

    def unseen(self, folder: str = "INBOX") -> tuple[int, int]:
        """How many messages there are, and how many of them nobody has seen."""
        with self.signed_in() as box:
            told = box.folder.status(folder, ["MESSAGES", "UNSEEN"])
            return told["MESSAGES"], told["UNSEEN"]


@contextmanager
def imap_server() -> Iterator[ImapServer]:
    """A running server; stopped afterwards, and all mail with it."""
    port = closed_port()
    command = [str(Path(sys.executable).parent / "pymap"), "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    command += ["--no-service", "admin", "--no-service", "managesieve", "dict"]
    command += ["--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "the server did not start"
                time.sleep(0.05)
        yield ImapServer(port)
    finally:
        process.terminate()
        process.wait(20)
