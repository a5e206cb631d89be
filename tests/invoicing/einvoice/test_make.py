"""From the issuing transaction to the stored files: once, checked, and never for an invoice that was not issued."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from ar.core.files import read
from ar.core.jobs import Job, JobState, run_due
from ar.core.kernel import Kernel
from ar.customers.accounts import add_identifier
from ar.customers.entities import add_bank_account, entity
from ar.rota import ROTA
from invoicing.credit import credit
from invoicing.einvoice import schematron
from invoicing.einvoice.find import BeingMadeError, FailedError, NothingFailedError, again, file_of, files_of, with_page
from invoicing.einvoice.make import make_invoice_files
from invoicing.einvoice.want import MAKE_JOB
from invoicing.issue import issue
from invoicing.models import FileFormat, Invoice, InvoiceFile, InvoiceInstalment
from tests.invoicing.make import NOW, TODAY, customer, draft, line, seller

PDF, CII, UBL = FileFormat.PDF, FileFormat.CII, FileFormat.UBL


def issued(
    kernel: Kernel, *lines: Any, vat: str | None = "FR40303265045", today: date = TODAY, **changes: Any
) -> Invoice:
    """An invoice just issued by a seller with a bank account; its files are not made yet."""
    with kernel.database.transaction() as session:
        entity_id, account_id = seller(session), customer(session)
        entity(session, entity_id).vat_number = vat
        iban = "FR1420041010050500013M02606"
        add_bank_account(session, entity_id, iban=iban, holder="Seller", currency="EUR", by="system", now=NOW)
        return issue(session, draft(entity_id, account_id, *lines, **changes), by="user:1", today=today, now=NOW)


def worked(kernel: Kernel, minutes: int = 0) -> list[Job]:
    """The jobs after those that are due were run."""
    run_due(kernel, ROTA.handlers, now=NOW + timedelta(minutes=minutes), limit=100)
    with kernel.database.reading() as session:
        return list(session.exec(select(Job).where(col(Job.name) == MAKE_JOB).order_by(col(Job.id))))


def made(kernel: Kernel, entry_id: int | None) -> dict[FileFormat, list[str] | None]:
    """By format what it failed, None where it is stored."""
    assert entry_id is not None
    with kernel.database.reading() as session:
        found = files_of(session, entry_id)
    return {one.made.format: [f["rule"] for f in one.made.failures] if one.made.failures else None for one in found}


def content(kernel: Kernel, entry_id: int | None, wanted: FileFormat) -> bytes:
    assert entry_id is not None
    with kernel.database.reading() as session:
        return read(file_of(session, entry_id, wanted), kernel.settings.files)


def test_issuing_has_the_files_made(kernel: Kernel) -> None:
    invoice = issued(kernel)
    assert invoice.entry_id is not None
    with kernel.database.reading() as session, pytest.raises(BeingMadeError):
        file_of(session, invoice.entry_id, PDF)
    [job] = worked(kernel)
    assert (job.state, job.outcome) == (JobState.DONE, f"{invoice.number}: made")
    assert made(kernel, invoice.entry_id) == {PDF: None, CII: None, UBL: None}
    pdf = PdfReader(BytesIO(content(kernel, invoice.entry_id, PDF)))
    assert pdf.attachments == {"factur-x.xml": [content(kernel, invoice.entry_id, CII)]}
    assert str(invoice.number) in pdf.pages[0].extract_text()
    with kernel.database.reading() as session:
        stored = file_of(session, invoice.entry_id, PDF)
    assert (stored.name, stored.subject_ref) == (f"{invoice.number}.pdf", f"invoice:{invoice.id}")


def test_what_is_not_issued_is_not_made(kernel: Kernel) -> None:
    with pytest.raises(RuntimeError), kernel.database.transaction() as session:
        issue(session, draft(seller(session), customer(session)), by="user:1", today=TODAY, now=NOW)
        raise RuntimeError
    assert worked(kernel) == []


def test_a_job_run_twice_makes_nothing_twice(kernel: Kernel) -> None:
    invoice = issued(kernel)
    worked(kernel)
    before = content(kernel, invoice.entry_id, PDF)
    said = make_invoice_files(kernel, {"invoice_id": invoice.id, "instead_of": None}, NOW + timedelta(days=1))
    assert said == f"{invoice.number}: made before"
    assert content(kernel, invoice.entry_id, PDF) == before


def test_a_credit_note_has_files_of_its_own(kernel: Kernel) -> None:
    invoice = issued(kernel, supplied_on=TODAY)
    assert invoice.entry_id is not None
    with kernel.database.transaction() as session:
        note = credit(session, invoice.entry_id, reason="too much", by="user:1", today=TODAY, now=NOW)
    worked(kernel)
    assert made(kernel, note.entry_id) == {PDF: None, CII: None, UBL: None}
    cii = content(kernel, note.entry_id, CII).decode()
    assert invoice.number is not None
    assert invoice.number in cii
    assert "<ram:TypeCode>381</ram:TypeCode>" in cii
    assert "too much" in cii


def test_each_instalment_leads_to_the_one_document_which_tells_them_all(kernel: Kernel) -> None:
    invoice = issued(kernel, terms="50% net 0; 50% net 30")
    worked(kernel)
    with kernel.database.reading() as session:
        query = select(InvoiceInstalment.entry_id).where(col(InvoiceInstalment.invoice_id) == invoice.id)
        first, second = session.exec(query.order_by(col(InvoiceInstalment.position))).all()
        assert with_page(session, [first, second]) == {first, second}
    assert made(kernel, first) == {PDF: None, CII: None, UBL: None}
    assert content(kernel, second, PDF) == content(kernel, first, PDF)
    text = PdfReader(BytesIO(content(kernel, second, PDF))).pages[0].extract_text()
    assert "instalments" in " ".join(text.split())
    with kernel.database.transaction() as session:
        note = credit(session, second, reason="void", by="user:1", today=TODAY, now=NOW)
    worked(kernel)
    assert (
        f"<ram:IssuerAssignedID>{invoice.number}</ram:IssuerAssignedID>" in content(kernel, note.entry_id, CII).decode()
    )


def test_what_fails_is_told_kept_back_and_made_again_once_mended(kernel: Kernel) -> None:
    invoice = issued(kernel, vat=None)
    assert invoice.entry_id is not None
    [job] = worked(kernel)
    assert "cii failed BR-" in (job.outcome or "")
    found = made(kernel, invoice.entry_id)
    assert found[PDF] is None
    assert "BR-S-02" in (found[CII] or ())
    assert "BR-S-02" in (found[UBL] or ())
    assert PdfReader(BytesIO(content(kernel, invoice.entry_id, PDF))).attachments == {}, "it claims nothing"
    with kernel.database.reading() as session, pytest.raises(FailedError, match="BR-S-02"):
        file_of(session, invoice.entry_id, UBL)
    with kernel.database.transaction() as session:
        entity(session, invoice.entity_id).vat_number = "FR40303265045"
        again(session, invoice.entry_id, by="user:1", now=NOW + timedelta(minutes=1))
        again(session, invoice.entry_id, by="user:1", now=NOW + timedelta(minutes=1))  # a second click
    assert len(worked(kernel, minutes=2)) == 2
    assert made(kernel, invoice.entry_id) == {PDF: None, CII: None, UBL: None}
    with kernel.database.transaction() as session, pytest.raises(NothingFailedError):
        again(session, invoice.entry_id, by="user:1", now=NOW)


def test_rules_that_cannot_be_run_leave_nothing_and_are_tried_again(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = issued(kernel)
    monkeypatch.setattr(schematron, "SECONDS", 0.00001)
    [job] = worked(kernel)
    assert job.state is JobState.QUEUED
    assert "could not be run" in (job.outcome or "")
    assert made(kernel, invoice.entry_id) == {}
    monkeypatch.undo()
    [job] = worked(kernel, minutes=5)
    assert job.state is JobState.DONE


def test_a_sale_to_another_country_says_when_it_was_supplied(kernel: Kernel) -> None:
    exempt = line("1", "500", "0", "K")
    invoice = issued(kernel, exempt, supplied_on=TODAY)
    with kernel.database.transaction() as session:
        add_identifier(session, invoice.account_id, "vat", "DE136695976", by="system", now=NOW)
    worked(kernel)
    assert made(kernel, invoice.entry_id) == {PDF: None, CII: None, UBL: None}
    text = PdfReader(BytesIO(content(kernel, invoice.entry_id, PDF))).pages[0].extract_text()
    assert "262 ter I" in text


def test_a_text_that_the_store_refuses_is_a_failure_that_is_told(kernel: Kernel) -> None:
    invoice = issued(kernel, line(text="see http://www.w3.org/2000/svg"))
    worked(kernel)
    assert made(kernel, invoice.entry_id) == {PDF: None, CII: ["file-refused"], UBL: ["file-refused"]}


def test_the_database_keeps_one_file_of_each_format_or_what_it_failed(kernel: Kernel) -> None:
    invoice = issued(kernel)
    worked(kernel)
    assert invoice.id is not None
    twin = InvoiceFile(invoice_id=invoice.id, format=PDF, failures=[], made_at=NOW)
    neither = InvoiceFile(invoice_id=invoice.id, format=PDF, made_at=NOW)
    for wrong in (twin, neither):
        with pytest.raises(IntegrityError), kernel.database.transaction() as session:
            session.add(wrong)


def test_one_that_no_job_was_made_for_can_be_asked_for(kernel: Kernel) -> None:
    invoice = issued(kernel)
    assert invoice.entry_id is not None
    with kernel.database.transaction() as session, pytest.raises(BeingMadeError):
        again(session, invoice.entry_id, by="user:1", now=NOW)
    with kernel.database.transaction() as session:
        session.connection().execute(delete(Job))
        again(session, invoice.entry_id, by="user:1", now=NOW)
    worked(kernel)
    assert made(kernel, invoice.entry_id) == {PDF: None, CII: None, UBL: None}
