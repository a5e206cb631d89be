"""What the law adds to an invoice that is late, as of a day: interest by segments of its balance, and the fixed sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from ar.core.db import among
from ar.core.money import Money
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.customers.models import AccountKind
from ar.ledger.items import balance_steps
from ar.ledger.models import Entry
from invoicing.documents import Detail
from invoicing.law.contract import agreed_rates, with_agreed
from invoicing.law.interest import Segment, segments
from invoicing.law.table import law_of
from invoicing.models import LawKind


@dataclass(frozen=True)
class LatePart:
    """A late segment of one of the invoice's open items."""

    entry_id: int
    reference: str
    due_on: date
    segment: Segment


@dataclass(frozen=True)
class LateInterest:
    """Interest in minor units of the invoice's currency; the fixed sum in its own, None when nothing was ever late."""

    as_of: date
    currency: str
    parts: Sequence[LatePart]
    interest_minor: int
    fixed: Money | None
    fixed_source: str
    applies: bool = True
    """False for a consumer: what the law gives between professionals is neither owed nor reckoned."""

    @property
    def total_minor(self) -> int | None:
        """Interest and fixed sum; None where they are in two currencies."""
        if self.fixed is None:
            return self.interest_minor
        return self.interest_minor + self.fixed.minor if self.fixed.currency == self.currency else None


def late_interest(session: Session, found: Detail, *, as_of: date) -> LateInterest:
    """What the law of the seller's country gives on an invoice as of the end of `as_of`, between professionals.

    A rate agreed with the customer takes the place of the law's own from its first day on. A consumer owes nothing.

    Each instalment bears interest from the day after its own due date, on what the ledger had open of it, contested
    amounts included; the fixed sum is due once for the invoice. Nothing is late of a credit note, nor of what was taken
    back. Raises LawMissingError for late days that the law's table does not cover.
    """
    if account(session, found.item.account_id).kind is AccountKind.CONSUMER:
        return LateInterest(as_of, found.item.currency, [], 0, None, "", applies=False)
    owed = [item for item in found.items if item.side == 1]
    entry_ids = [item.entry_id for item in owed]
    taken_back = set(session.exec(select(Entry.reverses_id).where(among(session, col(Entry.reverses_id), entry_ids))))
    steps = balance_steps(session, entry_ids)
    law = with_agreed(
        law_of(session, entity(session, found.item.entity_id).country),
        agreed_rates(session, [found.item.account_id]).get(found.item.account_id, ()),
    )
    parts = [
        LatePart(item.entry_id, item.reference, item.due_on, segment)
        for item in owed
        if item.entry_id not in taken_back
        for segment in segments(law, due_on=item.due_on, balances=steps[item.entry_id], as_of=as_of)
    ]
    fixed = law.on(LawKind.FIXED_COMPENSATION, min(part.segment.first for part in parts)) if parts else None
    total = sum(part.segment.interest_minor for part in parts)
    return LateInterest(
        as_of, found.item.currency, parts, total, fixed.amount() if fixed else None, fixed.source if fixed else ""
    )
