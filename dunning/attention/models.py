"""Marks of customers that want attention, the rules that set them, and what was handed on."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class MarkKind(StrEnum):
    """LATE: constantly late. DIFFICULTY: may be unable to pay. VALUE: worth particular care."""

    LATE = "late"
    DIFFICULTY = "difficulty"
    VALUE = "value"


class Automation(StrEnum):
    """What still goes out by itself: everything, courtesy words before the due date only, or nothing."""

    FULL = "full"
    COURTESY = "courtesy"
    NONE = "none"


class EscalationKind(StrEnum):
    """To whom a customer was handed on."""

    MANAGER = "manager"
    SALES = "sales"
    AGENCY = "agency"
    LEGAL = "legal"


OUT_OF_HOUSE = (EscalationKind.AGENCY, EscalationKind.LEGAL)
"""Those who write to the customer themselves: nothing goes out beside them."""

_STANDING = text("until IS NULL")
_OPEN = text("ended_at IS NULL")


class AttentionMark(SQLModel, table=True):
    """Why a customer was marked, from the day `since` to the end of the day before `until`, while it stands none.

    `made_by` is 'system', or the person who marked by hand: the daily judgement leaves that one alone. A dismissed mark
    stands, and counts for nothing, to the end of `dismissed_until`.
    """

    __tablename__ = "attention_mark"
    __table_args__ = (
        Index(
            "uq_attention_mark_standing",
            "account_id",
            "kind",
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
        Index("ix_attention_mark_account", "account_id", "id"),
        Index("ix_attention_mark_kind", "kind", "id", sqlite_where=_STANDING, postgresql_where=_STANDING),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    kind: MarkKind = Field(sa_type=enum_type(MarkKind))
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    since: date
    until: date | None = None
    made_by: str = Field(max_length=80)
    made_at: datetime = Field(sa_type=UtcDateTime)
    dismissed_until: date | None = None
    dismissed_for: str = Field(default="", max_length=400)
    dismissed_by: str = Field(default="", max_length=80)


class AttentionRule(SQLModel, table=True):
    """What a kind of mark takes to be set (`numbers`, see rules.py), and what it takes out of automation."""

    __tablename__ = "attention_rule"

    kind: MarkKind = Field(primary_key=True, sa_type=enum_type(MarkKind))
    automation: Automation = Field(sa_type=enum_type(Automation))
    numbers: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    set_by: str = Field(max_length=80)
    set_at: datetime = Field(sa_type=UtcDateTime)


class Escalation(SQLModel, table=True):
    """A customer handed on. `to_id` is the colleague, where there is one; open while `ended_at` is empty."""

    __tablename__ = "escalation"
    __table_args__ = (
        Index("uq_escalation_open", "account_id", "kind", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_escalation_account", "account_id", "id"),
        Index("ix_escalation_kind", "kind", "id"),
        Index("ix_escalation_to", "to_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    kind: EscalationKind = Field(sa_type=enum_type(EscalationKind))
    to_id: int | None = Field(default=None, foreign_key="user_account.id", sa_type=BigId)
    reason: str = Field(max_length=400)
    made_by: str = Field(max_length=80)
    made_at: datetime = Field(sa_type=UtcDateTime)
    ended_by: str | None = Field(default=None, max_length=80)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_for: str = Field(default="", max_length=400)
