"""What happens to money that the bank booked: what is of our direct debits is theirs, the rest is matched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.collections.settle import settle_lines
from ar.cash.matching.queue import unapplied_payments
from ar.cash.matching.run import CHUNK, Report, Sources, match_all, match_payments
from ar.core.db import Database, among
from ar.core.jobs import Handler
from ar.core.kernel import Kernel

_MOST = 100_000
"""How many lines one run looks at."""


def work_bank_lines(sources: Sources) -> Handler:
    """The job that looks at the open lines of one statement."""

    def work(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        return _work(kernel.database, sources, col(BankLine.statement_id) == arguments["statement_id"], now=now)

    return work


def work_waiting(sources: Sources) -> Handler:
    """The job that looks, once a night, at all money that waits: invoices and advices may have come after it."""

    def work(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
        said = _work(kernel.database, sources, col(BankLine.id) > 0, now=now)
        with kernel.database.reading() as session:
            waiting = [payment.id or 0 for payment in session.exec(unapplied_payments().limit(_MOST))]
        report = Report()
        for start in range(0, len(waiting), CHUNK):
            with kernel.database.transaction() as session:
                report.add(match_payments(session, waiting[start : start + CHUNK], sources, now=now))
        return f"{said}; unapplied payments: {report}"

    return work


def match_again(sources: Sources) -> Handler:
    """The job that looks again at bank lines and payments for which something new is known."""

    def work(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        report = match_all(kernel.database, arguments["bank_line_ids"], sources, now=now)
        with kernel.database.transaction() as session:
            report.add(match_payments(session, arguments["payment_ids"], sources, now=now))
        return str(report)

    return work


def _work(database: Database, sources: Sources, which: ColumnElement[bool], *, now: datetime) -> str:
    with database.reading() as session:
        waiting = _waiting(session, which)
    settled: set[int] = set()
    for start in range(0, len(waiting), CHUNK):
        with database.transaction() as session:
            query = select(BankLine).where(among(session, col(BankLine.id), waiting[start : start + CHUNK]))
            lines = session.exec(query.order_by(col(BankLine.id)).with_for_update()).all()
            settled |= settle_lines(session, lines, now=now)
    report: Report = match_all(database, [n for n in waiting if n not in settled], sources, now=now)
    return f"{len(settled)} of direct debits, {report}"


def _waiting(session: Session, which: ColumnElement[bool]) -> Sequence[int]:
    query = select(BankLine.id).where(BankLine.state == LineState.OPEN, which).order_by(col(BankLine.id)).limit(_MOST)
    return [line_id for line_id in session.exec(query) if line_id is not None]
