"""Bank lines found, put aside by a person, and opened again."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.core.audit import Act, record
from ar.core.errors import ConflictError, NotFoundError


class BankLineNotFoundError(NotFoundError):
    code = "bank-line-not-found"


class BankStatementNotFoundError(NotFoundError):
    code = "bank-statement-not-found"


class BankLineStateError(ConflictError):
    """The line is not in a state from which this can be done."""

    code = "bank-line-state"


def bank_line(session: Session, line_id: int) -> BankLine:
    """Raises BankLineNotFoundError."""
    found = session.get(BankLine, line_id)
    if found is None:
        raise BankLineNotFoundError(f"There is no bank line {line_id}")
    return found


def bank_statement(session: Session, statement_id: int) -> BankStatement:
    """Raises BankStatementNotFoundError."""
    found = session.get(BankStatement, statement_id)
    if found is None:
        raise BankStatementNotFoundError(f"There is no bank statement {statement_id}")
    return found


def lines(
    *,
    account_id: int | None = None,
    statement_id: int | None = None,
    state: LineState | None = None,
    since: date | None = None,
    until: date | None = None,
    text: str = "",
) -> SelectOfScalar[BankLine]:
    """The lines that fit; `text` is looked for in names, numbers, references and remittance, whatever its case."""
    query = select(BankLine)
    if account_id is not None:
        query = query.where(col(BankLine.bank_account_id) == account_id)
    if statement_id is not None:
        query = query.where(col(BankLine.statement_id) == statement_id)
    if state is not None:
        query = query.where(col(BankLine.state) == state)
    if since is not None:
        query = query.where(col(BankLine.booked_on) >= since)
    if until is not None:
        query = query.where(col(BankLine.booked_on) <= until)
    if text:
        wanted = [
            col(column).icontains(text, autoescape=True)
            for column in (
                BankLine.counterparty_name,
                BankLine.counterparty_iban,
                BankLine.bank_reference,
                BankLine.end_to_end_id,
                BankLine.structured_reference,
                BankLine.remittance,
            )
        ]
        query = query.where(or_(*wanted))
    return query


def ignore_line(session: Session, line_id: int, *, why: str, by: str, now: datetime) -> BankLine:
    """The open line, put aside for a reason. Raises BankLineNotFoundError or BankLineStateError."""
    found = _held(session, line_id, LineState.OPEN)
    found.state, found.state_reason = LineState.IGNORED, why[:400]
    return _decided(session, found, Act(by, "bank_line.ignored", f"bank_line:{line_id}", {"why": why}), now=now)


def reopen_line(session: Session, line_id: int, *, why: str, by: str, now: datetime) -> BankLine:
    """The line that was put aside, open again. Raises BankLineNotFoundError or BankLineStateError."""
    found = _held(session, line_id, LineState.IGNORED)
    before, found.state, found.state_reason = found.state_reason, LineState.OPEN, ""
    change = {"before": {"ignored_for": before}, "why": why}
    return _decided(session, found, Act(by, "bank_line.reopened", f"bank_line:{line_id}", change), now=now)


def _held(session: Session, line_id: int, state: LineState) -> BankLine:
    """The line, locked. Raises BankLineNotFoundError, or BankLineStateError when it is not in `state`."""
    query = select(BankLine).where(col(BankLine.id) == line_id).with_for_update()
    found = session.exec(query).one_or_none()
    if found is None:
        raise BankLineNotFoundError(f"There is no bank line {line_id}")
    if found.state is not state:
        raise BankLineStateError(f"Bank line {line_id} is {found.state.value}: only one that is {state.value} can be")
    return found


def _decided(session: Session, line: BankLine, act: Act, *, now: datetime) -> BankLine:
    line.decided_by, line.decided_at = act.actor, now
    session.flush()
    record(session, [act], now=now)
    return line
