"""A provider of text messages on a free port of 127.0.0.1, with Twilio's interface and manners of its own."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

ACCOUNT, TOKEN = "AC0123", "secret/token"


class Manner(StrEnum):
    OK = "ok"
    BAD_NUMBER = "400, not a number"
    STOPPED = "400, the recipient said STOP"
    TOO_MANY = "429"
    DOWN = "503"
    BROKEN = "500"
    SIGN_IN = "401"
    NONSENSE = "200 and a page"
    DROP = "take the message, drop before the answer"
    SLOW = "take the message, answer too late"


_REFUSALS = {
    Manner.BAD_NUMBER: (400, {"code": 21211, "message": "The 'To' number is not a valid phone number."}),
    Manner.STOPPED: (400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient"}),
    Manner.TOO_MANY: (429, {"code": 20429, "message": "Too Many Requests"}),
    Manner.DOWN: (503, {"code": 20503, "message": "Service unavailable"}),
    Manner.BROKEN: (500, {"code": 20500, "message": "Internal Server Error"}),
    Manner.SIGN_IN: (401, {"code": 20003, "message": "Authenticate"}),
}
_TAKEN = frozenset({Manner.OK, Manner.DROP, Manner.SLOW, Manner.NONSENSE, Manner.BROKEN})


class SmsProvider:
    """`taken` holds the parameters of what it took, whatever it answered. `manners` rules one number."""

    def __init__(self) -> None:
        self.manner = Manner.OK
        self.manners: dict[str, Manner] = {}
        self.taken: list[dict[str, str]] = []
        self.port = 0
        self.patience = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{ACCOUNT}:{TOKEN.replace('/', '%2F')}@127.0.0.1:{self.port}/"

    def twins(self) -> list[str]:
        """Bodies taken more than once."""
        return [body for body, times in Counter(one["Body"] for one in self.taken).items() if times > 1]


def _handler(owner: SmsProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
            expected = "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
            assert self.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
            assert self.headers["Authorization"] == expected
            manner = owner.manners.get(form["To"], owner.manner)
            if manner in _TAKEN:
                owner.taken.append(form)
            if manner is Manner.DROP:
                self.close_connection = True
                return
            if manner is Manner.SLOW:
                owner.patience.wait(2)
            if manner is Manner.NONSENSE:
                self.answer(200, b"<html>welcome</html>")
            elif manner in _REFUSALS:
                status, told = _REFUSALS[manner]
                self.answer(status, json.dumps(told).encode())
            else:
                sid = f"SM{len(owner.taken):032x}"
                self.answer(201, json.dumps({"sid": sid, "status": "queued", "error_code": None}).encode())

        def answer(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # the client has lost its patience
                self.close_connection = True

    return Handler


@contextmanager
def sms_provider() -> Iterator[SmsProvider]:
    """A running provider; stopped afterwards."""
    owner = SmsProvider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(owner))
    server.daemon_threads = True
    owner.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield owner
    finally:
        owner.patience.set()
        server.shutdown()
        thread.join()
        server.server_close()
