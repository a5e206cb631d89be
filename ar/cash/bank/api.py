"""JSON: bank files taken in, their statements and lines, the close of a day, and our bank accounts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.cash.bank.days import day_close
from ar.cash.bank.gaps import breaks
from ar.cash.bank.lines import bank_line, bank_statement, ignore_line, lines, reopen_line
from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.cash.bank.profiles import chosen
from ar.cash.bank.take import take_file
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
    Search,
    SessionDep,
    ShortText,
    allow,
    example,
    idempotent,
    paged,
)
from ar.customers.entities import add_bank_account
from ar.customers.models import BankAccount

router = APIRouter(prefix="/api/v1/bank", tags=["bank"])

_MB = 1024 * 1024
OfAccount = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this bank account's", examples=[1])]
Why = Annotated[ShortText, Field(description="Why, for whoever looks at the line later", examples=["a refund of tax"])]

ACCOUNT = {
    "id": 1,
    "entity_id": 1,
    "number": "DE89370400440532013000",
    "is_iban": True,
    "bic": "COBADEFFXXX",
    "holder": "Atelier Amiable",
    "currency": "EUR",
}
STATEMENT = {
    "id": 5,
    "bank_account_id": 1,
    "file_id": 9,
    "format": "camt.053",
    "reference": "2026-050",
    "currency": "EUR",
    "opening_minor": 1_000_000,
    "opening_on": "2026-03-11",
    "closing_minor": 1_120_000,
    "closing_on": "2026-03-12",
    "difference_minor": 0,
    "provisional": False,
    "lines_read": 3,
    "lines_added": 3,
    "imported_by": "user:3",
    "imported_at": "2026-03-13T06:10:00Z",
    "gap_minor": 0,
}
LINE = {
    "id": 71,
    "statement_id": 5,
    "bank_account_id": 1,
    "entity_id": 1,
    "booked_on": "2026-03-12",
    "value_on": "2026-03-12",
    "amount_minor": 120_000,
    "currency": "EUR",
    "kind": "PMNT.RCDT.ESCT",
    "counterparty_name": "Nordlicht GmbH",
    "counterparty_iban": "DE02120300000000202051",
    "bank_reference": "2026031200017",
    "end_to_end_id": "E2E-4711",
    "mandate_id": "",
    "batch_reference": "",
    "structured_reference": "",
    "remittance": "Invoice 2026-000041",
    "return_reason": "",
    "is_reversal": False,
    "charges_minor": None,
    "original_minor": None,
    "original_currency": None,
    "state": "open",
    "state_reason": "",
    "decided_by": "",
    "decided_at": None,
}
TAKEN = {
    "statement_id": 5,
    "bank_account_id": 1,
    "account": "DE89370400440532013000",
    "currency": "EUR",
    "reference": "2026-050",
    "format": "camt.053",
    "provisional": False,
    "read": 3,
    "added": 3,
    "known": 0,
    "replaced": 0,
    "gaps": [],
}


class BankAccountIn(BaseModel):
    model_config = example(
        {"entity_id": 1, "iban": "DE89370400440532013000", "holder": "Atelier Amiable", "currency": "EUR"}
    ) | ConfigDict(extra="forbid")

    entity_id: Number
    iban: ShortText | None = None
    number: ShortText | None = Field(
        default=None, description="As its bank writes it in statements, for an account that has no IBAN"
    )
    holder: ShortText
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class BankAccountOut(BaseModel):
    model_config = example(ACCOUNT)

    id: int
    entity_id: int
    number: str = Field(validation_alias="iban", description="Its IBAN, or its number where is_iban is false")
    is_iban: bool
    bic: str | None
    holder: str
    currency: str


class TakenOut(BaseModel):
    model_config = example(TAKEN)

    statement_id: int | None = Field(description="None when the statement was known, with all its lines")
    bank_account_id: int
    account: str
    currency: str
    reference: str
    format: str
    provisional: bool
    read: int
    added: int
    known: int = Field(description="Lines that were there before")
    replaced: int = Field(description="Lines there before that are told better now, or are booked now")
    gaps: list[str] = Field(description="Balances that do not fit, in words")


class ReportOut(BaseModel):
    model_config = example(
        {
            "file_id": 9,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "statements": [TAKEN],
        }
    )

    file_id: int | None = Field(description="Where the file is kept; none when all of it was known")
    sha256: str
    statements: list[TakenOut]


class StatementOut(BaseModel):
    model_config = example(STATEMENT)

    id: int
    bank_account_id: int
    file_id: int | None
    format: str
    reference: str
    currency: str
    opening_minor: int | None
    opening_on: date | None
    closing_minor: int | None
    closing_on: date | None
    difference_minor: int | None = Field(description="What lies between its balances and is not in its lines")
    provisional: bool
    lines_read: int
    lines_added: int
    imported_by: str
    imported_at: datetime
    gap_minor: int = Field(
        default=0, description="Its opening balance less the closing balance of the statement before"
    )


class LineOut(BaseModel):
    model_config = example(LINE)

    id: int
    statement_id: int
    bank_account_id: int
    entity_id: int
    booked_on: date
    value_on: date | None
    amount_minor: int = Field(description="Above zero when money came in")
    currency: str
    kind: str = Field(description="The bank's code of what it is")
    counterparty_name: str
    counterparty_iban: str
    bank_reference: str
    end_to_end_id: str
    mandate_id: str
    batch_reference: str
    structured_reference: str
    remittance: str
    return_reason: str
    is_reversal: bool
    charges_minor: int | None
    original_minor: int | None
    original_currency: str | None
    state: LineState
    state_reason: str
    decided_by: str
    decided_at: datetime | None


class WhyIn(BaseModel):
    model_config = example({"why": "a refund of tax"}) | ConfigDict(extra="forbid")

    why: Why


class DayOut(BaseModel):
    model_config = example(
        {
            "bank_account_id": 1,
            "day": "2026-03-12",
            "currency": "EUR",
            "opening_minor": 1_000_000,
            "in_minor": 150_000,
            "out_minor": 30_000,
            "closing_minor": 1_120_000,
            "difference_minor": 0,
            "applied_minor": 120_000,
            "ignored_minor": 10_000,
            "open_minor": 20_000,
            "provisional_minor": 0,
        }
    )

    bank_account_id: int
    day: date
    currency: str
    opening_minor: int | None
    in_minor: int
    out_minor: int
    closing_minor: int | None
    difference_minor: int | None = Field(description="Closing less opening, in and out: 0 when the day ties out")
    applied_minor: int
    ignored_minor: int
    open_minor: int
    provisional_minor: int = Field(description="Announced for the day and not booked yet; in none of the sums")


@router.post("/files", status_code=201, summary="Take in a bank file", response_model=ReportOut)
def post_file(
    file: Annotated[UploadFile, File(description="CAMT.052/.053/.054, MT940, CFONB 120, BAI2, OFX, CSV or XLSX")],
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent(required=False)],
    profile: Annotated[ShortText | None, Form(description="For a table: the shipped mapping; found out if not")] = None,
    account: Annotated[ShortText | None, Form(description="For a table that does not say it: the account")] = None,
    currency: Annotated[ShortText | None, Form(description="For a table that does not say it: the currency")] = None,
) -> Response:
    """Take in all of a file or nothing. What it is shows in its content, not its name. Again adds nothing."""
    most = kernel.settings.max_upload_mb * _MB

    def act() -> ReportOut:
        report = take_file(
            session,
            kernel.settings.files,
            file.file.read(most + 1),
            name=file.filename or "",
            by=principal.actor,
            now=now,
            profiles=chosen(profile),
            account=account or "",
            currency=currency or "",
            max_bytes=most,
        )
        return ReportOut.model_validate(report)

    return once(session, act)


@router.get("/accounts", summary="List our bank accounts", dependencies=[allow("cash:read")])
def get_accounts(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[BankAccountOut]:
    """The accounts on which the legal entities are paid, and of which files are taken."""
    found = paged(session, select(BankAccount), key=(col(BankAccount.id),), cursor=cursor, limit=limit)
    return found.map(BankAccountOut.model_validate)


@router.post("/accounts", status_code=201, summary="Register a bank account", response_model=BankAccountOut)
def post_account(
    body: BankAccountIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Make a bank account known, by its IBAN, or by its number where it has none: then its files can be taken."""

    def act() -> BankAccountOut:
        made = add_bank_account(
            session,
            body.entity_id,
            iban=body.iban,
            number=body.number,
            holder=body.holder,
            currency=body.currency,
            by=principal.actor,
            now=now,
        )
        return BankAccountOut.model_validate(made)

    return once(session, act)


@router.get("/statements", summary="List bank statements", dependencies=[allow("cash:read")])
def get_statements(
    session: SessionDep, account: OfAccount = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[StatementOut]:
    """The statements that were taken in, the last first, each with what does not fit in its balances."""
    query = select(BankStatement)
    if account is not None:
        query = query.where(col(BankStatement.bank_account_id) == account)
    found = paged(session, query, key=(col(BankStatement.id).desc(),), cursor=cursor, limit=limit)
    missing = breaks(session, found.items)
    return found.map(lambda one: _told(one, missing))


@router.get("/statements/{statement_id}", summary="Read a bank statement", dependencies=[allow("cash:read")])
def get_statement(statement_id: Id, session: SessionDep) -> StatementOut:
    """One statement; its lines are listed by `/bank/lines?statement=`."""
    found = bank_statement(session, statement_id)
    return _told(found, breaks(session, [found]))


def _told(statement: BankStatement, missing: Mapping[int, int]) -> StatementOut:
    told = StatementOut.model_validate(statement)
    told.gap_minor = missing.get(told.id, 0)
    return told


@router.get("/lines", summary="List bank lines", dependencies=[allow("cash:read")])
def get_lines(
    session: SessionDep,
    account: OfAccount = None,
    statement: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this statement's")] = None,
    state: Annotated[LineState | None, Query(description="Only those in this state")] = None,
    since: Annotated[Day | None, Query(description="Booked on this day or later")] = None,
    until: Annotated[Day | None, Query(description="Booked on this day or before")] = None,
    q: Annotated[Search, Query(description="Part of a name, number, reference or of the payer's text")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[LineOut]:
    """What moved on our accounts, the last booked first."""
    query = lines(account_id=account, statement_id=statement, state=state, since=since, until=until, text=q)
    key = (col(BankLine.booked_on).desc(), col(BankLine.id).desc())
    return paged(session, query, key=key, cursor=cursor, limit=limit).map(LineOut.model_validate)


@router.get("/lines/{line_id}", summary="Read a bank line", dependencies=[allow("cash:read")])
def get_line(line_id: Id, session: SessionDep) -> LineOut:
    """One movement, with all that the bank said of it."""
    return LineOut.model_validate(bank_line(session, line_id))


@router.post("/lines/{line_id}/ignore", summary="Put a bank line aside")
def post_ignore(
    line_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> LineOut:
    """An open line that pays no receivable: it is put aside, for a reason that is kept."""
    return LineOut.model_validate(ignore_line(session, line_id, why=body.why, by=principal.actor, now=now))


@router.post("/lines/{line_id}/reopen", summary="Open a bank line again")
def post_reopen(
    line_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> LineOut:
    """A line that was put aside waits again for somebody to say what it is for."""
    return LineOut.model_validate(reopen_line(session, line_id, why=body.why, by=principal.actor, now=now))


@router.get("/days", summary="Close of a day", dependencies=[allow("cash:read")])
def get_day(
    session: SessionDep,
    account: Annotated[int, Query(ge=1, le=2**63 - 1, description="The bank account", examples=[1])],
    day: Annotated[Day, Query(description="The booking day", examples=["2026-03-12"])],
) -> DayOut:
    """The bank's balance against the lines of the day, and what became of the money that came in."""
    return DayOut.model_validate(day_close(session, account, day))
