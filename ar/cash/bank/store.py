"""The lines of a statement written in bulk, and those that are stored already found again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.cash.bank.readers.facts import Line
from ar.cash.bank.settle import OUT_REASON, SYSTEM, Entry, Known, Outcome, Pending, identity_of, state_of
from ar.core.db import among, bulk_insert, bulk_update
from ar.customers.models import BankAccount

_COPIED = (
    "booked_on", "value_on", "amount_minor", "currency", "kind", "counterparty_name", "counterparty_iban",
    "bank_reference", "end_to_end_id", "mandate_id", "batch_reference", "structured_reference", "remittance",
    "return_reason", "is_reversal", "charges_minor", "original_minor", "original_currency",
)  # fmt: skip


def known_lines(session: Session, account_id: int, keys: Sequence[str]) -> Mapping[str, Sequence[Known]]:
    """The lines stored for these keys of entries, in the order in which they came."""
    query = (
        select(BankLine.entry, BankLine.id, BankLine.state, BankLine.decided_by)
        .where(col(BankLine.bank_account_id) == account_id, among(session, col(BankLine.entry), list(keys)))
        .order_by(col(BankLine.id))
    )
    found: dict[str, list[Known]] = defaultdict(list)
    for entry, line_id, state, decided_by in session.exec(query):
        assert line_id is not None
        found[entry].append(Known(line_id, LineState(state), decided_by))
    return found


def pending_lines(session: Session, account_id: int) -> Pending:
    """The lines of an account that its bank has not booked yet."""
    query = select(BankLine.id, BankLine.bank_reference, BankLine.end_to_end_id, BankLine.amount_minor).where(
        col(BankLine.bank_account_id) == account_id, col(BankLine.state) == LineState.PROVISIONAL
    )
    return Pending([(int(row[0] or 0), row[1], row[2], row[3]) for row in session.exec(query)])


def write(session: Session, outcome: Outcome, *, owner: BankAccount, statement: BankStatement, now: datetime) -> None:
    """Carry out an outcome, a statement for each kind of change."""
    gone = [
        {"id": line_id, "state": LineState.SUPERSEDED, "state_reason": why, "decided_by": SYSTEM, "decided_at": now}
        for line_id, why in outcome.superseded
    ]
    bulk_update(session, BankLine, gone)
    provisional = statement.provisional
    replaced = [
        {"id": line_id, **_row(entry, line, owner, statement, provisional=provisional, now=now)}
        for line_id, entry, line in outcome.replaced
    ]
    bulk_update(session, BankLine, replaced)
    _book(session, outcome.booked, statement, now=now)
    rows = [_row(entry, line, owner, statement, provisional=provisional, now=now) for entry, line in outcome.inserted]
    bulk_insert(session, BankLine, rows)


def _book(session: Session, booked: Sequence[tuple[int, Line]], statement: BankStatement, *, now: datetime) -> None:
    """The parts of an entry that the bank now has booked as one: each keeps its own words and amount."""
    if not booked:
        return
    lines = dict(booked)
    query = select(BankLine).where(among(session, col(BankLine.id), sorted(lines)))
    for row in session.exec(query):
        assert row.id is not None
        incoming = row.amount_minor > 0 or row.return_reason or row.is_reversal
        row.state = LineState.OPEN if incoming else LineState.IGNORED
        row.state_reason = "" if incoming else OUT_REASON
        row.decided_by, row.decided_at = ("", None) if incoming else (SYSTEM, now)
        row.statement_id = statement.id or 0
        row.value_on = lines[row.id].value_on or row.value_on
    session.flush()


def _row(
    entry: Entry, line: Line, owner: BankAccount, statement: BankStatement, *, provisional: bool, now: datetime
) -> dict[str, Any]:
    state, reason = state_of(line, provisional=provisional)
    decided = state is LineState.IGNORED
    return {
        "statement_id": statement.id,
        "bank_account_id": owner.id,
        "entity_id": owner.entity_id,
        "identity": identity_of(entry, line),
        "entry": entry.key,
        **{name: getattr(line, name) for name in _COPIED},
        "state": state,
        "state_reason": reason,
        "decided_by": SYSTEM if decided else "",
        "decided_at": now if decided else None,
    }
