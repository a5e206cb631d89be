"""Accepting what a customer contests: the credit, the end of the dispute and the word to the customer, all or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.customers.accounts import account
from ar.disputes.claim import dispute, resolve_dispute
from ar.disputes.find import item_of
from ar.disputes.models import Dispute, Outcome
from ar.disputes.notify import tell_resolved
from ar.ledger.allocate import Share, allocate
from ar.ledger.correct import adjust
from invoicing.credit import credit, credited_minor
from invoicing.credited import by_amount
from invoicing.documents import document_of
from invoicing.models import DocumentKind, Invoice


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
    part = None
    if accepted < document.total_minor or credited_minor(session, document.entry_id):
        words = _said(session, kernel, resolved, _("Credit on invoice %(number)s"), number=resolved.reference)
        part = by_amount(session, document, accepted, words)
        if not part.lines:
            return None
    reason = _reason(session, kernel, resolved)
    return credit(session, entry_id, reason=reason, part=part, by=by, today=today, now=now)


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
