"""What an invoice or credit note says, gathered from everywhere and ready to be written in any syntax. Pure.

The terms in brackets are those of EN 16931. Amounts are minor units of the currency, rates hundredths of a percent,
quantities and unit prices millionths. Texts that a reader sees are in the customer's language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from ar.core.money import plain
from invoicing.draft import Place
from invoicing.models import DocumentKind, InvoiceStage, SupplyKind, TaxCategory
from invoicing.totals import ONE

EN16931 = "urn:cen.eu:en16931:2017"

INVOICE_CODE, CREDIT_NOTE_CODE, DEPOSIT_CODE = "380", "381", "386"
"""UNTDID 1001 [BT-3]."""

SEPA_TRANSFER, TRANSFER = "58", "30"
"""UNTDID 4461 [BT-81]."""

SIREN, SIRET, GLN, LEI = "0002", "0009", "0088", "0199"
"""Schemes of numbers, of ISO 6523."""

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Number:
    """A number of a party and the scheme it is of (ISO 6523), none when it is not known."""

    value: str
    scheme: str | None = None


@dataclass(frozen=True)
class Party:
    """The seller [BG-4] or the buyer [BG-7]. `endpoint` is where electronic documents reach it [BT-34, BT-49]."""

    name: str
    country: str
    street: str = ""
    postcode: str = ""
    city: str = ""
    vat_number: str = ""
    registration: Number | None = None
    endpoint: Number | None = None
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Bank:
    """Where to pay [BG-17]."""

    iban: str
    bic: str
    holder: str


@dataclass(frozen=True)
class Period:
    """What is billed for a time, its last day included [BG-14, BG-26]; either end may be open."""

    first: date | None
    last: date | None


@dataclass(frozen=True)
class AdjustmentFacts:
    """An allowance or a charge of a line [BG-27, BG-28] or of the document [BG-20, BG-21]."""

    charge: bool
    reason: str
    percent_bp: int | None
    base_minor: int
    amount_minor: int
    category: TaxCategory
    rate_bp: int


@dataclass(frozen=True)
class LineFacts:
    """One line [BG-25]; `unit` is a code of UN/ECE recommendation 20 [BT-130]."""

    position: int
    description: str
    quantity_millionths: int
    unit_price_millionths: int
    category: TaxCategory
    rate_bp: int
    net_minor: int
    unit: str = ONE
    item_code: str = ""
    order_line: str = ""
    period: Period | None = None
    adjustments: tuple[AdjustmentFacts, ...] = ()
    supply: SupplyKind = SupplyKind.GOODS


@dataclass(frozen=True)
class TaxFacts:
    """One row of the VAT breakdown [BG-23]; why no VAT is charged, in words and as a VATEX code, where none is."""

    category: TaxCategory
    rate_bp: int
    net_minor: int
    tax_minor: int
    reason: str = ""
    reason_code: str = ""


@dataclass(frozen=True)
class Note:
    """A note [BG-1] and, of legal mentions, its subject (UNTDID 4451)."""

    text: str
    subject: str = ""


@dataclass(frozen=True)
class Earlier:
    """A document that this one corrects or follows [BG-3]."""

    number: str
    issue_on: date


@dataclass(frozen=True)
class DocumentFacts:
    """An issued document. `terms` says in words when it is to be paid, or what becomes of a credit [BT-20].

    `pay_online` is the address of a page that leads to the customer's own, and holds no key.
    `adjustments` are of the whole document; `net_minor` is what is left of the lines after them.
    """

    kind: DocumentKind
    number: str
    issue_on: date
    due_on: date
    supplied_on: date | None
    currency: str
    language: str
    seller: Party
    buyer: Party
    lines: tuple[LineFacts, ...]
    taxes: tuple[TaxFacts, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    terms: str
    bank: Bank | None = None
    buyer_reference: str = ""
    purchase_order: str = ""
    notes: tuple[Note, ...] = ()
    corrects: Earlier | None = None
    follows: tuple[Earlier, ...] = ()
    order_reference: str = ""
    period: Period | None = None
    deliver_to: Place | None = None
    adjustments: tuple[AdjustmentFacts, ...] = ()
    stage: InvoiceStage = InvoiceStage.STANDARD
    tax_currency: str | None = None
    tax_accounting_minor: int | None = None
    pay_online: str = ""

    @property
    def is_invoice(self) -> bool:
        return self.kind is DocumentKind.INVOICE

    @property
    def type_code(self) -> str:
        """What it is, in UNTDID 1001 [BT-3]."""
        if not self.is_invoice:
            return CREDIT_NOTE_CODE
        return DEPOSIT_CODE if self.stage is InvoiceStage.DEPOSIT else INVOICE_CODE

    @property
    def earlier(self) -> tuple[Earlier, ...]:
        """What it corrects, then what it follows [BG-3]."""
        return (*([self.corrects] if self.corrects else ()), *self.follows)

    @property
    def supplies(self) -> frozenset[SupplyKind]:
        """Whether it is for goods, services or both, which French invoices say."""
        return frozenset(line.supply for line in self.lines)

    @property
    def process(self) -> str | None:
        """The frame of billing by the code of the French reform [BT-23]; None for a seller elsewhere (BR-FR-08)."""
        if self.seller.country != "FR":
            return None
        letter = "M" if len(self.supplies) > 1 else "S" if SupplyKind.SERVICES in self.supplies else "B"
        return letter + ("4" if self.stage is InvoiceStage.FINAL else "1")

    @property
    def lines_minor(self) -> int:
        """The sum of the lines [BT-106]."""
        return sum(line.net_minor for line in self.lines)

    def adjusted_minor(self, *, charge: bool) -> int:
        """The sum of the document's charges [BT-108], or of its allowances [BT-107]."""
        return sum(one.amount_minor for one in self.adjustments if one.charge is charge)

    @property
    def within_france(self) -> bool:
        """Whether seller and buyer are French."""
        return self.seller.country == self.buyer.country == "FR"

    @property
    def by_french_platform(self) -> bool:
        """Whether a French platform can carry it, whose rules it then has to meet: both French, both with an address.

        Without one, as between a company and a consumer, no platform takes it, and its rules do not apply.
        """
        return self.within_france and self.seller.endpoint is not None and self.buyer.endpoint is not None

    @property
    def taxable(self) -> bool:
        """Whether the document is within the scope of VAT: outside it, no VAT numbers are given (BR-O-02)."""
        return all(tax.category is not TaxCategory.NOT_SUBJECT for tax in self.taxes)

    @property
    def payment_means(self) -> str | None:
        """How to pay [BT-81]; None where nothing is to be paid, or nowhere is known to pay it."""
        if not self.is_invoice or self.bank is None:
            return None
        return SEPA_TRANSFER if self.currency == "EUR" else TRANSFER

    def amount(self, minor: int, currency: str | None = None) -> str:
        """An amount as both syntaxes write it: a plain decimal, with two places where a third holds nothing.

        EN 16931 has no third decimal (BR-DEC): what really has one fails its check, and rightly so. The currency is
        the document's when not given.
        """
        written = plain(minor, currency or self.currency)
        whole, point, places = written.partition(".")
        return whole + point + (places[:2] + places[2:].rstrip("0") if point else "")


def writable(text: str) -> str:
    """`text` with what XML has no way to write replaced by the replacement character."""
    return _NOT_XML.sub("\ufffd", text)
