"""Drafts: documents that add up and are stored, but have no number and are not owed yet.

A draft may be changed only by discarding it; it is approved where the customer's billing asks for that, and issued.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, SQLModel, col, select

from ar.core.audit import Act, record
from ar.core.db import among, bulk_insert, reserve_ids, table
from ar.core.errors import ConflictError, DomainError, Fault
from ar.core.money import exponent
from ar.customers.accounts import AccountNotFoundError
from ar.customers.entities import EntityNotFoundError
from ar.customers.models import Account, LegalEntity
from invoicing import terms
from invoicing.documents import InvoiceNotFoundError
from invoicing.models import (
    DocumentKind,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    InvoicePreceding,
    InvoiceStage,
    InvoiceState,
    InvoiceTax,
)
from invoicing.terms import Terms, TermsError, schedule
from invoicing.totals import Adjustment, Line, Totals, totals

DEFAULT_TERMS = "net 30"


class InvoiceError(DomainError):
    """The invoice cannot be issued as given; the faults say where and why."""

    code = "bad-invoice"


class IssuedError(ConflictError):
    """The document was issued already: it is corrected by a credit note."""

    code = "issued-already"


@dataclass(frozen=True)
class Place:
    """Where goods go."""

    name: str
    country: str
    street: str = ""
    postcode: str = ""
    city: str = ""


@dataclass(frozen=True)
class InvoiceDraft:
    """An invoice to issue. The currency is the account's, the day today, and the terms net 30 when not given.

    `due_on` comes before `terms`, of which it is otherwise counted; it does not go with instalments or a discount.
    `adjustments` are of the whole document; `preceding` the ids of documents that it follows, such as deposits.
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
    adjustments: Sequence[Adjustment] = ()
    period_from: date | None = None
    period_to: date | None = None
    order_reference: str = ""
    deliver_to: Place | None = None
    stage: InvoiceStage = InvoiceStage.STANDARD
    preceding: Sequence[int] = field(default=())


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of an Invoice that are known before it is issued."""

    entity_id: int
    account_id: int
    kind: DocumentKind
    series: str
    issue_on: date
    due_on: date
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    created_at: datetime
    created_by: str
    supplied_on: date | None = None
    terms: str = ""
    buyer_reference: str = ""
    purchase_order: str = ""
    order_reference: str = ""
    note: str = ""
    stage: InvoiceStage = InvoiceStage.STANDARD
    period_from: date | None = None
    period_to: date | None = None
    deliver_to: dict[str, str] | None = None
    corrects_entry_id: int | None = None


@dataclass(frozen=True)
class Prepared:
    """A document that adds up, not stored yet: its header, and what its parts are made of."""

    header: Header
    lines: Sequence[Line]
    sums: Totals
    preceding: Sequence[int] = ()


def draft_all(session: Session, drafts: Sequence[InvoiceDraft], *, by: str, today: date, now: datetime) -> list[int]:
    """The document ids of `drafts` as stored, in order; nothing is numbered or owed yet.

    Raises EntityNotFoundError, AccountNotFoundError, TotalsError, TermsError, CurrencyError, or InvoiceError for days
    that cannot be: then none is stored.
    """
    sellers_of(session, {draft.entity_id for draft in drafts})
    account_ids = sorted({draft.account_id for draft in drafts})
    query = select(Account.id, Account.currency).where(among(session, col(Account.id), account_ids))
    currencies = dict(session.exec(query).all())
    prepared = [prepare(draft, currencies, by=by, today=today, now=now) for draft in drafts]
    return store_all(session, prepared)


def sellers_of(session: Session, entity_ids: Collection[int]) -> dict[int, LegalEntity]:
    """The legal entities of those ids. Raises EntityNotFoundError."""
    query = select(LegalEntity).where(among(session, col(LegalEntity.id), sorted(entity_ids)))
    found = {one.id: one for one in session.exec(query) if one.id is not None}
    for entity_id in sorted(entity_ids):
        if entity_id not in found:
            raise EntityNotFoundError(f"There is no legal entity {entity_id}")
    return found


def prepare(
    draft: InvoiceDraft, currencies: Mapping[int | None, str], *, by: str, today: date, now: datetime
) -> Prepared:
    """The draft as a document that adds up; `currencies` are those of the accounts. Raises as draft_all() does."""
    if draft.account_id not in currencies:
        raise AccountNotFoundError(f"There is no account {draft.account_id}")
    currency = draft.currency or currencies[draft.account_id]
    exponent(currency)
    issue_on = draft.issue_on or today
    agreed = _agreed(draft)
    _check_days(draft, issue_on, draft.due_on or agreed.due_on(issue_on), today=today)
    sums = totals(draft.lines, currency, draft.adjustments)
    header = Header(
        entity_id=draft.entity_id,
        account_id=draft.account_id,
        kind=DocumentKind.INVOICE,
        series=draft.series,
        issue_on=issue_on,
        due_on=draft.due_on or schedule(agreed, issue_on, sums.total_minor)[-1].due_on,
        supplied_on=draft.supplied_on,
        currency=currency,
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        total_minor=sums.total_minor,
        terms="" if draft.due_on else str(agreed),
        buyer_reference=draft.buyer_reference,
        purchase_order=draft.purchase_order,
        order_reference=draft.order_reference,
        note=draft.note,
        stage=draft.stage,
        period_from=draft.period_from,
        period_to=draft.period_to,
        deliver_to=asdict(draft.deliver_to) if draft.deliver_to else None,
        created_at=now,
        created_by=by,
    )
    return Prepared(header, draft.lines, sums, draft.preceding)


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


def _check_days(draft: InvoiceDraft, issue_on: date, due_on: date, *, today: date) -> None:
    faults = []
    if issue_on > today + timedelta(days=1):
        faults.append(Fault("/issue_on", "an invoice is not issued ahead of its day: leave it out for today"))
    if not issue_on <= due_on <= issue_on + timedelta(days=3660):
        faults.append(Fault("/due_on", "the due date lies on the day of issue or later, by at most ten years"))
    if draft.period_from and draft.period_to and draft.period_to < draft.period_from:
        faults.append(Fault("/period_to", "a period does not end before it begins"))
    if faults:
        raise InvoiceError(f"The invoice was not issued: {faults[0].message}", faults=faults)


_KNOWN = [field.name for field in fields(Header)]
_LATER = {
    column.name: None for column in table(Invoice).columns if column.nullable and column.name not in {"id", *_KNOWN}
}
"""What issuing fills in."""


def store_all(session: Session, prepared: Sequence[Prepared]) -> list[int]:
    """Write the documents as drafts, in bulk: their ids, in order."""
    ids = list(reserve_ids(session, Invoice, len(prepared)))
    headers, lines, taxes, adjustments, preceding = [], [], [], [], []
    for invoice_id, one in zip(ids, prepared, strict=True):
        known = {name: getattr(one.header, name) for name in _KNOWN}
        headers.append({"id": invoice_id, "state": InvoiceState.DRAFT, **known, **_LATER})
        lines += [
            _line(invoice_id, position, line, net)
            for position, (line, net) in enumerate(zip(one.lines, one.sums.lines, strict=True), start=1)
        ]
        taxes += [
            {
                "invoice_id": invoice_id,
                "category": tax.category,
                "rate_bp": tax.rate_bp,
                "net_minor": tax.net_minor,
                "tax_minor": tax.tax_minor,
                "exemption": tax.exemption,
            }
            for tax in one.sums.taxes
        ]
        adjustments += _adjustments(invoice_id, one.sums)
        preceding += [{"invoice_id": invoice_id, "preceding_id": before} for before in one.preceding]
    bulk_insert(session, Invoice, headers)
    bulk_insert(session, InvoiceLine, lines)
    bulk_insert(session, InvoiceTax, taxes)
    bulk_insert(session, InvoiceAdjustment, adjustments)
    bulk_insert(session, InvoicePreceding, preceding)
    return ids


def _line(invoice_id: int, position: int, line: Line, net_minor: int) -> dict[str, Any]:
    return {
        "invoice_id": invoice_id,
        "position": position,
        "description": line.description,
        "quantity_millionths": line.quantity_millionths,
        "unit_price_millionths": line.unit_price_millionths,
        "tax_category": line.category,
        "tax_rate_bp": line.rate_bp,
        "net_minor": net_minor,
        "unit": line.unit,
        "item_code": line.item_code,
        "order_line": line.order_line,
        "period_from": line.period_from,
        "period_to": line.period_to,
        "exemption": line.exemption,
        "supply": line.supply,
        "corrects_position": line.corrects_position,
    }


def _adjustments(invoice_id: int, sums: Totals) -> list[dict[str, Any]]:
    return [
        {
            "invoice_id": invoice_id,
            "position": position,
            "line_position": None if one.line is None else one.line + 1,
            "charge": one.adjustment.charge,
            "reason": one.adjustment.reason,
            "percent_bp": one.adjustment.percent_bp,
            "base_minor": one.base_minor,
            "amount_minor": one.amount_minor,
            "tax_category": one.category,
            "tax_rate_bp": one.rate_bp,
        }
        for position, one in enumerate(sums.applied, start=1)
    ]


def approve(session: Session, document_ids: Sequence[int], *, by: str, now: datetime) -> None:
    """Say of drafts that they may be issued. Raises InvoiceNotFoundError, IssuedError."""
    drafts = locked_drafts(session, document_ids)
    for draft in drafts:
        draft.approved_at, draft.approved_by = now, by
    acts = [_act(by, "approved", draft) for draft in drafts]
    session.flush()
    record(session, acts, now=now)


def discard(session: Session, document_id: int, *, reason: str, by: str, now: datetime) -> None:
    """Delete a draft that is not wanted; the audit trail keeps it. Raises InvoiceNotFoundError, IssuedError."""
    [draft] = locked_drafts(session, [document_id])
    parts: tuple[type[SQLModel], ...] = (InvoiceLine, InvoiceTax, InvoiceAdjustment, InvoicePreceding)
    for part in parts:
        session.connection().execute(delete(part).where(table(part).c.invoice_id == document_id))
    session.delete(draft)
    session.flush()
    record(session, [_act(by, "discarded", draft, reason=reason)], now=now)


def locked_drafts(session: Session, document_ids: Sequence[int]) -> list[Invoice]:
    """The drafts of those ids, in that order, held till the end. Raises InvoiceNotFoundError, IssuedError."""
    query = select(Invoice).where(among(session, col(Invoice.id), document_ids)).order_by(col(Invoice.id))
    locked = query.with_for_update().execution_options(populate_existing=True)
    found = {one.id: one for one in session.exec(locked)}
    for document_id in document_ids:
        if document_id not in found:
            raise InvoiceNotFoundError(f"There is no draft {document_id}")
        if found[document_id].state is InvoiceState.ISSUED:
            raise IssuedError(f"Invoice {found[document_id].number} was issued already: credit it to correct it")
    return [found[document_id] for document_id in document_ids]


def _act(by: str, verb: str, draft: Invoice, **more: object) -> Act:
    told = {"document_id": draft.id, "total_minor": draft.total_minor, "currency": draft.currency, **more}
    return Act(by, f"{draft.kind.value}.{verb}", f"account:{draft.account_id}", told)
