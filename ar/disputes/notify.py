"""What the customer is told of its dispute: that it was received, and what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from ar.core.kernel import Kernel
from ar.customers.notes import write_note
from ar.disputes.find import item_of
from ar.disputes.models import Dispute


def tell_received(session: Session, kernel: Kernel, dispute: Dispute, *, now: datetime) -> bool:
    """Tell that the dispute was received, and what of the invoice is not affected: whether there was whom to tell.

    The customer's words are repeated when they are its own, not when a member of staff noted them.
    """
    item = item_of(session, dispute)
    return write_note(
        session,
        kernel,
        "dispute_received",
        account_id=dispute.account_id,
        entity_id=dispute.entity_id,
        about=f"dispute:{dispute.id}",
        now=now,
        invoice=item,
        contested_minor=dispute.amount_minor,
        rest_minor=max(0, item.open_minor - item.disputed_minor),
        text=dispute.text if dispute.opened_by.startswith("customer:") else "",
    )


def tell_resolved(session: Session, kernel: Kernel, dispute: Dispute, *, now: datetime) -> bool:
    """Tell the outcome, the answer and what remains open of the invoice: whether there was whom to tell."""
    item = item_of(session, dispute)
    return write_note(
        session,
        kernel,
        "dispute_resolved",
        account_id=dispute.account_id,
        entity_id=dispute.entity_id,
        about=f"dispute:{dispute.id}",
        now=now,
        invoice=item,
        contested_minor=dispute.amount_minor,
        credited_minor=dispute.accepted_minor,
        open_minor=item.open_minor,
        explanation=dispute.answer,
    )
