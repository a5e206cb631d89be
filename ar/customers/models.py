"""Who sells, who buys, and whom to write to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    LETTER = "letter"
    PORTAL = "portal"


class ContactRole(StrEnum):
    BILLING = "billing"
    PAYING = "paying"
    DISPUTES = "disputes"
    MANAGEMENT = "management"


class AccountKind(StrEnum):
    """What the law takes a customer for: it gives each other payment terms and other rights when paid late."""

    COMPANY = "company"
    PUBLIC_BODY = "public_body"
    CONSUMER = "consumer"


class LegalEntity(SQLModel, table=True):
    """A seller: one legal person of the company that runs this installation."""

    __tablename__ = "legal_entity"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    code: str = Field(max_length=20, unique=True)
    name: str = Field(max_length=200)
    country: str = Field(max_length=2)
    currency: str = Field(max_length=3)
    language: str = Field(max_length=8)
    time_zone: str = Field(max_length=64)
    email: str | None = Field(default=None, max_length=320)
    phone: str | None = Field(default=None, max_length=40)
    street: str | None = Field(default=None, max_length=200)
    postcode: str | None = Field(default=None, max_length=20)
    city: str | None = Field(default=None, max_length=100)
    vat_number: str | None = Field(default=None, max_length=20)
    registration: str | None = Field(default=None, max_length=40)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class BankAccount(SQLModel, table=True):
    """Where a legal entity is paid. `iban` is the account's own number, as BAI2 and others give it, where `is_iban` is
    false; customers are never shown it then."""

    __tablename__ = "bank_account"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", index=True, sa_type=BigId)
    iban: str = Field(max_length=34, unique=True)
    is_iban: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    bic: str | None = Field(default=None, max_length=11)
    holder: str = Field(max_length=200)
    currency: str = Field(max_length=3)


class Account(SQLModel, table=True):
    """A customer of the company, one for all its legal entities. `owner_id` collects, `sales_owner_id` sells."""

    __tablename__ = "account"
    __table_args__ = (Index("ix_account_name", "legal_name", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    code: str = Field(max_length=60, unique=True)
    legal_name: str = Field(max_length=200)
    country: str = Field(max_length=2)
    language: str = Field(max_length=8)
    currency: str = Field(max_length=3)
    time_zone: str = Field(max_length=64)
    street: str | None = Field(default=None, max_length=200)
    postcode: str | None = Field(default=None, max_length=20)
    city: str | None = Field(default=None, max_length=100)
    parent_id: int | None = Field(default=None, foreign_key="account.id", index=True, sa_type=BigId)
    segment: str | None = Field(default=None, max_length=60, index=True)
    owner_id: int | None = Field(default=None, foreign_key="user_account.id", index=True, sa_type=BigId)
    sales_owner_id: int | None = Field(default=None, foreign_key="user_account.id", index=True, sa_type=BigId)
    kind: AccountKind = Field(
        default=AccountKind.COMPANY, sa_type=enum_type(AccountKind), sa_column_kwargs={"server_default": "company"}
    )
    portal_epoch: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    created_at: datetime = Field(sa_type=UtcDateTime)


class AccountIdentifier(SQLModel, table=True):
    """A number that names the customer elsewhere, checked before it is stored: VAT, SIREN, LEI, IBAN, and so on."""

    __tablename__ = "account_identifier"
    __table_args__ = (
        UniqueConstraint("account_id", "scheme", "value"),
        Index("ix_account_identifier_value", "value"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    scheme: str = Field(max_length=20)
    value: str = Field(max_length=60)


class Contact(SQLModel, table=True):
    """A person or mailbox at a customer. The first by id that can be written to is the one written to.

    `phone_bad_at` is when the number turned out to be wrong.
    """

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_account", "account_id", "id"),
        Index("ix_contact_email", "email"),
        Index("ix_contact_email_lower", text("lower(email)")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    name: str = Field(default="", max_length=200)
    email: str | None = Field(default=None, max_length=320)
    phone: str | None = Field(default=None, max_length=40)
    language: str | None = Field(default=None, max_length=8)
    roles: list[str] = Field(default_factory=list, sa_type=Json)
    preferred_channel: Channel = Field(default=Channel.EMAIL, sa_type=enum_type(Channel))
    opted_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    bounced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    phone_bad_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
