from __future__ import annotations

from datetime import date

import numpy as np
from sqlmodel import Session

from ar.core.db import Database
from ar.ledger.allocate import Share, allocate, deallocate
from ar.ledger.items import mark_disputed
from ar.ledger.models import EntryKind
from prediction.history import read_history
from prediction.outcomes import NEVER, History, day_number, day_of
from tests.ledger.make import NOW, customer, invoice, posted, seller
from tests.prediction.make import book, simulated


def day(number: int) -> date:
    return date(2026, 1, number)


def settle(session: Session, debit: int, credit: int, minor: int, on: date) -> list[int]:
    return allocate(session, [Share(debit, credit, minor)], on=on, source="test", now=NOW)


def line(history: History, entry_id: int) -> tuple[int, bool, int]:
    at = int(np.flatnonzero(history.entry_id == entry_id)[0])
    return int(history.closed[at]), bool(history.paid[at]), int(history.disputed[at])


def test_an_invoice_ends_on_the_day_nothing_is_open_any_more(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 1000, on=day(2), due=day(20))
        credit = posted(session, entity, account, EntryKind.CREDIT_NOTE, 300, on=day(5), reference="CN-1")
        payment = posted(session, entity, account, EntryKind.PAYMENT, 700, on=day(25))
        settle(session, bill, credit, 300, day(6))
        settle(session, bill, payment, 700, day(25))
    with database.reading() as session:
        whole = read_history(session, as_of=day(31))
        before = read_history(session, as_of=day(24))
        earlier = read_history(session, as_of=day(1))
    assert len(whole) == 1, "credit notes and payments are not invoices"
    assert line(whole, bill) == (day_number(day(25)), True, NEVER)
    assert line(before, bill) == (NEVER, False, NEVER)
    assert len(earlier) == 0
    assert (whole.issued[0], whole.due[0]) == (day_number(day(2)), day_number(day(20)))
    assert (whole.amount[0], whole.major[0], str(whole.currency[0])) == (1000, 100, "EUR")


def test_what_a_credit_note_alone_closed_was_not_paid(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 1000, on=day(2))
        credit = posted(session, entity, account, EntryKind.CREDIT_NOTE, 1000, on=day(5), reference="CN-1")
        settle(session, bill, credit, 1000, day(6))
    with database.reading() as session:
        assert line(read_history(session, as_of=day(31)), bill) == (day_number(day(6)), False, NEVER)


def test_an_allocation_taken_back_opens_the_invoice_again(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 1000, on=day(2))
        payment = posted(session, entity, account, EntryKind.PAYMENT, 1000, on=day(5))
        made = settle(session, bill, payment, 1000, day(5))
        deallocate(session, made, on=day(9), source="test", now=NOW)
    with database.reading() as session:
        assert line(read_history(session, as_of=day(8)), bill)[0] == day_number(day(5))
        assert line(read_history(session, as_of=day(9)), bill) == (NEVER, False, NEVER)
    with database.transaction() as session:
        settle(session, bill, payment, 1000, day(12))
    with database.reading() as session:
        assert line(read_history(session, as_of=day(31)), bill)[0] == day_number(day(12))


def test_what_cancels_out_on_a_later_day_does_not_move_the_end(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 1000, on=day(2))
        payment = posted(session, entity, account, EntryKind.PAYMENT, 1000, on=day(5))
        made = settle(session, bill, payment, 1000, day(5))
        deallocate(session, made, on=day(20), source="test", now=NOW)
        settle(session, bill, payment, 1000, day(20))
    with database.reading() as session:
        assert line(read_history(session, as_of=day(31)), bill)[0] == day_number(day(5))


def test_a_dispute_is_known_from_its_first_mark_on(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 1000, on=day(2))
        mark_disputed(session, bill, 400, on=day(10), source="test")
        mark_disputed(session, bill, -400, on=day(15), source="test")
    with database.reading() as session:
        assert line(read_history(session, as_of=day(9)), bill)[2] == NEVER
        assert line(read_history(session, as_of=day(31)), bill)[2] == day_number(day(10))


def test_the_ledger_gives_back_what_was_booked_as_of_any_day(database: Database) -> None:
    known = simulated(customers=12, each=10)
    with database.transaction() as session:
        numbers = book(session, known)
    order = np.array([numbers[one] for one in known.entry_id.tolist()])
    for as_of in (known.as_of, known.as_of - 60):
        with database.reading() as session:
            found = read_history(session, as_of=day_of(as_of))
        wanted = known.known_on(as_of)
        assert found.as_of == as_of
        assert found.entry_id.tolist() == sorted(order[: len(wanted)].tolist())
        for name in ("amount", "issued", "due", "closed", "paid", "disputed", "major"):
            assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
