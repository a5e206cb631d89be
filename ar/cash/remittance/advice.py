"""What a remittance advice says, however it was written. Pure. Amounts are minor units of the advice's currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

MAX_LINES = 2_000
MAX_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Line:
    """One document that the payment is for. `paid_minor` is what of the payment goes to it, below zero for a credit
    note; None where the payer does not say. `gross_minor` less `deduction_minor` is what is paid. `said` is the
    payer's own line; a line without `reference` is a deduction from the payment as a whole."""

    reference: str
    paid_minor: int | None = None
    gross_minor: int | None = None
    deduction_minor: int = 0
    reason: str = ""
    document_on: date | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What the payer says. `reference` names the payment (end-to-end id, number of the transfer or cheque). `text` is
    what was written; `doubts` are sentences about what of it could not be understood, or does not agree."""

    lines: tuple[Line, ...] = ()
    amount_minor: int | None = None
    currency: str = ""
    paid_on: date | None = None
    reference: str = ""
    payer: str = ""
    text: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def told_minor(self) -> int | None:
        """What the lines add up to; None when there are none, or one does not say its amount."""
        return sum_of(self.lines)

    @property
    def adds_up(self) -> bool:
        """Whether the lines add up to the payment."""
        return self.amount_minor is not None and self.told_minor == self.amount_minor


def sum_of(lines: Sequence[Line]) -> int | None:
    """The sum of what is paid on each of `lines`; None for no lines, or when one does not say."""
    if not lines:
        return None
    total = 0
    for line in lines:
        if line.paid_minor is None:
            return None
        total += line.paid_minor
    return total


@dataclass(frozen=True, slots=True)
class Known:
    """A document that is open in the ledger, by the key of its reference: `side` -1 is in the customer's credit."""

    reference: str
    currency: str
    side: int = 1
