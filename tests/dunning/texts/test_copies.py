"""Copies that go along with a reminder, as many as one message holds; statements; links to the rest."""

from __future__ import annotations

from sqlmodel import Session

from ar.core.files import StoredFile
from ar.core.kernel import Kernel
from ar.core.mail import MAX_ATTACHED_BYTES
from dunning.texts.copies import copies_for, links_for
from invoicing.issue import issue
from invoicing.models import FileFormat, InvoiceFile
from tests.invoicing.make import NOW, TODAY, customer, draft, seller


def printed(session: Session, entity_id: int, account_id: int, size: int | None) -> int:
    """The entry of an issued invoice with a copy of that size; None for one that is not made yet."""
    made = issue(session, draft(entity_id, account_id), by="user:1", today=TODAY, now=NOW)
    assert made.entry_id is not None
    assert made.id is not None
    if size is not None:
        stored = StoredFile(
            sha256=f"{made.id:064d}",
            size=size,
            name="invoice.pdf",
            media_type="application/pdf",
            subject_ref=f"invoice:{made.id}",
            stored_by="system",
            stored_at=NOW,
        )
        session.add(stored)
        session.flush()
        for form in (FileFormat.PDF, FileFormat.UBL):
            session.add(InvoiceFile(invoice_id=made.id, format=form, file_id=stored.id, made_at=NOW))
        session.flush()
    return made.entry_id


def test_copies_are_chosen_in_order_as_far_as_they_fit(kernel: Kernel) -> None:
    third = MAX_ATTACHED_BYTES // 3
    with kernel.database.transaction() as session:
        entity_id, account_id = seller(session), customer(session)
        sizes = (third, 2 * third, None, third, 100)
        one, two, none, four, small = (printed(session, entity_id, account_id, size) for size in sizes)
        chosen = copies_for(session, [[one, two, none, four, small], [four, none], [], [999]])
    assert [list(copies) for copies in chosen] == [[one, two], [four], [], []]
    assert chosen[1][four] not in chosen[0].values()
    with kernel.database.transaction() as session:
        assert list(copies_for(session, [[two, one, four, small]])[0]) == [two, one]
        assert list(copies_for(session, [[one, four, two, small]])[0]) == [one, four, small]


def test_what_is_not_attached_is_linked() -> None:
    assert links_for("https://ar.example/pay/abc", {5: "INV-5", 6: ""}) == {
        "INV-5": "https://ar.example/pay/abc?document=5"
    }
