"""Deductions: what a customer kept back of a payment, claimed as a dispute by the one who applied the money."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ar.core.clock import local_date
from ar.core.kernel import Kernel
from ar.customers.entities import entity
from ar.disputes.claim import open_dispute
from ar.disputes.models import Reason
from ar.ledger.allocate import locked_items


def claim_deduction(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: open the dispute over a deduction, or over what is left to contest where less is open by now."""
    with kernel.database.transaction() as session:
        item = locked_items(session, [arguments["entry_id"]])[arguments["entry_id"]]
        left = item["open_minor"] - item["disputed_minor"]
        if left <= 0:
            return "nothing is left to contest"
        dispute = open_dispute(
            session,
            entry_id=arguments["entry_id"],
            amount_minor=min(left, arguments["amount_minor"]),
            reason=Reason(arguments["reason"]),
            text=arguments["text"],
            by=arguments["by"],
            today=local_date(now, entity(session, item["entity_id"]).time_zone),
            now=now,
        )
        return f"dispute {dispute.id} opened"
