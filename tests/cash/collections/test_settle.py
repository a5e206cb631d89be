"""Lines of the bank that are of our direct debits: credited, returned at once, taken back weeks later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine
from ar.cash.bank.models import LineState as BankLineState
from ar.cash.collections.act import CollectionStateError
from ar.cash.collections.reasons import REASONS
from ar.cash.collections.returned import ReturnError, note_return
from ar.cash.collections.settle import settle_lines
from ar.cash.mandates.creditor import AccountTerms
from ar.cash.mandates.manage import living_mandate
from ar.cash.mandates.models import MandateState
from ar.cash.models import RefundState
from ar.cash.payment_states import PaymentState
from ar.cash.reconcile import reconcile_payments
from ar.cash.refunds import refund
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.core.render import Renderer
from tests.cash.collections.make import (
    BY,
    COLLECT_ON,
    Company,
    bank_line,
    collection,
    company,
    lines_of,
    open_of,
    payments_of,
)

LATER = datetime(2026, 5, 11, 9, tzinfo=UTC)


@pytest.fixture
def firm(kernel: Kernel) -> Company:
    """Whose debits only the bank's credit settles."""
    return company(kernel, AccountTerms(settle_days=None))


def given(firm: Company, minor: int, on: date, **told: Any) -> tuple[bool, BankLine]:
    """Whether a line of these words is dealt with, and the line as it stands then."""
    with firm.kernel.database.transaction() as session:
        line = bank_line(session, firm, minor, on, **told)
        dealt = settle_lines(session, [line], now=LATER)
    firm.work(LATER)
    assert dealt == ({line.id} if line.state is BankLineState.APPLIED else set())
    return bool(dealt), line


def state(session: Session, account: int) -> tuple[PaymentState, int]:
    return payments_of(session, account)[0].state, open_of(session, account)


@pytest.mark.parametrize("name", ["{message}", "{message}-RCUR"])
@pytest.mark.parametrize("place", ["batch_reference", "end_to_end_id", "bank_reference", "remittance"])
def test_a_sum_credited_settles_its_debits(firm: Company, place: str, name: str) -> None:
    accounts = [firm.debtor(f"C{n}", 1_000 + n) for n in range(3)]
    number = firm.made()
    with firm.kernel.database.reading() as session:
        message = collection(session, number).message_id
    words = name.format(message=message)
    told = {place: f"SEPA DD /REF/{words} 3 items" if place == "remittance" else words}
    assert given(firm, 3_002, COLLECT_ON, **told)[0] is False
    dealt, line = given(firm, 3_003, COLLECT_ON, **told)
    assert dealt
    assert "3 of" in line.state_reason
    with firm.kernel.database.reading() as session:
        assert [state(session, account) for account in accounts] == [(PaymentState.SETTLED, 0)] * 3
        assert {payments_of(session, account)[0].bank_line_id for account in accounts} == {line.id}


def test_a_sum_less_what_was_rejected_settles_the_rest(firm: Company) -> None:
    bad, good = firm.debtor("BAD", 1_000), firm.debtor("GOOD", 500)
    number = firm.made()
    with firm.kernel.database.reading() as session:
        message = collection(session, number).message_id
        [name] = [line.end_to_end_id for line in lines_of(session, number) if line.account_id == bad]
    with firm.kernel.database.transaction() as session:
        lines = [
            bank_line(session, firm, 500, COLLECT_ON, batch_reference=message),
            bank_line(session, firm, -1_000, COLLECT_ON - timedelta(days=1), end_to_end_id=name, return_reason="AC01"),
        ]
        assert len(settle_lines(session, lines, now=LATER)) == 2
    with firm.kernel.database.reading() as session:
        assert state(session, bad) == (PaymentState.FAILED, 1_000)
        assert state(session, good) == (PaymentState.SETTLED, 0)


def test_a_return_weeks_later_opens_the_item_and_tells_the_customer(firm: Company) -> None:
    account = firm.debtor("ONE", 12_000)
    number = firm.made()
    with firm.kernel.database.reading() as session:
        [line] = lines_of(session, number)
    assert given(firm, 12_000, COLLECT_ON, end_to_end_id=line.end_to_end_id)[0]
    with firm.kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.SETTLED, 0)
    back = {"end_to_end_id": line.end_to_end_id, "return_reason": "MD06"}
    dealt, told = given(firm, -12_000, date(2026, 5, 8), **back)
    assert dealt
    assert "MD06" in told.state_reason
    with firm.kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.DISPUTED, 12_000)
        mandate = living_mandate(session, account, firm.entity)
        assert mandate is not None
        assert mandate.state is MandateState.ACTIVE
        [letter] = session.exec(
            select(OutboxMessage).where(col(OutboxMessage.dedup_key).startswith("note:debit_returned"))
        )
        assert "asked your bank for a refund" in letter.body_text
        assert "ONE-0" in letter.body_text
    assert given(firm, -12_000, date(2026, 5, 9), **back)[0] is False
    assert firm.proposed(collect_on=date(2026, 6, 10), now=LATER) != number


def test_a_closed_account_suspends_the_mandate(firm: Company) -> None:
    account = firm.debtor("ONE", 12_000)
    number = firm.made()
    with firm.kernel.database.reading() as session:
        [line] = lines_of(session, number)
        mandate = living_mandate(session, account, firm.entity)
        assert mandate is not None
    back = {"mandate_id": mandate.reference, "return_reason": "AC04", "charges_minor": 350}
    dealt, told = given(firm, -12_350, COLLECT_ON + timedelta(days=3), **back)
    assert dealt
    assert "bank charges of 350 cents" in told.state_reason
    with firm.kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.FAILED, 12_000)
        found = living_mandate(session, account, firm.entity)
        assert found is not None
        assert found.state is MandateState.SUSPENDED
        assert "AC04" in found.state_reason
        assert lines_of(session, number)[0].return_reason == "AC04"
        assert payments_of(session, account)[0].reason == "not paid"
        assert line.end_to_end_id in told.state_reason


def test_a_return_told_before_its_credit_ends_the_same(firm: Company) -> None:
    account = firm.debtor("ONE", 700)
    number = firm.made()
    with firm.kernel.database.reading() as session:
        [name] = [line.end_to_end_id for line in lines_of(session, number)]
    assert given(firm, -700, COLLECT_ON, end_to_end_id=name, return_reason="AM04")[0]
    assert given(firm, 700, COLLECT_ON, end_to_end_id=name)[0]
    with firm.kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.FAILED, 700)


@pytest.mark.parametrize("late_file", [False, True])
def test_a_reject_told_after_the_quiet_days_still_fails(kernel: Kernel, late_file: bool) -> None:
    firm = company(kernel)
    account = firm.debtor("ONE", 700)
    number = firm.made()
    firm.on(date(2026, 4, 1))
    with kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.SETTLED, 0)
        [name] = [line.end_to_end_id for line in lines_of(session, number)]
    assert given(firm, -700, COLLECT_ON - timedelta(days=1), end_to_end_id=name, return_reason="AC01")[0]
    if late_file:
        assert given(firm, 700, COLLECT_ON + timedelta(days=2), end_to_end_id=name)[0]
    with kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.FAILED, 700)


def test_a_person_notes_a_return(firm: Company) -> None:
    account = firm.debtor("ONE", 700)
    number = firm.made()
    with firm.kernel.database.transaction() as session:
        [line] = lines_of(session, number)
        with pytest.raises(ReturnError):
            note_return(session, number, line.id or 0, code="ZZ99", on=COLLECT_ON, by=BY, now=LATER)
        with pytest.raises(ReturnError):
            note_return(session, number, line.id or 0, code="MD01", on=date(2027, 1, 1), by=BY, now=LATER)
        note_return(session, number, line.id or 0, code="md01", on=COLLECT_ON, by=BY, now=LATER)
        with pytest.raises(CollectionStateError):
            note_return(session, number, line.id or 0, code="MD01", on=COLLECT_ON, by=BY, now=LATER)
    with firm.kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.FAILED, 700)
        mandate = living_mandate(session, account, firm.entity)
        assert mandate is not None
        assert mandate.state is MandateState.SUSPENDED


def test_the_gateway_job_and_refunds_leave_debits_whole(firm: Company) -> None:
    account = firm.debtor("ONE", 700)
    number = firm.made()
    reconcile_payments(firm.kernel, {}, LATER)
    with firm.kernel.database.reading() as session:
        [payment] = payments_of(session, account)
        assert payment.state is PaymentState.PENDING
        [name] = [line.end_to_end_id for line in lines_of(session, number)]
    assert given(firm, 700, COLLECT_ON, end_to_end_id=name)[0]
    back = refund(firm.kernel, payment.id or 0, amount_minor=300, note="a gesture", key="k", by=BY, now=LATER)
    assert back.state is RefundState.DONE
    with firm.kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.SETTLED, 300)


def test_lines_that_are_of_nothing_of_ours_are_left_alone(firm: Company) -> None:
    account = firm.debtor("ONE", 700)
    number = firm.made()
    with firm.kernel.database.reading() as session:
        [name] = [line.end_to_end_id for line in lines_of(session, number)]
    for minor, told in (
        (700, {"end_to_end_id": "E2E-1"}),
        (-699, {"end_to_end_id": name, "return_reason": "AM04"}),
        (-700, {"mandate_id": "M-OTHER", "return_reason": "AM04"}),
        (700, {"remittance": "ONE-0"}),
    ):
        assert given(firm, minor, COLLECT_ON, **told)[0] is False
    with firm.kernel.database.reading() as session:
        assert state(session, account) == (PaymentState.PENDING, 700)


def test_a_refund_after_its_time_is_noted(firm: Company) -> None:
    firm.debtor("ONE", 700)
    number = firm.made()
    with firm.kernel.database.reading() as session:
        [name] = [line.end_to_end_id for line in lines_of(session, number)]
    _, told = given(firm, -700, COLLECT_ON + timedelta(weeks=8, days=1), end_to_end_id=name, return_reason="MD06")
    assert "later than 8 weeks" in told.state_reason


def test_every_code_has_words_in_both_languages(renderer: Renderer) -> None:
    for code, reason in REASONS.items():
        french = renderer.text(reason.words, language="fr")
        assert french, code
        assert french != reason.words, code
