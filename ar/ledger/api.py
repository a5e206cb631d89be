"""JSON: open items, ageing, statements and figures as of any day; write-offs, adjustments and reversals."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.core.web import (
    Cursor,
    Day,
    Id,
    KernelDep,
    Limit,
    Minor,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    example,
    idempotent,
    paged,
)
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.ledger.ageing import ageing, bucket_names
from ar.ledger.correct import adjust, take_back, write_off
from ar.ledger.figures import kpis
from ar.ledger.items import open_items
from ar.ledger.models import Entry, EntryKind, ExchangeRate
from ar.ledger.statement import statements

router = APIRouter(prefix="/api/v1", tags=["ledger"])

AsOf = Annotated[Day | None, Query(description="The day, at its end; today when not given", examples=["2026-03-31"])]
OneEntity = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this legal entity")]
OneAccount = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account")]

ITEM = {
    "entry_id": 41,
    "entity_id": 1,
    "account_id": 17,
    "kind": "invoice",
    "side": 1,
    "currency": "EUR",
    "amount_minor": 120_000,
    "open_minor": 40_000,
    "disputed_minor": 0,
    "effective_on": "2026-02-10",
    "due_on": "2026-03-12",
    "reference": "2026-000041",
}


class ItemOut(BaseModel):
    model_config = example(ITEM)

    entry_id: int
    entity_id: int
    account_id: int
    kind: EntryKind
    side: Literal[-1, 1] = Field(description="1: owed by the customer; -1: in its credit")
    currency: str
    amount_minor: int
    open_minor: int
    disputed_minor: int
    effective_on: date
    due_on: date
    reference: str


class EntryOut(BaseModel):
    model_config = example(
        {
            "id": 41,
            "entity_id": 1,
            "account_id": 17,
            "kind": "invoice",
            "debit": "receivable",
            "credit": "sales",
            "amount_minor": 120_000,
            "currency": "EUR",
            "effective_on": "2026-02-10",
            "due_on": "2026-03-12",
            "reference": "2026-000041",
            "memo": "",
            "reverses_id": None,
            "source": "import:3",
        }
    )

    id: int
    entity_id: int
    account_id: int
    kind: EntryKind
    debit: str
    credit: str
    amount_minor: int
    currency: str
    effective_on: date
    due_on: date | None
    reference: str
    memo: str
    reverses_id: int | None
    source: str


class AgeingOut(BaseModel):
    model_config = example(
        {
            "account_id": 17,
            "entity_id": 1,
            "currency": "EUR",
            "buckets": {"not_due": 40_000, "1-30": 0, "31-60": 0, "61-90": 0, "91+": 0},
            "credits": 0,
            "total": 40_000,
        }
    )

    account_id: int
    entity_id: int
    currency: str
    buckets: dict[str, int]
    credits: int
    total: int


class LineOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    entry_id: int
    effective_on: date
    kind: EntryKind
    reference: str
    due_on: date | None
    change_minor: int
    balance_minor: int


class StatementOut(BaseModel):
    model_config = example(
        {
            "account_id": 17,
            "entity_id": 1,
            "currency": "EUR",
            "since": "2026-01-01",
            "until": "2026-03-31",
            "opening_minor": 0,
            "closing_minor": 120_000,
            "lines": [
                {
                    "entry_id": 41,
                    "effective_on": "2026-02-10",
                    "kind": "invoice",
                    "reference": "2026-000041",
                    "due_on": "2026-03-12",
                    "change_minor": 120_000,
                    "balance_minor": 120_000,
                }
            ],
        }
    )

    account_id: int
    entity_id: int
    currency: str
    since: date
    until: date
    opening_minor: int
    closing_minor: int
    lines: list[LineOut]


class FiguresOut(BaseModel):
    """Days and per cents; amounts in minor units. `basis` says how they were made."""

    model_config = example(
        {
            "dso_simple": 65.0,
            "dso_countback": 72.78,
            "dso_best_possible": 15.0,
            "add": 50.0,
            "cei": 82.5,
            "ar_turnover": 2.0,
            "bad_debt_ratio": 0.1,
            "ageing": {"currency": "EUR", "unit": "minor", "not_due": 30_000, "credits": 0, "total": 30_000},
            "basis": {"as_of": "2026-03-31", "period_days": 90, "currency": "EUR"},
        }
    )

    dso_simple: float | None
    dso_countback: float | None
    dso_best_possible: float | None
    add: float | None
    cei: float | None
    ar_turnover: float | None
    bad_debt_ratio: float | None
    ageing: dict[str, Any]
    basis: dict[str, Any]


class WriteOffIn(BaseModel):
    model_config = example({"entry_id": 41, "amount_minor": 1_250, "reason": "agreed goodwill"})

    entry_id: int = Field(ge=1, le=2**63 - 1)
    amount_minor: Minor
    reason: ShortText


class AdjustmentIn(BaseModel):
    model_config = example(
        {
            "entity_id": 1,
            "account_id": 17,
            "side": -1,
            "amount_minor": 500,
            "currency": "EUR",
            "reason": "rounding of the old system",
        }
    )

    entity_id: int = Field(ge=1, le=2**63 - 1)
    account_id: int = Field(ge=1, le=2**63 - 1)
    side: Literal[-1, 1]
    amount_minor: Minor
    currency: ShortText
    reason: ShortText


class ReversalIn(BaseModel):
    model_config = example({"reason": "posted to the wrong customer"})

    reason: ShortText


class PostedOut(BaseModel):
    model_config = example({"entry_id": 42})

    entry_id: int


class RateOut(BaseModel):
    model_config = example({"currency": "USD", "rate_on": "2026-03-31", "per_euro": "1.1520", "source": "ecb"})

    currency: str
    rate_on: date
    per_euro: Decimal
    source: str


@router.get("/open-items", summary="List open items as of a day", dependencies=[allow("ledger:read")])
def get_open_items(
    session: SessionDep,
    today: TodayDep,
    account_id: Annotated[int, Query(ge=1, le=2**63 - 1, description="Whose", examples=[17])],
    as_of: AsOf = None,
) -> list[ItemOut]:
    """What an account owed, or had in credit, at the end of the day, oldest due first."""
    account(session, account_id)
    found = open_items(session, account_ids=[account_id], as_of=as_of or today)
    return [ItemOut.model_validate(item) for item in found]


@router.get("/entries", summary="List ledger entries", dependencies=[allow("ledger:read")])
def get_entries(
    session: SessionDep,
    account_id: OneAccount = None,
    kind: EntryKind | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[EntryOut]:
    """Entries of the ledger, the newest effective day first."""
    query = select(Entry)
    if account_id is not None:
        query = query.where(col(Entry.account_id) == account_id)
    if kind is not None:
        query = query.where(col(Entry.kind) == kind)
    key = (col(Entry.effective_on).desc(), col(Entry.id).desc())
    return paged(session, query, key=key, cursor=cursor, limit=limit).map(EntryOut.model_validate)


@router.get("/ageing", summary="Ageing as of a day", dependencies=[allow("ledger:read")])
def get_ageing(
    session: SessionDep,
    today: TodayDep,
    as_of: AsOf = None,
    entity_id: OneEntity = None,
    account_id: OneAccount = None,
) -> list[AgeingOut]:
    """What is owed by how long it has been due, one row for each account, legal entity and currency."""
    rows = ageing(
        session,
        as_of=as_of or today,
        entity_id=entity_id,
        account_ids=None if account_id is None else [account_id],
    )
    names = bucket_names()
    return [
        AgeingOut(
            account_id=row.account_id,
            entity_id=row.entity_id,
            currency=row.currency,
            buckets=dict(zip(names, row.buckets, strict=True)),
            credits=row.credits,
            total=row.total,
        )
        for row in rows
    ]


@router.get("/kpis", summary="DSO, ADD, CEI and the rest as of a day", dependencies=[allow("kpis:read")])
def get_kpis(
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    as_of: AsOf = None,
    entity_id: OneEntity = None,
) -> FiguresOut:
    """The receivables figures at the end of the day, of one legal entity or consolidated, in the reporting currency."""
    if entity_id is not None:
        entity(session, entity_id)
    currency = kernel.settings.reporting_currency
    told = kpis(session, as_of=as_of or today, currency=currency, entity_id=entity_id)
    return FiguresOut(**told.as_json())


@router.get("/accounts/{account_id}/statements", summary="Statements of account", dependencies=[allow("ledger:read")])
def get_statements(
    account_id: Id,
    session: SessionDep,
    today: TodayDep,
    since: Annotated[Day | None, Query(description="First day; 90 days before the last when not given")] = None,
    until: Annotated[Day | None, Query(description="Last day; today when not given")] = None,
) -> list[StatementOut]:
    """One statement for each legal entity and currency that moved in the period."""
    account(session, account_id)
    last = until or today
    first = since or last - timedelta(days=90)
    found = statements(session, account_id, since=first, until=last)
    return [StatementOut.model_validate(statement) for statement in found]


@router.post("/write-offs", status_code=201, summary="Write off part of an item", response_model=PostedOut)
def post_write_off(
    body: WriteOffIn,
    session: SessionDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("ledger:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Give up an amount of an open item, as of today."""
    return once(
        session,
        lambda: PostedOut(
            entry_id=write_off(
                session,
                body.entry_id,
                body.amount_minor,
                reason=body.reason,
                by=principal.actor,
                today=today,
                now=now,
            )
        ),
    )


@router.post("/adjustments", status_code=201, summary="Post an adjustment", response_model=PostedOut)
def post_adjustment(
    body: AdjustmentIn,
    session: SessionDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("ledger:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Raise or lower what an account owes, as of today, for a reason."""
    return once(
        session,
        lambda: PostedOut(entry_id=adjust(session, **body.model_dump(), by=principal.actor, today=today, now=now)),
    )


@router.post("/entries/{entry_id}/reversals", status_code=201, summary="Reverse an entry", response_model=PostedOut)
def post_reversal(
    entry_id: Id,
    body: ReversalIn,
    session: SessionDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("ledger:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Take an entry back as of today; what it was allocated to is open again."""
    return once(
        session,
        lambda: PostedOut(
            entry_id=take_back(session, entry_id, reason=body.reason, by=principal.actor, today=today, now=now)
        ),
    )


@router.get("/exchange-rates", summary="List exchange rates", dependencies=[allow("ledger:read")])
def get_rates(
    session: SessionDep,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RateOut]:
    """Units for one euro, the newest day first."""
    key = (col(ExchangeRate.rate_on).desc(), col(ExchangeRate.id).desc())
    return paged(session, select(ExchangeRate), key=key, cursor=cursor, limit=limit).map(RateOut.model_validate)
