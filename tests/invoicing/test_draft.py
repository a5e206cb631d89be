"""Drafts: stored whole, approved, issued together as of a day, or discarded; nothing is owed before."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col, select

from ar.core.audit import AuditEntry
from ar.core.db import Database, table
from ar.core.jobs import Job
from ar.ledger.models import Entry, EntryKind, OpenItem
from ar.ledger.post import Posting, post
from invoicing.documents import InvoiceNotFoundError, detail
from invoicing.draft import InvoiceDraft, IssuedError, Place, approve, discard, draft_all
from invoicing.issue import issue_all
from invoicing.models import (
    Invoice,
    InvoiceAdjustment,
    InvoiceInstalment,
    InvoiceLine,
    InvoicePreceding,
    InvoiceStage,
    InvoiceTax,
)
from invoicing.totals import Adjustment
from tests.invoicing.make import NOW, TODAY, customer, draft, line, seller

PARTS: tuple[type[SQLModel], ...] = (InvoiceLine, InvoiceTax, InvoiceAdjustment, InvoicePreceding, InvoiceInstalment)


def drafts(session: object, *given: InvoiceDraft) -> list[int]:
    return draft_all(session, given, by="user:1", today=TODAY, now=NOW)  # type: ignore[arg-type]


def test_drafts_are_issued_together_in_their_order(database: Database) -> None:
    later = TODAY + timedelta(days=3)
    with database.transaction() as session:
        one, two, buyer = seller(session), seller(session, "FR2"), customer(session)
        used = Posting(one, buyer, EntryKind.INVOICE, 500, "EUR", TODAY, reference="FR1-2026-000002")
        post(session, [used], now=NOW)
        ids = drafts(
            session,
            draft(one, buyer, terms="net 10"),
            draft(two, buyer, terms="50% net 0; 50% net 30"),
            draft(one, buyer, due_on=TODAY + timedelta(days=1)),
            draft(one, buyer, series="X"),
            draft(one, buyer, terms="2/10 net 30"),
        )
        assert session.exec(select(func.count()).select_from(Entry)).one() == 1
    with database.transaction() as session:
        approve(session, ids[:1], by="user:2", now=NOW)
        issue_all(session, ids, by="user:3", today=later, now=NOW)
    with database.reading() as session:
        found = {one.id: one for one in session.exec(select(Invoice))}
        made = [found[document_id] for document_id in ids]
        assert [one.number for one in made] == [
            "FR1-2026-000001",
            "FR2-2026-000001",
            "FR1-2026-000003",
            "FR1-X-2026-000001",
            "FR1-2026-000004",
        ]
        assert {one.issue_on for one in made} == {later}
        assert [one.due_on for one in made[:3]] == [later + timedelta(10), later + timedelta(30), later]
        assert (made[0].created_by, made[0].approved_by, made[0].issued_by) == ("user:1", "user:2", "user:3")
        items = {one.reference: one for one in session.exec(select(OpenItem))}
        assert {"FR2-2026-000001/1", "FR2-2026-000001/2"} <= set(items)
        assert items["FR1-2026-000004"].discount_until == later + timedelta(days=10)
        assert session.exec(select(func.count()).where(Job.name == "make-invoice-files")).one() == len(ids)


def test_a_draft_keeps_all_it_says(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        [deposit] = drafts(session, draft(entity_id, buyer, stage=InvoiceStage.DEPOSIT))
        issue_all(session, [deposit], by="system", today=TODAY, now=NOW)
        given = draft(
            entity_id,
            buyer,
            adjustments=[Adjustment("Gift", amount_minor=5)],
            stage=InvoiceStage.FINAL,
            preceding=[deposit],
            period_from=date(2026, 3, 1),
            period_to=date(2026, 3, 31),
            order_reference="SO-7",
            deliver_to=Place("Depot", "FR", city="Lyon"),
        )
        [final] = drafts(session, given)
        issue_all(session, [final], by="system", today=TODAY, now=NOW)
        issued = session.get_one(Invoice, final)
        assert issued.deliver_to == {"name": "Depot", "country": "FR", "street": "", "postcode": "", "city": "Lyon"}
        assert issued.entry_id is not None
        found = detail(session, issued.entry_id)
        assert [one.id for one in found.preceding] == [deposit]
        assert [one.amount_minor for one in found.adjustments] == [5]
        first = detail(session, found.preceding[0].entry_id or 0)
        assert [one.id for one in first.following] == [final]


def test_a_discarded_draft_leaves_nothing_but_its_trace(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        kept, gone = drafts(session, draft(entity_id, buyer), draft(entity_id, buyer, line("2"), terms="net 5"))
    with database.transaction() as session:
        discard(session, gone, reason="billed twice", by="user:1", now=NOW)
    with database.transaction() as session:
        for part in PARTS:
            owners = table(part).c.invoice_id
            assert session.connection().execute(select(owners).where(owners == gone)).first() is None
        issue_all(session, [kept], by="user:1", today=TODAY, now=NOW)
        assert session.get_one(Invoice, kept).number == "FR1-2026-000001"
        told = session.exec(select(AuditEntry).where(col(AuditEntry.action) == "invoice.discarded")).one()
        assert told.change is not None
        assert told.change["reason"] == "billed twice"
        with pytest.raises(InvoiceNotFoundError):
            discard(session, gone, reason="again", by="user:1", now=NOW)
        with pytest.raises(IssuedError, match="credit it"):
            discard(session, kept, reason="late", by="user:1", now=NOW)
        with pytest.raises(IssuedError):
            issue_all(session, [kept], by="user:1", today=TODAY, now=NOW)


@pytest.mark.parametrize("part", [InvoiceAdjustment, InvoicePreceding])
def test_parts_of_an_issued_document_do_not_change(database: Database, part: type[SQLModel]) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        [before] = drafts(session, draft(entity_id, buyer))
        [after] = drafts(
            session, draft(entity_id, buyer, adjustments=[Adjustment("x", amount_minor=5)], preceding=[before])
        )
        issue_all(session, [after], by="system", today=TODAY, now=NOW)
    with pytest.raises(IntegrityError, match="does not change"), database.transaction() as session:
        session.connection().execute(table(part).delete())


def test_a_faulty_draft_stores_none(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
    with pytest.raises(Exception, match="no account 99"), database.transaction() as session:
        drafts(session, draft(entity_id, buyer), draft(entity_id, 99))
    with pytest.raises(Exception, match="no legal entity 99"), database.transaction() as session:
        drafts(session, draft(99, buyer))
    with database.reading() as session:
        assert session.exec(select(Invoice.state)).all() == []
