"""What a customer sees of itself: its open invoices, what of them is contested, promised or being paid, its credit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session, col
from sqlmodel import select as pick

from ar.cash.checkout import in_flight
from ar.cash.models import Payment, PaymentTarget
from ar.cash.remittance.models import Channel, RemittanceAdvice
from ar.core.db import among
from ar.core.errors import NotFoundError
from ar.customers.models import LegalEntity
from ar.ledger.models import EntryKind, OpenItem
from dunning.facts import promised_parts
from dunning.models import Promise
from invoicing.documents import KINDS, Detail, detail
from invoicing.models import FileFormat, InvoiceFile, InvoiceInstalment


class InvoiceNotFoundError(NotFoundError):
    code = "invoice-not-found"


@dataclass(frozen=True, slots=True)
class Seller:
    """A legal entity, as its customers see it."""

    id: int
    name: str
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """One item to pay. `payable_minor` is what is neither being paid nor promised nor contested; `has_page`: there is
    a PDF of it."""

    entry_id: int
    entity_id: int
    kind: EntryKind
    reference: str
    effective_on: date
    due_on: date
    currency: str
    amount_minor: int
    open_minor: int
    disputed_minor: int
    has_page: bool
    promised_minor: int
    promised_until: date | None
    in_flight_minor: int

    @property
    def payable_minor(self) -> int:
        return max(0, self.open_minor - self.disputed_minor - self.in_flight_minor)


@dataclass(frozen=True)
class Position:
    """All items of one account with one seller, and what it has in credit there, by currency in minor units."""

    seller: Seller
    invoices: Sequence[OpenInvoice]
    credits: dict[str, int]

    @property
    def owed(self) -> dict[str, int]:
        """Open minor units by currency, credits not taken off."""
        summed: dict[str, int] = defaultdict(int)
        for invoice in self.invoices:
            summed[invoice.currency] += invoice.open_minor
        return dict(summed)

    def overdue(self, today: date) -> dict[str, int]:
        """What of it is past its due date and not contested."""
        summed: dict[str, int] = defaultdict(int)
        for invoice in self.invoices:
            if invoice.due_on < today:
                summed[invoice.currency] += invoice.open_minor - invoice.disputed_minor
        return {currency: minor for currency, minor in summed.items() if minor}


_HAS_PAGE = (
    select(col(InvoiceFile.id))
    .join(InvoiceInstalment, col(InvoiceInstalment.invoice_id) == col(InvoiceFile.invoice_id))
    .where(
        col(InvoiceInstalment.entry_id) == col(OpenItem.entry_id),
        col(InvoiceFile.format) == FileFormat.PDF,
        col(InvoiceFile.file_id).is_not(None),
    )
    .correlate(OpenItem)
    .exists()
)

_OPEN = (
    select(
        col(OpenItem.side),
        col(OpenItem.entry_id),
        col(OpenItem.entity_id),
        col(OpenItem.kind),
        col(OpenItem.reference),
        col(OpenItem.effective_on),
        col(OpenItem.due_on),
        col(OpenItem.currency),
        col(OpenItem.amount_minor),
        col(OpenItem.open_minor),
        col(OpenItem.disputed_minor),
        _HAS_PAGE.label("has_page"),
    )
    .where(col(OpenItem.account_id) == bindparam("account_id"), col(OpenItem.open_minor) > 0)
    .order_by(col(OpenItem.due_on), col(OpenItem.entry_id))
)


_SELLERS = select(col(LegalEntity.id), col(LegalEntity.name), col(LegalEntity.email), col(LegalEntity.phone)).order_by(
    col(LegalEntity.id)
)


def sellers(session: Session) -> dict[int, Seller]:
    """The legal entities by id, the first one first."""
    rows = session.connection().execute(_SELLERS)
    return {number: Seller(number, name, email, phone) for number, name, email, phone in rows if number is not None}


def positions(session: Session, account_id: int) -> list[Position]:
    """The account's position with each seller that it owes or has credit with; with the first one if there is none."""
    rows: Sequence[Any] = session.connection().execute(_OPEN, {"account_id": account_id}).all()
    flying = in_flight(session, [account_id]) if rows else {}
    promises = promised_parts(session, [account_id]) if rows else {}
    invoices: dict[int, list[OpenInvoice]] = defaultdict(list)
    in_credit: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if row.side == -1:
            in_credit[row.entity_id][row.currency] += row.open_minor
            continue
        promised_minor, promised_until = promises.get(row.entry_id, (0, None))
        invoices[row.entity_id].append(
            OpenInvoice(*(*row[1:], promised_minor, promised_until, flying.get(row.entry_id, 0)))
        )
    known = sellers(session)
    concerned = sorted(set(invoices) | set(in_credit)) or list(known)[:1]
    return [Position(known[i], invoices[i], dict(in_credit[i])) for i in concerned]


def own_invoice(session: Session, account_id: int, entry_id: int) -> OpenInvoice:
    """One open invoice of the account. Raises InvoiceNotFoundError, also for another account's."""
    for position in positions(session, account_id):
        for invoice in position.invoices:
            if invoice.entry_id == entry_id:
                return invoice
    raise InvoiceNotFoundError("There is no such open invoice of yours")


def own_document(session: Session, account_id: int, entry_id: int) -> Detail:
    """One invoice or credit note of the account, open or not. Raises InvoiceNotFoundError, also for another's."""
    own = pick(OpenItem.entry_id).where(col(OpenItem.entry_id) == entry_id, col(OpenItem.account_id) == account_id)
    if session.exec(own.where(col(OpenItem.kind).in_(KINDS))).first() is None:
        raise InvoiceNotFoundError("There is no such invoice of yours")
    return detail(session, entry_id)


def recent_payments(session: Session, account_id: int, *, limit: int = 20) -> list[Payment]:
    """The account's last payments, the newest first."""
    query = pick(Payment).where(col(Payment.account_id) == account_id).order_by(col(Payment.id).desc()).limit(limit)
    return list(session.exec(query))


def own_promises(session: Session, account_id: int) -> list[Promise]:
    """The promises that the account made, the newest first."""
    return list(
        session.exec(pick(Promise).where(col(Promise.account_id) == account_id).order_by(col(Promise.id).desc()))
    )


def own_advices(session: Session, account_id: int, *, limit: int = 20) -> list[RemittanceAdvice]:
    """What the customer last told of payments on its own pages, the newest first."""
    query = pick(RemittanceAdvice).where(
        RemittanceAdvice.account_id == account_id, RemittanceAdvice.channel == Channel.PORTAL
    )
    return list(session.exec(query.order_by(col(RemittanceAdvice.id).desc()).limit(limit)))


def references_of(session: Session, payment_ids: Sequence[int]) -> dict[int, list[str]]:
    """The references of what each payment is meant for."""
    query = (
        pick(PaymentTarget.payment_id, OpenItem.reference)
        .join(OpenItem, col(OpenItem.entry_id) == col(PaymentTarget.entry_id))
        .where(among(session, col(PaymentTarget.payment_id), payment_ids))
        .order_by(col(PaymentTarget.id))
    )
    found: dict[int, list[str]] = defaultdict(list)
    for payment_id, reference in session.exec(query):
        found[payment_id].append(reference)
    return found


def references_of_items(session: Session, entry_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The reference and the currency of each item."""
    query = pick(OpenItem).where(among(session, col(OpenItem.entry_id), entry_ids))
    return {item.entry_id: (item.reference, item.currency) for item in session.exec(query)}
