"""What a statement of account says, gathered and ready to be written. Pure. Amounts are minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from ar.core.errors import DomainError, Fault
from ar.ledger.items import ItemState
from ar.ledger.statement import Line
from invoicing.einvoice.facts import Bank, Party


class Show(StrEnum):
    """What a statement lists: what happened in the period, or what is open at its end."""

    MOVEMENTS = "movements"
    OPEN = "open"


class StatementPeriodError(DomainError):
    """The period has no day."""

    code = "bad-period"


class StatementTooLongError(DomainError):
    """More lines than a printed statement holds."""

    code = "statement-too-long"


@dataclass(frozen=True)
class Section:
    """One account with one seller in one currency. `aged` is what is owed by days late (see ar/ledger/ageing.py),
    `credits` what the customer has in credit, zero or below; `logo` is as the templates take it."""

    seller_code: str
    seller: Party
    currency: str
    opening_minor: int
    closing_minor: int
    movements: Sequence[Line]
    open_items: Sequence[ItemState]
    aged: tuple[int, ...]
    credits: int
    bank: Bank | None = None
    logo: dict[str, Any] | None = None


@dataclass(frozen=True)
class StatementFacts:
    """A statement from the morning of `since` to the end of `until`, at least one section of it."""

    account_code: str
    customer: Party
    language: str
    since: date
    until: date
    show: Show
    sections: Sequence[Section]

    @property
    def rows(self) -> int:
        """How many lines it lists."""
        return sum(len(one.movements if self.show is Show.MOVEMENTS else one.open_items) for one in self.sections)


def check_period(since: date, until: date) -> None:
    """Raises StatementPeriodError when the period ends before it begins."""
    if until < since:
        message = f"the last day, {until}, lies before the first, {since}"
        raise StatementPeriodError(f"There is no such period: {message}", faults=[Fault("/until", message)])
