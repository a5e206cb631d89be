"""`amiable serve`: the web service in this process, and on SQLite its scheduler beside it when asked for."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import uvicorn

from ar.app import create_app
from ar.cash.stripe_gateway import warm
from ar.core.kernel import Kernel
from ar.rota import background_scheduler


def run(
    kernel: Kernel, *, host: str, port: int, with_scheduler: bool, started: Callable[[], None] | None = None
) -> None:
    """Serve until the process is told to stop; `started` is called once requests are answered."""
    server = _Server(
        uvicorn.Config(
            create_app(kernel), host=host, port=port, access_log=False, proxy_headers=False, log_level="warning"
        )
    )
    server.started_hook = started
    scheduler = background_scheduler(kernel) if with_scheduler else None
    Thread(target=warm, daemon=True).start()
    try:
        server.run()
    finally:
        if scheduler is not None:
            scheduler.shutdown(wait=False)


class _Server(uvicorn.Server):
    started_hook: Callable[[], None] | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started and self.started_hook is not None:
            self.started_hook()
