"""Accepting what a customer contests: the credit, the end of the dispute and the word to the customer, all or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from ar.core.db import MAX_ID
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import exponent
from ar.customers.accounts import account
from ar.disputes.claim import dispute, resolve_dispute
from ar.disputes.find import item_of
from ar.disputes.models import Dispute, Outcome
from ar.disputes.notify import tell_resolved
from ar.ledger.allocate import Share, allocate
from ar.ledger.correct import adjust
from invoicing.credit import credit, credited_minor
from invoicing.documents import document_of
from invoicing.models import DocumentKind, Invoice, InvoiceState, InvoiceTax, TaxCategory
from invoicing.parts import part_of
from invoicing.totals import MILLION, Line, Tax


@dataclass(frozen=True)
class Settlement:
    """A dispute accepted. `adjustment_id` is the ledger entry of what no credit note holds; `told`: the customer is."""

    dispute: Dispute
    credit_note: Invoice | None
    adjustment_id: int | None
    told: bool


def settle_dispute(
    session: Session,
    kernel: Kernel,
    dispute_id: int,
    *,
    accepted_minor: int,
    answer: str,
    by: str,
    today: date,
    now: datetime,
) -> Settlement:
    """Accept `accepted_minor` of what is contested, in the currency's minor units: all of it, or a part.

    An invoice issued here gets a credit note, over its own rates in proportion; a cent that no rate can hold is
    adjusted in the ledger. An imported invoice is adjusted in the ledger alone: its tax is not known here, so its
    credit note is for the system that issued it. Raises DisputeNotFoundError, DisputeResolvedError, DisputeError for
    an amount that does not fit, and what credit() raises.
    """
    contested = dispute(session, dispute_id)
    whole = accepted_minor == contested.amount_minor
    resolved = resolve_dispute(
        session,
        dispute_id,
        outcome=Outcome.ACCEPTED if whole else Outcome.PARTLY,
        accepted_minor=accepted_minor,
        answer=answer,
        by=by,
        today=today,
        now=now,
    )
    note = _credit_note(session, kernel, resolved, by=by, today=today, now=now)
    left = accepted_minor - (note.total_minor if note else 0)
    adjustment_id = _adjusted(session, kernel, resolved, left, by=by, today=today, now=now) if left else None
    return Settlement(resolved, note, adjustment_id, tell_resolved(session, kernel, resolved, now=now))


def _credit_note(
    session: Session, kernel: Kernel, resolved: Dispute, *, by: str, today: date, now: datetime
) -> Invoice | None:
    """The credit note issued for what was accepted, or for one minor unit less; None without a document to correct."""
    entry_id, accepted = resolved.entry_id, resolved.accepted_minor
    document = document_of(session, entry_id)
    if document is None or document.kind is not DocumentKind.INVOICE:
        return None
    assert document.entry_id is not None
    lines = None
    if accepted < document.total_minor or credited_minor(session, document.entry_id):
        parts, _left = part_of(accepted, _taxes_left(session, document))
        words = _said(session, kernel, resolved, _("Credit on invoice %(number)s"), number=resolved.reference)
        lines = [line for part in parts for line in _lines(words, part, document.currency)]
        if not lines:
            return None
    reason = _reason(session, kernel, resolved)
    return credit(session, entry_id, reason=reason, lines=lines, by=by, today=today, now=now)


def _lines(words: str, part: Tax, currency: str) -> Iterator[Line]:
    """One line of quantity 1 for a net amount; several of one rate where its price would not go into the database."""
    unit = MILLION // 10 ** exponent(currency)
    most = MAX_ID // unit
    for start in range(0, part.net_minor, most):
        yield Line(words, MILLION, min(most, part.net_minor - start) * unit, part.category, part.rate_bp)


def _taxes_left(session: Session, document: Invoice) -> list[Tax]:
    """The tax breakdown of an invoice, less that of its credit notes."""
    assert document.entry_id is not None
    left: dict[tuple[TaxCategory, int], list[int]] = defaultdict(lambda: [0, 0])
    query = (
        select(InvoiceTax, Invoice.kind)
        .join(Invoice, col(Invoice.id) == col(InvoiceTax.invoice_id))
        .where(
            (col(Invoice.id) == document.id) | (col(Invoice.corrects_entry_id) == document.entry_id),
            col(Invoice.state) == InvoiceState.ISSUED,
        )
    )
    for tax, kind in session.exec(query):
        sign = 1 if kind is DocumentKind.INVOICE else -1
        sums = left[tax.category, tax.rate_bp]
        sums[0] += sign * tax.net_minor
        sums[1] += sign * tax.tax_minor
    return [Tax(category, rate, net, on_it) for (category, rate), (net, on_it) in sorted(left.items())]


def _adjusted(
    session: Session, kernel: Kernel, resolved: Dispute, minor: int, *, by: str, today: date, now: datetime
) -> int:
    """The ledger entry that lowers what the customer owes by `minor`, set against the invoice as far as it is open."""
    item = item_of(session, resolved)
    day = max(today, item.effective_on)
    entry_id = adjust(
        session,
        entity_id=resolved.entity_id,
        account_id=resolved.account_id,
        side=-1,
        amount_minor=minor,
        currency=resolved.currency,
        reason=_reason(session, kernel, resolved),
        by=by,
        today=day,
        now=now,
    )
    settles = min(item.open_minor, minor)
    if settles:
        source = f"dispute:{resolved.id}"
        allocate(session, [Share(resolved.entry_id, entry_id, settles)], on=day, source=source, now=now)
    return entry_id


def _reason(session: Session, kernel: Kernel, resolved: Dispute) -> str:
    sentence = _("Accepted: dispute %(number)s on %(invoice)s")
    return _said(session, kernel, resolved, sentence, number=resolved.id, invoice=resolved.reference)


def _said(session: Session, kernel: Kernel, resolved: Dispute, sentence: str, **values: object) -> str:
    """The sentence in the customer's language: it stands on a document that the customer gets."""
    return kernel.renderer.text(sentence, language=account(session, resolved.account_id).language, **values)
