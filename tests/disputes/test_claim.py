from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import Session

from ar.core.db import Database
from ar.disputes.claim import (
    DisputeError,
    DisputeNotFoundError,
    DisputeResolvedError,
    disputes_of,
    open_dispute,
    resolve_dispute,
)
from ar.disputes.models import Dispute, Outcome, Reason
from ar.ledger.allocate import ItemNotFoundError, Share, allocate
from ar.ledger.items import open_items
from ar.ledger.models import EntryKind
from ar.ledger.post import reverse
from tests.ledger.make import NOW, customer, invoice, posted, seller

TODAY = date(2026, 3, 10)


def contest(session: Session, entry_id: int, amount: int | None = None) -> Dispute:
    return open_dispute(
        session,
        entry_id=entry_id,
        amount_minor=amount,
        reason=Reason.QUANTITY,
        text="two boxes short",
        by="customer:1",
        today=TODAY,
        now=NOW,
    )


def resolve(session: Session, dispute_id: int, outcome: Outcome, accepted: int = 0) -> Dispute:
    return resolve_dispute(
        session,
        dispute_id,
        outcome=outcome,
        accepted_minor=accepted,
        answer="checked with the carrier",
        by="user:1",
        today=date(2026, 3, 20),
        now=NOW,
    )


def contested(session: Session, day: date) -> list[int]:
    return [item.disputed_minor for item in open_items(session, as_of=day)]


def test_part_of_an_invoice_is_contested_and_resolved(database: Database) -> None:
    with database.transaction() as session:
        bill = invoice(session, seller(session), customer(session), 10_000, on=date(2026, 3, 1))
        made = contest(session, bill, 2_500)
        assert made.id is not None
        with pytest.raises(DisputeError, match=r"75\.00 EUR"):
            contest(session, bill, 7_501)
        rest = contest(session, bill)
        assert rest.amount_minor == 7_500
        with pytest.raises(DisputeError):
            contest(session, bill)
        for outcome, accepted in [(Outcome.ACCEPTED, 1), (Outcome.PARTLY, 2_500), (Outcome.REJECTED, 1)]:
            with pytest.raises(DisputeError):
                resolve(session, made.id, outcome, accepted)
        resolve(session, made.id, Outcome.PARTLY, 1_000)
        with pytest.raises(DisputeResolvedError):
            resolve(session, made.id, Outcome.REJECTED)
    with database.reading() as session:
        assert [contested(session, date(2026, 3, day)) for day in (9, 10, 19, 20)] == [[0], [10_000], [10_000], [7_500]]
        assert [(d.amount_minor, d.outcome) for d in disputes_of(session, 1)] == [
            (7_500, None),
            (2_500, Outcome.PARTLY),
        ]


def test_what_is_not_owed_cannot_be_contested(database: Database) -> None:
    with database.transaction() as session:
        entity, account = seller(session), customer(session)
        bill = invoice(session, entity, account, 10_000, on=date(2026, 3, 1))
        paid = posted(session, entity, account, EntryKind.PAYMENT, 10_000, on=date(2026, 3, 2))
        allocate(session, [Share(bill, paid, 10_000)], on=date(2026, 3, 2), source="test", now=NOW)
        for entry in (bill, paid):
            with pytest.raises(DisputeError):
                contest(session, entry)
        with pytest.raises(ItemNotFoundError):
            contest(session, 999)
        with pytest.raises(DisputeNotFoundError):
            resolve(session, 999, Outcome.REJECTED)


def test_a_dispute_on_a_reversed_invoice_can_still_be_closed(database: Database) -> None:
    with database.transaction() as session:
        bill = invoice(session, seller(session), customer(session), 10_000, on=date(2026, 3, 1))
        made = contest(session, bill)
        assert made.id is not None
        reverse(session, bill, on=date(2026, 3, 15), source="test", now=NOW)
        assert resolve(session, made.id, Outcome.WITHDRAWN).outcome is Outcome.WITHDRAWN
        assert contested(session, date(2026, 3, 31)) == []
