"""Writers in processes of their own that issue invoices until each has its share, some killed on the way and replaced.

`python -m tests.invoicing.number_writers DATABASE_URL ENTITY_ID ACCOUNT_ID WRITERS EACH KILLS` prints how many were
killed. A writer counts what stands of its own and goes on from there; transactions hold one to seven invoices.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from sqlalchemy import func
from sqlmodel import col, select

from ar.core.db import connect
from invoicing.draft import draft_all
from invoicing.issue import issue_all
from invoicing.models import Invoice
from tests.invoicing.make import NOW, TODAY, draft


def write(url: str, entity_id: int, account_id: int, writer: int, each: int, dice: random.Random) -> None:
    """Issue until `each` invoices of this writer stand, or death."""
    database, by = connect(url), f"user:{writer}"
    while True:
        with database.transaction() as session:
            query = select(func.count()).select_from(Invoice).where(col(Invoice.issued_by) == by)
            left = each - session.exec(query).one()
            if not left:
                return
            drafts = [draft(entity_id, account_id)] * min(dice.randint(1, 7), left)
            issue_all(
                session,
                draft_all(session, drafts, by=by, today=TODAY, now=NOW),
                by=by,
                today=TODAY,
                now=NOW,
            )


def main(url: str, *numbers: str) -> None:
    entity_id, account_id, writers, each, kills = map(int, numbers)
    dice = random.Random(20260316)
    running: dict[int, int] = {}

    def start(writer: int) -> None:
        seed = dice.random()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                write(url, entity_id, account_id, writer, each, random.Random(seed))
                status = 0
            finally:
                os._exit(status)
        running[child] = writer

    for writer in range(1, writers + 1):
        start(writer)
    killed = 0
    while running:
        if killed < kills:
            time.sleep(dice.uniform(0.02, 0.1))
            victim = dice.choice(sorted(running))
            os.kill(victim, signal.SIGKILL)
        child, status = os.waitpid(-1, 0)
        writer, ended = running.pop(child), os.waitstatus_to_exitcode(status)
        if ended == -signal.SIGKILL:
            killed += 1
        if ended:
            start(writer)
    print(killed)


if __name__ == "__main__":
    main(*sys.argv[1:])
