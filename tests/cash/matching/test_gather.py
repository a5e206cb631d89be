"""The facts of matching: customers, what is open and not in flight, payers' numbers; read in a few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import event
from sqlmodel import Session, select

from ar.cash.bank.models import BankLine
from ar.cash.matching.aliases import Came, confirm_payers, doubt_payers
from ar.cash.matching.directory import directory
from ar.cash.matching.facts import Advised
from ar.cash.matching.gather import Seen, incoming_lines, incoming_payments, lookups, open_lines
from ar.cash.matching.models import CashPolicy
from ar.cash.matching.policy import STANDARD, as_facts
from ar.cash.matching.run import match_lines
from ar.cash.models import Method, Payment, PaymentTarget
from ar.cash.payment_states import PaymentState
from ar.cash.receive import Receipt, record_payment
from ar.core.db import Database
from ar.customers.accounts import change_account
from ar.customers.models import AccountIdentifier
from ar.ledger.models import Book, EntryKind
from ar.ledger.post import Posting, post
from tests.cash.matching.lines import DAY, NOTHING, line
from tests.ledger.make import NOW, customer, invoice, seller


def test_customers_are_read_again_when_one_has_changed(database: Database) -> None:
    with database.transaction() as session:
        number = customer(session, code="C-0017")
        known = directory(session)
        assert directory(session) is known
        assert known.numbered(["C0017", "C0018"]) == {"C0017": [number]}
        assert [one for one, _ in known.names.nearest("CUSTOMER C-0017", 3)] == [number]
    with database.transaction() as session:
        change_account(session, number, {"legal_name": "Zimmermann KG"}, by="user:1", now=NOW)
    with database.transaction() as session:
        assert directory(session) is not known
        assert [one for one, _ in directory(session).names.nearest("ZIMMERMANN", 3)] == [number]


def test_what_is_in_flight_is_not_free_to_be_paid_again(database: Database) -> None:
    with database.transaction() as session:
        entity, buyer = seller(session), customer(session)
        item = invoice(session, entity, buyer, 100_00, on=date(2026, 1, 5), reference="FR1-2026-000001")
        flying = Payment(
            public_id="pay_1", entity_id=entity, account_id=buyer, amount_minor=30_00, currency="EUR",
            method=Method.SEPA_DEBIT, state=PaymentState.PENDING, recorded_by="x", created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        session.add(flying)
        session.flush()
        assert flying.id is not None
        session.add(PaymentTarget(payment_id=flying.id, entry_id=item, amount_minor=30_00))
        session.flush()
        seen = Seen()
        [found] = lookups(session, seen, NOTHING.expected).by_reference(["FR12026000001"])
        assert (found.open_minor, found.amount_minor, seen.open_minor) == (70_00, 100_00, {item: 100_00})


def test_an_item_is_found_by_its_reference_and_by_the_customers_order(database: Database) -> None:
    with database.transaction() as session:
        entity, buyer = seller(session), customer(session)
        posting = Posting(
            entity, buyer, EntryKind.INVOICE, 5_00, "EUR", DAY, reference="FR1-2026-000001", purchase_order="PO 88/41"
        )
        [item] = post(session, [posting], now=NOW)
        look = lookups(session, Seen(), NOTHING.expected)
        assert [one.entry_id for one in look.by_reference(["FR12026000001"])] == [item]
        assert [one.entry_id for one in look.by_reference(["PO8841"])] == [item]
        assert look.by_reference(["8841", "FR1202600000", ""]) == []


def test_payers_are_known_by_what_was_learnt_and_what_was_registered(database: Database) -> None:
    with database.transaction() as session:
        first, second = customer(session), customer(session, code="C2")
        confirm_payers(session, [Came("FR76", "ACME SARL", first), Came("FR76", "Acme", first)], now=NOW)
        doubt_payers(session, [Came("FR76", "", first)], now=NOW)
        session.add(AccountIdentifier(account_id=second, scheme="iban", value="FR76"))
        session.flush()
        look = lookups(session, Seen(), NOTHING.expected)
        assert look.by_iban(["FR76", "DE89"]) == {"FR76": {first: 1, second: 1}}
        assert look.by_alias(["ACME"]) == {"ACME": {first: 2}}


def test_the_texts_and_advices_of_a_line_are_given(database: Database) -> None:
    with database.transaction() as session:
        entity = seller(session)
        number = line(
            session, entity, 5_00, "first\nsecond", structured_reference="RF18539007547034", end_to_end_id="E2E",
            charges_minor=20,
        )  # fmt: skip
        outgoing = line(session, entity, -5_00)
        advice = {number: (Advised("F-1", 500),)}
        [one] = incoming_lines(open_lines(session, [number, outgoing]), advice)
        assert one.texts == ("first", "second", "RF18539007547034", "E2E")
        assert (one.charges_minor, one.advice, one.received_on) == (20, advice[number], DAY)


def test_only_unapplied_money_of_payments_is_looked_at(database: Database) -> None:
    with database.transaction() as session:
        entity, buyer = seller(session), customer(session)
        invoice(session, entity, buyer, 100_00, on=date(2026, 1, 5), reference="F-1")
        given = Receipt(entity, buyer, 120_00, "EUR", Method.BANK_TRANSFER, DAY, note="thanks")
        payment = record_payment(session, given, by="user:1", now=NOW)
        assert payment.id is not None
        [one] = incoming_payments(session, [payment.id])
        assert (one.amount_minor, one.account_id, one.texts) == (20_00, buyer, ("thanks",))


def test_limits_are_scaled_to_the_currency() -> None:
    policy = STANDARD.model_copy(update={"tolerance_minor": 250, "charges_minor": 2_550})
    assert as_facts(policy, own="EUR", currency="EUR").tolerance_minor == 250
    assert as_facts(policy, own="EUR", currency="JPY").tolerance_minor == 2
    assert as_facts(policy, own="EUR", currency="KWD").charges_minor == 25_500
    assert CashPolicy.model_validate(policy.model_dump()).tolerance_book is Book.PAYMENT_DIFFERENCES


def test_a_chunk_takes_a_number_of_queries_that_does_not_grow(database: Database) -> None:
    def queries(lines: int, code: str) -> int:
        with database.transaction() as session:
            entity, buyer = seller(session, code=code), customer(session, code=code)
            numbers = []
            for n in range(lines):
                invoice(session, entity, buyer, 100 + n, on=DAY, reference=f"{code}-2026-{n:06}")
                numbers.append(
                    line(session, entity, 100 + n, f"{code}-2026-{n:06}", name=f"Customer {code}", iban=f"X{n}")
                )
            counted = _counting(session)
            assert match_lines(session, numbers, NOTHING, now=NOW).applied == lines
            return len(counted)

    assert queries(40, "FR2") <= queries(4, "FR1") + 3


def _counting(session: Session) -> list[str]:
    """The statements that the session's connection runs from now on."""
    said: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *given: said.append(given[2]))
    return said


def test_advice_and_expectations_are_asked_for_the_whole_chunk(database: Database) -> None:
    asked: list[int] = []

    def advice(_session: Session, lines: Sequence[BankLine]) -> dict[int, tuple[Advised, ...]]:
        asked.append(len(lines))
        return {}

    with database.transaction() as session:
        entity = seller(session)
        numbers = [line(session, entity, 100 + n, "nothing known") for n in range(3)]
        sources = replace(NOTHING, advice=advice)
        report = match_lines(session, numbers, sources, now=NOW)
        assert (asked, report.left, report.applied) == ([3], 3, 0)
        assert session.exec(select(Payment)).all() == []
