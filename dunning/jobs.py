"""What the rota does for dunning, hour by hour."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

from ar.cash.checkout import in_flight
from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from dunning.promises import judge
from dunning.run import run_chunks


def run_dunning(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Write to, or hold, every customer whose turn it is."""
    link_for = partial(portal_url, kernel.settings.base_url, kernel.settings.signing_key, now=now)
    return str(run_chunks(kernel, now=now, link_for=link_for, in_flight=in_flight))


def judge_promises(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Judge the promises whose day is over, or that are kept already."""
    with kernel.database.transaction() as session:
        verdicts = Counter(state.value for state in judge(session, now=now).values())
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "no promise to judge"
