"""What customers wrote back, what is proposed for it, and how far the mailbox was read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from ar.core.db import BigId, Json, UtcDateTime, enum_type
from dunning.replies.kinds import MatchedBy, ProposalKind, ProposalState, ReplyKind, ReplyState


class Mailbox(SQLModel, table=True):
    """How far a mailbox was read: the UIDs up to `last_uid` under `uid_validity`, which the server changes when it
    numbers anew. `name` is user@host/folder, never a password."""

    __tablename__ = "reply_mailbox"

    name: str = Field(primary_key=True, max_length=400)
    uid_validity: int = Field(sa_type=BigId)
    last_uid: int = Field(sa_type=BigId)
    read_at: datetime = Field(sa_type=UtcDateTime)


class Reply(SQLModel, table=True):
    """One message that came in, kept once by `digest`. `text` is the writer's own words; the whole is file `file_id`.

    `account_id` is never set by what the message says, only by its thread, its sender or a person; `suggested` are
    the accounts that a person may choose first. `thread` names the exchange that it belongs to; `outbox_id` is the
    message of ours that it answers. `sureness` is in percent. `human` is false for what nobody wrote; `written_on` is
    the day of writing on its customer's clocks.
    """

    __tablename__ = "reply"
    __table_args__ = (
        Index("ix_reply_state", "state", "id"),
        Index("ix_reply_kind", "kind", "id"),
        Index("ix_reply_account", "account_id", "id"),
        Index("ix_reply_message_id", "message_id"),
        Index("ix_reply_thread", "thread", "id"),
        Index("ix_reply_outbox", "outbox_id"),
        Index(
            "ix_reply_waiting",
            "account_id",
            "written_on",
            sqlite_where=text("state = 'open' AND human"),
            postgresql_where=text("state = 'open' AND human"),
        ),
        Index(
            "ix_reply_kept",
            "received_at",
            sqlite_where=text("file_id IS NOT NULL"),
            postgresql_where=text("file_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    digest: str = Field(max_length=64, unique=True)
    message_id: str = Field(default="", max_length=255)
    thread: str = Field(max_length=80)
    outbox_id: int | None = Field(default=None, foreign_key="outbox_message.id", sa_type=BigId)
    account_id: int | None = Field(default=None, foreign_key="account.id", sa_type=BigId)
    contact_id: int | None = Field(default=None, foreign_key="contact.id", sa_type=BigId)
    matched_by: MatchedBy = Field(sa_type=enum_type(MatchedBy))
    suggested: list[int] = Field(default_factory=list, sa_type=Json)
    sender: str = Field(default="", max_length=320)
    sender_name: str = Field(default="", max_length=200)
    subject: str = Field(default="", max_length=400)
    text: str = ""
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    written_on: date
    kind: ReplyKind = Field(sa_type=enum_type(ReplyKind))
    sureness: int = 0
    human: bool
    state: ReplyState = Field(sa_type=enum_type(ReplyState))
    back_on: date | None = None
    files: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    doubts: list[str] = Field(default_factory=list, sa_type=Json)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigId)
    size: int = Field(sa_type=BigId)
    taken_by: str = Field(max_length=80)
    handled_by: str = Field(default="", max_length=80)
    handled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ReplyProposal(SQLModel, table=True):
    """What may be done for a reply. The sentence that says so is its text from `quote_start` to `quote_end`.

    `data` is what would be done, `result` what was; `sureness` is in percent.
    """

    __tablename__ = "reply_proposal"
    __table_args__ = (UniqueConstraint("reply_id", "position"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    reply_id: int = Field(foreign_key="reply.id", sa_type=BigId)
    position: int
    kind: ProposalKind = Field(sa_type=enum_type(ProposalKind))
    state: ProposalState = Field(sa_type=enum_type(ProposalState))
    sureness: int
    quote_start: int
    quote_end: int
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    result: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    decided_by: str = Field(default="", max_length=80)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
