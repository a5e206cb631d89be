"""The receivables journal: each posting of the ledger as lines of an accounting entry that balances. Pure.

An invoice issued here is written with its revenue and VAT apart; one that was imported as revenue whole, since its tax
is not known here. Amounts are told in the seller's own currency at the rate of the accounting day, and in the
invoice's currency beside it where that is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ar.core.money import split
from ar.ledger.models import Book, EntryKind
from invoicing.exports.accounts import VAT, Chart, Named
from invoicing.totals import Tax

Convert = Callable[[int], int]
"""Minor units of the posting's currency in minor units of the seller's."""

_JOURNALS = {
    EntryKind.INVOICE: "sales",
    EntryKind.CREDIT_NOTE: "sales",
    EntryKind.PAYMENT: "bank",
    EntryKind.REFUND: "bank",
}


@dataclass(frozen=True, slots=True)
class Leg:
    """One ledger entry of a posting: what moved from `credit` to `debit`, in minor units."""

    entry_id: int
    debit: Book
    credit: Book
    amount_minor: int
    reference: str


@dataclass(frozen=True, slots=True)
class Posting:
    """What was posted as one: the entries of an invoice's instalments together, anything else alone.

    `kind` of a reversal is that of what it reverses. `taxes` is the document's breakdown, empty where there is none.
    """

    kind: EntryKind
    legs: tuple[Leg, ...]
    taxes: tuple[Tax, ...]
    currency: str
    effective_on: date
    posted_on: date
    reference: str
    memo: str
    customer_code: str
    customer_name: str


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line; one of debit and credit is zero. `foreign_minor` is signed, in `foreign_currency`, or None.

    A line of the customer's account has the `entry_id` of its ledger entry.
    """

    number: int
    entry_id: int | None
    journal: Named
    account: Named
    customer: Named | None
    effective_on: date
    posted_on: date
    reference: str
    label: str
    debit_minor: int
    credit_minor: int
    foreign_minor: int | None
    foreign_currency: str


def entry_lines(
    number: int, posting: Posting, chart: Chart, *, currency: str, convert: Convert
) -> Iterator[JournalLine]:
    """The lines of accounting entry `number`: debits equal credits, in both currencies, whatever the rate rounds."""
    sides = list(_sides(posting))
    told = _converted([minor for _, minor, _, _ in sides], convert)
    customer = Named(posting.customer_code, posting.customer_name)
    for (name, minor, reference, entry_id), own in zip(sides, told, strict=True):
        yield JournalLine(
            number=number,
            entry_id=entry_id,
            journal=chart.journals[_JOURNALS.get(posting.kind, "general")],
            account=chart.accounts[name],
            customer=customer if name == Book.RECEIVABLE else None,
            effective_on=posting.effective_on,
            posted_on=posting.posted_on,
            reference=reference,
            label=posting.memo or f"{posting.reference} {posting.customer_name}".strip(),
            debit_minor=max(own, 0),
            credit_minor=max(-own, 0),
            foreign_minor=None if posting.currency == currency else minor,
            foreign_currency="" if posting.currency == currency else posting.currency,
        )


def _sides(posting: Posting) -> Iterator[tuple[str, int, str, int | None]]:
    """Account, signed minor units (a debit is positive), reference and entry of each line: the customer's first.

    One instalment taken back takes its share of the revenue and of each VAT with it.
    """
    against = 0
    for leg in posting.legs:
        sign = 1 if leg.debit is Book.RECEIVABLE else -1
        yield Book.RECEIVABLE, sign * leg.amount_minor, leg.reference, leg.entry_id
        against -= sign * leg.amount_minor
    [other] = {leg.credit if leg.debit is Book.RECEIVABLE else leg.debit for leg in posting.legs}
    weights = [sum(tax.net_minor for tax in posting.taxes), *(tax.tax_minor for tax in posting.taxes)]
    whole = sum(weights) == abs(against)
    if other is not Book.SALES or (not whole and (sum(weights) < abs(against) or min(weights) < 0)):
        yield other, against, posting.reference, None
        return
    sign = 1 if against > 0 else -1
    net, *taxes = weights if whole else split(abs(against), weights)
    yield other, sign * net, posting.reference, None
    for tax_minor in taxes:
        if tax_minor:
            yield VAT, sign * tax_minor, posting.reference, None


def _converted(minors: Sequence[int], convert: Convert) -> list[int]:
    """Signed amounts that sum to zero, converted so that they still do: each side's total is converted, then shared."""
    owed, given = [max(minor, 0) for minor in minors], [max(-minor, 0) for minor in minors]
    total = convert(sum(owed))
    return [debit - credit for debit, credit in zip(split(total, owed), split(total, given), strict=True)]
