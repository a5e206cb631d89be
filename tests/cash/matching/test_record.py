"""Matched money applied, typed by hand, and undone: both sides as before; never more than is open."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.matching.by_hand import (
    CLAIM_JOB,
    Deduction,
    NothingWaitsError,
    ProposalNotFoundError,
    apply_line,
    apply_rest,
    proposal_of,
)
from ar.cash.matching.facts import Difference, Netting, Part, Proposal, Residual
from ar.cash.matching.models import CashApplication, CashPolicy, MatchProposal, PayerAlias
from ar.cash.matching.policy import change_policy
from ar.cash.matching.queue import figures, unapplied_minor, unapplied_payments, waiting_lines
from ar.cash.matching.record import ApplicationError
from ar.cash.matching.run import match_all, match_lines, match_payments
from ar.cash.matching.undo import AlreadyUndoneError, RefundedError, undo
from ar.cash.matching.words import WHY_NOT
from ar.cash.models import Method, Payment
from ar.cash.payment_states import PaymentState
from ar.cash.receive import PaymentError, Receipt, record_payment, take_back
from ar.cash.refunds import refund
from ar.core.audit import AuditEntry, verify
from ar.core.db import Database
from ar.core.jobs import Job
from ar.core.kernel import Kernel
from ar.ledger.models import Book, Entry, EntryKind, OpenItem
from ar.ledger.post import Posting, post
from tests.cash.matching.lines import DAY, NOTHING, line, opened
from tests.ledger.make import NOW, customer, invoice, seller


class Forgotten(Exception):  # noqa: N818
    """Ends an example: its transaction is rolled back."""


LATER = NOW + timedelta(days=1)


def company(session: Session, *amounts: int) -> tuple[int, int, list[int]]:
    entity, account = seller(session), customer(session)
    items = [
        invoice(session, entity, account, amount, on=date(2026, 1, 1 + n), reference=f"FR1-2026-00{n:04}")
        for n, amount in enumerate(amounts, start=1)
    ]
    return entity, account, items


def policy(session: Session, entity: int) -> None:
    wanted = CashPolicy(
        entity_id=entity, apply_above=0.99, tolerance_minor=500, tolerance_bp=100,
        tolerance_book=Book.PAYMENT_DIFFERENCES, charges_minor=2500, version=0,
    )  # fmt: skip
    change_policy(session, wanted, by="user:1", now=NOW)


def credit_note(session: Session, entity: int, account: int, amount: int) -> int:
    posting = Posting(entity, account, EntryKind.CREDIT_NOTE, amount, "EUR", date(2026, 1, 20), reference="AV-1")
    return post(session, [posting], now=NOW)[0]


def receivable(session: Session) -> dict[str, int]:
    """What is open by side, in all."""
    query = select(OpenItem.side, func.sum(OpenItem.open_minor)).group_by(col(OpenItem.side))
    found = dict(session.exec(query).all())
    return {"owed": int(found.get(1, 0)), "credit": int(found.get(-1, 0))}


def test_a_line_that_names_an_invoice_becomes_its_payment(database: Database) -> None:
    with database.transaction() as session:
        entity, account, [first, _] = company(session, 120_00, 80_00)
        number = line(session, entity, 120_00, "Invoice FR1-2026-000001\nthank you", iban="FR7610")
        report = match_lines(session, [number], NOTHING, now=NOW)
    assert (report.applied, report.suggested, report.left) == (1, 0, 0)
    with database.reading() as session:
        assert opened(session) == {"FR1-2026-000002": 80_00}
        payment = session.exec(select(Payment)).one()
        assert (payment.state, payment.account_id, payment.amount_minor) == (PaymentState.SETTLED, account, 120_00)
        assert (payment.gateway, payment.bank_line_id, payment.method) == ("bank", number, Method.BANK_TRANSFER)
        entry = session.exec(select(Entry).where(Entry.id == payment.entry_id)).one()
        assert (entry.kind, entry.debit, entry.credit, entry.effective_on) == (
            EntryKind.PAYMENT, Book.BANK, Book.RECEIVABLE, DAY,
        )  # fmt: skip
        kept = session.exec(select(BankLine)).one()
        assert (kept.state, kept.decided_by) == (LineState.APPLIED, "system")
        act = session.exec(select(CashApplication)).one()
        assert act.automatic
        assert act.probability is not None
        assert act.probability > 0.99
        assert act.content["parts"] == [[account, first, 120_00]]
        aliases = session.exec(select(PayerAlias.value, PayerAlias.confirmed).order_by(col(PayerAlias.value))).all()
        assert [tuple(one) for one in aliases] == [("C1 CUSTOMER", 1), ("FR7610", 1)]
        assert verify(session) == []
        said = session.exec(select(AuditEntry).where(AuditEntry.subject == f"payment:{payment.id}")).one()
        assert said.action == "payment.settled"
        jobs = session.exec(select(Job.name).where(Job.name == "thank-for-payment")).all()
        assert len(jobs) == 1


def test_the_same_invoice_paid_twice_waits_for_a_person(database: Database) -> None:
    with database.transaction() as session:
        entity, _, _ = company(session, 120_00)
        twins = [line(session, entity, 120_00, "FR1-2026-000001") for _ in range(2)]
        report = match_lines(session, twins, NOTHING, now=NOW)
        assert (report.applied, report.suggested + report.left) == (1, 1)
    with database.reading() as session:
        waits = session.exec(waiting_lines(entity_id=entity)).all()
        assert [one.id for one in waits] == [twins[1]]
        assert receivable(session) == {"owed": 0, "credit": 0}


def test_applied_and_undone_is_as_before(database: Database) -> None:
    with database.transaction() as session:
        entity, account, [first, second] = company(session, 120_00, 80_00)
        policy(session, entity)
        note = credit_note(session, entity, account, 20_00)
        number = line(session, entity, 175_00, "various", name="ACME", iban="FR7610")
        wanted = Proposal(
            parts=(Part(account, first, 96_00), Part(account, second, 79_00)),
            residuals=(Residual(second, 80, Difference.WRITE_OFF), Residual(first, 4_00, Difference.BANK_CHARGES)),
            nettings=(Netting(first, note, 20_00),),
        )
        before = receivable(session)
        made = apply_line(session, number, wanted, by="user:1", now=NOW)
        assert opened(session) == {"FR1-2026-000002": 20}
        assert receivable(session) == {"owed": 20, "credit": 0}
        books = session.exec(
            select(Entry.debit).where(Entry.kind == EntryKind.ADJUSTMENT).order_by(col(Entry.id))
        ).all()
        assert books == [Book.PAYMENT_DIFFERENCES, Book.BANK_CHARGES]
    with database.transaction() as session:
        act = undo(session, made, why="wrong customer", by="user:2", now=LATER)
        assert (act.undone_by, act.undone_why) == ("user:2", "wrong customer")
        assert receivable(session) == before
        assert opened(session) == {"FR1-2026-000001": 120_00, "FR1-2026-000002": 80_00}
        assert session.exec(select(BankLine.state)).one() is LineState.OPEN
        assert session.exec(select(Payment.state)).one() is PaymentState.FAILED
        assert [one.refused for one in session.exec(select(PayerAlias))] == [1, 1]
    with database.transaction() as session:
        again = apply_line(session, number, wanted, by="user:1", now=LATER)
        assert again != made
        assert receivable(session) == {"owed": 20, "credit": 0}
        told = figures(session, entity_id=entity, first=DAY, last=DAY)
        assert (told.came_in, told.applied_by_hand, told.applied_untouched, told.waiting) == (1, 1, 0, 0)
        assert (told.payment_rate, told.error_rate) == (0.0, None)
    with database.transaction() as session, pytest.raises(AlreadyUndoneError):
        undo(session, made, why="again", by="user:2", now=LATER)


def test_money_of_one_line_for_two_customers_and_on_account(database: Database) -> None:
    with database.transaction() as session:
        entity, account, [first] = company(session, 100_00)
        other = customer(session, code="C2")
        theirs = invoice(session, entity, other, 50_00, on=DAY, reference="FR1-2026-000009")
        number = line(session, entity, 160_00)
        wanted = Proposal((Part(account, first, 100_00), Part(other, theirs, 50_00), Part(other, None, 10_00)))
        made = apply_line(session, number, wanted, by="user:1", now=NOW)
        assert receivable(session) == {"owed": 0, "credit": 10_00}
        payments = session.exec(select(Payment).order_by(col(Payment.id))).all()
        assert [(one.account_id, one.amount_minor) for one in payments] == [(account, 100_00), (other, 60_00)]
        [rest] = session.exec(unapplied_payments(entity_id=entity, account_id=other)).all()
        assert unapplied_minor(session, [rest]) == {rest.id: 10_00}
        undo(session, made, why="no", by="user:1", now=NOW)
        assert receivable(session) == {"owed": 150_00, "credit": 0}


def test_what_cannot_be_is_refused_with_its_place_and_nothing_is_kept(database: Database) -> None:
    with database.transaction() as session:
        entity, account, [first] = company(session, 100_00)
        other = customer(session, code="C2")
        number = line(session, entity, 100_00)
    wrong: list[tuple[Proposal, str]] = [
        (Proposal((Part(account, first, 99_00),)), "/parts"),
        (Proposal((Part(other, first, 100_00),)), "/parts/0/account_id"),
        (Proposal((Part(account, 999, 100_00),)), "/parts/0/entry_id"),
        (Proposal((Part(account, first, 100_00),), (Residual(first, 1, Difference.WRITE_OFF),)), "/residuals/0"),
        (Proposal((Part(account, None, 0), Part(account, first, 100_00))), "/parts/0/amount_minor"),
        (Proposal((Part(account, None, 100_00),), nettings=(Netting(first, first, 5),)), "/nettings/0/credit_id"),
    ]
    for proposal, pointer in wrong:
        with pytest.raises(ApplicationError) as refused, database.transaction() as session:
            apply_line(session, number, proposal, by="user:1", now=NOW)
        assert refused.value.faults[0].pointer.startswith(pointer)
    with database.transaction() as session:
        assert session.exec(select(Payment)).all() == []
        apply_line(session, number, Proposal((Part(account, first, 100_00),)), by="user:1", now=NOW)
    with database.transaction() as session, pytest.raises(NothingWaitsError):
        apply_line(session, number, Proposal((Part(account, first, 100_00),)), by="user:1", now=NOW)


def test_a_deduction_is_claimed_as_a_dispute_over_what_stays_open(database: Database) -> None:
    with database.transaction() as session:
        entity, account, [first] = company(session, 100_00)
        number = line(session, entity, 90_00)
        wanted = Proposal((Part(account, first, 90_00),))
        with pytest.raises(ApplicationError, match="deductions/0"):
            apply_line(session, number, wanted, deductions=[Deduction(first, 10_01, "price")], by="user:1", now=NOW)
        apply_line(session, number, wanted, deductions=[Deduction(first, 10_00, "price")], by="user:1", now=NOW)
        job = session.exec(select(Job).where(Job.name == CLAIM_JOB)).one()
        assert (job.arguments["entry_id"], job.arguments["amount_minor"]) == (first, 10_00)
        assert opened(session) == {"FR1-2026-000001": 10_00}


def test_a_proposal_is_taken_as_it_stands(database: Database) -> None:
    with database.transaction() as session:
        entity, account, [first] = company(session, 100_00)
        number = line(session, entity, 100_00)
        proposal = Proposal((Part(account, first, 100_00),), probability=0.7, evidence={"base": 1.0})
        kept = MatchProposal(bank_line_id=number, rank=1, probability=0.7, content=proposal.stored(), made_at=NOW)
        session.add(kept)
        session.flush()
        apply_line(session, number, proposal_of(session, line_id=number, rank=1), by="user:1", now=NOW)
        act = session.exec(select(CashApplication)).one()
        assert act.content["proposed"] == [{"parts": [[account, first, 100_00]], "evidence": {"base": 1.0}}]
        assert session.exec(select(MatchProposal)).all() == []
        with pytest.raises(ProposalNotFoundError):
            proposal_of(session, line_id=number, rank=1)


def test_unapplied_money_of_a_payment_finds_its_invoice_later(database: Database) -> None:
    with database.transaction() as session:
        entity, account, _ = company(session)
        given = Receipt(entity, account, 100_00, "EUR", Method.BANK_TRANSFER, DAY, (), note="for FR1-2026-000007")
        payment = record_payment(session, given, by="user:1", now=NOW)
        later = invoice(session, entity, account, 100_00, on=DAY, reference="FR1-2026-000007")
        assert payment.id is not None
        report = match_payments(session, [payment.id], NOTHING, now=NOW)
        assert report.applied == 1
        assert receivable(session) == {"owed": 0, "credit": 0}
        act = session.exec(select(CashApplication)).one()
        assert act.payment_id == payment.id
        assert act.id is not None
        undo(session, act.id, why="no", by="user:1", now=NOW)
        assert receivable(session) == {"owed": 100_00, "credit": 100_00}
        apply_rest(session, payment.id, Proposal((Part(account, later, 100_00),)), by="user:1", now=NOW)
        assert receivable(session) == {"owed": 0, "credit": 0}


def test_what_was_undone_is_only_suggested_again(database: Database) -> None:
    with database.transaction() as session:
        entity, _, _ = company(session, 120_00)
        number = line(session, entity, 120_00, "FR1-2026-000001")
        assert match_lines(session, [number], NOTHING, now=NOW).applied == 1
        made = session.exec(select(CashApplication.id)).one()
        assert made is not None
        undo(session, made, why="they meant another", by="user:1", now=NOW)
        report = match_lines(session, [number], NOTHING, now=LATER)
        assert (report.applied, report.suggested) == (0, 1)
        [kept] = session.exec(select(MatchProposal)).all()
        assert kept.why_not in WHY_NOT
        assert receivable(session) == {"owed": 120_00, "credit": 0}


def test_money_ordered_in_another_currency_settles_what_is_in_it(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        posting = Posting(entity, account, EntryKind.INVOICE, 1_000_00, "USD", DAY, reference="FR1-2026-000001")
        [item] = post(session, [posting], now=NOW)
        foreign = {"original_minor": 1_000_00, "original_currency": "USD"}
        first = line(session, entity, 915_20, "FR1-2026-000001", **foreign)
        assert match_lines(session, [first], NOTHING, now=NOW).applied == 1
        payment = session.exec(select(Payment)).one()
        assert (payment.amount_minor, payment.currency) == (1_000_00, "USD")
        made = session.exec(select(CashApplication.id)).one()
        assert made is not None
        undo(session, made, why="by hand", by="user:1", now=NOW)
        apply_line(session, first, Proposal((Part(account, item, 1_000_00),)), by="user:1", now=NOW)
        assert receivable(session) == {"owed": 0, "credit": 0}


def test_what_was_given_back_is_not_undone(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        entity, account, [first] = company(session, 100_00)
        number = line(session, entity, 110_00)
        made = apply_line(
            session, number, Proposal((Part(account, first, 100_00), Part(account, None, 10_00))), by="user:1", now=NOW
        )
        payment_id = session.exec(select(Payment.id)).one()
    assert payment_id is not None
    refund(kernel, payment_id, amount_minor=10_00, note="paid too much", key="k", by="user:1", now=NOW)
    with kernel.database.transaction() as session:
        assert receivable(session) == {"owed": 0, "credit": 0}
        with pytest.raises(RefundedError):
            undo(session, made, why="no", by="user:1", now=NOW)


def test_what_the_bank_booked_is_not_taken_back_by_the_payment_alone(database: Database) -> None:
    with database.transaction() as session:
        entity, account, [first] = company(session, 100_00)
        number = line(session, entity, 100_00)
        apply_line(session, number, Proposal((Part(account, first, 100_00),)), by="user:1", now=NOW)
        payment_id = session.exec(select(Payment.id)).one()
        assert payment_id is not None
        with pytest.raises(PaymentError, match="undo the application"):
            take_back(session, payment_id, why="no", by="user:1", now=NOW)


def test_two_runs_at_once_apply_each_line_once(database: Database) -> None:
    with database.transaction() as session:
        entity, _, _ = company(session, *([100_00] * 20))
        lines = [line(session, entity, 100_00, f"FR1-2026-00{n:04}") for n in range(1, 21)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: match_all(database, lines, NOTHING, now=NOW), range(4)))
    with database.reading() as session:
        assert len(session.exec(select(CashApplication)).all()) == 20
        assert receivable(session) == {"owed": 0, "credit": 0}


@settings(max_examples=25)
@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=6), st.data())
def test_any_split_applied_and_undone_is_the_identity(
    database: Database, amounts: list[int], data: st.DataObject
) -> None:
    with pytest.raises(Forgotten), database.transaction() as session:
        entity, account, items = company(session, *amounts)
        paid = [data.draw(st.integers(0, amount)) for amount in amounts]
        extra = data.draw(st.integers(0, 1000))
        parts = [Part(account, item, minor) for item, minor in zip(items, paid, strict=True) if minor]
        parts += [Part(account, None, extra)] if extra else []
        if not parts:
            raise Forgotten
        number = line(session, entity, sum(part.amount_minor for part in parts))
        before = opened(session)
        made = apply_line(session, number, Proposal(tuple(parts)), by="user:1", now=NOW)
        assert receivable(session) == {"owed": sum(amounts) - sum(paid), "credit": extra}
        undo(session, made, why="no", by="user:1", now=NOW)
        assert opened(session) == before
        assert receivable(session) == {"owed": sum(amounts), "credit": 0}
        raise Forgotten
