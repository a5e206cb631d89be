"""How each customer wants its documents, each attempt to deliver one, and what happened to it.

An attempt is a `Delivery`. What happens to it is appended to `DeliveryEvent`, whose rows never change: a trigger
refuses it. The row of the attempt holds where that has led.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class Route(StrEnum):
    """By which way a document goes out."""

    EMAIL = "email"  # with files attached
    LINK = "link"  # an e-mail that links to the customer's page of the document
    PORTAL = "portal"  # nothing is sent: the customer's page has it
    PAPER = "paper"
    UPLOAD = "upload"  # a person, or a connector, brings it to the customer's own purchasing portal
    PLATFORM = "platform"  # an approved platform of electronic invoicing


class Papers(StrEnum):
    """Which kind of document a preference is for."""

    ANY = "any"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    STATEMENT = "statement"


class DeliveryState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"  # out of our hands; for the customer's page: to be seen there
    DELIVERED = "delivered"  # the other side has taken it
    OPENED = "opened"
    REFUSED = "refused"  # the other side, or the post, gave it back
    FAILED = "failed"  # it never left
    UNCERTAIN = "uncertain"  # nobody knows whether it left
    SUPERSEDED = "superseded"  # a later attempt, or a person, has taken its place


class UploadState(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"
    REFUSED = "refused"


class DeliveryPreference(SQLModel, table=True):
    """How an account wants documents of one kind, or of any; from one seller, or from each of them.

    `formats` are the files that go along, `roles` the contacts that it goes to and `copy_roles` those who get a copy.
    `site_fields` are what is to be typed into the customer's purchasing portal: [{"label", "source", "text"}].
    """

    __tablename__ = "delivery_preference"
    __table_args__ = (
        UniqueConstraint("account_id", "entity_id", "papers"),
        Index(
            "uq_delivery_preference_each_seller",
            "account_id",
            "papers",
            unique=True,
            sqlite_where=text("entity_id IS NULL"),
            postgresql_where=text("entity_id IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entity_id: int | None = Field(default=None, foreign_key="legal_entity.id", sa_type=BigId)
    papers: Papers = Field(default=Papers.ANY, sa_type=enum_type(Papers))
    route: Route = Field(sa_type=enum_type(Route))
    formats: list[str] = Field(default_factory=list, sa_type=Json)
    roles: list[str] = Field(default_factory=list, sa_type=Json)
    copy_roles: list[str] = Field(default_factory=list, sa_type=Json)
    site_name: str = Field(default="", max_length=120)
    site_url: str = Field(default="", max_length=400)
    site_fields: list[dict[str, str]] = Field(default_factory=list, sa_type=Json)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class Delivery(SQLModel, table=True):
    """One attempt to bring one document to its customer.

    `recipients` are [{"contact_id", "name", "email", "language", "copy"}], `files` what goes out:
    [{"format", "file_id", "name", "size", "sha256"}]. `reason` says why it stands as it does; `status_code` is what an
    approved platform said last; `made_at` tells of which making of the document's files it is.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("invoice_id", "attempt"),
        Index("ix_delivery_state", "state", "id"),
        Index("ix_delivery_route", "route", "state", "id"),
        Index("ix_delivery_account", "account_id", "id"),
        Index("ix_delivery_entity_route", "entity_id", "route", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    invoice_id: int = Field(foreign_key="invoice.id", sa_type=BigId)
    attempt: int
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    route: Route = Field(sa_type=enum_type(Route))
    state: DeliveryState = Field(sa_type=enum_type(DeliveryState))
    reason: str = Field(default="", max_length=400)
    recipients: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    files: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    made_at: datetime = Field(sa_type=UtcDateTime)
    status_code: str = Field(default="", max_length=3)
    planned_at: datetime = Field(sa_type=UtcDateTime)
    planned_by: str = Field(max_length=80)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class DeliveryEvent(SQLModel, table=True):
    """What happened to an attempt, and, when it changed where it stands, the state it came to.

    `source` is who or what told: 'person', 'mail', 'portal', 'platform', 'paper', 'upload' or 'system'. `outside_id`
    names what a platform told, so that it is heard once.
    """

    __tablename__ = "delivery_event"
    __table_args__ = (UniqueConstraint("outside_id"), Index("ix_delivery_event_delivery", "delivery_id", "id"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    delivery_id: int = Field(foreign_key="delivery.id", sa_type=BigId)
    at: datetime = Field(sa_type=UtcDateTime)
    by: str = Field(max_length=80)
    source: str = Field(max_length=20)
    code: str = Field(max_length=40)
    state: DeliveryState | None = Field(default=None, sa_type=enum_type(DeliveryState))
    detail: str = Field(default="", max_length=1000)
    outside_id: str | None = Field(default=None, max_length=120)


class DeliveryMessage(SQLModel, table=True):
    """An e-mail of a delivery: one for each recipient, so that each has a proof of its own.

    `seen` is the state of the message that the delivery knows of.
    """

    __tablename__ = "delivery_message"
    __table_args__ = (
        Index("ix_delivery_message_delivery", "delivery_id"),
        Index("ix_delivery_message_seen", "seen", "message_id"),
    )

    message_id: int = Field(
        primary_key=True,
        foreign_key="outbox_message.id",
        sa_type=BigId,
        sa_column_kwargs={"autoincrement": False},
    )
    delivery_id: int = Field(foreign_key="delivery.id", sa_type=BigId)
    is_copy: bool = False
    seen: str = Field(max_length=24)


class PrintBatch(SQLModel, table=True):
    """Letters of one seller and day, merged for the printer; its two files never change."""

    __tablename__ = "print_batch"
    __table_args__ = (
        CheckConstraint("(handed_at IS NULL) = (handed_by IS NULL)", name="handed_whole"),
        Index("ix_print_batch_entity", "entity_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    day: date
    letters: int
    pages: int
    pdf_file_id: int = Field(foreign_key="stored_file.id", sa_type=BigId)
    manifest_file_id: int = Field(foreign_key="stored_file.id", sa_type=BigId)
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str = Field(max_length=80)
    handed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    handed_by: str | None = Field(default=None, max_length=80)


class PrintLetter(SQLModel, table=True):
    """Where a delivery is in its batch; pages are counted from 1, the address page included."""

    __tablename__ = "print_letter"

    batch_id: int = Field(primary_key=True, foreign_key="print_batch.id", sa_type=BigId)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    delivery_id: int = Field(foreign_key="delivery.id", unique=True, sa_type=BigId)
    first_page: int
    pages: int


class UploadTask(SQLModel, table=True):
    """A document to be brought to the customer's purchasing portal; `fields` are [{"label", "value"}] to type there."""

    __tablename__ = "upload_task"
    __table_args__ = (
        Index("ix_upload_task_state", "state", "id"),
        Index("ix_upload_task_account", "account_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    delivery_id: int = Field(foreign_key="delivery.id", unique=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    site_name: str = Field(max_length=120)
    site_url: str = Field(max_length=400)
    fields: list[dict[str, str]] = Field(sa_type=Json)
    state: UploadState = Field(default=UploadState.OPEN, sa_type=enum_type(UploadState))
    taken_by: str | None = Field(default=None, max_length=80)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reference: str = Field(default="", max_length=120)
    reason: str = Field(default="", max_length=400)


class PlatformFile(SQLModel, table=True):
    """A file that a platform put into the folder, by its content: read once, or set aside with the reason."""

    __tablename__ = "platform_file"
    __table_args__ = (Index("ix_platform_file_wrong", "wrong", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    name: str = Field(max_length=200)
    sha256: str = Field(max_length=64, unique=True)
    wrong: str = Field(default="", max_length=400)
    read_at: datetime = Field(sa_type=UtcDateTime)


class CashedReport(SQLModel, table=True):
    """Money set against a document, or taken back from it, that the platform was told of as cashed (212): each
    allocation once. `amount_minor` is below zero for one that was taken back."""

    __tablename__ = "cashed_report"
    __table_args__ = (Index("ix_cashed_report_delivery", "delivery_id", "allocation_id"),)

    allocation_id: int = Field(
        primary_key=True, foreign_key="allocation.id", sa_type=BigId, sa_column_kwargs={"autoincrement": False}
    )
    delivery_id: int = Field(foreign_key="delivery.id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    cashed_on: date
    told_at: datetime = Field(sa_type=UtcDateTime)
