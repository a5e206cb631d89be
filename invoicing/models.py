"""Invoices and credit notes as documents, their gap-free numbers, the files made of them or they came from; the law.

The ledger's entry is the claim; a document says what it is for. An issued document never changes: a trigger
refuses it. Quantities and unit prices are integers of millionths, amounts integers of the currency's minor unit.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type

EMPTY = {"server_default": ""}


class DocumentKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class InvoiceState(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"


class TaxCategory(StrEnum):
    """The VAT categories of EN 16931 (UNCL 5305)."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    NOT_SUBJECT = "O"


class SupplyKind(StrEnum):
    """What a line is of: French invoices say whether they are for goods, for services or for both."""

    GOODS = "goods"
    SERVICES = "services"


class InvoiceStage(StrEnum):
    """Where an invoice stands in what is billed in parts: a deposit before, the final one that takes deposits off."""

    STANDARD = "standard"
    DEPOSIT = "deposit"
    FINAL = "final"


class Invoice(SQLModel, table=True):
    """An invoice, or a credit note that corrects the ledger entry `corrects_entry_id`; with `approved_at`, a draft
    that may be issued.

    `deliver_to` is where the goods went, if not to the customer's address: name, street, postcode, city, country.
    `tax_accounting_minor` is the tax in minor units of `tax_currency`, the seller's, where that is another one.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("entity_id", "kind", "number"),
        CheckConstraint(
            "state = 'draft' OR (number IS NOT NULL AND entry_id IS NOT NULL AND issued_at IS NOT NULL)",
            name="issued_whole",
        ),
        CheckConstraint("total_minor = net_minor + tax_minor", name="total"),
        Index("ix_invoice_account", "account_id", "id"),
        Index("ix_invoice_corrects", "corrects_entry_id"),
        Index("ix_invoice_number", "number"),
        Index(
            "ix_invoice_draft",
            "account_id",
            "id",
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    kind: DocumentKind = Field(sa_type=enum_type(DocumentKind))
    state: InvoiceState = Field(default=InvoiceState.DRAFT, sa_type=enum_type(InvoiceState))
    series: str = Field(max_length=8)
    number: str | None = Field(default=None, max_length=35)
    issue_on: date
    due_on: date
    supplied_on: date | None = None
    currency: str = Field(max_length=3)
    net_minor: int = Field(sa_type=BigId)
    tax_minor: int = Field(sa_type=BigId)
    total_minor: int = Field(sa_type=BigId)
    terms: str = Field(default="", max_length=200)
    buyer_reference: str = Field(default="", max_length=60)
    purchase_order: str = Field(default="", max_length=60)
    order_reference: str = Field(default="", max_length=60, sa_column_kwargs=EMPTY)
    note: str = Field(default="", max_length=2000)
    stage: InvoiceStage = Field(
        default=InvoiceStage.STANDARD,
        sa_type=enum_type(InvoiceStage),
        sa_column_kwargs={"server_default": InvoiceStage.STANDARD.value},
    )
    period_from: date | None = None
    period_to: date | None = None
    deliver_to: dict[str, str] | None = Field(default=None, sa_type=Json)
    tax_currency: str | None = Field(default=None, max_length=3)
    tax_accounting_minor: int | None = Field(default=None, sa_type=BigId)
    corrects_entry_id: int | None = Field(default=None, foreign_key="ledger_entry.id", sa_type=BigId)
    entry_id: int | None = Field(default=None, foreign_key="ledger_entry.id", unique=True, sa_type=BigId)
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: str = Field(default="", max_length=80, sa_column_kwargs=EMPTY)
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    approved_by: str | None = Field(default=None, max_length=80)
    issued_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    issued_by: str | None = Field(default=None, max_length=80)


class InvoiceInstalment(SQLModel, table=True):
    """What a document posts to the ledger: one entry for each due date, and one for a document that has only one.

    The amounts sum to the document's total: a trigger refuses to issue it otherwise. The first entry is the
    document's own `entry_id`.
    """

    __tablename__ = "invoice_instalment"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    invoice_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    due_on: date
    amount_minor: int = Field(sa_type=BigId)
    entry_id: int = Field(foreign_key="ledger_entry.id", unique=True, sa_type=BigId)


class InvoiceLine(SQLModel, table=True):
    """One line; its net amount is quantity x unit price less its allowances, rounded half up to the minor unit.

    `corrects_position` is of a credit note's line: the line of the invoice that it takes back.
    """

    __tablename__ = "invoice_line"

    invoice_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    description: str = Field(max_length=1000)
    quantity_millionths: int = Field(sa_type=BigId)
    unit_price_millionths: int = Field(sa_type=BigId)
    tax_category: TaxCategory = Field(sa_type=enum_type(TaxCategory))
    tax_rate_bp: int
    net_minor: int = Field(sa_type=BigId)
    unit: str = Field(default="C62", max_length=3, sa_column_kwargs={"server_default": "C62"})
    item_code: str = Field(default="", max_length=60, sa_column_kwargs=EMPTY)
    order_line: str = Field(default="", max_length=60, sa_column_kwargs=EMPTY)
    period_from: date | None = None
    period_to: date | None = None
    exemption: str = Field(default="", max_length=30, sa_column_kwargs=EMPTY)
    supply: SupplyKind = Field(
        default=SupplyKind.GOODS,
        sa_type=enum_type(SupplyKind),
        sa_column_kwargs={"server_default": SupplyKind.GOODS.value},
    )
    corrects_position: int | None = None


class InvoiceAdjustment(SQLModel, table=True):
    """An allowance (taken off) or a charge (added), of the line `line_position`, or of the document in one VAT category
    and rate. One that is a percentage, in hundredths of a percent, is of `base_minor`."""

    __tablename__ = "invoice_adjustment"

    invoice_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    line_position: int | None = None
    charge: bool
    reason: str = Field(max_length=200)
    percent_bp: int | None = None
    base_minor: int = Field(sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    tax_category: TaxCategory = Field(sa_type=enum_type(TaxCategory))
    tax_rate_bp: int


class InvoicePreceding(SQLModel, table=True):
    """The documents that one follows, such as the deposits that a final invoice takes off."""

    __tablename__ = "invoice_preceding"
    __table_args__ = (Index("ix_invoice_preceding_preceding", "preceding_id"),)

    invoice_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)
    preceding_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)


class InvoiceTax(SQLModel, table=True):
    """The VAT breakdown of a document: what one category and rate applies to, the tax, and the VATEX code of why there
    is none."""

    __tablename__ = "invoice_tax"

    invoice_id: int = Field(primary_key=True, foreign_key="invoice.id", sa_type=BigId)
    category: TaxCategory = Field(primary_key=True, sa_type=enum_type(TaxCategory))
    rate_bp: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    net_minor: int = Field(sa_type=BigId)
    tax_minor: int = Field(sa_type=BigId)
    exemption: str = Field(default="", max_length=30, sa_column_kwargs=EMPTY)


class LawKind(StrEnum):
    """What a row of the law's table says, and in which unit its value is."""

    INTEREST = "interest"  # percent a year on what is paid late
    MAX_DAYS = "max_days"  # days from the invoice that may be agreed at most
    MAX_DAYS_END_OF_MONTH = "max_days_end_of_month"  # the same, for terms that count to the end of a month
    FIXED_COMPENSATION = "fixed_compensation"  # an amount of `currency` for each late invoice
    PUBLIC_MAX_DAYS = "public_max_days"  # days from the invoice within which a public body pays
    PERIODIC_MAX_DAYS = "periodic_max_days"  # days from an invoice that sums up a period, agreed at most
    LEGAL_RATE = "legal_rate"  # percent a year: the legal rate of interest, between professionals
    CONTRACT_MULTIPLE = "contract_multiple"  # so many times the legal rate a contract agrees on at least


class LateLaw(SQLModel, table=True):
    """One figure of the law of late payment, of one jurisdiction and period, as an administrator entered it.

    Rows are added and never changed: a trigger refuses it. On a day the row that begins last holds, the one entered
    last among equals; it holds until `valid_to`, without end when that is empty.
    """

    __tablename__ = "late_payment_law"
    __table_args__ = (
        CheckConstraint("valid_to >= valid_from", name="period"),
        CheckConstraint("value >= 0", name="value_positive"),
        CheckConstraint("(kind = 'fixed_compensation') = (currency IS NOT NULL)", name="currency_given"),
        Index("ix_late_payment_law_period", "jurisdiction", "kind", "valid_from"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    jurisdiction: str = Field(max_length=2)
    kind: LawKind = Field(sa_type=enum_type(LawKind))
    value: Decimal = Field(sa_type=Numeric(12, 4, asdecimal=True))
    currency: str | None = Field(default=None, max_length=3)
    valid_from: date
    valid_to: date | None = None
    source: str = Field(max_length=200)
    entered_at: datetime = Field(sa_type=UtcDateTime)
    entered_by: str = Field(max_length=80)


class FileFormat(StrEnum):
    """What an issued document is made into: a printed page, and the two syntaxes of EN 16931."""

    PDF = "pdf"
    CII = "cii"
    UBL = "ubl"


class InvoiceFile(SQLModel, table=True):
    """One file made of an issued document; or, without a file, the rules that it failed: [{"rule", "message"}]."""

    __tablename__ = "invoice_file"
    __table_args__ = (
        UniqueConstraint("invoice_id", "format"),
        CheckConstraint("(file_id IS NULL) = (failures IS NOT NULL)", name="made_or_failed"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    invoice_id: int = Field(foreign_key="invoice.id", sa_type=BigId)
    format: FileFormat = Field(sa_type=enum_type(FileFormat))
    file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigId)
    failures: list[dict[str, str]] | None = Field(default=None, sa_type=Json)
    made_at: datetime = Field(sa_type=UtcDateTime)


class NumberSequence(SQLModel, table=True):
    """The next number of a series in a year, and the day of the last document: order of number is order of day."""

    __tablename__ = "number_sequence"

    entity_id: int = Field(primary_key=True, foreign_key="legal_entity.id", sa_type=BigId)
    series: str = Field(primary_key=True, max_length=8)
    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    next: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    last_on: date


class ImportBatch(SQLModel, table=True):
    """One file that was read, whole, and what became of its rows."""

    __tablename__ = "import_batch"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", index=True, sa_type=BigId)
    file_name: str = Field(max_length=200)
    sha256: str = Field(max_length=64)
    profile: str = Field(max_length=60)
    headings: list[str] = Field(sa_type=Json)
    accepted: int = 0
    refused: int = 0
    unchanged: int = 0
    imported_at: datetime = Field(sa_type=UtcDateTime)
    imported_by: str = Field(max_length=80)


class ImportRefusal(SQLModel, table=True):
    """One row that was refused: where, which value, why, and the row as it stood."""

    __tablename__ = "import_refusal"

    batch_id: int = Field(primary_key=True, foreign_key="import_batch.id", sa_type=BigId)
    row_number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    column_name: str = Field(max_length=60)
    value: str = Field(max_length=60)
    reason: str = Field(max_length=400)
    cells: list[Any] = Field(sa_type=Json)
