"""JSON: what customers wrote back; taken in, listed, set to a customer, followed or laid aside."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from ar.cash.remittance.message import MAX_BYTES, MessageRefusedError
from ar.core.errors import DomainError, NotFoundError
from ar.core.files import StoredFile, headers_of
from ar.core.files import read as read_file
from ar.core.web import Cursor, Id, KernelDep, Limit, NowDep, Page, Principal, SessionDep, allow, paged
from dunning.replies.act import accept, assign, dismiss, handle, reply_by_id
from dunning.replies.find import order_of, search
from dunning.replies.follow import Changes
from dunning.replies.kinds import ReplyKind, ReplyState
from dunning.replies.model import likely
from dunning.replies.models import Reply
from dunning.replies.shapes import (
    AcceptanceIn,
    AssignmentIn,
    ProposalOut,
    ReplyDetailOut,
    ReplyOut,
    proposal_out,
    reply_out,
)
from dunning.replies.take import proposals_of, take

router = APIRouter(prefix="/api/v1", tags=["replies"])
RAW = "message/rfc822"
BYTES = "application/octet-stream"  # so the description calls it, whose readers do not all know the other


class NoMessageError(NotFoundError):
    """The message was forgotten, as the settings say."""

    code = "reply-without-message"


class MessageTypeError(DomainError):
    """The body is not sent as an e-mail."""

    status = 415
    code = "bad-message-type"


async def raw_message(request: Request) -> bytes:
    """The request's bytes. Raises MessageTypeError, or MessageRefusedError for too many."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (RAW, BYTES):
        raise MessageTypeError(f"Send the message itself, as {RAW}")
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_BYTES:
            raise MessageRefusedError(f"The message is too large; at most {MAX_BYTES:,} bytes are taken")
        pieces.append(piece)
    return b"".join(pieces)


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
                BYTES: {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "From: jo@customer.example\r\nSubject: Re: Invoice\r\n\r\nWe will pay on Friday.\r\n",
                }
            },
        }
    },
)
def post_reply(
    principal: Annotated[Principal, allow("dunning:write")],  # first: who may not need send no message
    raw: Annotated[bytes, Depends(raw_message)],
    kernel: KernelDep,
    now: NowDep,
) -> ReplyDetailOut:
    """Take in an e-mail as it came over the wire, for those who read their mailbox by other means than IMAP.

    The same message again is the same reply. What no person wrote is kept as such and answered never.
    """
    reply = take(kernel, raw, likely=likely, by=principal.actor, now=now)
    with kernel.database.reading() as session:
        return detail_out(session, reply_by_id(session, reply.id or 0))


@router.get("/replies/{reply_id}", summary="One reply", dependencies=[allow("dunning:read")])
def get_reply(reply_id: Id, session: SessionDep) -> ReplyDetailOut:
    """A message from a customer, and what is proposed for it, with the sentences that say so."""
    return detail_out(session, reply_by_id(session, reply_id))


@router.get(
    "/replies/{reply_id}/message",
    summary="Download a message",
    dependencies=[allow("dunning:read")],
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The message as it came"}},
)
def get_message(reply_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    """The whole message as it came, to be saved as an .eml file."""
    reply = reply_by_id(session, reply_id)
    stored = session.get(StoredFile, reply.file_id) if reply.file_id else None
    if stored is None:
        raise NoMessageError(f"The message of reply {reply_id} is not kept any more")
    return Response(read_file(stored, kernel.settings.files), headers=headers_of(stored))


@router.put("/replies/{reply_id}/account", summary="Say whose a reply is")
def put_account(
    reply_id: Id,
    body: AssignmentIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> ReplyDetailOut:
    """Set a message to its customer. What it says is proposed anew, in the light of that customer's invoices."""
    return detail_out(session, assign(session, reply_id, body.account_id, likely=likely, by=principal.actor, now=now))


@router.post("/replies/{reply_id}/handled", summary="Say that a reply is handled")
def post_handled(
    reply_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> ReplyDetailOut:
    """A person has looked at it: reminders wait for it no longer. Once more changes nothing."""
    return detail_out(session, handle(session, reply_id, by=principal.actor, now=now))


@router.post("/replies/proposals/{proposal_id}/acceptance", summary="Follow a proposal")
def post_acceptance(
    proposal_id: Id,
    body: AcceptanceIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> ProposalOut:
    """Do what is proposed, with what is told otherwise; a second time does nothing more.

    With the last open proposal of a message the message is handled.
    """
    told = body.model_dump()
    told["entry_ids"] = tuple(body.entry_ids) if body.entry_ids is not None else None
    one = accept(session, proposal_id, by=principal.actor, now=now, changes=Changes(**told))
    return proposal_out(one, reply_by_id(session, one.reply_id).text)


@router.post("/replies/proposals/{proposal_id}/dismissal", summary="Lay a proposal aside")
def post_dismissal(
    proposal_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> ProposalOut:
    """Nothing is done of it. Once more changes nothing."""
    one = dismiss(session, proposal_id, by=principal.actor, now=now)
    return proposal_out(one, reply_by_id(session, one.reply_id).text)
