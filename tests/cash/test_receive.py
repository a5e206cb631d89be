"""Payments recorded by hand: booked, applied, taken back; never more than is open (guarantee 2)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import Session, select

from ar.cash.models import Method, Payment
from ar.cash.payment_states import PaymentState
from ar.cash.receive import (
    PaymentError,
    PaymentKeyReusedError,
    Receipt,
    Target,
    record_payment,
    take_back,
)
from ar.core.db import Database
from ar.core.errors import DomainError
from ar.ledger.allocate import OverAllocationError
from ar.ledger.models import Entry, EntryKind, OpenItem
from tests.ledger.make import NOW, customer, invoice, seller

DAY = date(2026, 2, 27)


def company(database: Database, *amounts: int) -> tuple[int, int, list[int]]:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        items = [
            invoice(session, entity, account, amount, on=date(2026, 1, 1 + n), reference=f"INV-{n}")
            for n, amount in enumerate(amounts)
        ]
    return entity, account, items


def receipt(entity: int, account: int, amount: int, *targets: tuple[int, int], key: str | None = None) -> Receipt:
    return Receipt(
        entity_id=entity,
        account_id=account,
        amount_minor=amount,
        currency="EUR",
        method=Method.BANK_TRANSFER,
        received_on=DAY,
        targets=[Target(*target) for target in targets] if targets else None,
        key=key,
    )


def open_minor(session: Session, entry_id: int | None) -> int:
    return session.exec(select(OpenItem.open_minor).where(OpenItem.entry_id == entry_id)).one()


def test_a_payment_without_a_word_settles_the_oldest_and_the_rest_is_credit(database: Database) -> None:
    entity, account, [old, new] = company(database, 1000, 2000)
    with database.transaction() as session:
        payment = record_payment(session, receipt(entity, account, 3500), by="user:1", now=NOW)
    assert payment.state is PaymentState.SETTLED
    with database.reading() as session:
        assert [open_minor(session, entry) for entry in (old, new, payment.entry_id)] == [0, 0, 500]
        entry = session.exec(select(Entry).where(Entry.id == payment.entry_id)).one()
        assert (entry.kind, entry.effective_on, entry.amount_minor) == (EntryKind.PAYMENT, DAY, 3500)


def test_the_payers_own_word_comes_first(database: Database) -> None:
    entity, account, [old, new] = company(database, 1000, 2000)
    with database.transaction() as session:
        record_payment(session, receipt(entity, account, 700, (new, 700)), by="user:1", now=NOW)
    with database.reading() as session:
        assert (open_minor(session, old), open_minor(session, new)) == (1000, 1300)


def test_on_account_when_it_is_for_nothing_yet(database: Database) -> None:
    entity, account, [old] = company(database, 1000)
    with database.transaction() as session:
        payment = record_payment(session, replace(receipt(entity, account, 700), targets=[]), by="user:1", now=NOW)
    with database.reading() as session:
        assert (open_minor(session, old), open_minor(session, payment.entry_id)) == (1000, 700)


def test_the_same_key_is_the_same_payment_and_another_is_refused(database: Database) -> None:
    entity, account, [old] = company(database, 1000)
    for _ in range(2):
        with database.transaction() as session:
            record_payment(session, receipt(entity, account, 400, key="bank-7"), by="user:1", now=NOW)
    with pytest.raises(PaymentKeyReusedError), database.transaction() as session:
        record_payment(session, receipt(entity, account, 401, key="bank-7"), by="user:1", now=NOW)
    with database.reading() as session:
        assert open_minor(session, old) == 600


def test_twenty_at_once_with_one_key_have_one_effect(database: Database) -> None:
    entity, account, [old] = company(database, 1000)
    barrier = threading.Barrier(20)

    def pay(_: int) -> str:
        barrier.wait()
        with database.transaction() as session:
            return record_payment(session, receipt(entity, account, 400, key="k"), by="user:1", now=NOW).public_id

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(pay, range(20)))) == 1
    with database.reading() as session:
        assert open_minor(session, old) == 600


def test_ten_full_payments_at_once_exactly_one_is_taken(database: Database) -> None:
    """Guarantee 2."""
    rounds = 50
    entity, account, items = _many(database, rounds)

    def pay(entry_id: int) -> bool:
        try:
            with database.transaction() as session:
                record_payment(session, receipt(entity, account, 1000, (entry_id, 1000)), by="user:1", now=NOW)
        except OverAllocationError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        for entry_id in items:
            assert sum(pool.map(pay, [entry_id] * 10)) == 1
    with database.reading() as session:
        assert [open_minor(session, entry_id) for entry_id in items] == [0] * rounds
        assert len(session.exec(select(Payment.id)).all()) == rounds


def _many(database: Database, count: int) -> tuple[int, int, list[int]]:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        items = [
            invoice(session, entity, account, 1000, on=date(2026, 1, 1), reference=f"INV-{n}") for n in range(count)
        ]
    return entity, account, items


def test_a_bounced_cheque_opens_what_it_had_settled(database: Database) -> None:
    entity, account, [old] = company(database, 1000)
    with database.transaction() as session:
        payment = record_payment(session, receipt(entity, account, 1000), by="user:1", now=NOW)
    assert payment.id is not None
    with database.transaction() as session:
        back = take_back(session, payment.id, why="the cheque bounced", by="user:1", now=NOW)
        assert (back.state, back.entry_id) == (PaymentState.FAILED, None)
    with pytest.raises(PaymentError), database.transaction() as session:
        take_back(session, payment.id, why="again", by="user:1", now=NOW)
    with database.reading() as session:
        assert open_minor(session, old) == 1000
        kinds = session.exec(select(Entry.kind).order_by(Entry.id)).all()  # type: ignore[arg-type]
        assert kinds == [EntryKind.INVOICE, EntryKind.PAYMENT, EntryKind.REVERSAL]


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_minor": 0},
        {"amount_minor": 10**15 + 1},
        {"received_on": date(2026, 3, 5)},
        {"received_on": date(1, 1, 1)},
        {"method": Method.ONLINE},
        {"currency": "XXX"},
        {"currency": "USD"},
        {"account_id": 999},
        {"entity_id": 999},
        {"targets": [Target(1, 600), Target(1, 300)]},
        {"targets": [Target(1, -5)]},
        {"targets": [Target(1, 5000)]},
        {"targets": [Target(2**62, 5)]},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(database: Database, changed: dict[str, object]) -> None:
    entity, account, [old] = company(database, 1000)
    wish = replace(receipt(entity, account, 1000, (old, 1000)), **changed)  # type: ignore[arg-type]
    with pytest.raises(DomainError), database.transaction() as session:
        record_payment(session, wish, by="user:1", now=NOW)
    with database.reading() as session:
        assert session.exec(select(Payment.id)).all() == []
        assert open_minor(session, old) == 1000


def test_another_customers_item_is_not_paid(database: Database) -> None:
    entity, _, [old] = company(database, 1000)
    with database.transaction() as session:
        other = customer(session, "C2")
    with pytest.raises(PaymentError), database.transaction() as session:
        record_payment(session, receipt(entity, other, 1000, (old, 1000)), by="user:1", now=NOW)
