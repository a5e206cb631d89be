"""Who pays is thanked: once, in time, told what the money settled."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import delete, event
from sqlmodel import Session, col, select

from ar.cash import thanks
from ar.cash.models import Payment
from ar.cash.receive import record_payment, take_back
from ar.core.db import Database
from ar.core.jobs import Job, run_due
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact
from ar.customers.models import Contact
from ar.ledger.allocate import Share, allocate
from ar.ledger.models import Book, EntryKind
from ar.ledger.post import Posting, post
from tests.cash.test_receive import company, receipt
from tests.ledger.make import NOW, customer, invoice, seller

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
    assert run_due(kernel, HANDLERS, now=NOW, limit=10) == 2, "the thanks, and the word that it was cashed"
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


def test_a_discount_what_stays_on_account_and_what_is_left_are_told(kernel: Kernel, database: Database) -> None:
    """98.00 for 100.00 less a discount, 30.00 of 60.00, and 5.00 for nothing yet; 20.00 more falls due later."""
    entity, account, [full, part] = company(database, 10_000, 6_000)
    with database.transaction() as session:
        add_contact(session, account, ContactDraft(email="ap@customer.example"), by="system", now=NOW)
        later = date(2026, 4, 30)
        invoice(session, entity, account, 2_000, on=date(2026, 1, 9), due=later, reference="INV-9")
        paid = record_payment(
            session, receipt(entity, account, 13_300, (full, 9_800), (part, 3_000)), by="user:1", now=NOW
        )
        off = Posting(
            entity_id=entity,
            account_id=account,
            kind=EntryKind.ADJUSTMENT,
            amount_minor=200,
            currency="EUR",
            effective_on=paid.created_at.date(),
            side=-1,
            book=Book.DISCOUNTS,
        )
        [entry] = post(session, [off], now=NOW)
        allocate(session, [Share(full, entry, 200)], on=NOW.date(), source=f"payment:{paid.id}", now=NOW)
    run_due(kernel, HANDLERS, now=NOW, limit=10)
    with database.reading() as session:
        [message] = written(session)
    told = " ".join(message.body_text.split())
    assert "- INV-0: €98.00, with €2.00 of discount for paying early, now settled" in told
    assert "- INV-1: €30.00; €30.00 is still open, due on 2 January 2026" in told
    assert "€5.00 of it stays on your account" in told
    assert "In all, €50.00 is open on your account, of which €30.00 is past its due date" in told
    assert "the next due date is 30 April 2026" in told
    assert message.body_html.count("<li") == 2


def test_a_night_of_payments_is_one_job_one_message_each_and_few_queries(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity = seller(session)
        payments = []
        for n in range(30):
            account = customer(session, f"C{n}")
            add_contact(session, account, ContactDraft(email=f"ap{n}@customer.example"), by="system", now=NOW)
            item = invoice(session, entity, account, 1_000, on=date(2026, 1, 5), reference=f"INV-{n}")
            payments.append(
                record_payment(session, receipt(entity, account, 1_000, (item, 1_000)), by="user:1", now=NOW)
            )
        session.connection().execute(delete(Job))
        named = {payment.id or 0: payment.public_id for payment in payments}
        thanks.want_thanks_all(session, named, now=NOW)
        thanks.want_thanks_all(session, named, now=NOW)
        assert len(session.exec(select(Job).where(Job.name == thanks.JOB)).all()) == 1
    asked: list[str] = []

    def heard(*given: object) -> None:
        asked.append(str(given[2]))

    ids = [payment.id for payment in payments]
    event.listen(database.engine, "before_cursor_execute", heard)
    said = thanks.thank(kernel, {"payment_ids": ids}, NOW)
    event.remove(database.engine, "before_cursor_execute", heard)
    assert said == "30 of 30 payments thanked for"
    assert len([one for one in asked if not one.startswith("INSERT")]) <= 15
    assert thanks.thank(kernel, {"payment_ids": ids}, NOW) == said
    with database.reading() as session:
        assert len(written(session)) == 30


def test_one_payment_that_fails_costs_no_other_its_thanks(kernel: Kernel, database: Database) -> None:
    """A name that no header may hold fails its own message alone."""
    entity, account, [old] = company(database, 5_000)
    with database.transaction() as session:
        add_contact(session, account, ContactDraft(email="ap@customer.example"), by="system", now=NOW)
        bad = customer(session, "BAD")
        session.add(Contact(account_id=bad, name="x", email="not an address"))
        other = invoice(session, entity, bad, 5_000, on=date(2026, 1, 5), reference="INV-BAD")
        good = record_payment(session, receipt(entity, account, 5_000, (old, 5_000)), by="user:1", now=NOW)
        wrong = record_payment(session, receipt(entity, bad, 5_000, (other, 5_000)), by="user:1", now=NOW)
    said = thanks.thank(kernel, {"payment_ids": [wrong.id, good.id]}, NOW)
    assert said == f"1 of 2 payments thanked for; failed: [{wrong.id}]"
