"""Senders in processes of their own that kill themselves at named points.

`python -m tests.core.outbox_sender DATABASE_URL SMTP_URL VAR_DIR POINT:TIMES ...` starts one for each POINT, at once;
it dies at the TIMES-th passage. Prints how each ended, as wait tells it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ar.core.db import connect
from ar.core.kernel import Kernel
from ar.core.outbox import MessageChannel, always_wanted, deliver
from ar.core.render import Renderer
from ar.core.settings import Settings
from ar.core.smtp import SmtpMailer
from tests.core.outboxes import NOW


def send(database_url: str, smtp_url: str, var_dir: str, renderer: Renderer, point: str, times: int) -> None:
    """Deliver until nothing is due, or death."""
    left = times

    def at(here: str) -> None:
        nonlocal left
        left -= here == point
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    kernel = Kernel(Settings(database_url=database_url, var_dir=Path(var_dir)), connect(database_url), renderer)
    mail = {MessageChannel.EMAIL: SmtpMailer.from_url(smtp_url, at=at)}
    worker = f"{point}:{times}"
    while deliver(kernel, mail, {"reminder": always_wanted}, now=NOW, limit=5, worker=worker, at=at).handled:
        pass


def main(database_url: str, smtp_url: str, var_dir: str, *kills: str) -> None:
    renderer = Renderer()
    started = []
    for kill in kills:
        point, times = kill.split(":")
        child = os.fork()
        if child == 0:
            try:
                send(database_url, smtp_url, var_dir, renderer, point, int(times))
            finally:
                os._exit(0)
        started.append(child)
    print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in started))


if __name__ == "__main__":
    main(*sys.argv[1:])
