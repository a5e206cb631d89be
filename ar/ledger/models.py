"""The receivables ledger: entries that never change, allocations between them, and what is left open.

An entry moves one amount from one book account to another, so debits equal credits by its very form, and the
receivable's balance is the sum of the entries that touch it. Entries and allocations are immutable: a trigger
refuses UPDATE and DELETE. The open balance kept on an item is written by a trigger alone, from allocations,
and a constraint keeps it between zero and the item's amount.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime, enum_type


class EntryKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    REFUND = "refund"
    WRITE_OFF = "write_off"
    LATE_CHARGE = "late_charge"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


class Book(StrEnum):
    """The book accounts that entries move amounts between."""

    RECEIVABLE = "receivable"
    SALES = "sales"
    BANK = "bank"
    BAD_DEBT = "bad_debt"
    LATE_CHARGES = "late_charges"
    ADJUSTMENTS = "adjustments"
    DISCOUNTS = "discounts"
    BANK_CHARGES = "bank_charges"
    PAYMENT_DIFFERENCES = "payment_differences"


class Entry(SQLModel, table=True):
    """One posted fact. `effective_on` is its accounting day; `posted_at` when it was written."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("debit <> credit", name="two_books"),
        CheckConstraint("debit = 'receivable' OR credit = 'receivable'", name="receivable"),
        Index("ix_ledger_entry_account", "account_id", "effective_on"),
        Index("ix_ledger_entry_period", "effective_on", "kind"),
        Index(
            "uq_ledger_entry_document",
            "entity_id",
            "kind",
            "reference",
            unique=True,
            sqlite_where=text("kind IN ('invoice', 'credit_note')"),
            postgresql_where=text("kind IN ('invoice', 'credit_note')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    kind: EntryKind = Field(sa_type=enum_type(EntryKind))
    debit: Book = Field(sa_type=enum_type(Book))
    credit: Book = Field(sa_type=enum_type(Book))
    amount_minor: int = Field(sa_type=BigId)
    currency: str = Field(max_length=3)
    effective_on: date
    due_on: date | None = None
    reference: str = Field(default="", max_length=60)
    memo: str = Field(default="", max_length=400)
    reverses_id: int | None = Field(default=None, foreign_key="ledger_entry.id", unique=True, sa_type=BigId)
    reversed_kind: EntryKind | None = Field(default=None, sa_type=enum_type(EntryKind))
    source: str = Field(max_length=80)
    source_key: str | None = Field(default=None, max_length=160, unique=True)
    posted_at: datetime = Field(sa_type=UtcDateTime)


class OpenItem(SQLModel, table=True):
    """What an entry leaves to settle. `side` is +1 for what the customer owes, -1 for what it has in credit.

    `reference_key` is the reference as reference_key() writes it, and `purchase_order` the customer's own order
    number, so written as well: payers quote both, in their own manner.
    """

    __tablename__ = "open_item"
    __table_args__ = (
        CheckConstraint("side IN (-1, 1)", name="side"),
        CheckConstraint("open_minor BETWEEN 0 AND amount_minor", name="open_within"),
        CheckConstraint("disputed_minor BETWEEN 0 AND amount_minor", name="disputed_within"),
        Index(
            "ix_open_item_open",
            "account_id",
            "due_on",
            sqlite_where=text("open_minor > 0"),
            postgresql_where=text("open_minor > 0"),
        ),
        Index("ix_open_item_reference", "reference"),
        Index(
            "ix_open_item_reference_key",
            "reference_key",
            sqlite_where=text("open_minor > 0"),
            postgresql_where=text("open_minor > 0"),
        ),
        Index(
            "ix_open_item_purchase_order",
            "purchase_order",
            sqlite_where=text("open_minor > 0 AND purchase_order <> ''"),
            postgresql_where=text("open_minor > 0 AND purchase_order <> ''"),
        ),
        Index("ix_open_item_account", "account_id", "effective_on"),
    )

    entry_id: int = Field(primary_key=True, foreign_key="ledger_entry.id", sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    kind: EntryKind = Field(sa_type=enum_type(EntryKind))
    side: int
    currency: str = Field(max_length=3)
    amount_minor: int = Field(sa_type=BigId)
    open_minor: int = Field(sa_type=BigId)
    disputed_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    effective_on: date
    due_on: date
    reference: str = Field(default="", max_length=60)
    discount_until: date | None = None
    discount_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    reference_key: str = Field(default="", max_length=60, sa_column_kwargs={"server_default": ""})
    purchase_order: str = Field(default="", max_length=60, sa_column_kwargs={"server_default": ""})


class Allocation(SQLModel, table=True):
    """Part of a credit set against part of a debit on a day; a negative amount takes an earlier one back."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount_given"),
        CheckConstraint("(amount_minor < 0) = (undoes_id IS NOT NULL)", name="undo_negative"),
        Index("ix_allocation_debit", "debit_id"),
        Index("ix_allocation_credit", "credit_id"),
        Index("ix_allocation_day", "allocated_on"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    debit_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    credit_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    allocated_on: date
    undoes_id: int | None = Field(default=None, foreign_key="allocation.id", unique=True, sa_type=BigId)
    source: str = Field(max_length=80)
    made_at: datetime = Field(sa_type=UtcDateTime)


class DisputeMark(SQLModel, table=True):
    """A change of an item's contested amount on a day, up or down, so that any past day can be told again."""

    __tablename__ = "dispute_mark"
    __table_args__ = (Index("ix_dispute_mark_entry", "entry_id", "marked_on"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entry_id: int = Field(foreign_key="open_item.entry_id", sa_type=BigId)
    change_minor: int = Field(sa_type=BigId)
    marked_on: date
    source: str = Field(max_length=80)


class ExchangeRate(SQLModel, table=True):
    """Units of `currency` for one euro on a day, as the European Central Bank publishes them."""

    __tablename__ = "exchange_rate"
    __table_args__ = (UniqueConstraint("currency", "rate_on"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    currency: str = Field(max_length=3)
    rate_on: date
    per_euro: Decimal = Field(sa_type=Numeric(18, 8, asdecimal=True))
    source: str = Field(max_length=40)
