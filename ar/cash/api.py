"""JSON: payments recorded, applied, refunded and told; and the address that the gateway posts to."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.cash.apply import facts_of
from ar.cash.applying import apply_payment, unapply
from ar.cash.history import applied_of, payment_by_id, unapplied_of
from ar.cash.models import Flow, Method, Payment, RefundState
from ar.cash.payment_states import PaymentState
from ar.cash.receive import Receipt, Target, clear_doubts, record_payment, take_back
from ar.cash.refunds import refund
from ar.cash.webhooks import MAX_PAYLOAD, WebhookRefusedError, receive
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    Minor,
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
    public,
)

router = APIRouter(prefix="/api/v1", tags=["payments"])
webhooks = APIRouter(tags=["payments"])

Why = Annotated[ShortText, Field(description="Why, for the audit trail", examples=["the cheque bounced"])]

PAYMENT = {
    "id": 7,
    "public_id": "pay_5f0c6c1e8a524a1f9f431d8d0a3f7a10",
    "entity_id": 1,
    "account_id": 17,
    "amount_minor": 120_000,
    "currency": "EUR",
    "method": "bank_transfer",
    "state": "settled",
    "reason": "paid",
    "reference": "E2E-4711",
    "note": "",
    "gateway": "manual",
    "flow": None,
    "received_minor": 120_000,
    "funded_minor": 0,
    "failure": "",
    "refunded_minor": 0,
    "entry_id": 42,
    "created_at": "2026-03-12T09:30:00Z",
    "updated_at": "2026-03-12T09:30:00Z",
}


class TargetIn(BaseModel):
    model_config = example({"entry_id": 41, "amount_minor": 120_000}) | ConfigDict(extra="forbid")

    entry_id: Number
    amount_minor: Minor


class PaymentIn(BaseModel):
    model_config = example(
        {
            "entity_id": 1,
            "account_id": 17,
            "amount_minor": 120_000,
            "currency": "EUR",
            "method": "bank_transfer",
            "received_on": "2026-03-12",
            "targets": [{"entry_id": 41, "amount_minor": 120_000}],
            "reference": "E2E-4711",
        }
    ) | ConfigDict(extra="forbid")

    entity_id: Number
    account_id: Number
    amount_minor: Minor
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    method: Method
    received_on: date
    targets: Annotated[list[TargetIn], Field(max_length=1000)] | None = Field(
        default=None,
        description="What the payer means it for. Not given: debts due, interest first, the oldest first. "
        "Empty: nothing yet, the money stays on account.",
    )
    reference: Annotated[ShortText, Field(max_length=60)] | None = None
    note: ShortText | None = None


class PaymentOut(BaseModel):
    model_config = example(PAYMENT)

    id: int
    public_id: str
    entity_id: int
    account_id: int
    amount_minor: int
    currency: str
    method: Method
    state: PaymentState
    reason: str
    reference: str
    note: str
    gateway: str
    flow: Flow | None = Field(description="How the gateway was asked; null for what a person recorded")
    received_minor: int = Field(description="What comes in: all that was asked, or the part that was captured")
    funded_minor: int = Field(description="What has arrived of a bank transfer that is awaited")
    failure: str = Field(description="The gateway's code of why it failed")
    refunded_minor: int
    entry_id: int | None = Field(description="Its ledger entry, while the money is ours")
    created_at: datetime
    updated_at: datetime


class AppliedOut(BaseModel):
    model_config = example({"allocation_id": 9, "entry_id": 41, "reference": "2026-000041", "amount_minor": 120_000})

    allocation_id: int
    entry_id: int
    reference: str
    amount_minor: int


class PaymentDisputeOut(BaseModel):
    model_config = example(
        {"number": "du_1", "stage": "open", "amount_minor": 120_000, "fee_minor": 2000, "reason": "general"}
    )

    number: str
    stage: str
    amount_minor: int
    fee_minor: int = Field(description="What the gateway charges for it; no customer owes it")
    reason: str


class PaymentDetailOut(PaymentOut):
    model_config = example(
        PAYMENT
        | {
            "unapplied_minor": 0,
            "applied": [{"allocation_id": 9, "entry_id": 41, "reference": "2026-000041", "amount_minor": 120_000}],
            "disputes": [],
            "instructions": None,
        }
    )

    unapplied_minor: int
    applied: list[AppliedOut]
    disputes: list[PaymentDisputeOut]
    instructions: dict[str, Any] | None = Field(description="Where a bank transfer that is awaited goes")


class ApplyIn(BaseModel):
    model_config = example({"targets": [{"entry_id": 41, "amount_minor": 120_000}]}) | ConfigDict(extra="forbid")

    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=1000)]


class WhyIn(BaseModel):
    model_config = example({"why": "it was meant for another invoice"}) | ConfigDict(extra="forbid")

    why: Why


class RefundIn(BaseModel):
    model_config = example({"amount_minor": 2_500, "note": "paid twice"}) | ConfigDict(extra="forbid")

    amount_minor: Minor
    note: ShortText


class RefundOut(BaseModel):
    model_config = example(
        {
            "public_id": "ref_0d1e",
            "payment_id": 7,
            "amount_minor": 2_500,
            "state": "done",
            "outcome": "",
            "note": "paid twice",
        }
    )

    public_id: str
    payment_id: int
    amount_minor: int
    state: RefundState
    outcome: str
    note: str


class EventOut(BaseModel):
    model_config = example({"outcome": "checkout.session.completed: settled"})

    outcome: str


@router.get("/payments", summary="List payments", dependencies=[allow("cash:read")])
def get_payments(
    session: SessionDep,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    state: PaymentState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PaymentOut]:
    """Payments, the newest first."""
    query = select(Payment)
    if account_id is not None:
        query = query.where(col(Payment.account_id) == account_id)
    if state is not None:
        query = query.where(col(Payment.state) == state)
    found = paged(session, query, key=(col(Payment.id).desc(),), cursor=cursor, limit=limit)
    return found.map(PaymentOut.model_validate)


@router.get("/payments/{payment_id}", summary="One payment", dependencies=[allow("cash:read")])
def get_payment(payment_id: Id, session: SessionDep) -> PaymentDetailOut:
    """A payment, what it settles, and what of it settles nothing yet."""
    return _detail(session, payment_by_id(session, payment_id))


@router.post("/payments", status_code=201, summary="Record a payment", response_model=PaymentDetailOut)
def post_payment(
    body: PaymentIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Book money that came in, and set it against what it is for."""

    def act() -> PaymentDetailOut:
        receipt = Receipt(
            entity_id=body.entity_id,
            account_id=body.account_id,
            amount_minor=body.amount_minor,
            currency=body.currency,
            method=body.method,
            received_on=body.received_on,
            targets=None if body.targets is None else _targets(body.targets),
            reference=body.reference or "",
            note=body.note or "",
        )
        return _detail(session, record_payment(session, receipt, by=principal.actor, now=now))

    return once(session, act)


@router.post(
    "/payments/{payment_id}/allocations", status_code=201, summary="Apply a payment", response_model=PaymentDetailOut
)
def post_allocations(
    payment_id: Id,
    body: ApplyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Set unapplied money of a payment against open items of its customer."""

    def act() -> PaymentDetailOut:
        apply_payment(session, payment_id, _targets(body.targets), by=principal.actor, now=now)
        return _detail(session, payment_by_id(session, payment_id))

    return once(session, act)


@router.post(
    "/payments/{payment_id}/allocations/{allocation_id}/undo",
    summary="Undo an allocation",
    response_model=PaymentDetailOut,
)
def post_undo(
    payment_id: Id,
    allocation_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Take an allocation back: the item is open again, the money unapplied."""

    def act() -> PaymentDetailOut:
        unapply(session, payment_id, allocation_id, why=body.why, by=principal.actor, now=now)
        return _detail(session, payment_by_id(session, payment_id))

    return once(session, act)


@router.post("/payments/{payment_id}/reversals", summary="Take a payment back", response_model=PaymentDetailOut)
def post_reversal(
    payment_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Undo a payment recorded by hand, such as a bounced cheque: what it settled is open again."""

    def act() -> PaymentDetailOut:
        return _detail(session, take_back(session, payment_id, why=body.why, by=principal.actor, now=now))

    return once(session, act)


@router.post("/payments/{payment_id}/decisions", summary="Clear a parked payment", response_model=PaymentDetailOut)
def post_decision(
    payment_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Say that a person has looked into a payment of unknown fate: without money of ours it is closed as failed."""

    def act() -> PaymentDetailOut:
        return _detail(session, clear_doubts(session, payment_id, why=body.why, by=principal.actor, now=now))

    return once(session, act)


@router.post("/payments/{payment_id}/refunds", status_code=201, summary="Refund a payment")
def post_refund(
    payment_id: Id,
    body: RefundIn,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> RefundOut:
    """Give back part of a payment, or all of it, by the way it came. The same key gives the same refund."""
    assert once.key is not None
    key = f"{principal.actor}:{once.key}"
    given = refund(
        kernel, payment_id, amount_minor=body.amount_minor, note=body.note, key=key, by=principal.actor, now=now
    )
    return RefundOut.model_validate(given)


def _targets(given: list[TargetIn]) -> list[Target]:
    return [Target(target.entry_id, target.amount_minor) for target in given]


def _detail(session: SessionDep, payment: Payment) -> PaymentDetailOut:
    applied = [AppliedOut.model_validate(one) for one in applied_of(session, payment)]
    told = PaymentOut.model_validate(payment).model_dump()
    return PaymentDetailOut(
        **told,
        unapplied_minor=unapplied_of(session, payment),
        applied=applied,
        disputes=[
            PaymentDisputeOut(
                number=number,
                stage=dispute.stage.name.lower(),
                amount_minor=dispute.amount_minor,
                fee_minor=dispute.fee_minor,
                reason=dispute.reason,
            )
            for number, dispute in facts_of(payment).disputes.items()
        ],
        instructions=payment.instructions,
    )


async def raw_body(request: Request) -> bytes:
    """The request's bytes, as they were signed. Raises WebhookRefusedError for too many."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_PAYLOAD:
        raise WebhookRefusedError("The message is larger than any event")
    return await request.body()


@webhooks.post("/webhooks/stripe", summary="Take in a Stripe event", dependencies=[public("signed by the gateway")])
def post_stripe_event(
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    body: Annotated[bytes, Depends(raw_body)],
    stripe_signature: Annotated[str | None, Header()] = None,
) -> EventOut:
    """Proved by its signature, kept once, and applied, in any order and however often it comes."""
    return EventOut(outcome=receive(session, kernel.settings, body, stripe_signature, now=now))
