"""What to say on a call: written when it is read, from how the customer stands at that moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ar.core.render import Renderer
from dunning.calls.models import CallTask
from dunning.case import CustomerFacts
from dunning.decision import asks

TEMPLATE = "console/dunning/_script.txt"


def script(renderer: Renderer, language: str, context: Mapping[str, Any]) -> str:
    """The script in `language`, plain text."""
    text = renderer.page(TEMPLATE, language=language, **context)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def script_context(
    facts: CustomerFacts,
    *,
    today: date,
    contact_name: str,
    exchange: Mapping[str, Any] | None,
    task: CallTask | None = None,
    broken: Sequence[date] = (),
    plan_minor: int | None = 0,
    plan_currency: str = "",
    plan_months: int | None = 0,
) -> dict[str, Any]:
    """What the script is given: the position, what was said last, what is asked, and what may be offered.

    `broken` are the days of promises broken lately. A plan of up to `plan_minor` and `plan_months` may be offered
    without asking anybody: None is without limit, 0 that somebody must be asked.
    """
    late = [ask for ask in asks(facts) if ask.item.due_on < today]
    totals: dict[str, int] = {}
    for ask in late:
        totals[ask.item.currency] = totals.get(ask.item.currency, 0) + ask.amount_minor
    return {
        "customer": facts.name,
        "contact": contact_name,
        "late": [(ask, (today - ask.item.due_on).days) for ask in late],
        "totals": [(currency, minor) for currency, minor in sorted(totals.items()) if minor],
        "exchange": exchange,
        "task": task,
        "broken": list(broken),
        "plan_minor": plan_minor,
        "plan_currency": plan_currency,
        "plan_months": plan_months,
    }
