"""What an electronic invoice made elsewhere says, whichever its syntax. Pure.

The terms in brackets are those of EN 16931. Amounts are minor units of the invoice's currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ar.core.errors import DomainError, Fault
from invoicing.einvoice.facts import Number
from invoicing.models import DocumentKind, FileFormat, InvoiceStage
from invoicing.totals import Adjustment, Line, Tax


class EInvoiceRefusedError(DomainError):
    """The file is no electronic invoice that can be taken in; the faults name each rule or reason."""

    code = "einvoice-refused"


def refused(*reasons: str) -> EInvoiceRefusedError:
    return EInvoiceRefusedError(
        f"The invoice was not taken in: {reasons[0]}", faults=[Fault("/file", reason) for reason in reasons[:20]]
    )


@dataclass(frozen=True)
class ToldParty:
    """The seller [BG-4] or the buyer [BG-7], with every number that names it."""

    name: str
    country: str
    street: str
    postcode: str
    city: str
    vat_number: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class ToldLine:
    """One line [BG-25] and its net amount [BT-131] as the invoice says it."""

    line: Line
    net_minor: int


@dataclass(frozen=True)
class ToldAdjustment:
    """An allowance or a charge on the whole document [BG-20, BG-21], in one category and rate."""

    adjustment: Adjustment
    base_minor: int
    tax: Tax


@dataclass(frozen=True)
class ToldSums:
    """The totals of the document [BG-22]."""

    lines_minor: int
    allowances_minor: int
    charges_minor: int
    net_minor: int
    tax_minor: int
    total_minor: int
    prepaid_minor: int
    rounding_minor: int
    payable_minor: int


@dataclass(frozen=True)
class ToldInvoice:
    """The whole document. `due_on` is None where it says no day, `corrects` the number that it names [BT-25]."""

    syntax: FileFormat
    kind: DocumentKind
    stage: InvoiceStage
    number: str
    issue_on: date
    due_on: date | None
    supplied_on: date | None
    period_from: date | None
    period_to: date | None
    currency: str
    seller: ToldParty
    buyer: ToldParty
    lines: Sequence[ToldLine]
    adjustments: Sequence[ToldAdjustment]
    taxes: Sequence[Tax]
    sums: ToldSums
    corrects: str = ""
    buyer_reference: str = ""
    purchase_order: str = ""
    order_reference: str = ""
    note: str = ""
