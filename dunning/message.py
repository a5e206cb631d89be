"""From a decision to what the templates of a reminder are given. Pure; docs/messages.md lists every name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from ar.core.outbox import MessageChannel
from dunning.case import ContactFacts, CustomerFacts, LateTerms
from dunning.decision import Ask, Line, Send

NOBODY = ContactFacts(0, "", "")
"""Who is greeted where no person is known."""

PURPOSE = "dunning.notice"
"""The purpose of reminders in the outbox, under which their guard is registered."""

COPY_PURPOSE = "dunning.copy"
"""The purpose of copies for others than the one written to."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Who signs."""

    id: int
    name: str
    email: str | None
    phone: str | None
    country: str
    code: str = ""


class Charged(NamedTuple):
    """What lateness adds to one item, in minor units of its currency: interest over `days`, and the fixed sum.

    `book_minor` is the part of the two that is posted once the message has left.
    """

    entry_id: int
    reference: str
    currency: str
    days: int
    interest_minor: int
    fixed_minor: int
    book_minor: int = 0


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


def recipient(facts: CustomerFacts, channel: MessageChannel) -> str:
    """To whom a message by `channel` goes: an address, a number, the lines of an envelope; empty for nobody."""
    if channel is MessageChannel.LETTER:
        return facts.address
    if channel is MessageChannel.PORTAL:
        return facts.code
    if facts.contact is None:
        return ""
    return facts.contact.phone if channel is MessageChannel.SMS else facts.contact.email


def message_key(account_id: int, entity_id: int, step: str, cycle: date) -> str:
    """The one name of a reminder: by it a second run finds that it was written."""
    return f"dunning:{account_id}:{entity_id}:{step}:{cycle.isoformat()}"


class Signer(NamedTuple):
    """The person who signs for the seller."""

    name: str
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Extras:
    """What a message may have besides: a person who signs, charges of lateness, links to copies by reference."""

    signer: Signer | None = None
    charges: Sequence[Charged] = ()
    copy_links: Mapping[str, str] = field(default_factory=dict)


PLAIN = Extras()


def context(
    send: Send,
    facts: CustomerFacts,
    seller: Seller,
    *,
    link: str,
    terms: LateTerms | None,
    today: date,
    extras: Extras = PLAIN,
) -> dict[str, Any]:
    """What the templates of the step's kind are given.

    `rows` are what the message asks for, `upcoming` those not yet due that come along in one that asks for late ones.
    """
    late, coming = split_lines(send)
    rows = [_row(line.ask, today=today) for line in late]
    return {
        "customer": facts,
        "contact": facts.contact or NOBODY,
        "seller": seller,
        "rows": rows,
        "totals": totals(rows),
        "upcoming": [_row(line.ask, today=today) for line in coming],
        "terms": terms,
        "link": link,
        "signer": extras.signer,
        "charges": extras.charges or None,
        "charges_total": charges_total(extras.charges),
        "copy_links": extras.copy_links,
    }


def charges_total(charges: Sequence[Charged]) -> list[tuple[str, int]]:
    """Interest and fixed sums in all, per currency."""
    sums: dict[str, int] = {}
    for charge in charges:
        sums[charge.currency] = sums.get(charge.currency, 0) + charge.interest_minor + charge.fixed_minor
    return sorted(sums.items())


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
