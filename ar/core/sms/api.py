"""JSON: text messages that came in, numbers that take none, and the callback of the provider."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field
from sqlmodel import col, select

from ar.core.sms.callbacks import MAX_PAYLOAD, SmsCallbackError, receive
from ar.core.sms.models import SmsNumber, SmsReceived
from ar.core.web import Cursor, KernelDep, Limit, NowDep, Page, Search, SessionDep, allow, example, paged, public

router = APIRouter(prefix="/api/v1/sms", tags=["messages"])
webhooks = APIRouter(tags=["messages"])


class ReceivedOut(BaseModel):
    model_config = example(
        {
            "id": 4,
            "sender": "+33612345678",
            "recipient": "+33700000000",
            "text": "I pay on Friday",
            "received_at": "2026-03-16T09:05:00Z",
            "message_id": 311,
        }
    )

    id: int
    sender: str
    recipient: str
    text: str
    received_at: datetime
    message_id: int | None = Field(description="The last message that had gone to this number before")


class NumberOut(BaseModel):
    model_config = example(
        {"number": "+33612345678", "stopped_at": "2026-03-16T09:05:00Z", "failed_at": None, "words": "said STOP"}
    )

    number: str
    stopped_at: datetime | None = Field(description="When its owner said STOP")
    failed_at: datetime | None = Field(description="When it proved to take no text messages")
    words: str


@router.get("/received", summary="List text messages received", dependencies=[allow("dunning:read")])
def get_received(
    session: SessionDep,
    sender: Annotated[Search, Query(description="Only from this number", examples=["+33612345678"])] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ReceivedOut]:
    """What customers wrote to the number that text messages come from, the newest first."""
    query = select(SmsReceived)
    if sender:
        query = query.where(col(SmsReceived.sender) == sender)
    found = paged(session, query, key=(col(SmsReceived.id).desc(),), cursor=cursor, limit=limit)
    return found.map(lambda one: ReceivedOut.model_validate(one, from_attributes=True))


@router.get("/numbers", summary="List numbers that take no text messages", dependencies=[allow("dunning:read")])
def get_numbers(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[NumberOut]:
    """Numbers whose owner said STOP, or that no text message reaches; none is sent to them."""
    found = paged(session, select(SmsNumber), key=(col(SmsNumber.number),), cursor=cursor, limit=limit)
    return found.map(lambda one: NumberOut.model_validate(one, from_attributes=True))


async def raw_body(request: Request) -> bytes:
    """The request's bytes, as they were signed. Raises SmsCallbackError for too many."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:12]) > MAX_PAYLOAD:
        raise SmsCallbackError("The message is larger than any callback")
    return await request.body()


@webhooks.post(
    "/webhooks/sms",
    summary="Take in a callback of the provider of text messages",
    status_code=204,
    dependencies=[public("signed by the provider of text messages")],
)
def post_sms_callback(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    body: Annotated[bytes, Depends(raw_body)],
    x_twilio_signature: Annotated[str | None, Header()] = None,
) -> Response:
    """What became of a text message, or one that came in; proved by its signature, applied in any order."""
    receive(session, kernel.settings, request.url.path, request.url.query, body, x_twilio_signature, now=now)
    return Response(status_code=204)
