"""From a decision to what the templates of a reminder are given. Pure; docs/messages.md lists every name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from dunning.decision import Ask, CustomerFacts, LateTerms, Line, Send

PURPOSE = "dunning.notice"
"""The purpose of reminders in the outbox, under which their guard is registered."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Who signs."""

    id: int
    name: str
    email: str | None
    phone: str | None
    country: str


class Row(NamedTuple):
    """One invoice as a message shows it: `amount_minor` is what is asked, `open_minor` what is open in all."""

    reference: str
    due_on: date
    days_late: int
    currency: str
    amount_minor: int
    open_minor: int
    contested_minor: int
    promised_minor: int
    promised_until: date | None
    in_flight_minor: int
    credited_minor: int
    planned_minor: int = 0


def message_key(account_id: int, entity_id: int, step: str, cycle: date) -> str:
    """The one name of a reminder: by it a second run finds that it was written."""
    return f"dunning:{account_id}:{entity_id}:{step}:{cycle.isoformat()}"


def context(
    send: Send, facts: CustomerFacts, seller: Seller, *, link: str, terms: LateTerms | None, today: date
) -> dict[str, Any]:
    """What the templates of the step's kind are given.

    `rows` are what the message asks for, `upcoming` those not yet due that come along in one that asks for late ones.
    """
    late, coming = split_lines(send)
    rows = [_row(line.ask, today=today) for line in late]
    return {
        "customer": facts,
        "contact": facts.contact,
        "seller": seller,
        "rows": rows,
        "totals": totals(rows),
        "upcoming": [_row(line.ask, today=today) for line in coming],
        "terms": terms,
        "link": link,
        "signer": None,
        "charges": None,
        "charges_total": [],
        "copy_links": {},
    }


def split_lines(send: Send) -> tuple[Sequence[Line], Sequence[Line]]:
    """The lines that a message is about, and those that it only mentions: not due yet, beside others that are late."""
    if send.step.courtesy:
        return send.lines, ()
    late = [line for line in send.lines if not line.step.courtesy]
    return late, [line for line in send.lines if line.step.courtesy]


def _row(ask: Ask, *, today: date) -> Row:
    item = ask.item
    return Row(
        item.reference or f"#{item.entry_id}",
        item.due_on,
        (today - item.due_on).days,
        item.currency,
        ask.amount_minor,
        item.open_minor,
        ask.contested_minor,
        ask.promised_minor,
        item.promised_until,
        ask.in_flight_minor,
        ask.credited_minor,
        ask.planned_minor,
    )


def totals(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """What is asked in all, per currency."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.amount_minor
    return sorted(sums.items())


def mailbox(name: str, address: str) -> str:
    """`name <address>` for a sender, of whatever the name may hold."""
    plain = "".join(c for c in name if c.isprintable() and c not in '<>"').strip()[:200]
    return f"{plain} <{address}>" if plain else address
