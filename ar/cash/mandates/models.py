"""Who may be debited, under which mandate, and how the creditor collects."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class Scheme(StrEnum):
    """The two SEPA schemes: CORE for everybody, B2B between professionals, without a right of refund."""

    CORE = "core"
    B2B = "b2b"


class FileSchema(StrEnum):
    """The version of the message that a bank takes."""

    PAIN_008_08 = "pain.008.001.08"
    PAIN_008_02 = "pain.008.001.02"


class MandateState(StrEnum):
    """UNSIGNED has no evidence yet. UNCONFIRMED is B2B and the debtor's bank has not confirmed it. USED was for one
    collection, which is made. SUSPENDED waits for a person or a new signature after the bank's refusal."""

    UNSIGNED = "unsigned"
    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    USED = "used"


LIVING = (MandateState.UNSIGNED, MandateState.UNCONFIRMED, MandateState.ACTIVE, MandateState.SUSPENDED)
"""States of a mandate that may still come to be used."""


class SepaCreditor(SQLModel, table=True):
    """A legal entity as creditor: its identifier, and how many days before a collection its customers are told."""

    __tablename__ = "sepa_creditor"
    __table_args__ = (CheckConstraint("notice_days BETWEEN 1 AND 60", name="notice_days"),)

    entity_id: int = Field(primary_key=True, foreign_key="legal_entity.id", sa_type=BigId)
    identifier: str = Field(max_length=35)
    notice_days: int = Field(default=14, sa_column_kwargs={"server_default": text("14")})


class CollectionAccount(SQLModel, table=True):
    """How a bank account of ours collects.

    `lead_days` are the TARGET days that the bank wants a file before its collection day. A debit that nobody returned
    counts as paid `settle_days` TARGET days after its day; None leaves that to the bank's own credit alone.
    `says_first`: the bank still wants the first collection of a mandate told apart.
    """

    __tablename__ = "collection_account"
    __table_args__ = (
        CheckConstraint("lead_days BETWEEN 1 AND 14", name="lead_days"),
        CheckConstraint("settle_days BETWEEN 1 AND 30", name="settle_days"),
    )

    bank_account_id: int = Field(primary_key=True, foreign_key="bank_account.id", sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", index=True, sa_type=BigId)
    file_schema: FileSchema = Field(sa_type=enum_type(FileSchema))
    lead_days: int
    settle_days: int | None = None
    says_first: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class Mandate(SQLModel, table=True):
    """One mandate of one customer for one creditor. `reference` is the unique mandate reference.

    `automatic`: the customer wants its due items collected without being asked each time. A collection takes at most
    `limit_minor`, in euro cents. `notice_days` was agreed in place of the creditor's own. `consent` is the evidence of
    a signature on the customer's page: who, when, from where, and the words agreed to; `evidence_file_id` that of one
    on paper. `final`: the next collection is the last. `last_used_on` is the day of the last collection.
    """

    __tablename__ = "mandate"
    __table_args__ = (
        UniqueConstraint("entity_id", "reference"),
        CheckConstraint("limit_minor > 0", name="limit_positive"),
        Index("ix_mandate_account", "account_id", "id"),
        Index("ix_mandate_state", "state", "id"),
        Index("ix_mandate_reference", "reference"),
        Index(
            "uq_mandate_living",
            "account_id",
            "entity_id",
            unique=True,
            sqlite_where=text("state IN ('unsigned', 'unconfirmed', 'active', 'suspended')"),
            postgresql_where=text("state IN ('unsigned', 'unconfirmed', 'active', 'suspended')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    scheme: Scheme = Field(sa_type=enum_type(Scheme))
    reference: str = Field(max_length=35)
    debtor_name: str = Field(max_length=70)
    iban: str = Field(max_length=34)
    bic: str | None = Field(default=None, max_length=11)
    one_off: bool = False
    automatic: bool = True
    limit_minor: int | None = Field(default=None, sa_type=BigId)
    notice_days: int | None = None
    state: MandateState = Field(sa_type=enum_type(MandateState))
    state_reason: str = Field(default="", max_length=400)
    signed_on: date | None = None
    evidence_file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigId)
    consent: dict[str, Any] | None = Field(default=None, sa_type=Json)
    bank_confirmed_on: date | None = None
    last_used_on: date | None = None
    final: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class MandateAmendment(SQLModel, table=True):
    """The debtor's account changed under the same mandate; the next collection tells the bank (`told_in`)."""

    __tablename__ = "mandate_amendment"
    __table_args__ = (Index("ix_mandate_amendment_mandate", "mandate_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    mandate_id: int = Field(foreign_key="mandate.id", sa_type=BigId)
    old_iban: str = Field(max_length=34)
    new_iban: str = Field(max_length=34)
    changed_by: str = Field(max_length=80)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    told_in: int | None = Field(default=None, foreign_key="collection.id", index=True, sa_type=BigId)
