"""Statements that stand next to one another: where one closes with the balance that the next opens with.

Their lines are never the same, however much they look so: two statements of one day may each hold a payment of 100
without any reference, and both are true. Files that overlap do not join in this way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.cash.bank.readers.facts import Balance


@dataclass(frozen=True)
class Span:
    """A statement: its balances, and the first and last day that a line of it was booked."""

    opening: Balance | None
    closing: Balance | None
    first: date
    last: date


def entries_beside(session: Session, account_id: int, span: Span, currency: str) -> Mapping[str, int]:
    """How many entries of each look (see settle.entry_base) are in the stored statements that stand next to this one.

    Empty for a statement without balances, or whose lines add up to nothing: it would stand next to itself.
    """
    if span.opening is None or span.closing is None or span.opening.minor == span.closing.minor:
        return {}
    if span.opening.currency != currency or span.closing.currency != currency:
        return {}
    query = select(BankStatement).where(
        col(BankStatement.bank_account_id) == account_id,
        col(BankStatement.closing_on) >= span.first,
        col(BankStatement.closing_minor).is_not(None),
        col(BankStatement.opening_minor).is_not(None),
        col(BankStatement.opening_on) <= span.last,
        ~col(BankStatement.provisional),
    )
    beside = _joined(session.exec(query).all(), span.opening.minor, span.closing.minor)
    if not beside:
        return {}
    held = select(BankLine.entry).where(
        col(BankLine.statement_id).in_(beside),
        col(BankLine.booked_on).between(span.first, span.last),
        col(BankLine.state) != LineState.SUPERSEDED,
    )
    return Counter(entry.partition("-")[0] for entry in session.exec(held.distinct()))


def _joined(statements: Sequence[BankStatement], opening: int, closing: int) -> list[int]:
    """The ids of those that are joined to the balances, one to the next, on either side."""
    found: list[int] = []
    for before, wanted in ((True, opening), (False, closing)):
        rest = [one for one in statements if (one.opening_minor, one.closing_minor) != (opening, closing)]
        while True:
            nearest = next((one for one in rest if _edge(one, closing=before) == wanted and one.id not in found), None)
            if nearest is None or nearest.id is None:
                break
            found.append(nearest.id)
            far = _edge(nearest, closing=not before)
            assert far is not None
            wanted = far
    return found


def _edge(statement: BankStatement, *, closing: bool) -> int | None:
    return statement.closing_minor if closing else statement.opening_minor
