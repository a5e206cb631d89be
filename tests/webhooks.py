"""A receiver of webhooks on a free port of 127.0.0.1, which proves each signature as the standard says."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Heard:
    """One request: its headers by small names, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        told = json.loads(self.body)
        assert isinstance(told, dict)
        return told

    def proved_by(self, secret: str) -> bool:
        """Whether one of the signatures is that of `secret`, worked out here anew."""
        key = b64decode(secret.removeprefix("whsec_"))
        said = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = "v1," + b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


class Receiver:
    """`heard` holds all that came; `statuses` are what is answered by path, 204 where none is set, 0 to hang up."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.statuses: dict[str, int] = {}
        self.port = 0

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def types(self, path: str = "/hook") -> list[str]:
        return [one.event["type"] for one in self.heard if one.path == path]


def _handler(owner: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            owner.heard.append(Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = owner.statuses.get(self.path, 204)
            if status == 0:
                self.close_connection = True
                return
            told = b"" if status == 204 else b"no\x00pe " * 400
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", owner.url("/elsewhere"))
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

    return Handler


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A running receiver; stopped afterwards."""
    owner = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(owner))
    server.daemon_threads = True
    owner.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield owner
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
