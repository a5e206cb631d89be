"""What every route may ask for: the kernel, a session, and the instant at which the request is answered."""

import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Annotated, cast

import anyio
from anyio.to_thread import run_sync
from fastapi import Depends, Request
from sqlmodel import Session

from ar.core import clock
from ar.core.kernel import Kernel

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def kernel_of(request: Request) -> Kernel:
    return cast(Kernel, request.app.state.kernel)


def now_of(request: Request) -> datetime:
    """The instant at which `request` is answered: the same for its guard and its route."""
    if not hasattr(request.state, "now"):
        request.state.now = clock.now()
    return cast(datetime, request.state.now)


async def get_kernel(request: Request) -> Kernel:
    return kernel_of(request)


KernelDep = Annotated[Kernel, Depends(get_kernel)]


async def get_now(request: Request) -> datetime:
    return now_of(request)


NowDep = Annotated[datetime, Depends(get_now)]


async def get_today(now: NowDep) -> date:
    return now.astimezone(UTC).date()


TodayDep = Annotated[date, Depends(get_today)]


async def get_session(request: Request, kernel: KernelDep) -> AsyncIterator[Session]:
    """One request, one transaction: it reads for GET and HEAD, else it is committed before the answer leaves.

    Opening takes no connection; the first query does, in the route's own thread. The end runs in a thread that it
    need not queue for: requests that hold a connection never wait behind requests that want one. Only the end of a
    read on SQLite, which waits for nothing, saves itself the way to a thread.
    """
    database, reads = kernel.database, request.method in SAFE_METHODS
    opened = database.reading() if reads else database.transaction()
    session = opened.__enter__()
    try:
        yield session
    except BaseException:
        with anyio.CancelScope(shield=True):
            await run_sync(opened.__exit__, *sys.exc_info(), limiter=anyio.CapacityLimiter(1))
        raise
    if reads and not database.is_postgres:
        opened.__exit__(None, None, None)
    else:
        await run_sync(opened.__exit__, None, None, None, limiter=anyio.CapacityLimiter(1))


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
