"""What cannot be billed as it is, and customers whose billing failed: read for pages and the API."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from invoicing.billing.models import BillingHold, BillingParked


def reasons_of(session: Session, subject: str) -> list[dict[str, Any]]:
    """Why 'order:12' or 'plan:3' is not billed, as it was kept; empty when nothing holds it."""
    found = session.get(BillingHold, subject)
    return found.reasons if found else []


def holds(*, account_id: int | None = None) -> SelectOfScalar[BillingHold]:
    """All that is held, of one account if given."""
    query = select(BillingHold)
    return query if account_id is None else query.where(col(BillingHold.account_id) == account_id)


def parked() -> SelectOfScalar[BillingParked]:
    """The customers whose billing failed."""
    return select(BillingParked)
