"""JSON: messages listed, read, and decided about when they wait for a person."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from ar.core.access.links import masked
from ar.core.outbox.decide import Decision, decide
from ar.core.outbox.find import message, order_of, search
from ar.core.outbox.models import Arrival, MessageChannel, MessageState
from ar.core.web import Cursor, Id, Limit, NowDep, Page, Principal, Search, SessionDep, ShortText, allow, example, paged

router = APIRouter(prefix="/api/v1", tags=["messages"])

MESSAGE = {
    "id": 311,
    "channel": "email",
    "purpose": "dunning.notice",
    "account_id": 17,
    "subject_ref": "notice:88",
    "recipient": "accounts@nordlicht.example",
    "sender": "comptes@atelier.example",
    "language": "en",
    "subject": "Invoice FR1-2026-000123 of 1,080.00 EUR",
    "state": "uncertain",
    "queued_at": "2026-03-16T09:05:00Z",
    "send_after": "2026-03-16T09:05:00Z",
    "claimed_at": "2026-03-16T09:06:00Z",
    "ended_at": "2026-03-16T09:06:02Z",
    "attempts": 1,
    "outcome": "the server closed the connection after the message was handed over",
    "arrival": None,
    "arrival_at": None,
    "arrival_words": None,
}


class MessageOut(BaseModel):
    model_config = example(MESSAGE)

    id: int
    channel: MessageChannel
    purpose: str
    account_id: int | None
    subject_ref: str = Field(description="What it is about")
    recipient: str = Field(description="An address, a phone number, or the lines of a postal address")
    sender: str
    language: str
    subject: str
    state: MessageState
    queued_at: datetime
    send_after: datetime
    claimed_at: datetime | None
    ended_at: datetime | None
    attempts: int
    outcome: str | None
    arrival: Arrival | None = Field(description="What came back after it had gone out")
    arrival_at: datetime | None
    arrival_words: str | None


class MessageDetailOut(MessageOut):
    model_config = example(
        MESSAGE | {"text": "Hello,\n\nmay we remind you of this invoice? https://ar.example/pay/…", "attachments": []}
    )

    text: str = Field(description="What it says; the customer's link is left out")
    attachments: list[int] = Field(description="Ids of the stored files that go along")


class DecisionIn(BaseModel):
    model_config = example({"decision": "arrived"}) | ConfigDict(extra="forbid")

    decision: Decision
    reason: ShortText | None = Field(default=None, description="Why, for one that is cancelled")


@router.get("/messages", summary="List messages", dependencies=[allow("dunning:read")])
def get_messages(
    session: SessionDep,
    state: Annotated[MessageState | None, Query(description="Only in this state")] = None,
    purpose: Annotated[Search, Query(description="Only of this purpose", examples=["dunning.notice"])] = "",
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only to this account")] = None,
    channel: Annotated[MessageChannel | None, Query(description="Only by this channel")] = None,
    arrival: Annotated[Arrival | None, Query(description="Only those of which this came back")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MessageOut]:
    """Messages to customers, the newest first. Those `uncertain` or `failed` wait for a person."""
    query = search(state, purpose, account_id, channel=channel, arrival=arrival)
    return paged(session, query, key=order_of(state), cursor=cursor, limit=limit).map(MessageOut.model_validate)


@router.get("/messages/{message_id}", summary="Read a message", dependencies=[allow("dunning:read")])
def get_message(message_id: Id, session: SessionDep) -> MessageDetailOut:
    """One message with what it says."""
    return _detail(session, message_id)


@router.post("/messages/{message_id}/decision", summary="Decide about a message")
def post_decision(
    message_id: Id,
    body: DecisionIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> MessageDetailOut:
    """Say that an uncertain message arrived, send it or a failed one again, or keep one from ever going."""
    decide(session, message_id, body.decision, reason=body.reason or "", actor=principal.actor, now=now)
    return _detail(session, message_id)


def _detail(session: Session, message_id: int) -> MessageDetailOut:
    found = message(session, message_id)
    told = MessageOut.model_validate(found).model_dump()
    return MessageDetailOut(**told, text=masked(found.body_text), attachments=found.attachments)
