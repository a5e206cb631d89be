"""Bank statements and their lines, as the bank gave them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime, enum_type


class LineState(StrEnum):
    """OPEN waits for somebody to say what it is for. PROVISIONAL is not booked by the bank yet. SUPERSEDED is said
    better by other lines (a batch by its transactions, a pending line by the booked one) and counts no more."""

    PROVISIONAL = "provisional"
    OPEN = "open"
    APPLIED = "applied"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"


class BankStatement(SQLModel, table=True):
    """One statement of one account out of one file. Balances in minor units; None where the file has none.

    `digest` is of all that the statement says: the same statement out of two files is one row. `difference_minor` is
    what its closing balance has more than its opening balance and its lines make; None where one is missing.
    """

    __tablename__ = "bank_statement"
    __table_args__ = (
        UniqueConstraint("bank_account_id", "digest"),
        Index("ix_bank_statement_closing", "bank_account_id", "closing_on", "id"),
        Index("ix_bank_statement_account", "bank_account_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    bank_account_id: int = Field(foreign_key="bank_account.id", sa_type=BigId)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigId)
    format: str = Field(max_length=20)
    reference: str = Field(default="", max_length=60)
    digest: str = Field(max_length=64)
    currency: str = Field(max_length=3)
    opening_minor: int | None = Field(default=None, sa_type=BigId)
    opening_on: date | None = None
    closing_minor: int | None = Field(default=None, sa_type=BigId)
    closing_on: date | None = None
    difference_minor: int | None = Field(default=None, sa_type=BigId)
    provisional: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    lines_read: int
    lines_added: int
    imported_by: str = Field(max_length=80)
    imported_at: datetime = Field(sa_type=UtcDateTime)


class BankLine(SQLModel, table=True):
    """One movement on a bank account: positive when money came in, in minor units of the account's currency.

    `entry` is a digest of account, bank reference, day, amount and occurrence of what the bank booked as one;
    `identity` is the same, with which part of how many where the bank split it into transactions. The same line out
    of two files is one row, two true lines that look the same are two.

    `counterparty_iban` is its number in capitals without spaces, IBAN or not. `remittance` holds every line of the
    payer's text, one below the other; `structured_reference` the creditor reference (RF, QRR, OGM). `charges_minor`
    are bank charges taken off, when the bank says so; `original_minor` what the payer ordered, in
    `original_currency`. `return_reason` is the bank's code for money that went back. `state_reason` says in words
    why a line is applied, ignored or superseded.
    """

    __tablename__ = "bank_line"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount_given"),
        UniqueConstraint("bank_account_id", "identity"),
        Index("ix_bank_line_account_day", "bank_account_id", "booked_on", "id"),
        Index("ix_bank_line_statement", "statement_id", "id"),
        Index("ix_bank_line_end_to_end", "end_to_end_id"),
        Index("ix_bank_line_entry", "bank_account_id", "entry"),
        Index("ix_bank_line_day", "booked_on", "id"),
        Index("ix_bank_line_state", "state", "booked_on", "id"),
        Index("ix_bank_line_account_state", "bank_account_id", "state", "booked_on", "id"),
        Index(
            "ix_bank_line_open_amount",
            "amount_minor",
            "currency",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_bank_line_open",
            "entity_id",
            "id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    statement_id: int = Field(foreign_key="bank_statement.id", sa_type=BigId)
    bank_account_id: int = Field(foreign_key="bank_account.id", sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    identity: str = Field(max_length=64)
    entry: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": ""})
    booked_on: date
    value_on: date | None = None
    amount_minor: int = Field(sa_type=BigId)
    currency: str = Field(max_length=3)
    kind: str = Field(default="", max_length=40)
    counterparty_name: str = Field(default="", max_length=200)
    counterparty_iban: str = Field(default="", max_length=40)
    bank_reference: str = Field(default="", max_length=80)
    end_to_end_id: str = Field(default="", max_length=80)
    mandate_id: str = Field(default="", max_length=80)
    batch_reference: str = Field(default="", max_length=80)
    structured_reference: str = Field(default="", max_length=60)
    remittance: str = Field(default="", max_length=4000)
    return_reason: str = Field(default="", max_length=10)
    is_reversal: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    charges_minor: int | None = Field(default=None, sa_type=BigId)
    original_minor: int | None = Field(default=None, sa_type=BigId)
    original_currency: str | None = Field(default=None, max_length=3)
    state: LineState = Field(sa_type=enum_type(LineState))
    state_reason: str = Field(default="", max_length=400)
    decided_by: str = Field(default="", max_length=80)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
