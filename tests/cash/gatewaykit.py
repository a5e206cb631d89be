"""The test gateway as the tests run it: on a real port, its clock in hand, its events kept rather than sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from ar.cash.standin.app import StandIn
from ar.core.clock import now as wall_clock
from ar.core.render import Renderer
from tests.cash.serving import free_port, served

KEY = "sk_test_0123456789abcdef"
SECRET = "whsec_tests"


@dataclass
class Hand:
    """A clock that is moved by hand; it starts at the real time, for Stripe's library knows no other."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


@dataclass
class Gateway:
    """A running test gateway."""

    url: str
    app: StandIn
    clock: Hand

    def act(self, session: str, act: str) -> httpx.Response:
        """Press a button of the payment page."""
        return httpx.post(f"{self.url}/pay/{session}", data={"act": act})

    def events(self) -> list[bytes]:
        with self.app.store.open() as kept:
            return kept.events()

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.events()]


@contextmanager
def running(folder: Path, *, key: str = KEY, secret: str = SECRET, answer_seconds: float = 3600) -> Iterator[Gateway]:
    """A test gateway on a port of its own; nobody takes its events but the test."""
    port = free_port()
    clock = Hand(wall_clock().replace(microsecond=0).astimezone(UTC))
    app = StandIn(
        base_url=f"http://127.0.0.1:{port}",
        api_key=key,
        webhook_secret=secret,
        file=folder / "test-gateway.db",
        deliver=lambda payload, signature: True,
        renderer=Renderer(),
        clock=clock,
        answer_seconds=answer_seconds,
    )
    try:
        with served(app, port) as url:
            yield Gateway(url, app, clock)
    finally:
        app.close()
