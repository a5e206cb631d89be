"""JSON: remittance advices taken in, as files or field by field; listed, told, paired, refused, released."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from ar.cash.remittance.advice import MAX_LINES, Advice, Line, sum_of
from ar.cash.remittance.decide import advice_by_id, pair_with, refuse, release
from ar.cash.remittance.models import AdviceState, Channel, RemittanceAdvice, RemittanceLine
from ar.cash.remittance.read import MAX_BYTES, open_upload
from ar.cash.remittance.take import Arrival, lines_of, take_opened, take_told
from ar.core.errors import NotFoundError
from ar.core.files import StoredFile, headers_of
from ar.core.files import read as read_file
from ar.core.money import exponent, plain
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

router = APIRouter(prefix="/api/v1", tags=["remittances"])

Minor = Annotated[int, Field(ge=-(10**15), le=10**15, description="Minor units", examples=[98_000])]
Reference = Annotated[ShortText, Field(max_length=60)]
Why = Annotated[ShortText, Field(description="Why, for the audit trail", examples=["it is an order, no payment"])]

LINE: dict[str, Any] = {
    "reference": "FR1-2026-000123",
    "entry_id": 41,
    "document_on": "2026-02-01",
    "gross_minor": 100_000,
    "deduction_minor": 2_000,
    "reason": "2 % discount",
    "paid_minor": 98_000,
    "said": "FR1-2026-000123  01/02/2026  1,000.00  20.00  980.00",
}
ADVICE: dict[str, Any] = {
    "id": 5,
    "channel": "email",
    "state": "open",
    "account_id": 17,
    "entity_id": 1,
    "sender": "payables@customer.example",
    "subject": "Payment advice 4711",
    "payer": "Nordlicht Werkzeuge",
    "amount_minor": 98_000,
    "currency": "EUR",
    "paid_on": "2026-03-12",
    "reference": "E2E-4711",
    "doubts": [],
    "bank_line_id": None,
    "payment_id": None,
    "paired_why": "",
    "has_file": True,
    "taken_by": "key:2",
    "taken_at": "2026-03-12T09:30:00Z",
}
TOLD: dict[str, Any] = {
    "account_id": 17,
    "amount_minor": 98_000,
    "currency": "EUR",
    "paid_on": "2026-03-12",
    "reference": "E2E-4711",
    "lines": [
        {
            "reference": "FR1-2026-000123",
            "gross_minor": 100_000,
            "deduction_minor": 2_000,
            "reason": "2 % discount",
            "paid_minor": 98_000,
        }
    ],
}


class LineIn(BaseModel):
    model_config = example(TOLD["lines"][0]) | ConfigDict(extra="forbid")

    reference: Reference
    document_on: Day | None = None
    gross_minor: Minor | None = None
    deduction_minor: Annotated[int, Field(ge=0, le=10**15)] = 0
    reason: ShortText | None = None
    paid_minor: Minor | None = Field(
        default=None, description="What of the payment goes to it; below zero for a credit note. Not given: not said"
    )


class AdviceIn(BaseModel):
    model_config = example(TOLD) | ConfigDict(extra="forbid")

    account_id: Number | None = Field(default=None, description="The customer; found by its documents when not given")
    entity_id: Number | None = None
    amount_minor: Annotated[int, Field(gt=0, le=10**15)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    paid_on: Day | None = None
    reference: Annotated[ShortText, Field(max_length=80, description="What names the payment")] | None = None
    payer: ShortText | None = None
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MAX_LINES)]


class LineOut(BaseModel):
    model_config = example(LINE)

    reference: str = Field(description="As the payer writes it; empty for a deduction from the whole")
    entry_id: int | None = Field(description="The open item of that reference, where there is one alone")
    document_on: date | None
    gross_minor: int | None
    deduction_minor: int
    reason: str
    paid_minor: int | None
    said: str = Field(description="The payer's own line")


class AdviceOut(BaseModel):
    model_config = example(ADVICE)

    id: int
    channel: Channel
    state: AdviceState
    account_id: int | None
    entity_id: int | None
    sender: str
    subject: str
    payer: str
    amount_minor: int | None
    currency: str
    paid_on: date | None
    reference: str
    doubts: list[str] = Field(description="What was not understood, or does not agree, in words")
    bank_line_id: int | None
    payment_id: int | None
    paired_why: str
    has_file: bool
    taken_by: str
    taken_at: datetime


class AdviceDetailOut(AdviceOut):
    model_config = example(ADVICE | {"text": "Dear Sirs, ...", "lines": [LINE]})

    text: str = Field(description="What was written")
    lines: list[LineOut]


class PairingIn(BaseModel):
    model_config = example({"bank_line_id": 311}) | ConfigDict(extra="forbid")

    bank_line_id: Number | None = None
    payment_id: Number | None = None


class WhyIn(BaseModel):
    model_config = example({"why": "it is an order, no payment"}) | ConfigDict(extra="forbid")

    why: Why


class NoFileError(NotFoundError):
    code = "remittance-without-file"


def advice_out(advice: RemittanceAdvice) -> AdviceOut:
    told = {name: getattr(advice, name) for name in AdviceOut.model_fields if name != "has_file"}
    return AdviceOut(**told, has_file=advice.file_id is not None)


def detail_out(session: Session, advice: RemittanceAdvice) -> AdviceDetailOut:
    assert advice.id is not None
    lines: Sequence[RemittanceLine] = lines_of(session, [advice.id])[advice.id]
    told = advice_out(advice).model_dump()
    return AdviceDetailOut(**told, text=advice.text, lines=[LineOut.model_validate(line) for line in lines])


@router.get("/remittances", summary="List remittance advices", dependencies=[allow("cash:read")])
def get_remittances(
    session: SessionDep,
    state: AdviceState | None = None,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AdviceOut]:
    """What customers said that their payments are for, the newest first."""
    query = select(RemittanceAdvice)
    if state is not None:
        query = query.where(col(RemittanceAdvice.state) == state)
    if account_id is not None:
        query = query.where(col(RemittanceAdvice.account_id) == account_id)
    found = paged(session, query, key=(col(RemittanceAdvice.id).desc(),), cursor=cursor, limit=limit)
    return found.map(advice_out)


@router.get("/remittances/{advice_id}", summary="One remittance advice", dependencies=[allow("cash:read")])
def get_remittance(advice_id: Id, session: SessionDep) -> AdviceDetailOut:
    """An advice, its lines, and what of it was not understood."""
    return detail_out(session, advice_by_id(session, advice_id))


@router.get(
    "/remittances/{advice_id}/file",
    summary="Download the file of an advice",
    dependencies=[allow("cash:read")],
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file as it came"}},
)
def get_remittance_file(advice_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    """The file that the advice was read from, as it came."""
    advice = advice_by_id(session, advice_id)
    stored = session.get(StoredFile, advice.file_id) if advice.file_id else None
    if stored is None:
        raise NoFileError(f"Remittance advice {advice_id} came without a file that was kept")
    return Response(read_file(stored, kernel.settings.files), headers=headers_of(stored))


@router.post(
    "/remittances/files", status_code=201, summary="Take in an advice as a file", response_model=AdviceDetailOut
)
def post_remittance_file(
    file: Annotated[UploadFile, File(description="PDF, XLSX, CSV, EDIFACT REMADV, plain text, or an e-mail (.eml)")],
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent(required=False)],
    account_id: Annotated[int | None, Form(ge=1, le=2**63 - 1, description="The customer, when it is known")] = None,
) -> Response:
    """Read what the file says, find the customer and its documents, and set it beside the money if that is there.

    The same file again is the same advice. What is not understood is said in `doubts`; the text is kept.
    """
    opened = open_upload(file.file.read(MAX_BYTES + 1), name=file.filename or "")  # before the session is used

    def act() -> AdviceDetailOut:
        kept = take_opened(
            session, kernel, opened, channel=Channel.UPLOAD, account_id=account_id, by=principal.actor, now=now
        )
        return detail_out(session, kept)

    return once(session, act)


@router.post("/remittances", status_code=201, summary="Take in an advice", response_model=AdviceDetailOut)
def post_remittance(
    body: AdviceIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """An advice whose fields are known, from another system or a telephone call."""

    def act() -> AdviceDetailOut:
        arrival = Arrival(
            Channel.API, principal.actor, account_id=body.account_id, entity_id=body.entity_id, sender=principal.actor
        )
        return detail_out(session, take_told(session, _advice(body), arrival, now=now))

    return once(session, act)


def _advice(body: AdviceIn) -> Advice:
    exponent(body.currency)
    lines = tuple(
        Line(
            one.reference,
            one.paid_minor,
            one.gross_minor,
            one.deduction_minor,
            one.reason or "",
            one.document_on,
        )
        for one in body.lines
    )
    told, doubts = sum_of(lines), []
    if told is not None and told != body.amount_minor:
        said = [f"{plain(minor, body.currency)} {body.currency}" for minor in (told, body.amount_minor)]
        doubts.append(f"The lines add up to {said[0]}, the payment is {said[1]}")
    return Advice(
        lines,
        body.amount_minor,
        body.currency,
        body.paid_on,
        body.reference or "",
        body.payer or "",
        doubts=tuple(doubts),
    )


@router.post("/remittances/{advice_id}/pairing", summary="Pair an advice", response_model=AdviceDetailOut)
def post_pairing(
    advice_id: Id,
    body: PairingIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Say which bank line, or which payment, an open advice is about; open money is then matched again."""

    def act() -> AdviceDetailOut:
        made = pair_with(
            session,
            advice_id,
            bank_line_id=body.bank_line_id,
            payment_id=body.payment_id,
            by=principal.actor,
            now=now,
        )
        return detail_out(session, made)

    return once(session, act)


@router.post("/remittances/{advice_id}/refusal", summary="Refuse an advice", response_model=AdviceDetailOut)
def post_refusal(
    advice_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Lay an open advice aside: it is paired with nothing any more."""

    def act() -> AdviceDetailOut:
        return detail_out(session, refuse(session, advice_id, why=body.why, by=principal.actor, now=now))

    return once(session, act)


@router.post("/remittances/{advice_id}/release", summary="Open an advice again", response_model=AdviceDetailOut)
def post_release(
    advice_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Take back a pairing or a refusal."""

    def act() -> AdviceDetailOut:
        return detail_out(session, release(session, advice_id, why=body.why, by=principal.actor, now=now))

    return once(session, act)
