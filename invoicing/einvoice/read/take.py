"""Taking in an electronic invoice made elsewhere: examined, matched, and owed from then on under its own number.

Its file is kept byte for byte; no other is made of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from lxml import etree
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import ConflictError
from ar.core.files import StoredFile, store
from ar.customers.accounts import open_account
from ar.customers.models import Account, LegalEntity
from ar.ledger.allocate import Share, allocate, locked_items
from ar.ledger.models import Entry, EntryKind
from invoicing.draft import DEFAULT_TERMS, Header, Prepared
from invoicing.einvoice.check import failures
from invoicing.einvoice.make import MEDIA_TYPES
from invoicing.einvoice.read.match import BuyerUnknownError, buyer_of, new_account, seller_of
from invoicing.einvoice.read.original import MAX_FILE_BYTES, Original, opened
from invoicing.einvoice.read.reckon import reckoned
from invoicing.einvoice.read.told import ToldInvoice, refused
from invoicing.issue import adopt
from invoicing.models import DocumentKind, FileFormat, Invoice, InvoiceFile, InvoiceInstalment
from invoicing.numbering import MAX_LENGTH
from invoicing.terms import parse
from invoicing.totals import Totals


class NumberTakenError(ConflictError):
    """There is another document of that number already."""

    code = "number-taken"


class Outcome(StrEnum):
    IMPORTED = "imported"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Examined:
    """An invoice that keeps the rules and adds up."""

    original: Original
    told: ToldInvoice
    sums: Totals


@dataclass(frozen=True)
class Taken:
    """What became of a file, and the document: `entry_id` names it as routes do."""

    outcome: Outcome
    entry_id: int
    account_id: int
    number: str
    kind: DocumentKind


def examine(content: bytes) -> Examined:
    """The invoice that a file carries, held against its XSD, the rules of EN 16931 and its own arithmetic.

    It takes a while, so call it outside a transaction. Raises EInvoiceRefusedError naming the rules, SchematronError
    when these cannot be run.
    """
    original = opened(content)
    # In UTF-8, whatever it came in: so the rules read it.
    plain = etree.tostring(original.root, encoding="UTF-8", xml_declaration=True)
    if found := failures(plain, original.syntax):
        raise refused(*(f"{one.rule}: {one.message}" for one in found))
    told = original.read()
    if not 0 < len(told.number) <= MAX_LENGTH or not told.number.isprintable():
        raise refused(f"its number [BT-1] must have 1 to {MAX_LENGTH} characters")
    return Examined(original, told, reckoned(told))


def take_in(
    session: Session,
    files_url: str,
    examined: Examined,
    *,
    file_name: str,
    account_code: str | None = None,
    create_accounts: bool = False,
    by: str,
    today: date,
    now: datetime,
) -> Taken:
    """The document as it is owed from now on; the same file again changes nothing.

    The buyer is the account that has one of its numbers, or that of `account_code`; one that is unknown is opened with
    `create_accounts`. Raises EInvoiceRefusedError, BuyerUnknownError, AccountNotFoundError, AccountError,
    NumberTakenError, RateMissingError.
    """
    told = examined.told
    seller = seller_of(session, told.seller)
    assert seller.id is not None
    # Whoever takes in for this seller waits: two of one file at once would both find the number free.
    session.exec(select(LegalEntity.id).where(col(LegalEntity.id) == seller.id).with_for_update()).one()
    if known := _known(session, seller.id, examined):
        return known
    if told.issue_on > today + timedelta(days=1):
        raise refused(f"it is of {told.issue_on}, a day to come [BT-2]")
    buyer = buyer_of(session, told.buyer, account_code=account_code)
    if buyer is None and not create_accounts:
        raise BuyerUnknownError(
            f"No account has a number of the buyer, {told.buyer.name[:100]}: give one its VAT number, SIREN, SIRET or "
            "GLN, say which account it is, or have the account opened"
        )
    if buyer is None:
        draft = new_account(told.buyer, currency=told.currency, language=seller.language)
        buyer = open_account(session, draft, by=by, now=now)
    assert buyer.id is not None
    corrected = _corrected(session, seller.id, buyer, told)
    header = _header(seller.id, buyer.id, examined, corrected, by=by, now=now)
    prepared = Prepared(header, [one.line for one in told.lines], examined.sums)
    adopted = adopt(session, prepared, told.number, by=by, now=now)
    assert adopted.id is not None
    assert adopted.entry_id is not None
    _settle(session, adopted, corrected, now=now)
    digest = _keep(session, files_url, adopted, examined.original, file_name=file_name, by=by, now=now)
    act = Act(
        by,
        f"{told.kind.value}.taken_in",
        f"account:{buyer.id}",
        {"number": told.number, "file": file_name[:150], "sha256": digest},
    )
    record(session, [act], now=now)
    return Taken(Outcome.IMPORTED, adopted.entry_id, buyer.id, told.number, told.kind)


def _known(session: Session, entity_id: int, examined: Examined) -> Taken | None:
    """What there is of the same number, when it came as the same file. Raises NumberTakenError when not."""
    told, original = examined.told, examined.original
    query = select(Invoice).where(
        col(Invoice.entity_id) == entity_id, col(Invoice.kind) == told.kind, col(Invoice.number) == told.number
    )
    document = session.exec(query).first()
    if document is not None and document.entry_id is not None:
        digests = {hashlib.sha256(one).hexdigest() for one in (original.pdf, original.xml) if one}
        files = (
            select(StoredFile)
            .join(InvoiceFile, col(InvoiceFile.file_id) == col(StoredFile.id))
            .where(col(InvoiceFile.invoice_id) == document.id)
        )
        if digests & {one.sha256 for one in session.exec(files)}:
            return Taken(Outcome.UNCHANGED, document.entry_id, document.account_id, told.number, told.kind)
        raise NumberTakenError(f"There is another document {told.number} of this seller already: nothing was changed")
    names = (told.number, f"{told.number}/1")
    in_ledger = select(Entry.id).where(
        col(Entry.entity_id) == entity_id,
        col(Entry.kind) == EntryKind(told.kind.value),
        col(Entry.reference).in_(names),
    )
    if session.exec(in_ledger).first() is not None:
        raise NumberTakenError(
            f"{told.number} is in the ledger already, without its document: reverse that entry, or leave the file out"
        )
    return None


def _corrected(session: Session, entity_id: int, buyer: Account, told: ToldInvoice) -> Sequence[int]:
    """The ledger entries of the invoice that a credit note names, where it is known."""
    if told.kind is not DocumentKind.CREDIT_NOTE or not told.corrects:
        return []
    document = session.exec(
        select(Invoice).where(
            col(Invoice.entity_id) == entity_id,
            col(Invoice.kind) == DocumentKind.INVOICE,
            col(Invoice.number) == told.corrects,
        )
    ).first()
    query = select(Entry).where(col(Entry.entity_id) == entity_id, col(Entry.kind) == EntryKind.INVOICE)
    if document is None:
        query = query.where(col(Entry.reference) == told.corrects)
    else:
        part = InvoiceInstalment
        of_it = select(part.entry_id).where(col(part.invoice_id) == document.id)
        query = query.where(col(Entry.id).in_(of_it))
    entries = session.exec(query.order_by(col(Entry.due_on), col(Entry.id))).all()
    if any(one.account_id != buyer.id or one.currency != told.currency for one in entries):
        raise refused(
            f"it corrects invoice {told.corrects} [BT-25], which is another customer's or in another currency"
        )
    if entries and _reversed(session, [one.id for one in entries if one.id]):
        raise refused(f"it corrects invoice {told.corrects} [BT-25], which was reversed")
    return [one.id for one in entries if one.id is not None]


def _reversed(session: Session, entry_ids: Sequence[int]) -> bool:
    query = select(Entry.id).where(among(session, col(Entry.reverses_id), entry_ids))
    return session.exec(query).first() is not None


def _header(
    entity_id: int, account_id: int, examined: Examined, corrected: Sequence[int], *, by: str, now: datetime
) -> Header:
    told, sums = examined.told, examined.sums
    usual = told.issue_on if told.kind is DocumentKind.CREDIT_NOTE else parse(DEFAULT_TERMS).due_on(told.issue_on)
    return Header(
        entity_id=entity_id,
        account_id=account_id,
        kind=told.kind,
        series="",
        issue_on=told.issue_on,
        due_on=max(told.due_on or usual, told.issue_on),
        supplied_on=told.supplied_on,
        currency=told.currency,
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        total_minor=sums.total_minor,
        buyer_reference=told.buyer_reference,
        purchase_order=told.purchase_order,
        order_reference=told.order_reference,
        note=told.note,
        stage=told.stage,
        period_from=told.period_from,
        period_to=told.period_to,
        corrects_entry_id=corrected[0] if corrected else None,
        created_at=now,
        created_by=by,
    )


def _settle(session: Session, adopted: Invoice, corrected: Sequence[int], *, now: datetime) -> None:
    """Set a credit note against what is open of the invoice that it corrects."""
    assert adopted.entry_id is not None
    items = locked_items(session, corrected)
    shares, rest = [], adopted.total_minor
    for entry_id in corrected:
        settles = min(items[entry_id]["open_minor"], rest)
        if settles:
            shares.append(Share(entry_id, adopted.entry_id, settles))
            rest -= settles
    day = max([adopted.issue_on, *(one["effective_on"] for one in items.values())])
    allocate(session, shares, on=day, source=f"invoice:{adopted.id}", now=now)


def _keep(
    session: Session,
    files_url: str,
    adopted: Invoice,
    original: Original,
    *,
    file_name: str,
    by: str,
    now: datetime,
) -> str:
    """Store the file as the document's own; the digest of what came."""
    assert adopted.id is not None
    parts = {original.syntax: original.xml} | ({FileFormat.PDF: original.pdf} if original.pdf else {})
    came = ""
    for form, content in parts.items():
        inside = original.pdf is not None and form is not FileFormat.PDF
        stored = store(
            session,
            files_url,
            name=f"{adopted.number}-{form.value}.xml" if inside else file_name,
            content=content,
            media_type=MEDIA_TYPES[form],
            subject_ref=f"invoice:{adopted.id}",
            stored_by=by,
            max_bytes=MAX_FILE_BYTES,
            now=now,
        )
        session.add(InvoiceFile(invoice_id=adopted.id, format=form, file_id=stored.id, made_at=now))
        came = stored.sha256
    session.flush()
    return came
