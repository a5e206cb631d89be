"""What the customer is told of autopay: before each payment, when one failed, and when it is off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, select

from ar.cash.autopay.decide import Announcement
from ar.cash.autopay.models import Autopay, AutopayItem
from ar.cash.declines import words_of
from ar.cash.online.models import SavedMethod
from ar.core.kernel import Kernel
from ar.customers.entities import entities
from ar.customers.notes import write_note
from ar.ledger.models import OpenItem


def tell_announced(
    session: Session,
    kernel: Kernel,
    autopay: Autopay,
    method: SavedMethod,
    announced: Sequence[Announcement],
    *,
    entity_id: int,
    today: date,
    now: datetime,
) -> bool:
    """The notice before payments, for a SEPA debit its pre-notice: whether there was somebody to write to."""
    return write_note(
        session,
        kernel,
        "autopay_notice",
        account_id=autopay.account_id,
        entity_id=entity_id,
        about=f"autopay:{autopay.id}:{entity_id}:{today.isoformat()}",
        now=now,
        currency=autopay.currency,
        method=method,
        limit_minor=autopay.limit_minor,
        payments=[one for one in announced if not one.above_limit],
        above=[one for one in announced if one.above_limit],
    )


def tell_failed(
    session: Session,
    kernel: Kernel,
    autopay: Autopay,
    item: AutopayItem,
    code: str,
    *,
    retry_on: date | None,
    now: datetime,
) -> bool:
    """That a payment failed, why, and what follows: whether there was somebody to write to."""
    invoice = session.exec(select(OpenItem).where(OpenItem.entry_id == item.entry_id)).one()
    return write_note(
        session,
        kernel,
        "autopay_failed",
        account_id=autopay.account_id,
        entity_id=invoice.entity_id,
        about=f"autopay-item:{item.id}:{item.attempts}:{code}"[:60],
        now=now,
        reference=invoice.reference,
        amount_minor=item.amount_minor,
        currency=autopay.currency,
        why=words_of(code),
        retry_on=retry_on,
    )


def tell_off(session: Session, kernel: Kernel, autopay: Autopay, *, now: datetime) -> bool:
    """That autopay is off because what it paid with cannot be used: whether there was somebody to write to."""
    seller = session.exec(select(OpenItem.entity_id).where(OpenItem.account_id == autopay.account_id)).first()
    return write_note(
        session,
        kernel,
        "autopay_off",
        account_id=autopay.account_id,
        entity_id=seller or entities(session)[0].id or 0,
        about=f"autopay:{autopay.id}:off",
        now=now,
    )
