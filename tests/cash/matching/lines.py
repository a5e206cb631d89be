"""Bank lines as a statement brings them, for the tests of matching."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, col, func, select

from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.cash.matching.run import Sources
from ar.customers.models import BankAccount
from ar.ledger.models import OpenItem
from tests.ledger.make import NOW

DAY = date(2026, 2, 27)
NOTHING = Sources(
    advice=lambda _session, _lines: {},
    used=lambda _session, _lines, _now: None,
    expected=lambda _session, _accounts: {},
)


def statement(session: Session, entity: int) -> BankStatement:
    """An account of the seller's, and an empty statement of it."""
    account = session.exec(select(BankAccount).where(BankAccount.entity_id == entity)).first()
    if account is None:
        iban = f"FR76300060000112345678{entity:05}"
        account = BankAccount(entity_id=entity, iban=iban, holder="Seller", currency="EUR")
        session.add(account)
        session.flush()
    assert account.id is not None
    count = session.exec(select(func.count()).select_from(BankStatement)).one()
    made = BankStatement(
        bank_account_id=account.id,
        format="camt053",
        digest=f"{count:064}",
        currency="EUR",
        lines_read=0,
        lines_added=0,
        imported_by="system",
        imported_at=NOW,
    )
    session.add(made)
    session.flush()
    return made


def line(session: Session, entity: int, amount: int, text: str = "", **given: Any) -> int:
    """An open line of money that came in: its id."""
    head = statement(session, entity)
    assert head.id is not None
    made = BankLine(
        statement_id=head.id,
        bank_account_id=head.bank_account_id,
        entity_id=entity,
        identity=f"{head.id:064}",
        booked_on=given.pop("on", DAY),
        amount_minor=amount,
        currency=given.pop("currency", "EUR"),
        counterparty_name=given.pop("name", "CUSTOMER C1"),
        counterparty_iban=given.pop("iban", ""),
        remittance=text,
        state=LineState.OPEN,
        **given,
    )
    session.add(made)
    session.flush()
    assert made.id is not None
    return made.id


def opened(session: Session) -> dict[str, int]:
    """What is open of each item of a customer that is not settled, by its reference."""
    query = select(OpenItem.reference, OpenItem.open_minor).where(OpenItem.side == 1, OpenItem.open_minor > 0)
    return dict(session.exec(query.order_by(col(OpenItem.entry_id))).all())
