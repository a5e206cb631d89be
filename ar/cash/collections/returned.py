"""The word to a customer whose debit came back: what, why, and what is open again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from ar.cash.collections.models import Collection, CollectionLine
from ar.cash.collections.notice import invoices_of
from ar.cash.collections.reasons import reason_of
from ar.cash.mandates.models import Mandate, MandateState
from ar.cash.models import Payment
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from ar.customers.accounts import account, reachable_contacts
from ar.customers.notes import write_note

JOB = "tell-debit-returned"


def want_word(session: Session, line_id: int, end_to_end_id: str, bank_line_id: int, *, now: datetime) -> None:
    """Have the customer told once of this return."""
    key = f"{JOB}:{end_to_end_id}:{bank_line_id}"
    enqueue(session, JOB, {"line_id": line_id, "bank_line_id": bank_line_id}, dedup_key=key, now=now)


def tell_returned(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: write the word into the outbox, unless the money is here again meanwhile."""
    with kernel.database.transaction() as session:
        line = session.get(CollectionLine, arguments["line_id"])
        assert line is not None
        payment, collection = session.get(Payment, line.payment_id), session.get(Collection, line.collection_id)
        mandate = session.get(Mandate, line.mandate_id)
        assert payment is not None
        assert collection is not None
        assert mandate is not None
        if payment.entry_id is not None:
            return "the money is here"
        contact = reachable_contacts(session, [line.account_id]).get(line.account_id)
        spoken = (contact.language if contact else None) or account(session, line.account_id).language
        words = kernel.renderer.text(reason_of(line.return_reason).words, language=spoken)
        told = write_note(
            session,
            kernel,
            "debit_returned",
            account_id=line.account_id,
            entity_id=collection.entity_id,
            about=f"collection_line:{line.id}:{arguments['bank_line_id']}",
            now=now,
            debit={
                "amount_minor": payment.amount_minor,
                "on": collection.collect_on,
                "words": words,
                "mandate": mandate.reference,
                "suspended": mandate.state is MandateState.SUSPENDED,
            },
            invoices=invoices_of(session, [line.payment_id])[line.payment_id],
        )
    return "told" if told else "nobody to write to"
