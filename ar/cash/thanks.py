"""The word of thanks for a payment that came in: what it settled, what of that is still open, and what comes next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from ar.cash.models import Payment
from ar.cash.receipts import Receipt, receipts_of
from ar.core.halving import error_words, halving
from ar.core.jobs import enqueue_all
from ar.core.kernel import Kernel
from ar.customers.notes import Note, write_notes

JOB = "thank-for-payment"
_TIMELY = timedelta(days=7)
_CHUNK = 200
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Received:
    """A payment, as the message tells of it; its amount in minor units."""

    amount_minor: int
    currency: str
    received_on: date


def want_thanks(session: Session, payment: Payment, *, now: datetime) -> None:
    """Have the customer thanked once for `payment`, however often its money comes and goes."""
    want_thanks_all(session, [payment], now=now)


def want_thanks_all(session: Session, payments: Sequence[Payment], *, now: datetime) -> None:
    """Have the customers thanked for many payments, which have their ids: a job for each few hundred, and one message
    for each payment, however often it is wanted."""
    wanted = {}
    for start in range(0, len(payments), _CHUNK):
        chunk = payments[start : start + _CHUNK]
        names = ",".join(payment.public_id for payment in chunk)
        key = names if len(chunk) == 1 else hashlib.sha256(names.encode()).hexdigest()
        wanted[f"{JOB}:{key}"] = {"payment_ids": [payment.id for payment in chunk]}
    enqueue_all(session, JOB, wanted, now=now)


def thank(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: write the thanks for `payment_ids` into the outbox; none for money that went back or came more than a
    week ago. Says how many were thanked."""
    failed: list[int] = []

    def park(payment_id: int, error: Exception) -> None:
        failed.append(payment_id)
        _log.error("a payment was not thanked for", payment_id=payment_id, error=error_words(error))

    wanted = [int(payment_id) for payment_id in arguments["payment_ids"]]
    thanked = sum(halving(kernel.database, wanted, lambda session, ids: thank_for(session, kernel, ids, now=now), park))
    if failed and not thanked:
        raise ThanksError(f"Nobody was thanked for the payments {failed}")
    return f"{thanked} of {len(wanted)} payments thanked for" + (f"; failed: {failed}" if failed else "")


class ThanksError(Exception):
    """The thanks could not be written."""


def thank_for(session: Session, kernel: Kernel, payment_ids: Sequence[int], *, now: datetime) -> int:
    """Write the thanks for these payments, each once: for how many there was somebody to write to."""
    receipts = receipts_of(session, payment_ids, today=now.date())
    notes = [_note(one) for one in receipts.values() if now.date() - one.received_on <= _TIMELY]
    return write_notes(session, kernel, "payment_thanks", notes, now=now)


def _note(receipt: Receipt) -> Note:
    payment = receipt.payment
    return Note(
        account_id=payment.account_id,
        entity_id=payment.entity_id,
        about=f"payment:{payment.id}",
        context={
            "payment": Received(payment.amount_minor, payment.currency, receipt.received_on),
            "invoices": receipt.invoices,
            "unapplied_minor": receipt.unapplied_minor,
            "owed_minor": receipt.owed_minor,
            "overdue_minor": receipt.overdue_minor,
            "next_due_on": receipt.next_due_on,
        },
    )
