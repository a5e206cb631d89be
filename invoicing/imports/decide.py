"""What becomes of a bill, given what the ledger and the file itself already hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from ar.ledger.models import EntryKind
from invoicing.imports.read import Bill

WAY_OUT = "an issued invoice does not change: correct the row, or issue a credit note and a new invoice"


class Outcome(Enum):
    NEW = "new"
    SETTLED = "settled"
    CONTESTED = "contested"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Known:
    """A document that the ledger holds already. Amounts in minor units; `was_disputed` now or ever before."""

    entry_id: int
    kind: EntryKind
    account_code: str
    currency: str
    amount_minor: int
    open_minor: int
    issue_on: date
    due_on: date
    was_disputed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    field: str = ""
    reason: str = ""


def kind_of(bill: Bill) -> EntryKind:
    """A negative amount is a credit note."""
    return EntryKind.INVOICE if bill.amount_minor > 0 else EntryKind.CREDIT_NOTE


class Seen:
    """The bills of this file so far: which row told each number first, and what it said."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[int, int]] = {}

    def decide(self, bill: Bill) -> Verdict | None:
        """The same again is unchanged, another content under the same number refused; None for a new number."""
        first = self._first.get(bill.number)
        if first is None:
            return None
        row, content = first
        if content == hash(bill[2:9]):
            return Verdict(Outcome.UNCHANGED)
        return Verdict(
            Outcome.REFUSED, "invoice_number", f"stands on row {row} with another content: keep one of the two"
        )

    def add(self, bill: Bill) -> None:
        self._first.setdefault(bill.number, (bill.row, hash(bill[2:9])))


def decide(bill: Bill, known: Known | None, *, in_instalments: bool = False) -> Verdict:
    """Whether `bill` is new, settles or contests the document known under its number, repeats it, or contradicts it.

    `in_instalments`: an invoice of that number was issued here, of which the ledger holds the instalments alone.
    """
    if in_instalments:
        reason = f"was issued here in instalments: tell each under its own number, such as {bill.number[:40]}/1"
        return Verdict(Outcome.REFUSED, "invoice_number", reason)
    if known is None:
        return Verdict(Outcome.NEW)
    if known.kind is not kind_of(bill):
        return Verdict(Outcome.REFUSED, "amount", f"this number is a {_word(known.kind)} already: {WAY_OUT}")
    told = (
        ("customer_code", bill.code, known.account_code),
        ("currency", bill.currency, known.currency),
        ("amount", abs(bill.amount_minor), known.amount_minor),
        ("issue_date", bill.issue_on, known.issue_on),
        ("due_date", bill.due_on, known.due_on),
    )
    for field, now, then in told:
        if now != then:
            return Verdict(Outcome.REFUSED, field, f"differs from what this number was booked with: {WAY_OUT}")
    if bill.paid_on is not None and known.open_minor > 0:
        return Verdict(Outcome.SETTLED)
    if bill.disputed and known.open_minor > 0 and not known.was_disputed and known.kind is EntryKind.INVOICE:
        return Verdict(Outcome.CONTESTED)
    return Verdict(Outcome.UNCHANGED)


def dispute_days(bill: Bill, *, today: date) -> tuple[date, date | None]:
    """The days on which a contested bill counts as contested: from, and until when (None while it is open).

    No file says when the customer contested, and it is not known at issue: it is taken to be the due date, or
    today or the payment where that was earlier, never before the issue.
    """
    if bill.paid_on is None:
        return max(bill.issue_on, min(bill.due_on, today)), None
    until = max(bill.issue_on, bill.paid_on)
    return max(bill.issue_on, min(bill.due_on, until)), until


def _word(kind: EntryKind) -> str:
    return kind.value.replace("_", " ")
