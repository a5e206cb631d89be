"""The files of an issued document: built, checked once, and stored; or what they failed, for a person to mend.

A job does this: see want.py; its last act is to have the document delivered. Where the electronic invoice fails a
rule, the printed page is made without it, and claims nothing. What was made is never made again, but for documents of
which something failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from ar.core.access.links import ASK_PATH
from ar.core.audit import Act, record
from ar.core.files import FileRefusedError, checked_type, store
from ar.core.kernel import Kernel
from invoicing.delivery.want import want_delivery
from invoicing.einvoice.check import Failure, failures
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.facts import DocumentFacts
from invoicing.einvoice.gather import gather
from invoicing.einvoice.pdf import build_pdf
from invoicing.einvoice.qr import epc_qr
from invoicing.einvoice.sheet import sheet
from invoicing.einvoice.ubl import build_ubl
from invoicing.logos.change import logos_for
from invoicing.models import FileFormat, Invoice, InvoiceFile

MAX_BYTES = 64 * 2**20
"""Far above what a thousand lines make."""

MEDIA_TYPES = {
    FileFormat.PDF: "application/pdf",
    FileFormat.CII: "application/xml",
    FileFormat.UBL: "application/xml",
}
_SUFFIXES = {FileFormat.PDF: ".pdf", FileFormat.CII: "-cii.xml", FileFormat.UBL: "-ubl.xml"}


@dataclass(frozen=True)
class Made:
    """One file as it was built, or what it failed."""

    format: FileFormat
    content: bytes
    failures: Sequence[Failure] = ()


def make_invoice_files(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: make the files of the document `invoice_id`, unless they were made. Says what came of it.

    Raises SchematronError when the rules cannot be run: nothing is stored then, and the job is tried again.
    """
    invoice_id, instead_of = int(arguments["invoice_id"]), arguments["instead_of"]
    with kernel.database.reading() as session:
        document = session.get_one(Invoice, invoice_id)
        if not _wanted(session, invoice_id, instead_of):
            return f"{document.number}: made before"
        facts = gather(session, kernel.renderer, document)
        logos = logos_for(session, kernel.settings.files, {document.entity_id: facts.seller.name})
    facts = replace(facts, pay_online=f"{kernel.settings.base_url}{ASK_PATH}")
    made = build_all(kernel, facts, logo=logos.get(document.entity_id), made_at=now)
    with kernel.database.transaction() as session:
        document = session.get_one(Invoice, invoice_id, with_for_update=True)
        if not _wanted(session, invoice_id, instead_of):
            return f"{document.number}: made before"
        _keep(session, kernel, document, made, now=now)
    failed = [f"{one.format.value} failed {one.failures[0].rule}" for one in made if one.failures]
    return f"{document.number}: {', '.join(failed) or 'made'}"


def _wanted(session: Session, invoice_id: int, instead_of: str | None) -> bool:
    """Whether there are no files yet, or those of the instant `instead_of`."""
    query = select(InvoiceFile.made_at).where(col(InvoiceFile.invoice_id) == invoice_id).limit(1)
    made_at = session.exec(query).first()
    return (made_at.isoformat() if made_at else None) == instead_of


def build_all(
    kernel: Kernel, facts: DocumentFacts, *, logo: dict[str, Any] | None = None, made_at: datetime
) -> list[Made]:
    """The CII, the UBL and the page of a document, each checked; `logo` heads the page. Raises SchematronError."""
    cii, ubl = build_cii(facts), build_ubl(facts)
    electronic = [_checked(FileFormat.CII, cii, facts), _checked(FileFormat.UBL, ubl, facts)]
    say = partial(kernel.renderer.text, language=facts.language)
    content = sheet(facts, say, qr=epc_qr(facts)) | {"logo": logo}
    page = build_pdf(content, None if electronic[0].failures else cii, made_at=made_at)
    return [*electronic, Made(FileFormat.PDF, page)]


def _checked(syntax: FileFormat, document: bytes, facts: DocumentFacts) -> Made:
    found = failures(document, syntax, french=facts.by_french_platform)
    try:
        checked_type(document, MEDIA_TYPES[syntax])
    except FileRefusedError as error:  # a text that the store takes for something a browser would run
        found.append(Failure(error.code, error.message))
    return Made(syntax, document, found)


def _keep(session: Session, kernel: Kernel, document: Invoice, made: Sequence[Made], *, now: datetime) -> None:
    assert document.id is not None
    of_it = col(InvoiceFile.invoice_id) == document.id
    replaced = session.connection().execute(delete(InvoiceFile).where(of_it)).rowcount > 0
    told: dict[str, Any] = {"replaced": replaced}
    for one in made:
        stored = None
        if not one.failures:
            stored = store(
                session,
                kernel.settings.files,
                name=f"{document.number}{_SUFFIXES[one.format]}",
                content=one.content,
                media_type=MEDIA_TYPES[one.format],
                subject_ref=f"invoice:{document.id}",
                stored_by="system",
                max_bytes=MAX_BYTES,
                now=now,
            )
        told[one.format.value] = stored.sha256 if stored else [failure.rule for failure in one.failures]
        session.add(
            InvoiceFile(
                invoice_id=document.id,
                format=one.format,
                file_id=stored.id if stored else None,
                failures=None if stored else [{"rule": f.rule, "message": f.message} for f in one.failures],
                made_at=now,
            )
        )
    act = Act("system", f"{document.kind.value}.files_made", f"account:{document.account_id}", {"after": told})
    record(session, [act], now=now)
    want_delivery(session, document.id, made_at=now, now=now)
