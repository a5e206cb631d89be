"""Collections: debits of one bank account on one day, and the line of each customer."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from ar.cash.mandates.models import Scheme
from ar.core.db import BigId, UtcDateTime, enum_type


class CollectionState(StrEnum):
    """MADE has its file."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    MADE = "made"
    CANCELLED = "cancelled"


class LineState(StrEnum):
    """WAITING is to be collected, once its customer was told in time. LEFT_OUT was not, for its `reason`."""

    WAITING = "waiting"
    IN_FILE = "in_file"
    LEFT_OUT = "left_out"


class Sequence(StrEnum):
    """What a debit is in the life of its mandate, as the message says it."""

    FIRST = "FRST"
    RECURRENT = "RCUR"
    FINAL = "FNAL"
    ONE_OFF = "OOFF"


class Collection(SQLModel, table=True):
    """What is to be debited to the credit of one bank account on one day, by one scheme: one file.

    `message_id` is what the bank knows the file by; each sequence type in it is `<message_id>-<type>`. `items_until`
    is the last due day of its items. `problem` says why no file could be made. `out_at` is when it was fetched or laid
    into the folder of the bank's program. Sums in euro cents.
    """

    __tablename__ = "collection"
    __table_args__ = (
        Index("ix_collection_state", "state", "collect_on", "id"),
        Index("ix_collection_entity", "entity_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    message_id: str = Field(max_length=35, unique=True)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    bank_account_id: int = Field(foreign_key="bank_account.id", sa_type=BigId)
    scheme: Scheme = Field(sa_type=enum_type(Scheme))
    collect_on: date
    items_until: date
    state: CollectionState = Field(sa_type=enum_type(CollectionState))
    problem: str = Field(default="", max_length=2000)
    lines_made: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    total_minor: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigId)
    proposed_by: str = Field(max_length=80)
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    approved_by: str | None = Field(default=None, max_length=80)
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    made_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CollectionLine(SQLModel, table=True):
    """One debit: a customer's mandate, the payment that holds its items, and when its customer was told.

    `end_to_end_id` is the payment's public id. `told_on` is the day of the pre-notice, `told_by` the message or person.
    """

    __tablename__ = "collection_line"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_collection_line_collection", "collection_id", "id"),
        Index("ix_collection_line_mandate", "mandate_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    collection_id: int = Field(foreign_key="collection.id", sa_type=BigId)
    mandate_id: int = Field(foreign_key="mandate.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    payment_id: int = Field(foreign_key="payment.id", unique=True, sa_type=BigId)
    end_to_end_id: str = Field(max_length=35)
    amount_minor: int = Field(sa_type=BigId)
    state: LineState = Field(sa_type=enum_type(LineState))
    reason: str = Field(default="", max_length=400)
    sequence: Sequence | None = Field(default=None, sa_type=enum_type(Sequence))
    told_on: date | None = None
    told_by: str = Field(default="", max_length=80)
    return_reason: str = Field(default="", max_length=10, sa_column_kwargs={"server_default": ""})
    returned_on: date | None = None
