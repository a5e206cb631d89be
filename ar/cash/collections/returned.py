"""A debit that came back: its payment, its mandate, and the word to its customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from ar.cash.apply import learn
from ar.cash.collections.act import CollectionStateError, collection_by_id
from ar.cash.collections.days import noon
from ar.cash.collections.models import Collection, CollectionLine, LineState
from ar.cash.collections.notice import invoices_of
from ar.cash.collections.payments import learn_unbooked, locked_payments
from ar.cash.collections.reasons import REASONS, reason_of
from ar.cash.mandates.manage import locked_mandate, suspend
from ar.cash.mandates.models import Mandate, MandateState
from ar.cash.models import Payment
from ar.cash.payment_states import Dispute, Facts, PaymentState, Stage
from ar.core.clock import local_date
from ar.core.db import bulk_update
from ar.core.errors import DomainError, Fault, NotFoundError
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from ar.customers.accounts import account, reachable_contacts
from ar.customers.entities import entity
from ar.customers.notes import write_note

JOB = "tell-debit-returned"


LATER = timedelta(hours=1)
"""A return is later than the credit of the same day: statements tell days, and the money came before it went."""

RETURNABLE = (PaymentState.PENDING, PaymentState.SETTLED, PaymentState.UNKNOWN)
"""States of a payment whose debit may come back."""


@dataclass(frozen=True, slots=True)
class Debited:
    """A line of a file, as far as its return is concerned; `zone` is its creditor's."""

    line_id: int
    mandate_id: int
    end_to_end_id: str
    zone: str


def came_back(
    session: Session, debit: Debited, payment: Payment, *, code: str, on: date, key: str, by: str, now: datetime
) -> str:
    """Write down that a debit came back on the day `on` for the bank's `code`: in words, why.

    What its locked payment had settled is open again. The mandate is suspended where the code asks for it, and the
    customer is told, once for each `key`.
    """
    reason = reason_of(code)
    said = f"{code or 'no code'}: {reason.words}"
    at = noon(on, debit.zone) + LATER
    if payment.succeeded_at is not None:
        at = max(at, payment.succeeded_at + LATER)
    if payment.entry_id is None and payment.succeeded_at is None:
        learn_unbooked(session, [payment], Facts(failed_at=at), by=by, said=said, now=now)
    elif reason.refund:
        lost = Dispute(Stage.LOST, payment.amount_minor, at)
        learn(session, payment, Facts(disputes={key: lost}), by=by, said=said, now=now)
    else:
        learn(session, payment, Facts(failed_at=at), by=by, said=said, now=now)
    bulk_update(session, CollectionLine, [{"id": debit.line_id, "return_reason": code[:10], "returned_on": on}])
    if reason.suspends:
        suspend(session, locked_mandate(session, debit.mandate_id), why=said, by=by, now=now)
    wanted = {"line_id": debit.line_id, "key": key}
    enqueue(session, JOB, wanted, dedup_key=f"{JOB}:{debit.end_to_end_id}:{key}", now=now)
    return said


def note_return(
    session: Session, collection_id: int, line_id: int, *, code: str, on: date, by: str, now: datetime
) -> CollectionLine:
    """A person says that a debit came back, where no bank file does.

    Raises CollectionNotFoundError, NotFoundError, CollectionStateError, ReturnError.
    """
    collection, line = collection_by_id(session, collection_id), session.get(CollectionLine, line_id)
    if line is None or line.collection_id != collection_id:
        raise NotFoundError(f"Collection {collection_id} has no line {line_id}")
    payment = locked_payments(session, [line.payment_id])[line.payment_id]
    if line.state is not LineState.IN_FILE or payment.state not in RETURNABLE:
        raise CollectionStateError(f"Line {line_id} cannot come back: its payment is {payment.state.value}")
    zone = entity(session, collection.entity_id).time_zone
    if on > local_date(now, zone) or on < local_date(collection.proposed_at, zone):
        raise ReturnError("The day cannot be that one", faults=[Fault("/on", "is after today, or before the file")])
    if code and code.upper() not in REASONS:
        raise ReturnError(
            f"{code[:10]!a} is no reason of the bank's", faults=[Fault("/reason", "such as AC04 or MD06")]
        )
    debit = Debited(line_id, line.mandate_id, line.end_to_end_id, zone)
    came_back(session, debit, payment, code=code.upper(), on=on, key="noted", by=by, now=now)
    session.refresh(line)
    return line


class ReturnError(DomainError):
    """A return that cannot be as it is told; the faults say why."""

    code = "bad-return"


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
            about=f"collection_line:{line.id}:{arguments['key']}",
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
