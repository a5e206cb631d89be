"""What was said with customers, and the calls to make."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type


class ContactChannel(StrEnum):
    """How a person talked with a customer."""

    PHONE = "phone"
    VISIT = "visit"
    EMAIL = "email"
    OTHER = "other"


class Direction(StrEnum):
    OUT = "out"
    IN = "in"


class CallOutcome(StrEnum):
    """What came of it. SPOKE, PROMISE and DISPUTE are conversations, after which the customer has its rest."""

    SPOKE = "spoke"
    LEFT_WORD = "left_word"
    PROMISE = "promise"
    DISPUTE = "dispute"
    WRONG_NUMBER = "wrong_number"
    NO_ANSWER = "no_answer"
    CALL_BACK = "call_back"


CONVERSATIONS = (CallOutcome.SPOKE, CallOutcome.PROMISE, CallOutcome.DISPUTE)


class TaskState(StrEnum):
    """DROPPED: its reason was gone before anybody called."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class TaskSource(StrEnum):
    """Who or what asked for the call."""

    STEP = "step"
    PERSON = "person"
    BROKEN_PROMISE = "broken_promise"
    CALL_BACK = "call_back"
    ATTENTION = "attention"


class ContactEvent(SQLModel, table=True):
    """One line of the call log. `call_back_at` is when the customer asked to be called again; `seconds` its length."""

    __tablename__ = "contact_event"
    __table_args__ = (
        CheckConstraint("(outcome = 'call_back') = (call_back_at IS NOT NULL)", name="call_back_at"),
        CheckConstraint("seconds BETWEEN 0 AND 86400", name="seconds"),
        Index("ix_contact_event_account", "account_id", "id"),
        Index("ix_contact_event_at", "account_id", "at"),
        Index("ix_contact_event_by", "noted_by", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    contact_id: int | None = Field(default=None, foreign_key="contact.id", sa_type=BigId)
    channel: ContactChannel = Field(sa_type=enum_type(ContactChannel))
    direction: Direction = Field(sa_type=enum_type(Direction))
    outcome: CallOutcome = Field(sa_type=enum_type(CallOutcome))
    note: str = Field(default="", max_length=4000)
    call_back_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seconds: int | None = None
    task_id: int | None = Field(default=None, foreign_key="call_task.id", sa_type=BigId)
    promise_id: int | None = Field(default=None, foreign_key="promise.id", sa_type=BigId)
    dispute_id: int | None = Field(default=None, foreign_key="dispute.id", sa_type=BigId)
    at: datetime = Field(sa_type=UtcDateTime)
    noted_by: str = Field(max_length=80)


class CallTask(SQLModel, table=True):
    """A call to make on the customer's day `due_on`, not before `due_at` where an hour was agreed.

    `key` names what asked for it: two with one key are one task. `entry_ids` are the items that it is about; empty,
    it is about all that is open. What to say is written when the task is read, so that it is true then.
    """

    __tablename__ = "call_task"
    __table_args__ = (
        CheckConstraint("(state = 'open') = (over_at IS NULL)", name="over_at"),
        Index("ix_call_task_account", "account_id", "id"),
        Index("ix_call_task_state", "state", "due_on", "id"),
        Index("ix_call_task_owner", "owner_id", "state", "due_on", "id"),
        Index(
            "ix_call_task_open",
            "account_id",
            "due_on",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    key: str = Field(max_length=160, unique=True)
    account_id: int = Field(foreign_key="account.id", sa_type=BigId)
    entity_id: int | None = Field(default=None, foreign_key="legal_entity.id", sa_type=BigId)
    notice_id: int | None = Field(default=None, foreign_key="dunning_notice.id", sa_type=BigId)
    contact_id: int | None = Field(default=None, foreign_key="contact.id", sa_type=BigId)
    owner_id: int | None = Field(default=None, foreign_key="user_account.id", sa_type=BigId)
    source: TaskSource = Field(sa_type=enum_type(TaskSource))
    why: str = Field(default="", max_length=400)
    entry_ids: list[int] = Field(default_factory=list, sa_type=Json)
    due_on: date
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    state: TaskState = Field(default=TaskState.OPEN, sa_type=enum_type(TaskState))
    over_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    over_by: str = Field(default="", max_length=80)
    over_for: str = Field(default="", max_length=400)
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str = Field(max_length=80)
