"""Who pays is thanked: once, in time, told what the money settled."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from ar.cash import thanks
from ar.cash.models import Payment
from ar.cash.receive import record_payment, take_back
from ar.core.db import Database
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact
from tests.cash.test_receive import company, receipt
from tests.ledger.make import NOW

HANDLERS = {thanks.JOB: thanks.thank}


def pay(database: Database, *targets: int, email: str | None = "ap@customer.example", language: str = "en") -> Payment:
    """80.00 received for items of 50.00 and 60.00, the chosen ones or all in the law's order."""
    entity, account, items = company(database, 5000, 6000)
    with database.transaction() as session:
        add_contact(
            session, account, ContactDraft(email=email, language=language, phone="+33123"), by="system", now=NOW
        )
        wanted = [(items[n], 4000) for n in targets]
        return record_payment(session, receipt(entity, account, 8000, *wanted), by="user:1", now=NOW)


def written(session: Session) -> list[OutboxMessage]:
    return list(session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))))


def test_the_customer_is_thanked_once_and_told_what_is_left(kernel: Kernel, database: Database) -> None:
    pay(database)
    assert run_due(kernel, HANDLERS, now=NOW, limit=10) == 1
    assert run_due(kernel, HANDLERS, now=NOW, limit=10) == 0
    with database.reading() as session:
        [message] = written(session)
        assert message.subject == "Thank you: we have received €80.00"
        assert "- INV-0: €50.00, now settled" in message.body_text
        assert "- INV-1: €30.00; €30.00 is still open" in message.body_text
        assert message.recipient == "ap@customer.example"


def test_in_the_contacts_language(kernel: Kernel, database: Database) -> None:
    pay(database, 1, language="fr")
    run_due(kernel, HANDLERS, now=NOW, limit=10)
    with database.reading() as session:
        [message] = written(session)
        assert message.subject.startswith("Merci")
        assert "INV-1" in message.body_text
        assert "INV-0" not in message.body_text


def test_nobody_is_thanked_for_money_that_went_back_or_came_long_ago(kernel: Kernel, database: Database) -> None:
    payment = pay(database)
    assert payment.id is not None
    with database.transaction() as session:
        take_back(session, payment.id, why="typed twice", by="user:1", now=NOW)
    assert thanks.thank(kernel, {"payment_ids": [payment.id]}, NOW) == "0 of 1 payments thanked for"
    with database.transaction() as session:
        late = receipt(payment.entity_id, payment.account_id, 100)
        other = record_payment(session, late, by="user:1", now=NOW)
    assert thanks.thank(kernel, {"payment_ids": [other.id]}, NOW + timedelta(days=9)).startswith("0 of 1")
    with database.reading() as session:
        assert written(session) == []


def test_a_customer_without_an_address_is_no_fault(kernel: Kernel, database: Database) -> None:
    payment = pay(database, email=None)
    assert thanks.thank(kernel, {"payment_ids": [payment.id]}, NOW) == "0 of 1 payments thanked for"
