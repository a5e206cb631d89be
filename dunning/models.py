"""Policies, notices and what they asked for, the last decision on each customer, holds, promises, parked customers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type
from ar.customers.models import Channel


class Outcome(StrEnum):
    """What was decided."""

    SEND = "send"
    HOLD = "hold"
    NOTHING = "nothing"


class HoldKind(StrEnum):
    PERSON = "person"
    INSOLVENCY = "insolvency"


class PromiseState(StrEnum):
    ALIVE = "alive"
    KEPT = "kept"
    PARTLY = "partly"
    BROKEN = "broken"
    CANCELLED = "cancelled"


class PromiseSource(StrEnum):
    """How a promise reached us: by telephone, in a reply, on the customer's page, or otherwise through a person."""

    PHONE = "phone"
    REPLY = "reply"
    PORTAL = "portal"
    PERSON = "person"


class DunningPolicy(SQLModel, table=True):
    """One version of a policy, for the company, one seller or one segment; with `named`, only for who is given it.

    In force from `active_from` on; a draft until then. `simulated` keeps what a simulation of it over past days gave;
    `reason` says why it went live without one.
    """

    __tablename__ = "dunning_policy"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        Index("ix_dunning_policy_active", "entity_id", "active_from"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    name: str = Field(max_length=60)
    version: int
    entity_id: int | None = Field(default=None, foreign_key="legal_entity.id", sa_type=BigId)
    segment: str | None = Field(default=None, max_length=60)
    named: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    body: dict[str, Any] = Field(sa_type=Json)
    active_from: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by: str = Field(max_length=80)
    created_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    simulated: dict[str, Any] | None = Field(default=None, sa_type=Json)
    reason: str = Field(default="", max_length=400, sa_column_kwargs={"server_default": text("''")})


class DunningChoice(SQLModel, table=True):
    """A person's choice of a policy for a customer, or for one of its items; empty for no automatic word at all."""

    __tablename__ = "dunning_choice"
    __table_args__ = (
        Index("ix_dunning_choice_account", "account_id", "id"),
        Index(
            "uq_dunning_choice_account",
            "account_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND entry_id IS NULL"),
            postgresql_where=text("ended_at IS NULL AND entry_id IS NULL"),
        ),
        Index(
            "uq_dunning_choice_entry",
            "entry_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND entry_id IS NOT NULL"),
            postgresql_where=text("ended_at IS NULL AND entry_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entry_id: int | None = Field(default=None, foreign_key="open_item.entry_id", sa_type=BigId)
    policy: str = Field(max_length=60)
    reason: str = Field(max_length=400)
    made_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_by: str | None = Field(default=None, max_length=80)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DunningNotice(SQLModel, table=True):
    """One message to one customer for one seller. `cycle` is the customer's local day; `message_key` its outbox key.

    `late` tells that it asks for something late. `charges` is what it announces of interest and fixed sums, per item;
    `to_book` that a part of it is to be posted once the message has left.
    """

    __tablename__ = "dunning_notice"
    __table_args__ = (
        UniqueConstraint("account_id", "entity_id", "step", "cycle"),
        Index("ix_dunning_notice_cycle", "account_id", "cycle"),
        Index("ix_dunning_notice_to_book", "id", sqlite_where=text("to_book"), postgresql_where=text("to_book")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    step: str = Field(max_length=40)
    cycle: date
    policy: str = Field(max_length=80)
    contact_id: int = Field(foreign_key="contact.id", sa_type=BigId)
    channel: Channel = Field(
        default=Channel.EMAIL, sa_type=enum_type(Channel), sa_column_kwargs={"server_default": "email"}
    )
    late: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    message_key: str = Field(max_length=160, unique=True)
    charges: list[dict[str, Any]] | None = Field(default=None, sa_type=Json)
    to_book: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    written_at: datetime = Field(sa_type=UtcDateTime)
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cancelled_for: str | None = Field(default=None, max_length=400)


class DunningNoticeItem(SQLModel, table=True):
    """What a notice asked for one item, at the step the item had reached. Once per (item, step) unless cancelled."""

    __tablename__ = "dunning_notice_item"
    __table_args__ = (
        Index(
            "uq_dunning_notice_item_step",
            "entry_id",
            "step",
            unique=True,
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
    )

    notice_id: int = Field(primary_key=True, foreign_key="dunning_notice.id", sa_type=BigId)
    entry_id: int = Field(primary_key=True, foreign_key="open_item.entry_id", sa_type=BigId)
    step: str = Field(max_length=40)
    offset_days: int
    amount_minor: int = Field(sa_type=BigId)
    noticed_on: date
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DunningDecision(SQLModel, table=True):
    """The latest decision on a customer, with its reasons as codes and figures. `cycle` is the local day it was for."""

    __tablename__ = "dunning_decision"
    __table_args__ = (Index("ix_dunning_decision_outcome", "outcome", "account_id"),)

    account_id: int = Field(primary_key=True, foreign_key="account.id", sa_type=BigId)
    cycle: date
    outcome: Outcome = Field(sa_type=enum_type(Outcome))
    step: str | None = Field(default=None, max_length=40)
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    decided_at: datetime = Field(sa_type=UtcDateTime)


class DunningParked(SQLModel, table=True):
    """A customer whose decision failed: set aside for a person to see, and tried again alone at each run."""

    __tablename__ = "dunning_parked"

    account_id: int = Field(primary_key=True, foreign_key="account.id", sa_type=BigId)
    error: str = Field(max_length=1000)
    parked_at: datetime = Field(sa_type=UtcDateTime)


class DunningHold(SQLModel, table=True):
    """A person's order to write no reminder to a customer, to the end of `until` or until it is lifted."""

    __tablename__ = "dunning_hold"
    __table_args__ = (Index("ix_dunning_hold_account", "account_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    until: date | None = None
    reason: str = Field(max_length=400)
    kind: HoldKind = Field(
        default=HoldKind.PERSON, sa_type=enum_type(HoldKind), sa_column_kwargs={"server_default": "person"}
    )
    made_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    lifted_by: str | None = Field(default=None, max_length=80)
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Promise(SQLModel, table=True):
    """A customer's word to pay an amount to one seller by a day. While alive it pauses exactly what it covers."""

    __tablename__ = "promise"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_promise_account", "account_id", "id"),
        Index("ix_promise_state", "state", "due_on"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entity_id: int = Field(foreign_key="legal_entity.id", sa_type=BigId)
    currency: str = Field(max_length=3)
    amount_minor: int = Field(sa_type=BigId)
    due_on: date
    state: PromiseState = Field(default=PromiseState.ALIVE, sa_type=enum_type(PromiseState))
    source: PromiseSource = Field(
        default=PromiseSource.PERSON, sa_type=enum_type(PromiseSource), sa_column_kwargs={"server_default": "person"}
    )
    made_by: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    judged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PromiseItem(SQLModel, table=True):
    """The part of a promise that is for one item, and what was open on the item when it was made."""

    __tablename__ = "promise_item"
    __table_args__ = (Index("ix_promise_item_entry", "entry_id"),)

    promise_id: int = Field(primary_key=True, foreign_key="promise.id", sa_type=BigId)
    entry_id: int = Field(primary_key=True, foreign_key="open_item.entry_id", sa_type=BigId)
    amount_minor: int = Field(sa_type=BigId)
    open_minor: int = Field(sa_type=BigId)
