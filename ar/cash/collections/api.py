"""JSON: collections proposed, approved, announced, given out as files, and their lines."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.cash.collections.act import approve, cancel_collection, cancel_line, collection_by_id, note_told
from ar.cash.collections.jobs import file_of, went_out
from ar.cash.collections.models import Collection, CollectionLine, CollectionState, LineState, Sequence
from ar.cash.collections.propose import propose
from ar.cash.collections.returned import note_return
from ar.cash.mandates.models import Scheme
from ar.core.files import download_headers
from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Number,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    allow,
    example,
    idempotent,
    paged,
)

router = APIRouter(prefix="/api/v1", tags=["direct debit"])

Why = Annotated[ShortText, Field(description="Why, for the audit trail", examples=["the customer paid by transfer"])]

COLLECTION = {
    "id": 5,
    "message_id": "COL20260415-9C01D4E2A7B3",
    "entity_id": 1,
    "bank_account_id": 1,
    "scheme": "core",
    "collect_on": "2026-04-15",
    "items_until": "2026-04-15",
    "state": "approved",
    "problem": "",
    "lines_made": 0,
    "total_minor": 0,
    "file_id": None,
    "proposed_by": "user:3",
    "proposed_at": "2026-03-30T09:30:00Z",
    "approved_by": "user:2",
    "approved_at": "2026-03-30T10:00:00Z",
    "made_at": None,
    "out_at": None,
}
LEFT_OUT = {"account_id": 18, "entry_id": 43, "reason": "contested"}
LINE = {
    "id": 11,
    "collection_id": 5,
    "mandate_id": 3,
    "account_id": 17,
    "payment_id": 7,
    "end_to_end_id": "SDD5f0c6c1e8a524a1f9f431d8d0a3f7a10",
    "amount_minor": 120_000,
    "state": "waiting",
    "reason": "",
    "sequence": None,
    "told_on": "2026-03-30",
    "told_by": "message",
    "return_reason": "",
    "returned_on": None,
}


class ProposalIn(BaseModel):
    model_config = example({"bank_account_id": 1, "scheme": "core", "collect_on": "2026-04-15"}) | ConfigDict(
        extra="forbid"
    )

    bank_account_id: Number
    scheme: Scheme = Scheme.CORE
    collect_on: Day = Field(description="A TARGET day")
    items_until: Day | None = Field(default=None, description="Items due on or before; the collection day by itself")


class CollectionOut(BaseModel):
    model_config = example(COLLECTION)

    id: int
    message_id: str
    entity_id: int
    bank_account_id: int
    scheme: Scheme
    collect_on: date
    items_until: date
    state: CollectionState
    problem: str = Field(description="Why no file could be made")
    lines_made: int
    total_minor: int = Field(description="Of the file, in euro cents")
    file_id: int | None
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    made_at: datetime | None
    out_at: datetime | None


class LeftOutOut(BaseModel):
    model_config = example(LEFT_OUT)

    account_id: int
    entry_id: int | None
    reason: str


class ProposalOut(CollectionOut):
    model_config = example(COLLECTION | {"state": "proposed", "left_out": [LEFT_OUT]})

    left_out: list[LeftOutOut] = Field(description="What is due and not collected, and why: at most 1,000 told")


class LineOut(BaseModel):
    model_config = example(LINE)

    id: int
    collection_id: int
    mandate_id: int
    account_id: int
    payment_id: int
    end_to_end_id: str
    amount_minor: int
    state: LineState
    reason: str
    sequence: Sequence | None
    told_on: date | None
    told_by: str
    return_reason: str
    returned_on: date | None


class WhyIn(BaseModel):
    model_config = example({"why": "the customer paid by transfer"}) | ConfigDict(extra="forbid")

    why: Why


class ReturnIn(BaseModel):
    model_config = example({"reason": "AC04", "on": "2026-04-17"}) | ConfigDict(extra="forbid")

    reason: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,4}$", description="The bank's code, if it gave one")] = ""
    on: Day


class ToldIn(BaseModel):
    model_config = example({"on": "2026-03-31"}) | ConfigDict(extra="forbid")

    on: Day


@router.get("/collections", summary="List collections", dependencies=[allow("cash:read")])
def get_collections(
    session: SessionDep,
    state: CollectionState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CollectionOut]:
    """Collections by direct debit, the newest first."""
    query = select(Collection)
    if state is not None:
        query = query.where(col(Collection.state) == state)
    found = paged(session, query, key=(col(Collection.id).desc(),), cursor=cursor, limit=limit)
    return found.map(CollectionOut.model_validate)


@router.get("/collections/{collection_id}", summary="Read a collection", dependencies=[allow("cash:read")])
def get_collection(collection_id: Id, session: SessionDep) -> CollectionOut:
    """One collection; its lines are read by themselves."""
    return CollectionOut.model_validate(collection_by_id(session, collection_id))


@router.get(
    "/collections/{collection_id}/lines", summary="List a collection's lines", dependencies=[allow("cash:read")]
)
def get_lines(
    collection_id: Id,
    session: SessionDep,
    state: Annotated[LineState | None, Query(description="Only in this state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[LineOut]:
    """The debits of a collection, in their order."""
    collection_by_id(session, collection_id)
    query = select(CollectionLine).where(col(CollectionLine.collection_id) == collection_id)
    if state is not None:
        query = query.where(col(CollectionLine.state) == state)
    return paged(session, query, key=(col(CollectionLine.id),), cursor=cursor, limit=limit).map(LineOut.model_validate)


@router.post("/collections", status_code=201, summary="Propose a collection", response_model=ProposalOut)
def post_collection(
    body: ProposalIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Gather what is due of the customers with a mandate; it is spoken for until the collection is given up."""

    def act() -> ProposalOut:
        made, left_out = propose(
            session,
            bank_account_id=body.bank_account_id,
            scheme=body.scheme,
            collect_on=body.collect_on,
            items_until=body.items_until,
            by=principal.actor,
            now=now,
        )
        told = CollectionOut.model_validate(made).model_dump()
        return ProposalOut(**told, left_out=[LeftOutOut.model_validate(one) for one in left_out[:1000]])

    return once(session, act)


@router.post("/collections/{collection_id}/approval", summary="Approve a collection")
def post_approval(
    collection_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("collections:approve")],
) -> CollectionOut:
    """Have its customers told, and its file made on its day. Whoever proposed it may not."""
    return CollectionOut.model_validate(approve(session, collection_id, by=principal.actor, now=now))


@router.post("/collections/{collection_id}/cancellation", summary="Give a collection up")
def post_cancellation(
    collection_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> CollectionOut:
    """Before its file is made: its items are free again."""
    return CollectionOut.model_validate(
        cancel_collection(session, collection_id, why=body.why, by=principal.actor, now=now)
    )


@router.post("/collections/{collection_id}/lines/{line_id}/cancellation", summary="Take a line out")
def post_line_cancellation(
    collection_id: Id,
    line_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> LineOut:
    """Leave one customer out before the file is made. A file that the schema refused is tried again without it."""
    line = cancel_line(session, collection_id, line_id, why=body.why, by=principal.actor, now=now)
    return LineOut.model_validate(line)


@router.post("/collections/{collection_id}/lines/{line_id}/notice", summary="Note that a customer was told")
def post_told(
    collection_id: Id,
    line_id: Id,
    body: ToldIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> LineOut:
    """A customer without e-mail was told by letter or by telephone, on that day."""
    return LineOut.model_validate(note_told(session, collection_id, line_id, on=body.on, by=principal.actor, now=now))


@router.post("/collections/{collection_id}/lines/{line_id}/return", summary="Note that a debit came back")
def post_return(
    collection_id: Id,
    line_id: Id,
    body: ReturnIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> LineOut:
    """For banks whose statements are not read here: its items are open again, and its customer is told."""
    line = note_return(session, collection_id, line_id, code=body.reason, on=body.on, by=principal.actor, now=now)
    return LineOut.model_validate(line)


@router.get(
    "/collections/{collection_id}/file",
    summary="Fetch a collection's file",
    response_class=Response,
    responses={200: {"content": {"application/xml": {}}, "description": "The file"}},
)
def get_file(
    collection_id: Id,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> Response:
    """The pain.008 for the bank. Each time it is fetched stands in the audit trail."""
    with kernel.database.reading() as session:
        name, content = file_of(kernel, session, collection_by_id(session, collection_id))
    with kernel.database.transaction() as session:
        went_out(session, collection_id, by=principal.actor, now=now)
    return Response(content, headers=download_headers(name, "application/xml"))
