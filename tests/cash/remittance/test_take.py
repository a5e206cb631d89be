"""Advices taken in: their customer and documents found, kept once, set beside the money whichever came first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from ar.cash.bank.models import LineState
from ar.cash.matching.facts import Advised
from ar.cash.matching.models import AliasKind, PayerAlias
from ar.cash.receive import record_payment
from ar.cash.remittance.advice import Advice, Line
from ar.cash.remittance.decide import AdviceStateError, PairingError, pair_with, refuse, release
from ar.cash.remittance.models import AdviceState, Channel, RemittanceAdvice, RemittanceLine
from ar.cash.remittance.pairing import REMATCH_JOB, advice_for, mark_used, pair_lines
from ar.cash.remittance.take import Arrival, lines_of, take_message, take_told
from ar.core.audit import AuditEntry
from ar.core.db import Database
from ar.core.files import StoredFile
from ar.core.jobs import Job
from ar.core.kernel import Kernel
from ar.customers.accounts import ContactDraft, add_contact
from tests.cash.remittance.make import DAY, bank_lines, company, eml, invoices
from tests.cash.test_receive import receipt
from tests.ledger.make import NOW, customer

BODY = "Payment of EUR 1,500.00 on 26.02.2026\nTransfer ref: {number}\nFR1-2026-000101 1,000.00\nFR1-2026-000102 500.00"
ADVISED = (Advised("FR1-2026-000101", 100_000), Advised("FR1-2026-000102", 50_000))


def take(
    session: Session, kernel: Kernel, number: str = "E2E-4711", *, sender: str = "payables@customer.example"
) -> RemittanceAdvice:
    raw = eml(BODY.format(number=number), sender=sender, number=number)
    return take_message(session, kernel, raw, by="system", now=NOW)


def wanted(session: Session) -> list[dict[str, list[int]]]:
    return [job.arguments for job in session.exec(select(Job).where(Job.name == REMATCH_JOB))]


def test_a_message_is_kept_with_its_customer_and_documents(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, account, first, second = company(session, 100_000, 50_000)
        kept = take(session, kernel)
        assert (kept.account_id, kept.entity_id, kept.state) == (account, entity, AdviceState.OPEN)
        assert (kept.amount_minor, kept.paid_on, kept.reference) == (150_000, date(2026, 2, 26), "E2E-4711")
        assert (kept.channel, kept.sender, kept.doubts) == (Channel.EMAIL, "payables@customer.example", [])
        assert kept.id is not None
        lines = lines_of(session, [kept.id])[kept.id]
        assert [(one.entry_id, one.paid_minor) for one in lines] == [(first, 100_000), (second, 50_000)]
    with database.transaction() as session:
        again = take(session, kernel)
        assert again.id == kept.id
    with database.reading() as session:
        assert len(session.exec(select(RemittanceAdvice.id)).all()) == 1
        acts = session.exec(select(AuditEntry.action).where(AuditEntry.subject == f"remittance:{kept.id}")).all()
        assert acts == ["remittance.taken"]


def test_the_file_of_a_message_is_kept(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        company(session, 100_000, 50_000)
        raw = eml("see the file", files={"lines.csv": b"Invoice;Amount\nFR1-2026-000101;1.000,00\nzz9;1,00\n"})
        kept = take_message(session, kernel, raw, by="system", now=NOW)
        stored = session.get(StoredFile, kept.file_id)
        assert stored is not None
        assert (stored.name, stored.subject_ref) == ("lines.csv", f"remittance:{kept.id}")
        assert kept.doubts == ["Not found among the open documents: zz9"]


def test_whose_it_is_is_never_guessed(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, account, _, _ = company(session, 100_000, 50_000)
        other = customer(session, "C2")
        add_contact(session, other, ContactDraft(email="else@other.example", language="en"), by="system", now=NOW)
        invoices(session, entity, other, 7_000, first=900)
        assert take(session, kernel, "A1", sender="someone@bank.example").account_id == account
        stranger = take(session, kernel, "A2", sender="else@other.example")
        assert stranger.account_id is None
        assert "another customer" in stranger.doubts[0]
        both = "FR1-2026-000101 1.00\nFR1-2026-000900 2.00"
        mixed = take_message(session, kernel, eml(both, sender="x@y.example"), by="system", now=NOW)
        assert (mixed.account_id, mixed.doubts[0]) == (None, "The documents named are of several customers")
        nobody = take_message(session, kernel, eml("Hi", sender="x@y.example"), by="system", now=NOW)
        assert (nobody.account_id, nobody.amount_minor, nobody.state) == (None, None, AdviceState.OPEN)


def test_money_that_comes_after_is_told_what_it_is_for(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, _, _, _ = company(session, 100_000, 50_000)
        kept = take(session, kernel)
        [line, other] = bank_lines(session, entity, {"end_to_end_id": "e2e 4711"}, {"amount_minor": 99})
        assert line.id is not None
        assert advice_for(session, [line, other]) == {line.id: ADVISED}
        assert pair_lines(session, [line, other], by="system", now=NOW) == 1
    with database.transaction() as session:
        assert advice_for(session, [line]) == {line.id: ADVISED}
        assert mark_used(session, [line], by="system", now=NOW) == 1
    with database.reading() as session:
        found = session.exec(select(RemittanceAdvice).where(RemittanceAdvice.id == kept.id)).one()
        assert (found.state, found.bank_line_id) == (AdviceState.USED, line.id)
        assert found.paired_why == "named by the number of the payment"
        assert wanted(session) == []


def test_money_that_was_there_is_matched_again(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, account, _, _ = company(session, 100_000, 50_000)
        alias = PayerAlias(kind=AliasKind.IBAN, value="FR76X", account_id=account, confirmed=2, seen_at=NOW)
        session.add(alias)
        [line, applied] = bank_lines(
            session, entity, {"counterparty_iban": "FR76X"}, {"counterparty_iban": "FR76X", "state": LineState.APPLIED}
        )
        kept = take(session, kernel)
        assert (kept.state, kept.bank_line_id) == (AdviceState.PAIRED, line.id)
        assert "from the same customer" in kept.paired_why
        assert wanted(session) == [{"bank_line_ids": [line.id], "payment_ids": []}]
        assert applied.id not in advice_for(session, [applied])


def test_a_payment_recorded_by_hand_is_found_too(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, account, _, _ = company(session, 100_000, 50_000)
        payment = record_payment(session, replace(receipt(entity, account, 150_000), targets=[]), by="user:1", now=NOW)
        kept = take(session, kernel)
        assert (kept.state, kept.payment_id) == (AdviceState.PAIRED, payment.id)
        assert wanted(session) == [{"bank_line_ids": [], "payment_ids": [payment.id]}]


@pytest.mark.parametrize(
    "told",
    [
        [{"counterparty_name": "Customer C1"}, {"counterparty_name": "CUSTOMER C1"}],  # two lines alike
        [{"counterparty_name": "Somebody else"}],  # nothing says whose it is
        [{"counterparty_name": "Customer C1", "currency": "USD"}],
        [{"counterparty_name": "Customer C1", "amount_minor": 149_999}],
        [{"counterparty_name": "Customer C1", "booked_on": DAY + timedelta(days=40)}],
        [{"counterparty_name": "Customer C1", "amount_minor": -150_000}],
    ],
)
def test_two_alike_or_none_that_fits_are_left_alone(
    kernel: Kernel, database: Database, told: list[dict[str, object]]
) -> None:
    with database.transaction() as session:
        entity, _, _, _ = company(session, 100_000, 50_000)
        lines = bank_lines(session, entity, *told)
        kept = take(session, kernel)
        assert kept.state is AdviceState.OPEN
        assert advice_for(session, lines) == {}
        assert advice_for(session, lines[:1]) == {}, "a rival outside of the chunk counts"


def test_two_advices_alike_are_left_alone(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, _, _, _ = company(session, 100_000, 50_000)
        take(session, kernel, "N1")
        take(session, kernel, "N2")
        [line] = bank_lines(session, entity, {"counterparty_name": "Customer C1"})
        assert advice_for(session, [line]) == {}
        [named] = bank_lines(session, entity, {"remittance": "REF N 2 THANKS", "amount_minor": 150_000})
        assert advice_for(session, [named]) == {}, "N2 is too short to name a payment"


def test_a_person_pairs_refuses_and_releases(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, _, _, _ = company(session, 100_000, 50_000)
        [line, out] = bank_lines(session, entity, {"counterparty_name": "x"}, {"amount_minor": -5})
        kept = take(session, kernel)
        assert kept.id is not None
        for wrong in ({}, {"bank_line_id": line.id, "payment_id": 1}, {"bank_line_id": out.id}):
            with pytest.raises(PairingError):
                pair_with(session, kept.id, **wrong, by="user:1", now=NOW)
        assert pair_with(session, kept.id, bank_line_id=line.id, by="user:1", now=NOW).state is AdviceState.PAIRED
        assert len(wanted(session)) == 1
        with pytest.raises(AdviceStateError):
            refuse(session, kept.id, why="no", by="user:1", now=NOW)
        second = take(session, kernel, "E2E-9")
        assert second.id is not None
        with pytest.raises(PairingError):
            pair_with(session, second.id, bank_line_id=line.id, by="user:1", now=NOW)
        freed = release(session, kept.id, why="wrong line", by="user:1", now=NOW)
        assert (freed.state, freed.bank_line_id) == (AdviceState.OPEN, None)
        assert refuse(session, kept.id, why="no payment", by="user:1", now=NOW).state is AdviceState.REFUSED
    with database.reading() as session:
        acts = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))).all()
        assert [act for act in acts if act.startswith("remittance.")].count("remittance.released") == 1


def test_an_advice_told_by_fields_is_kept_once_by_its_digest(database: Database) -> None:
    advice = Advice((Line("fr1/2026/000101", 100_000), Line("?", None)), 100_000, "EUR", reference="CHQ-1")
    with database.transaction() as session:
        _, account, first, _ = company(session, 100_000, 50_000)
        for _ in range(2):
            arrival = Arrival(Channel.PORTAL, "customer:1", account_id=account, digest="d" * 64)
            kept = take_told(session, advice, arrival, now=NOW)
        rows = session.exec(select(RemittanceLine).where(RemittanceLine.advice_id == kept.id)).all()
        assert [row.entry_id for row in rows] == [first, None]


def test_pairing_takes_few_queries_however_many_lines(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        entity, _, _, _ = company(session, 100_000, 50_000)
        for n in range(12):
            take(session, kernel, f"E2E-{1000 + n}")
        lines = bank_lines(session, entity, *({"end_to_end_id": f"E2E-{1000 + n}"} for n in range(12)))
        asked: list[str] = []

        def heard(*given: object) -> None:
            asked.append(str(given[2]))

        event.listen(database.engine, "before_cursor_execute", heard)
        found = advice_for(session, lines)
        event.remove(database.engine, "before_cursor_execute", heard)
        assert len(found) == 12
        assert len(asked) <= 12
