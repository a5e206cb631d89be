"""The test gateway, assembled: an ASGI application to mount, or to serve on a port of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from ar.cash.standin import api, pages
from ar.cash.standin.desk import Desk, catch_up
from ar.cash.standin.pages import Pages
from ar.cash.standin.postman import Deliver, Postman
from ar.cash.standin.store import Store


class StandIn:
    """An ASGI application with the form of Stripe's API and payment page, that moves no money.

    `base_url` is where browsers reach it, `file` where it keeps its things, `deliver` how its events go out,
    `webhook_secret` what they are signed with, `answer_seconds` how long a bank thinks about a debit.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        webhook_secret: str,
        file: Path,
        deliver: Deliver,
        renderer: Pages,
        clock: Callable[[], datetime],
        answer_seconds: float = 15.0,
    ) -> None:
        self.store = Store(file)
        self.store.prepare()
        self.postman = Postman(
            self.store,
            deliver,
            secret=webhook_secret,
            clock=clock,
            work=lambda: catch_up(self.store, clock().timestamp()),
        )
        desk = Desk(base_url.rstrip("/"), api_key, self.store, clock, self.postman, answer_seconds)
        self._app = Starlette(routes=[*api.routes(desk), *pages.routes(desk, renderer)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def close(self) -> None:
        """Send nothing more: for the end of the process, or of a test."""
        self.postman.close()
