"""JSON: batches of letters, their PDF, and what became of the paper."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from ar.core.files import headers_of
from ar.core.jobs import enqueue
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Number,
    Page,
    Principal,
    SessionDep,
    allow,
    example,
    paged,
)
from ar.customers.entities import entity
from dunning.letters import settle
from dunning.letters.make import MAKE_JOB, MAKE_NOW_JOB
from dunning.letters.models import BatchState, LetterBatch

router = APIRouter(prefix="/api/v1/letters", tags=["messages"])

Writer = Annotated[Principal, allow("dunning:write")]
BATCH = {
    "id": 5,
    "entity_id": 1,
    "day": "2026-03-16",
    "state": "made",
    "letters": 12,
    "pages": 26,
    "duplex": True,
    "checksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "made_at": "2026-03-16T14:00:00Z",
    "made_by": "system",
    "printed_at": None,
    "ended_at": None,
    "ended_by": None,
}


class LetterBatchOut(BaseModel):
    model_config = example(BATCH)

    id: int
    entity_id: int
    day: date
    state: BatchState
    letters: int
    pages: int = Field(description="Of the PDF, cover sheet and empty back sides included")
    duplex: bool = Field(description="Every letter begins on a front side")
    checksum: str = Field(description="SHA-256 of what the letters say; its beginning is on the cover sheet")
    made_at: datetime
    made_by: str
    printed_at: datetime | None
    ended_at: datetime | None = Field(description="When it was posted, or discarded")
    ended_by: str | None


class LettersIn(BaseModel):
    model_config = example({"entity_id": 1}) | ConfigDict(extra="forbid")

    entity_id: Number | None = Field(default=None, description="Only the letters of this seller")


class LettersQueuedOut(BaseModel):
    model_config = example({"state": "queued"})

    state: str = Field(description="queued, or already_queued within the same minute")


@router.get("/batches", summary="List batches of letters", dependencies=[allow("dunning:read")])
def get_batches(
    session: SessionDep,
    state: Annotated[BatchState | None, Query(description="Only in this state")] = None,
    entity_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only of this seller")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[LetterBatchOut]:
    """The newest first. Those `made` or `printed` wait for a person."""
    query = settle.search_batches(state, entity_id)
    found = paged(session, query, key=(col(LetterBatch.id).desc(),), cursor=cursor, limit=limit)
    return found.map(LetterBatchOut.model_validate)


@router.post("/batches", status_code=202, summary="Make batches of letters")
def post_batches(body: LettersIn, session: SessionDep, now: NowDep, principal: Writer) -> LettersQueuedOut:
    """Take the letters that wait now, rather than in the afternoon: one batch for each seller, made by a job."""
    if body.entity_id is not None:
        entity(session, body.entity_id)
    key = f"{MAKE_NOW_JOB}:{body.entity_id or 'all'}:{now.strftime('%Y-%m-%dT%H:%M')}"
    arguments = {"entity_id": body.entity_id, "by": principal.actor}
    queued = enqueue(session, MAKE_NOW_JOB, arguments, dedup_key=key, now=now, lane=f"rota/{MAKE_JOB}")
    return LettersQueuedOut(state="queued" if queued else "already_queued")


@router.get("/batches/{batch_id}", summary="Read a batch of letters", dependencies=[allow("dunning:read")])
def get_batch(batch_id: Id, session: SessionDep) -> LetterBatchOut:
    """One batch."""
    return LetterBatchOut.model_validate(settle.batch_of(session, batch_id))


@router.get(
    "/batches/{batch_id}/letters.pdf",
    summary="Download a batch of letters",
    dependencies=[allow("dunning:read")],
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}, "description": "The letters"}},
)
def get_letters(batch_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    """The cover sheet and all letters, ready to print."""
    stored, content = settle.file_of(session, batch_id, kernel.settings.files)
    return Response(content, headers=headers_of(stored))


@router.post("/batches/{batch_id}/printed", summary="Note that letters are printed")
def post_printed(batch_id: Id, session: SessionDep, now: NowDep, principal: Writer) -> LetterBatchOut:
    """The paper is there; nothing is sent yet."""
    return LetterBatchOut.model_validate(settle.mark_printed(session, batch_id, by=principal.actor, now=now))


@router.post("/batches/{batch_id}/posted", summary="Note that letters are posted")
def post_posted(batch_id: Id, session: SessionDep, now: NowDep, principal: Writer) -> LetterBatchOut:
    """Their messages are sent by that."""
    return LetterBatchOut.model_validate(settle.mark_posted(session, batch_id, by=principal.actor, now=now))


@router.post("/batches/{batch_id}/discarded", summary="Discard a batch of letters")
def post_discarded(batch_id: Id, session: SessionDep, now: NowDep, principal: Writer) -> LetterBatchOut:
    """None of it left the house: those of its letters that are still wanted come in the next batch."""
    return LetterBatchOut.model_validate(settle.discard(session, batch_id, by=principal.actor, now=now))
