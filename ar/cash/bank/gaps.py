"""Balances that do not fit: within a statement, and from one statement of an account to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.cash.bank.models import BankStatement
from ar.cash.bank.readers.facts import End, Head
from ar.core.db import among
from ar.core.money import plain


def unclosed(head: Head, end: End, moved: int, currency: str) -> list[str]:
    """What is wrong within a statement whose booked lines add up to `moved`, in words; empty when nothing is."""
    opening, closing = head.opening or end.opening, end.closing
    found = [
        f"its {name} balance is in {balance.currency}, not in {currency}: it is not compared"
        for name, balance in (("opening", opening), ("closing", closing))
        if balance is not None and balance.currency != currency
    ]
    if found or head.provisional or opening is None or closing is None:
        return found
    difference = closing.minor - opening.minor - moved
    if difference:
        found.append(
            f"its lines do not lead from its opening to its closing balance: {plain(difference, currency)} {currency} "
            "is missing"
        )
    return found


def unjoined(session: Session, statement: BankStatement, currency: str) -> list[str]:
    """What is wrong between a statement and the one before it, in words; empty when nothing is, or none was taken."""
    assert statement.id is not None
    missing = breaks(session, [statement]).get(statement.id)
    if not missing:
        return []
    return [
        f"it does not open with the closing balance of the statement before: {plain(missing, currency)} {currency} "
        "lies between"
    ]


def breaks(session: Session, statements: Sequence[BankStatement]) -> dict[int, int]:
    """By statement, its opening balance less the closing balance of the one before it, where that is not nothing."""
    accounts = sorted({one.bank_account_id for one in statements})
    days = [day for one in statements if (day := _day(one)) is not None]
    if not days:
        return {}
    order = (col(BankStatement.closing_on), col(BankStatement.id))
    before = func.lag(BankStatement.closing_minor).over(partition_by=col(BankStatement.bank_account_id), order_by=order)
    chained = (
        select(BankStatement.id, BankStatement.opening_minor, before.label("before"))
        .where(
            among(session, col(BankStatement.bank_account_id), accounts),
            ~col(BankStatement.provisional),
            col(BankStatement.opening_minor).is_not(None),
            col(BankStatement.closing_minor).is_not(None),
            col(BankStatement.closing_on) <= max(days),
        )
        .subquery()
    )
    wanted = [one.id for one in statements if one.id is not None]
    query = select(chained.c.id, chained.c.opening_minor - chained.c.before).where(
        among(session, chained.c.id, wanted), chained.c.opening_minor != chained.c.before
    )
    return {statement_id: int(missing) for statement_id, missing in session.execute(query)}


def _day(statement: BankStatement) -> date | None:
    return statement.closing_on
