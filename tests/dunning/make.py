"""Facts of the smallest customer that a decision can be about: one invoice of 100.00 euros, due on DUE."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dunning.case import ContactFacts, CustomerFacts, ItemFacts, Noticed
from dunning.policy import FRIENDLY_FIVE, Policies

DUE = date(2026, 3, 2)  # a Monday
POLICIES = Policies(FRIENDLY_FIVE)
STEPS = {step.key: step for step in FRIENDLY_FIVE.steps}


def item(entry_id: int = 1, *, due_on: date = DUE, open_minor: int = 10_000, **other: Any) -> ItemFacts:
    given: dict[str, Any] = {"entity_id": 1, "reference": f"INV-{entry_id}", "currency": "EUR", **other}
    return ItemFacts(entry_id, due_on=due_on, open_minor=open_minor, **given)


def customer(*items: ItemFacts, **other: Any) -> CustomerFacts:
    given: dict[str, Any] = {
        "account_id": 17,
        "code": "C17",
        "name": "Bakery Example",
        "language": "en",
        "country": "FR",
        "zone": "Europe/Paris",
        "epoch": 1,
        "contact": ContactFacts(5, "Jo Baker", "jo@bakery.example"),
        "bounced": False,
        **other,
    }
    return CustomerFacts(items=items, **given)


def noticed(*keys: str, due_on: date = DUE) -> tuple[Noticed, ...]:
    """Noticed at these steps, each on its own day."""
    return tuple(Noticed(key, STEPS[key].offset_days, due_on + timedelta(days=STEPS[key].offset_days)) for key in keys)


def after(days: int) -> date:
    """The day so many days after the due date."""
    return DUE + timedelta(days=days)
