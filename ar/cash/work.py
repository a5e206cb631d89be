"""What happens to money that the bank booked: it is matched, once what others know of it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.matching.run import Sources, match_all
from ar.core.jobs import Handler
from ar.core.kernel import Kernel

_MOST = 100_000
"""How many lines one run looks at."""


def work_bank_lines(sources: Sources) -> Handler:
    """The job that looks at the open lines of one statement."""

    def work(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        with kernel.database.reading() as session:
            waiting = _waiting(session, col(BankLine.statement_id) == arguments["statement_id"])
        return str(match_all(kernel.database, waiting, sources, now=now))

    return work


def match_again(sources: Sources) -> Handler:
    """The job that looks again at lines for which something new is known."""

    def work(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        return str(match_all(kernel.database, arguments["bank_line_ids"], sources, now=now))

    return work


def match_waiting(sources: Sources) -> Callable[[Kernel, dict[str, Any], datetime], str]:
    """The job that looks, once a night, at all money that waits: invoices may have come after it."""

    def work(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
        with kernel.database.reading() as session:
            waiting = _waiting(session, col(BankLine.amount_minor) > 0)
        return str(match_all(kernel.database, waiting, sources, now=now))

    return work


def _waiting(session: Session, which: Any) -> Sequence[int]:
    query = select(BankLine.id).where(BankLine.state == LineState.OPEN, which).order_by(col(BankLine.id)).limit(_MOST)
    return [line_id for line_id in session.exec(query) if line_id is not None]
