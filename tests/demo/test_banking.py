"""The bank file of the demonstration's last day says what payers say, ties to its balance, and is mostly applied."""

from __future__ import annotations

from datetime import date

from sqlmodel import select

from ar.cash.bank.days import day_close
from ar.cash.bank.models import BankLine, LineState
from ar.cash.matching.models import MatchProposal
from ar.core.kernel import Kernel
from ar.customers.entities import add_bank_account
from ar.demo.banking import bank_day
from tests.ledger.make import NOW, customer, invoice, seller

DAY = date(2026, 3, 1)


def test_most_of_it_is_applied_and_the_rest_waits_with_proposals(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        entity = seller(session)
        iban = "FR1420041010050500013M02606"
        add_bank_account(session, entity, iban=iban, holder="Seller", currency="EUR", by="system", now=NOW)
        for n in range(10):
            account = customer(session, code=f"SINGLE{n}")
            invoice(session, entity, account, 100_00 + n, on=date(2026, 2, 1), reference=f"FR1-2026-{n:06}")
        for n in range(6):
            account = customer(session, code=f"SEVERAL{n // 2}") if n % 2 == 0 else account
            invoice(session, entity, account, 500_00 + n, on=date(2026, 2, 1), reference=f"FR1-2026-{100 + n:06}")
    said = bank_day(kernel, today=DAY, now=NOW.replace(year=2026, month=3, day=1))
    with kernel.database.reading() as session:
        lines = session.exec(select(BankLine)).all()
        close = day_close(session, lines[0].bank_account_id, DAY)
        waiting = [line for line in lines if line.state is LineState.OPEN]
        applied = [line for line in lines if line.state is LineState.APPLIED]
        assert (len(lines), close.difference_minor) == (13, 0), said
        assert len(applied) >= 8
        assert {"SCI DES TROIS CHENES"} <= {line.counterparty_name for line in waiting}
        assert session.exec(select(MatchProposal)).all()
        assert close.applied_minor + close.open_minor + close.ignored_minor == close.in_minor
