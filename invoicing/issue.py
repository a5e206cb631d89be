"""Issuing: drafts become numbered documents that never change and entries in the ledger, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from ar.core.audit import Act, record
from ar.core.db import bulk_insert, bulk_update
from ar.customers.models import LegalEntity
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from ar.ledger.rates import rates_over
from invoicing.draft import InvoiceDraft, Prepared, draft_all, locked_drafts, sellers_of, store_all
from invoicing.einvoice.want import want_files
from invoicing.models import Invoice, InvoiceInstalment, InvoiceState
from invoicing.numbering import Wanted, references, take_numbers
from invoicing.terms import DiscountWindow, Instalment, discount_windows, parse, schedule


@dataclass(frozen=True)
class _Due:
    """A draft that is being issued: by whom, on which day, what falls due when, its window of discount, if any, and the
    day whose exchange rate tells its tax in the seller's currency."""

    document: Invoice
    seller: LegalEntity
    on: date
    instalments: Sequence[Instalment]
    window: DiscountWindow | None
    rate_on: date

    @property
    def kind(self) -> EntryKind:
        return EntryKind(self.document.kind.value)

    @property
    def is_foreign(self) -> bool:
        """Whether its tax is to be told in the seller's currency as well."""
        return self.document.tax_minor != 0 and self.document.currency != self.seller.currency


def issue(session: Session, draft: InvoiceDraft, *, by: str, today: date, now: datetime) -> Invoice:
    """The invoice just issued: numbered, posted to the ledger, and never to change.

    Raises EntityNotFoundError, SeriesError, OutOfOrderError, RateMissingError, or what draft_all() does.
    """
    [document_id] = draft_all(session, [draft], by=by, today=today, now=now)
    [document] = locked_drafts(session, [document_id])
    return _issue_one(session, _due(document, _seller(session, document), document.issue_on), by=by, now=now)


def issue_correction(session: Session, prepared: Prepared, *, rate_on: date, by: str, now: datetime) -> Invoice:
    """The credit note just issued; its tax is told at the exchange rate of the day `rate_on`, that of the invoice."""
    [document_id] = store_all(session, [prepared])
    [document] = locked_drafts(session, [document_id])
    due = _due(document, _seller(session, document), document.issue_on, rate_on=rate_on)
    return _issue_one(session, due, by=by, now=now)


def _issue_one(session: Session, due: _Due, *, by: str, now: datetime) -> Invoice:
    _issue(session, [due], by=by, now=now)
    session.refresh(due.document)
    return due.document


def issue_all(session: Session, document_ids: Sequence[int], *, by: str, today: date, now: datetime) -> None:
    """Issue drafts, in that order, as of `today`, or of their own day where that is still to come.

    Raises InvoiceNotFoundError, IssuedError, EntityNotFoundError, SeriesError, OutOfOrderError, RateMissingError:
    then none is issued.
    """
    drafts = locked_drafts(session, document_ids)
    sellers = sellers_of(session, {draft.entity_id for draft in drafts})
    dues = [_due(draft, sellers[draft.entity_id], max(draft.issue_on, today)) for draft in drafts]
    _issue(session, dues, by=by, now=now)
    session.expire_all()


def adopt(session: Session, prepared: Prepared, number: str, *, by: str, now: datetime) -> Invoice:
    """A document that was issued elsewhere under `number`, owed from now on as it stands; no files are made of it.

    The caller has seen that the number is not in use.
    """
    [document_id] = store_all(session, [prepared])
    [document] = locked_drafts(session, [document_id])
    due = _due(document, _seller(session, document), document.issue_on)
    _write(session, [due], [number], by=by, now=now)
    session.refresh(document)
    return document


def _seller(session: Session, document: Invoice) -> LegalEntity:
    return sellers_of(session, [document.entity_id])[document.entity_id]


def _due(document: Invoice, seller: LegalEntity, on: date, *, rate_on: date | None = None) -> _Due:
    """The document issued on a day. One with a due date of its own is due on the day of issue at the earliest."""
    if not document.terms:
        whole = Instalment(max(document.due_on, on), document.total_minor)
        return _Due(document, seller, on, (whole,), None, rate_on or on)
    agreed = parse(document.terms)
    windows = discount_windows(agreed, on, document.total_minor)
    instalments = schedule(agreed, on, document.total_minor)
    return _Due(document, seller, on, instalments, windows[0] if windows else None, rate_on or on)


def _issue(session: Session, dues: Sequence[_Due], *, by: str, now: datetime) -> None:
    _write(session, dues, _numbers(session, dues), by=by, now=now)
    want_files(session, [due.document.id for due in dues if due.document.id is not None], now=now)


def _numbers(session: Session, dues: Sequence[_Due]) -> list[str]:
    """The number of each, taken by seller."""
    places: dict[int, list[int]] = defaultdict(list)
    for n, due in enumerate(dues):
        places[due.document.entity_id].append(n)
    found: dict[int, str] = {}
    for _, of_seller in sorted(places.items()):
        wanted = [
            Wanted(dues[n].kind, dues[n].document.series, dues[n].on, len(dues[n].instalments)) for n in of_seller
        ]
        found.update(zip(of_seller, take_numbers(session, dues[of_seller[0]].seller, wanted), strict=True))
    return [found[n] for n in range(len(dues))]


def _write(session: Session, dues: Sequence[_Due], numbers: Sequence[str], *, by: str, now: datetime) -> None:
    """Post the drafts under their numbers and turn them into issued documents, in bulk.

    Each instalment is an entry of the ledger; an open item holds one window of discount, the first. Their parts were
    written before: from here on the database refuses any change.
    """
    postings, owners = [], []
    for due, number in zip(dues, numbers, strict=True):
        postings += _postings(due, number)
        owners += [(due.document.id, n, one) for n, one in enumerate(due.instalments, start=1)]
    entry_ids = post(session, postings, now=now)
    bulk_insert(
        session,
        InvoiceInstalment,
        [
            {
                "invoice_id": invoice_id,
                "position": position,
                "due_on": one.due_on,
                "amount_minor": one.amount_minor,
                "entry_id": entry_id,
            }
            for (invoice_id, position, one), entry_id in zip(owners, entry_ids, strict=True)
        ],
    )
    first = {owner[0]: entry_id for owner, entry_id in zip(owners, entry_ids, strict=True) if owner[1] == 1}
    changes = [
        {
            "id": due.document.id,
            "number": number,
            "issue_on": due.on,
            "due_on": due.instalments[-1].due_on,
            "entry_id": first[due.document.id],
            "state": InvoiceState.ISSUED,
            "issued_at": now,
            "issued_by": by,
            "tax_currency": tax_currency,
            "tax_accounting_minor": tax_minor,
        }
        for due, number, (tax_currency, tax_minor) in zip(dues, numbers, _accounting(session, dues), strict=True)
    ]
    bulk_update(session, Invoice, changes)
    record(session, [_act(due, change, by) for due, change in zip(dues, changes, strict=True)], now=now)


def _postings(due: _Due, number: str) -> list[Posting]:
    document = due.document
    return [
        Posting(
            entity_id=document.entity_id,
            account_id=document.account_id,
            kind=due.kind,
            amount_minor=one.amount_minor,
            currency=document.currency,
            effective_on=due.on,
            due_on=one.due_on,
            reference=reference,
            memo=document.note[:400],
            source=f"invoice:{document.id}",
            discount_until=due.window.until if due.window else None,
            discount_minor=due.window.amount_minor if due.window else 0,
            purchase_order=document.purchase_order,
        )
        for one, reference in zip(due.instalments, references(number, len(due.instalments)), strict=True)
    ]


def _accounting(session: Session, dues: Sequence[_Due]) -> list[tuple[str | None, int | None]]:
    """The tax in the seller's currency where the document is in another, at the rate of the day of issue.

    Directive 2006/112/EC, article 230, wants it on the invoice. Raises RateMissingError.
    """
    days = [due.rate_on for due in dues if due.is_foreign]
    if not days:
        return [(None, None)] * len(dues)
    rates = rates_over(session, min(days), max(days))
    told: list[tuple[str | None, int | None]] = []
    for due in dues:
        if due.is_foreign:
            document, currency = due.document, due.seller.currency
            told.append((currency, rates(due.rate_on).convert(document.tax_minor, document.currency, currency)))
        else:
            told.append((None, None))
    return told


def _act(due: _Due, change: Mapping[str, object], by: str) -> Act:
    document = due.document
    after = {
        "number": change["number"],
        "entry_id": change["entry_id"],
        "total_minor": document.total_minor,
        "currency": document.currency,
        "corrects_entry_id": document.corrects_entry_id,
        "due": [[one.due_on, one.amount_minor] for one in due.instalments],
    }
    return Act(by, f"{document.kind.value}.issued", f"account:{document.account_id}", {"after": after})
