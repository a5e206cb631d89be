"""Issuing: lines become a numbered document that never changes and an entry in the ledger, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault
from ar.core.money import exponent
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from invoicing import terms
from invoicing.einvoice.want import want_files
from invoicing.models import DocumentKind, Invoice, InvoiceInstalment, InvoiceLine, InvoiceState, InvoiceTax
from invoicing.numbering import references, take_number
from invoicing.terms import DiscountWindow, Instalment, Terms, TermsError, discount_windows, schedule
from invoicing.totals import Line, Totals, totals

DEFAULT_TERMS = "net 30"


class InvoiceError(DomainError):
    """The invoice cannot be issued as given; the faults say where and why."""

    code = "bad-invoice"


@dataclass(frozen=True)
class InvoiceDraft:
    """An invoice to issue. The currency is the account's, the day today, and the terms net 30 when not given.

    `due_on` comes before `terms`, of which it is otherwise counted; it does not go with instalments or a discount.
    """

    entity_id: int
    account_id: int
    lines: Sequence[Line]
    currency: str | None = None
    issue_on: date | None = None
    due_on: date | None = None
    supplied_on: date | None = None
    terms: str = ""
    series: str = ""
    buyer_reference: str = ""
    purchase_order: str = ""
    note: str = ""


def issue(session: Session, draft: InvoiceDraft, *, by: str, today: date, now: datetime) -> Invoice:
    """The invoice just issued: numbered, posted to the ledger, and never to change.

    Raises EntityNotFoundError, AccountNotFoundError, TotalsError, TermsError, CurrencyError, SeriesError,
    OutOfOrderError, or InvoiceError for days that cannot be.
    """
    buyer = account(session, draft.account_id)
    currency = draft.currency or buyer.currency
    exponent(currency)
    issue_on = draft.issue_on or today
    agreed = _agreed(draft)
    _check_days(issue_on, draft.due_on or agreed.due_on(issue_on), today=today)
    sums = totals(draft.lines, currency)
    whole = Instalment(draft.due_on, sums.total_minor) if draft.due_on else None
    instalments = (whole,) if whole else schedule(agreed, issue_on, sums.total_minor)
    document = Invoice(
        entity_id=draft.entity_id,
        account_id=draft.account_id,
        kind=DocumentKind.INVOICE,
        series=draft.series,
        issue_on=issue_on,
        due_on=instalments[-1].due_on,
        supplied_on=draft.supplied_on,
        currency=currency,
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        total_minor=sums.total_minor,
        terms="" if draft.due_on else str(agreed),
        buyer_reference=draft.buyer_reference,
        purchase_order=draft.purchase_order,
        note=draft.note,
        created_at=now,
    )
    windows = () if whole else discount_windows(agreed, issue_on, sums.total_minor)
    return issue_document(session, document, draft.lines, sums, instalments, windows[:1], by=by, now=now)


def _agreed(draft: InvoiceDraft) -> Terms:
    """The terms of the draft, faults pointing at them. Raises TermsError, or InvoiceError beside a due date."""
    try:
        agreed = terms.parse(draft.terms or DEFAULT_TERMS)
    except TermsError as error:
        raise TermsError(error.message, faults=[Fault("/terms", error.message)]) from None
    if draft.due_on and (len(agreed.parts) > 1 or agreed.discounts):
        message = "terms with instalments or a discount say themselves when they fall due: leave the due date out"
        raise InvoiceError(f"The invoice was not issued: {message}", faults=[Fault("/due_on", message)])
    return agreed


def _check_days(issue_on: date, due_on: date, *, today: date) -> None:
    faults = []
    if issue_on > today + timedelta(days=1):
        faults.append(Fault("/issue_on", "an invoice is not issued ahead of its day: leave it out for today"))
    if not issue_on <= due_on <= issue_on + timedelta(days=3660):
        faults.append(Fault("/due_on", "the due date lies on the day of issue or later, by at most ten years"))
    if faults:
        raise InvoiceError(f"The invoice was not issued: {faults[0].message}", faults=faults)


def issue_document(
    session: Session,
    document: Invoice,
    lines: Sequence[Line],
    sums: Totals,
    instalments: Sequence[Instalment],
    windows: Sequence[DiscountWindow] = (),
    *,
    by: str,
    now: datetime,
) -> Invoice:
    """Store `document` with its lines, give it the next number of its series, post it, and have its files made.

    Each of `instalments`, which make its total, is an entry of the ledger; an open item holds one window of discount,
    the first. It is written as a draft and then issued: from there on the database refuses any change. Raises
    SeriesError.
    """
    session.add(document)
    session.flush()
    assert document.id is not None
    session.add_all(
        InvoiceLine(
            invoice_id=document.id,
            position=position,
            description=line.description,
            quantity_millionths=line.quantity_millionths,
            unit_price_millionths=line.unit_price_millionths,
            tax_category=line.category,
            tax_rate_bp=line.rate_bp,
            net_minor=net,
        )
        for position, (line, net) in enumerate(zip(lines, sums.lines, strict=True), start=1)
    )
    session.add_all(
        InvoiceTax(
            invoice_id=document.id,
            category=tax.category,
            rate_bp=tax.rate_bp,
            net_minor=tax.net_minor,
            tax_minor=tax.tax_minor,
        )
        for tax in sums.taxes
    )
    session.flush()
    document.entry_id = _post(session, document, instalments, windows, now=now)[0]
    document.state, document.issued_at, document.issued_by = InvoiceState.ISSUED, now, by
    session.flush()
    after = {
        "number": document.number,
        "entry_id": document.entry_id,
        "total_minor": document.total_minor,
        "currency": document.currency,
        "corrects_entry_id": document.corrects_entry_id,
        "due": [[one.due_on, one.amount_minor] for one in instalments],
    }
    act = Act(by, f"{document.kind.value}.issued", f"account:{document.account_id}", {"after": after})
    record(session, [act], now=now)
    want_files(session, document.id, now=now)
    return document


def _post(
    session: Session,
    document: Invoice,
    instalments: Sequence[Instalment],
    windows: Sequence[DiscountWindow],
    *,
    now: datetime,
) -> list[int]:
    """Number the document and post its instalments: the ids of their entries, in order."""
    seller = entity(session, document.entity_id)
    kind, parts = EntryKind(document.kind.value), len(instalments)
    series, day = document.series, document.issue_on
    document.number = take_number(session, seller, kind=kind, series=series, on=day, parts=parts)
    window = windows[0] if windows else None
    postings = [
        Posting(
            entity_id=document.entity_id,
            account_id=document.account_id,
            kind=kind,
            amount_minor=one.amount_minor,
            currency=document.currency,
            effective_on=document.issue_on,
            due_on=one.due_on,
            reference=reference,
            memo=document.note[:400],
            source=f"invoice:{document.id}",
            discount_until=window.until if window else None,
            discount_minor=window.amount_minor if window else 0,
        )
        for one, reference in zip(instalments, references(document.number, parts), strict=True)
    ]
    entry_ids = post(session, postings, now=now)
    assert document.id is not None
    session.add_all(
        InvoiceInstalment(
            invoice_id=document.id,
            position=position,
            due_on=one.due_on,
            amount_minor=one.amount_minor,
            entry_id=entry_id,
        )
        for position, (one, entry_id) in enumerate(zip(instalments, entry_ids, strict=True), start=1)
    )
    session.flush()
    return entry_ids
