"""What the rota does for dunning, hour by hour."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

from ar.cash.checkout import in_flight
from ar.core.access.links import portal_url
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from dunning.attention.run import judge_all
from dunning.calls.tasks import call_after_broken, drop_gone, open_accounts
from dunning.promises import judge
from dunning.run import RUN_JOB, Share, run_chunks, whose_turn
from dunning.worklist.rows import refresh_all

SHARES = 4
MANY = 2_000
"""From so many customers on a run is shared out: as many shares as workers are likely to be free for."""

_CHUNK = 500


def run_dunning(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Write to, or hold, every customer whose turn it is; where they are many, in shares that workers take at once."""
    if "of" not in arguments and kernel.database.is_postgres:
        with kernel.database.transaction() as session:
            waiting = len(whose_turn(session, now=now)[0])
            if waiting > MANY:
                for number in range(SHARES):
                    key = f"{RUN_JOB}:{now.isoformat()}:{number}"
                    given = {"share": number, "of": SHARES}
                    enqueue(session, RUN_JOB, given, dedup_key=key, now=now, lane=f"{RUN_JOB}:{number}")
                return f"{waiting} customers, in {SHARES} shares"
    link_for = partial(portal_url, kernel.settings.base_url, kernel.settings.signing_key, now=now)
    share = Share(int(arguments.get("share", 0)), int(arguments.get("of", 1)))
    return str(run_chunks(kernel, now=now, link_for=link_for, in_flight=in_flight, share=share))


def judge_promises(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Judge the promises whose day is over, or that are kept already."""
    with kernel.database.transaction() as session:
        verdicts = Counter(state.value for state in judge(session, now=now).values())
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "no promise to judge"


def refresh_worklist(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Ask for calls about broken promises, drop the calls whose reason is gone, and reckon every row anew."""
    with kernel.database.transaction() as session:
        added = call_after_broken(session, now=now)
        ids = open_accounts(session)
    dropped = 0
    for at in range(0, len(ids), _CHUNK):
        with kernel.database.transaction() as session:
            dropped += len(drop_gone(session, ids[at : at + _CHUNK], now=now, in_flight=in_flight))
    rows, failed = refresh_all(kernel, now=now, in_flight=in_flight)
    return f"{rows} rows, {added} calls added, {dropped} dropped" + (f", {failed} customers failed" if failed else "")


def mark_attention(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Judge which customers want attention, and keep the history of their marks."""
    counts = judge_all(kernel, now=now)
    return ", ".join(f"{counts[what]} {what}" for what in ("set", "ended", "failed"))
