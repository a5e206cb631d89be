"""A receipt as a PDF, made when it is asked for, of what the payment settles by then. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlmodel import Session

from ar.cash.receipts import receipts_of
from ar.core.clock import local_date
from ar.core.errors import NotFoundError
from ar.core.files import safe_name
from ar.core.kernel import Kernel
from ar.customers.accounts import account, identifiers_of
from ar.customers.entities import entity
from invoicing.einvoice import parties
from invoicing.logos.change import logos_for
from invoicing.receipts.sheet import ReceiptFacts, sheet
from invoicing.typeset import typeset


class ReceiptNotFoundError(NotFoundError):
    """There is no such payment, or its money is not here: nothing is acknowledged."""

    code = "receipt-not-found"


@dataclass(frozen=True)
class ReceiptFile:
    name: str
    content: bytes


def make_receipt(
    kernel: Kernel, payment_id: int, *, account_id: int | None = None, language: str | None = None, now: datetime
) -> ReceiptFile:
    """The receipt of a payment, in `language` or the customer's own. With `account_id` another's is not found.

    Raises ReceiptNotFoundError, also for money that went back.
    """
    with kernel.database.reading() as session:
        facts = _gather(session, kernel, payment_id, account_id, language, now)
    say = partial(kernel.renderer.text, language=facts.language)
    content = typeset("receipt", sheet(facts, say), {}, made_at=now)
    name = f"{say('Receipt')}-{facts.receipt.received_on}-{facts.receipt.payment.id}.pdf"
    return ReceiptFile(safe_name(name.replace(" ", "-")), content)


def _gather(
    session: Session, kernel: Kernel, payment_id: int, account_id: int | None, language: str | None, now: datetime
) -> ReceiptFacts:
    found = receipts_of(session, [payment_id], today=now.date()).get(payment_id)
    if found is None or account_id not in (None, found.payment.account_id):
        raise ReceiptNotFoundError(f"There is no receipt of a payment {payment_id}")
    buying, selling = account(session, found.payment.account_id), entity(session, found.payment.entity_id)
    assert buying.id is not None
    assert selling.id is not None
    return ReceiptFacts(
        receipt=found,
        seller=parties.seller(selling),
        customer=parties.buyer(buying, identifiers_of(session, buying.id)),
        customer_code=buying.code,
        language=kernel.renderer.language(language or buying.language),
        logo=logos_for(session, kernel.settings.files, {selling.id: selling.name}).get(selling.id),
        day=local_date(now, selling.time_zone),
    )
