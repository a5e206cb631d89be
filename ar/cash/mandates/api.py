"""JSON: SEPA creditors and collecting accounts, and mandates written down, signed, confirmed, moved and ended."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.cash.mandates.creditor import AccountTerms, creditors, set_account, set_creditor
from ar.cash.mandates.manage import (
    MandateDraft,
    amend_account,
    cancel_mandate,
    confirm_by_bank,
    create_mandate,
    mandate_by_id,
    masked,
    reinstate,
    set_wishes,
    sign_on_paper,
)
from ar.cash.mandates.models import CollectionAccount, FileSchema, Mandate, MandateState, Scheme, SepaCreditor
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

Cents = Annotated[int, Field(gt=0, le=10**11, description="Euro cents", examples=[250_000])]
Days = Annotated[int, Field(ge=1, le=60)]
Why = Annotated[ShortText, Field(description="Why, for the audit trail", examples=["asked for by telephone"])]

CREDITOR = {"entity_id": 1, "identifier": "FR72ZZZ123456", "notice_days": 14}
ACCOUNT = {
    "bank_account_id": 1,
    "entity_id": 1,
    "file_schema": "pain.008.001.08",
    "lead_days": 1,
    "settle_days": 5,
    "says_first": False,
}
MANDATE = {
    "id": 3,
    "entity_id": 1,
    "account_id": 17,
    "scheme": "core",
    "reference": "M1-17-8F3A09C2",
    "debtor_name": "Nordlicht Werkzeuge",
    "iban": "DE89 … 3000",
    "bic": "COBADEFFXXX",
    "one_off": False,
    "automatic": True,
    "limit_minor": None,
    "notice_days": None,
    "state": "active",
    "state_reason": "",
    "signed_on": "2026-03-12",
    "evidence_file_id": 9,
    "bank_confirmed_on": None,
    "last_used_on": None,
    "final": False,
    "created_by": "user:3",
    "created_at": "2026-03-12T09:30:00Z",
    "updated_at": "2026-03-12T09:30:00Z",
}


class CreditorIn(BaseModel):
    model_config = example({"identifier": "FR72ZZZ123456", "notice_days": 14}) | ConfigDict(extra="forbid")

    identifier: Annotated[ShortText, Field(max_length=40, description="SEPA creditor identifier")]
    notice_days: Days = Field(default=14, description="Days before a collection that its customer is told")


class CreditorOut(BaseModel):
    model_config = example(CREDITOR)

    entity_id: int
    identifier: str
    notice_days: int


class CreditorsOut(BaseModel):
    model_config = example({"creditors": [CREDITOR], "accounts": [ACCOUNT]})

    creditors: list[CreditorOut]
    accounts: list["CollectionAccountOut"]


class CollectionAccountIn(BaseModel):
    model_config = example(
        {name: ACCOUNT[name] for name in ("file_schema", "lead_days", "settle_days", "says_first")}
    ) | ConfigDict(extra="forbid")

    file_schema: FileSchema = FileSchema.PAIN_008_08
    lead_days: Annotated[int, Field(ge=1, le=14, description="TARGET days the bank wants the file before")] = 1
    settle_days: Annotated[int, Field(ge=1, le=30)] | None = Field(
        default=5,
        description="TARGET days after which a debit nobody returned is paid; null: by the bank's credit alone",
    )
    says_first: bool = Field(default=False, description="Tell a mandate's first collection apart (FRST)")


class CollectionAccountOut(CollectionAccountIn):
    model_config = example(ACCOUNT) | ConfigDict(extra="ignore")

    bank_account_id: int
    entity_id: int


class MandateIn(BaseModel):
    model_config = example(
        {
            "entity_id": 1,
            "account_id": 17,
            "scheme": "core",
            "debtor_name": "Nordlicht Werkzeuge",
            "iban": "DE89370400440532013000",
        }
    ) | ConfigDict(extra="forbid")

    entity_id: Number
    account_id: Number
    scheme: Scheme = Scheme.CORE
    debtor_name: Annotated[ShortText, Field(description="The account holder")]
    iban: Annotated[ShortText, Field(max_length=50)]
    reference: Annotated[ShortText, Field(max_length=35)] | None = Field(
        default=None, description="Unique mandate reference of a mandate made elsewhere; made when not given"
    )
    one_off: bool = False
    automatic: bool = Field(default=True, description="The customer wants due items collected unasked")
    limit_minor: Cents | None = Field(default=None, description="Euro cents a collection takes at most")
    notice_days: Days | None = Field(default=None, description="Agreed in place of the creditor's days")


class MandateOut(BaseModel):
    model_config = example(MANDATE)

    id: int
    entity_id: int
    account_id: int
    scheme: Scheme
    reference: str
    debtor_name: str
    iban: str = Field(description="Its beginning and end")
    bic: str | None
    one_off: bool
    automatic: bool
    limit_minor: int | None
    notice_days: int | None
    state: MandateState
    state_reason: str
    signed_on: date | None
    evidence_file_id: int | None
    bank_confirmed_on: date | None
    last_used_on: date | None
    final: bool
    created_by: str
    created_at: datetime
    updated_at: datetime


class MandateDetailOut(MandateOut):
    model_config = example(MANDATE | {"consent": None})

    consent: dict[str, Any] | None = Field(description="Evidence of a signature on the customer's page")


class IbanIn(BaseModel):
    model_config = example({"iban": "FR7630006000011234567890189"}) | ConfigDict(extra="forbid")

    iban: Annotated[ShortText, Field(max_length=50)]


class ConfirmedIn(BaseModel):
    model_config = example({"on": "2026-03-14"}) | ConfigDict(extra="forbid")

    on: Day


class WishesIn(BaseModel):
    model_config = example({"automatic": True, "limit_minor": 250_000, "final": False}) | ConfigDict(extra="forbid")

    automatic: bool
    limit_minor: Cents | None = None
    final: bool = Field(default=False, description="The next collection is the last")


class WhyIn(BaseModel):
    model_config = example({"why": "asked for by telephone"}) | ConfigDict(extra="forbid")

    why: Why


@router.get("/sepa-creditors", summary="List SEPA creditors", dependencies=[allow("cash:read")])
def get_creditors(session: SessionDep) -> CreditorsOut:
    """The legal entities that collect by direct debit, and the bank accounts they collect to."""
    accounts = session.exec(select(CollectionAccount).order_by(col(CollectionAccount.bank_account_id)))
    return CreditorsOut(
        creditors=[CreditorOut.model_validate(found) for _, found in sorted(creditors(session).items())],
        accounts=[CollectionAccountOut.model_validate(found) for found in accounts],
    )


@router.put("/legal-entities/{entity_id}/sepa-creditor", summary="Set a SEPA creditor", response_model=CreditorOut)
def put_creditor(
    entity_id: Id,
    body: CreditorIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
) -> SepaCreditor:
    """Give a legal entity its creditor identifier, and say how early its customers are told."""
    return set_creditor(
        session, entity_id, identifier=body.identifier, notice_days=body.notice_days, by=principal.actor, now=now
    )


@router.put(
    "/legal-entities/{entity_id}/bank-accounts/{bank_account_id}/collection",
    summary="Set how an account collects",
    response_model=CollectionAccountOut,
)
def put_collection_account(
    entity_id: Id,
    bank_account_id: Id,
    body: CollectionAccountIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
) -> CollectionAccount:
    """Say which message the bank takes, how early, and when a debit counts as paid."""
    terms = AccountTerms(**body.model_dump())
    return set_account(session, entity_id, bank_account_id, terms, by=principal.actor, now=now)


@router.get("/mandates", summary="List mandates", dependencies=[allow("cash:read")])
def get_mandates(
    session: SessionDep,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    state: MandateState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MandateOut]:
    """Mandates, the newest first."""
    query = select(Mandate)
    if account_id is not None:
        query = query.where(col(Mandate.account_id) == account_id)
    if state is not None:
        query = query.where(col(Mandate.state) == state)
    return paged(session, query, key=(col(Mandate.id).desc(),), cursor=cursor, limit=limit).map(_told)


@router.get("/mandates/{mandate_id}", summary="Read a mandate", dependencies=[allow("cash:read")])
def get_mandate(mandate_id: Id, session: SessionDep) -> MandateDetailOut:
    """One mandate, with the evidence of its signature."""
    found = mandate_by_id(session, mandate_id)
    consent = None if found.consent is None else found.consent | {"iban": masked(found.consent["iban"])}
    return MandateDetailOut(**_told(found).model_dump(), consent=consent)


@router.post("/mandates", status_code=201, summary="Write a mandate down", response_model=MandateOut)
def post_mandate(
    body: MandateIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Write a mandate down; nothing is collected under it before its signature is kept as evidence."""
    return once(
        session,
        lambda: _told(create_mandate(session, MandateDraft(**body.model_dump()), by=principal.actor, now=now)),
    )


@router.post("/mandates/{mandate_id}/evidence", status_code=201, summary="Keep a signed mandate")
def post_evidence(
    mandate_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    file: Annotated[UploadFile, File(description="The signed paper: PDF, PNG or JPEG")],
    signed_on: Annotated[Day, Form(description="The day of the signature")],
) -> MandateOut:
    """The signed paper, kept: the mandate may be used, a B2B one once the debtor's bank confirmed it."""
    found = sign_on_paper(
        session,
        kernel,
        mandate_id,
        signed_on=signed_on,
        name=file.filename or "mandate",
        content=file.file.read(),
        media_type=file.content_type or "",
        by=principal.actor,
        now=now,
    )
    return _told(found)


@router.post("/mandates/{mandate_id}/confirmation", summary="Note the debtor bank's confirmation")
def post_confirmation(
    mandate_id: Id,
    body: ConfirmedIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> MandateOut:
    """The debtor's bank knows a B2B mandate, since that day."""
    return _told(confirm_by_bank(session, mandate_id, on=body.on, by=principal.actor, now=now))


@router.post("/mandates/{mandate_id}/amendments", summary="Move a mandate to another account")
def post_amendment(
    mandate_id: Id,
    body: IbanIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> MandateOut:
    """The debtor's new IBAN; the next collection tells its bank of the change."""
    return _told(amend_account(session, mandate_id, iban=body.iban, by=principal.actor, now=now))


@router.put("/mandates/{mandate_id}/wishes", summary="Set what a mandate is used for")
def put_wishes(
    mandate_id: Id,
    body: WishesIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> MandateOut:
    """What the customer wants collected: unasked or not, at most how much, one last time."""
    return _told(
        set_wishes(
            session,
            mandate_id,
            automatic=body.automatic,
            limit_minor=body.limit_minor,
            final=body.final,
            by=principal.actor,
            now=now,
        )
    )


@router.post("/mandates/{mandate_id}/reinstatement", summary="Lift a mandate's suspension")
def post_reinstatement(
    mandate_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> MandateOut:
    """A person has cleared with the customer what the bank refused for."""
    return _told(reinstate(session, mandate_id, why=body.why, by=principal.actor, now=now))


@router.post("/mandates/{mandate_id}/cancellation", summary="Cancel a mandate")
def post_cancellation(
    mandate_id: Id,
    body: WhyIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> MandateOut:
    """Nothing is collected under it from now on; what the bank already has goes on."""
    return _told(cancel_mandate(session, mandate_id, why=body.why, by=principal.actor, now=now))


def _told(found: Mandate) -> MandateOut:
    return MandateOut.model_validate(found).model_copy(update={"iban": masked(found.iban)})
