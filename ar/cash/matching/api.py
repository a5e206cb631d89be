"""JSON of the cash desk: money that waits, what it may be for, decisions taken and undone, payers and rules."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel import col, select

from ar.cash.bank.models import BankLine
from ar.cash.matching import queue
from ar.cash.matching.aliases import aliases_of, forget_alias, teach
from ar.cash.matching.by_hand import Deduction, apply_line, apply_rest, proposal_of
from ar.cash.matching.facts import Difference, Netting, Part, Proposal, Residual
from ar.cash.matching.models import CashApplication, CashPolicy
from ar.cash.matching.policy import change_policy, policy_of
from ar.cash.matching.shapes import (
    NETTING,
    PART,
    RESIDUAL,
    AliasOut,
    ApplicationOut,
    FiguresOut,
    PolicyOut,
    UnappliedOut,
    WaitingLineOut,
    application_out,
    entries_of,
    line_out,
    proposal_out,
)
from ar.cash.matching.undo import application, undo
from ar.cash.models import Payment
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
    language_of,
    paged,
)
from ar.customers.entities import entity
from ar.ledger.models import Book

router = APIRouter(prefix="/api/v1/cash", tags=["cash desk"])

EntityId = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this legal entity's")]
AccountId = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this customer's")]
DisputeReason = Literal["price", "quantity", "quality", "delivery", "not_ordered", "already_paid", "reference", "other"]


class PartIn(BaseModel):
    model_config = example({name: value for name, value in PART.items() if name != "reference"}) | ConfigDict(
        extra="forbid"
    )

    account_id: Number
    entry_id: Number | None = Field(default=None, description="The open item; none for money on account")
    amount_minor: Minor


class ResidualIn(BaseModel):
    model_config = example(RESIDUAL) | ConfigDict(extra="forbid")

    entry_id: Number
    amount_minor: Minor
    difference: Difference


class NettingIn(BaseModel):
    model_config = example(NETTING) | ConfigDict(extra="forbid")

    debit_id: Number
    credit_id: Number
    amount_minor: Minor


class DeductionIn(BaseModel):
    model_config = example({"entry_id": 41, "amount_minor": 2_500, "reason": "price"}) | ConfigDict(extra="forbid")

    entry_id: Number
    amount_minor: Minor
    reason: DisputeReason
    text: ShortText | None = None


class ApplyIn(BaseModel):
    """Either a kept proposal, by its rank, or parts."""

    model_config = example({"rank": 1}) | ConfigDict(extra="forbid")

    rank: Annotated[int, Field(ge=1, le=3)] | None = None
    parts: list[PartIn] = Field(default_factory=list, max_length=500)
    residuals: list[ResidualIn] = Field(default_factory=list, max_length=500)
    nettings: list[NettingIn] = Field(default_factory=list, max_length=500)

    @model_validator(mode="after")
    def _one_way(self) -> "ApplyIn":
        if (self.rank is None) == (not self.parts):
            raise ValueError("give either the rank of a proposal, or parts")
        if self.rank is not None and (self.residuals or self.nettings):
            raise ValueError("a proposal has its own residuals and nettings")
        return self

    def proposal(self, kept: Callable[[int], Proposal]) -> Proposal:
        """What is wanted: the proposal kept under the rank, or the parts typed."""
        if self.rank is not None:
            return kept(self.rank)
        return Proposal(
            parts=tuple(Part(one.account_id, one.entry_id, one.amount_minor) for one in self.parts),
            residuals=tuple(Residual(one.entry_id, one.amount_minor, one.difference) for one in self.residuals),
            nettings=tuple(Netting(one.debit_id, one.credit_id, one.amount_minor) for one in self.nettings),
        )


class ApplyLineIn(ApplyIn):
    model_config = example({"parts": [{"account_id": 17, "entry_id": 41, "amount_minor": 120_000}]}) | ConfigDict(
        extra="forbid"
    )

    deductions: list[DeductionIn] = Field(
        default_factory=list, max_length=100, description="What the customer kept back, claimed as disputes"
    )


class WhyIn(BaseModel):
    model_config = example({"why": "it was meant for another invoice"}) | ConfigDict(extra="forbid")

    why: ShortText


class AliasIn(BaseModel):
    model_config = example({"iban": "FR7630006000011234567890189"}) | ConfigDict(extra="forbid")

    iban: Annotated[str, Field(pattern=r"^[A-Z0-9]{5,34}$")] | None = None
    name: ShortText | None = None

    @model_validator(mode="after")
    def _something(self) -> "AliasIn":
        if not (self.iban or self.name):
            raise ValueError("give an account number, or a name")
        return self


class PolicyIn(BaseModel):
    model_config = example(
        {
            "apply_above": 0.995,
            "tolerance_minor": 200,
            "tolerance_bp": 100,
            "tolerance_book": "payment_differences",
            "charges_minor": 2_500,
            "version": 0,
        }
    ) | ConfigDict(extra="forbid")

    apply_above: Annotated[float, Field(ge=0.9, le=1)]
    tolerance_minor: Annotated[int, Field(ge=0, le=10**9)]
    tolerance_bp: Annotated[int, Field(ge=0, le=1000)]
    tolerance_book: Book
    charges_minor: Annotated[int, Field(ge=0, le=10**9)]
    version: Annotated[int, Field(ge=0, le=2**31 - 1, description="The version that was read")]


@router.get("/lines", summary="Money that waits", dependencies=[allow("cash:read")])
def get_lines(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    entity_id: EntityId = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[WaitingLineOut]:
    """Bank lines that are for nothing yet, the oldest first, each with what it may be for."""
    found = paged(
        session, queue.waiting_lines(entity_id=entity_id), key=(col(BankLine.id),), cursor=cursor, limit=limit
    )
    kept = queue.proposals_for_lines(session, [line.id for line in found.items if line.id is not None])
    named = queue.items_named(session, entries_of(one.content for some in kept.values() for one in some))
    language = language_of(request, kernel)
    return found.map(lambda line: line_out(line, kept.get(line.id or 0, []), named, kernel.renderer, language=language))


@router.get("/unapplied", summary="Payments with unapplied money", dependencies=[allow("cash:read")])
def get_unapplied(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    entity_id: EntityId = None,
    account_id: AccountId = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UnappliedOut]:
    """Payments of known customers of which some money settles nothing yet, the oldest first."""
    query = queue.unapplied_payments(entity_id=entity_id, account_id=account_id)
    found = paged(session, query, key=(col(Payment.id),), cursor=cursor, limit=limit)
    left = queue.unapplied_minor(session, found.items)
    kept = queue.proposals_for_payments(session, list(left))
    named = queue.items_named(session, entries_of(one.content for some in kept.values() for one in some))
    language = language_of(request, kernel)
    return found.map(
        lambda payment: UnappliedOut(
            payment_id=payment.id or 0,
            account_id=payment.account_id,
            unapplied_minor=left[payment.id or 0],
            currency=payment.currency,
            proposals=[
                proposal_out(one, named, kernel.renderer, language=language) for one in kept.get(payment.id or 0, [])
            ],
        )
    )


@router.post(
    "/lines/{line_id}/applications", status_code=201, summary="Apply a bank line", response_model=ApplicationOut
)
def post_line_application(
    line_id: Id,
    body: ApplyLineIn,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Say what money is for: a proposal as it stands, or parts that add up to it. What is on no item is on account."""

    def act() -> ApplicationOut:
        wanted = body.proposal(lambda rank: proposal_of(session, line_id=line_id, rank=rank))
        deductions = [Deduction(one.entry_id, one.amount_minor, one.reason, one.text or "") for one in body.deductions]
        made = apply_line(session, line_id, wanted, deductions=deductions, by=principal.actor, now=now)
        return _told(request, session, kernel, application(session, made))

    return once(session, act)


@router.post(
    "/payments/{payment_id}/applications",
    status_code=201,
    summary="Apply a payment's unapplied money",
    response_model=ApplicationOut,
)
def post_payment_application(
    payment_id: Id,
    body: ApplyIn,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """The same for money of a known customer that is on account."""

    def act() -> ApplicationOut:
        wanted = body.proposal(lambda rank: proposal_of(session, payment_id=payment_id, rank=rank))
        made = apply_rest(session, payment_id, wanted, by=principal.actor, now=now)
        return _told(request, session, kernel, application(session, made))

    return once(session, act)


@router.get("/applications", summary="Applied money", dependencies=[allow("cash:read")])
def get_applications(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    entity_id: EntityId = None,
    automatic: Annotated[bool | None, Query(description="Only what was applied untouched, or by a person")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ApplicationOut]:
    """Acts of applying money, the newest first, each with its reasons."""
    query = select(CashApplication)
    if entity_id is not None:
        query = query.where(CashApplication.entity_id == entity_id)
    if automatic is not None:
        query = query.where(CashApplication.automatic == automatic)
    found = paged(session, query, key=(col(CashApplication.id).desc(),), cursor=cursor, limit=limit)
    named = queue.items_named(session, entries_of(made.content for made in found.items))
    language = language_of(request, kernel)
    return found.map(lambda made: application_out(made, named, kernel.renderer, language=language))


@router.post("/applications/{application_id}/undo", summary="Undo an application", response_model=ApplicationOut)
def post_undo(
    application_id: Id,
    body: WhyIn,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Take the whole act back: what it settled is open again, and its money waits as before."""

    def act() -> ApplicationOut:
        undone = undo(session, application_id, why=body.why, by=principal.actor, now=now)
        return _told(request, session, kernel, undone)

    return once(session, act)


@router.get("/accounts/{account_id}/aliases", summary="Payers of a customer", dependencies=[allow("cash:read")])
def get_aliases(account_id: Id, session: SessionDep) -> list[AliasOut]:
    """The account numbers and names that money for a customer came under, the surest first."""
    return [AliasOut.of(alias) for alias in aliases_of(session, account_id)]


@router.post("/accounts/{account_id}/aliases", status_code=201, summary="Teach a payer", response_model=list[AliasOut])
def post_alias(
    account_id: Id,
    body: AliasIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> Sequence[AliasOut]:
    """Remember that money from this number, or under this name, is this customer's."""
    known = teach(session, account_id, iban=body.iban or "", name=body.name or "", by=principal.actor, now=now)
    return [AliasOut.of(alias) for alias in known]


@router.delete("/aliases/{alias_id}", status_code=204, summary="Forget a payer")
def delete_alias(
    alias_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("cash:write")]
) -> None:
    """Recognise nobody by this number or name any more."""
    forget_alias(session, alias_id, by=principal.actor, now=now)


@router.get("/policies/{entity_id}", summary="How cash is applied", dependencies=[allow("cash:read")])
def get_policy(entity_id: Id, session: SessionDep) -> PolicyOut:
    """A legal entity's rules for applying cash; version 0 is the standard."""
    entity(session, entity_id)
    return PolicyOut.model_validate(policy_of(session, entity_id))


@router.put("/policies/{entity_id}", summary="Change how cash is applied")
def put_policy(
    entity_id: Id,
    body: PolicyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("ledger:write")],
) -> PolicyOut:
    """Its threshold, and the small differences that are let off."""
    entity(session, entity_id)
    wanted = CashPolicy(entity_id=entity_id, **body.model_dump())
    return PolicyOut.model_validate(change_policy(session, wanted, by=principal.actor, now=now))


@router.get("/figures", summary="How well cash is applied", dependencies=[allow("cash:read")])
def get_figures(
    session: SessionDep,
    first: Annotated[date, Query(description="The first booking day")],
    last: Annotated[date, Query(description="The last booking day")],
    entity_id: EntityId = None,
) -> FiguresOut:
    """Of the money booked between two days: what was applied untouched, and how often that was wrong."""
    return FiguresOut.model_validate(
        queue.figures(session, entity_id=entity_id, first=first, last=last), from_attributes=True
    )


def _told(request: Request, session: SessionDep, kernel: KernelDep, made: CashApplication) -> ApplicationOut:
    named = queue.items_named(session, entries_of([made.content]))
    return application_out(made, named, kernel.renderer, language=language_of(request, kernel))
