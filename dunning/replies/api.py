"""JSON: what customers wrote back; taken in, listed, set to a customer, followed or laid aside."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import Session

from ar.core.errors import DomainError, NotFoundError
from ar.core.web import Cursor, KernelDep, Limit, NowDep, Page, Principal, SessionDep, allow, paged
from dunning.replies.find import order_of, search
from dunning.replies.kinds import ReplyKind, ReplyState
from dunning.replies.models import Reply
from dunning.replies.shapes import (
    ReplyDetailOut,
    ReplyOut,
    proposal_out,
    reply_out,
)
from dunning.replies.take import proposals_of

router = APIRouter(prefix="/api/v1", tags=["replies"])
RAW = "message/rfc822"


class NoMessageError(NotFoundError):
    """The message was forgotten, as the settings say."""

    code = "reply-without-message"


class MessageTypeError(DomainError):
    """The body is not sent as an e-mail."""

    status = 415
    code = "bad-message-type"


def detail_out(session: Session, reply: Reply) -> ReplyDetailOut:
    assert reply.id is not None
    proposals = [proposal_out(one, reply.text) for one in proposals_of(session, [reply.id])[reply.id]]
    return ReplyDetailOut(**reply_out(reply).model_dump(), text=reply.text, proposals=proposals)


@router.get("/replies", summary="List replies", dependencies=[allow("dunning:read")])
def get_replies(
    session: SessionDep,
    state: ReplyState | None = None,
    kind: ReplyKind | None = None,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    unassigned: Annotated[bool, Query(description="Only those whose customer is not known")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ReplyOut]:
    """What came in from customers, the newest first."""
    query = search(state, kind, account_id, unassigned=unassigned)
    return paged(session, query, key=order_of(), cursor=cursor, limit=limit).map(reply_out)


@router.post(
    "/replies",
    status_code=201,
    summary="Take in a message",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                RAW: {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "From: jo@customer.example\r\nSubject: Re: Invoice\r\n\r\nWe will pay on Friday.\r\n",
                }
            },
        }
    },
)
async def post_reply(
    request: Request, kernel: KernelDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> ReplyDetailOut:
    """Take in an e-mail as it came over the wire, for those who read their mailbox by other means than IMAP.

    The same message again is the same reply.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (RAW, "application/octet-stream"):
        raise MessageTypeError(f"Send the message itself, as {RAW}")
    raw = await _body(request)
    return await run_in_threadpool(_taken, kernel, raw, principal.actor, now)
