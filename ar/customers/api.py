"""JSON: accounts, their contacts and identifiers, and the company's legal entities."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from ar.core.web import (
    Cursor,
    Id,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    Search,
    SessionDep,
    ShortText,
    allow,
    etag,
    idempotent,
    paged,
    require_match,
)
from ar.customers.accounts import (
    AccountDraft,
    ContactDraft,
    account,
    add_contact,
    add_identifier,
    change_account,
    change_contact,
    contacts_of,
    identifiers_of,
    open_account,
    opt_out,
    search,
)
from ar.customers.entities import EntityDraft, add_bank_account, change_entity, entities, entity, found_entity
from ar.customers.models import Account, AccountIdentifier, AccountKind, BankAccount, Channel, Contact, LegalEntity

router = APIRouter(prefix="/api/v1", tags=["customers"])


def examples(*given: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(given)}, from_attributes=True)


Postcode = Annotated[ShortText, Field(max_length=20)]
City = Annotated[ShortText, Field(max_length=100)]

CONTACT = {
    "name": "Comptabilité fournisseurs",
    "email": "compta@moulin.example",
    "phone": None,
    "language": "fr",
    "roles": ["billing", "paying"],
    "preferred_channel": "email",
}
ACCOUNT = {
    "code": "C-1001",
    "legal_name": "Moulin du Lac",
    "country": "FR",
    "language": "fr",
    "currency": "EUR",
    "kind": "company",
    "time_zone": "Europe/Paris",
    "street": "3 rue du Lac",
    "postcode": "74000",
    "city": "Annecy",
    "parent_id": None,
    "segment": "retail",
    "owner_id": None,
    "sales_owner_id": None,
}
ENTITY = {
    "code": "FR1",
    "name": "Atelier Amiable",
    "country": "FR",
    "currency": "EUR",
    "language": "fr",
    "time_zone": "Europe/Paris",
    "email": "comptes@atelier.example",
}


class ContactIn(BaseModel):
    model_config = examples(CONTACT)

    name: str = Field(default="", max_length=200)
    email: ShortText | None = None
    phone: ShortText | None = None
    language: ShortText | None = None
    roles: list[ShortText] = Field(default=["billing", "paying"], max_length=10)
    preferred_channel: Channel = Channel.EMAIL

    def draft(self) -> ContactDraft:
        return ContactDraft(**{**self.model_dump(), "roles": tuple(self.roles)})


class ContactOut(ContactIn):
    model_config = examples({"id": 1, **CONTACT, "opted_out_at": None, "bounced_at": None, "phone_bad_at": None})

    id: int
    opted_out_at: datetime | None
    bounced_at: datetime | None
    phone_bad_at: datetime | None = Field(description="When the number turned out to be wrong")


class IdentifierIn(BaseModel):
    model_config = examples({"scheme": "siren", "value": "732829320"})

    scheme: ShortText = Field(description="vat, siren, siret, lei, gln, iban or bic")
    value: ShortText


class AccountIn(BaseModel):
    model_config = examples({**ACCOUNT, "identifiers": [], "contacts": [CONTACT]})

    code: ShortText
    legal_name: ShortText
    country: ShortText = Field(description="ISO 3166 alpha-2")
    language: ShortText = Field(description="ISO 639, such as fr")
    currency: ShortText = Field(description="ISO 4217")
    kind: AccountKind = Field(default=AccountKind.COMPANY, description="What the law takes the customer for")
    time_zone: str = Field(default="", max_length=64, description="IANA name; the country's own when empty")
    street: ShortText | None = Field(default=None, description="Postal address, as invoices carry it")
    postcode: Postcode | None = None
    city: City | None = None
    parent_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    segment: ShortText | None = None
    owner_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    sales_owner_id: int | None = Field(default=None, ge=1, le=2**63 - 1, description="Who sells to it")
    identifiers: list[IdentifierIn] = Field(default=[], max_length=20)
    contacts: list[ContactIn] = Field(default=[], max_length=50)

    def draft(self) -> AccountDraft:
        return AccountDraft(
            **self.model_dump(exclude={"identifiers", "contacts"}),
            identifiers=tuple((given.scheme, given.value) for given in self.identifiers),
            contacts=tuple(contact.draft() for contact in self.contacts),
        )


class AccountChange(BaseModel):
    """Only the fields sent are changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"segment": "key accounts"}]}, extra="forbid")

    legal_name: ShortText | None = None
    country: ShortText | None = None
    language: ShortText | None = None
    currency: ShortText | None = None
    kind: AccountKind | None = None
    time_zone: ShortText | None = None
    street: ShortText | None = None
    postcode: Postcode | None = None
    city: City | None = None
    parent_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    segment: ShortText | None = None
    owner_id: int | None = Field(default=None, ge=1, le=2**63 - 1)

    def changes(self) -> dict[str, Any]:
        nullable = {"street", "postcode", "city", "parent_id", "segment", "owner_id"}
        sent = self.model_dump(exclude_unset=True)
        return {name: value for name, value in sent.items() if value is not None or name in nullable}


class AccountOut(BaseModel):
    model_config = examples({"id": 17, **ACCOUNT, "version": 1, "created_at": "2026-03-01T09:00:00Z"})

    id: int
    code: str
    legal_name: str
    country: str
    language: str
    currency: str
    kind: AccountKind
    time_zone: str
    street: str | None
    postcode: str | None
    city: str | None
    parent_id: int | None
    segment: str | None
    owner_id: int | None
    version: int
    created_at: datetime


class AccountFile(AccountOut):
    model_config = examples(
        {
            "id": 17,
            **ACCOUNT,
            "version": 1,
            "created_at": "2026-03-01T09:00:00Z",
            "identifiers": [{"scheme": "siren", "value": "732829320"}],
            "contacts": [{"id": 1, **CONTACT, "opted_out_at": None, "bounced_at": None}],
        }
    )

    identifiers: list[IdentifierIn]
    contacts: list[ContactOut]


class EntityIn(BaseModel):
    model_config = examples(ENTITY)

    code: Annotated[ShortText, Field(max_length=20)]
    name: ShortText
    country: ShortText
    currency: ShortText
    language: ShortText
    time_zone: str = Field(default="", max_length=64)
    email: ShortText | None = None
    phone: ShortText | None = None
    street: ShortText | None = None
    postcode: Postcode | None = None
    city: City | None = None
    vat_number: ShortText | None = None
    registration: ShortText | None = None


class EntityOut(EntityIn):
    model_config = examples({"id": 1, **ENTITY})

    id: int


class EntityChange(BaseModel):
    """What may change of a legal entity; only the fields that are sent."""

    model_config = examples({"street": "14 rue des Ébénistes", "postcode": "69002", "city": "Lyon"}) | ConfigDict(
        extra="forbid"
    )

    name: ShortText | None = None
    email: ShortText | None = None
    phone: Annotated[ShortText, Field(max_length=40)] | None = None
    street: ShortText | None = None
    postcode: Postcode | None = None
    city: City | None = None
    vat_number: Annotated[ShortText, Field(max_length=20)] | None = None
    registration: Annotated[ShortText, Field(max_length=40)] | None = None

    def changes(self) -> dict[str, str | None]:
        return self.model_dump(exclude_unset=True)


class BankAccountIn(BaseModel):
    model_config = examples({"iban": "FR1420041010050500013M02606", "holder": "Atelier Amiable", "currency": "EUR"})

    iban: ShortText
    holder: ShortText
    currency: ShortText


class BankAccountOut(BankAccountIn):
    model_config = examples(
        {
            "id": 1,
            "iban": "FR1420041010050500013M02606",
            "bic": "PSSTFRPPLIL",
            "holder": "Atelier Amiable",
            "currency": "EUR",
        }
    )

    id: int
    bic: str | None


@router.get("/accounts", summary="List accounts", dependencies=[allow("customers:read")])
def list_accounts(
    session: SessionDep,
    q: Annotated[Search, Query(description="Part of the code or name")] = "",
    segment: Annotated[Search, Query(description="Only this segment")] = "",
    owner_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this user's")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AccountOut]:
    """Accounts by legal name."""
    found = paged(
        session,
        search(q, segment, owner_id),
        key=(col(Account.legal_name), col(Account.id)),
        cursor=cursor,
        limit=limit,
    )
    return found.map(AccountOut.model_validate)


@router.post("/accounts", status_code=201, summary="Open an account", response_model=AccountOut)
def post_account(
    body: AccountIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Open a customer's account, with its identifiers and contacts."""
    return once(
        session,
        lambda: AccountOut.model_validate(open_account(session, body.draft(), by=principal.actor, now=now)),
    )


@router.get("/accounts/{account_id}", summary="Read an account", dependencies=[allow("customers:read")])
def get_account(account_id: Id, session: SessionDep, response: Response) -> AccountFile:
    """One account with its identifiers and contacts; its ETag is what an edit sends as If-Match."""
    found = account(session, account_id)
    response.headers["ETag"] = etag(found.version)
    return AccountFile(
        **AccountOut.model_validate(found).model_dump(),
        identifiers=[IdentifierIn(scheme=i.scheme, value=i.value) for i in identifiers_of(session, account_id)],
        contacts=[ContactOut.model_validate(contact) for contact in contacts_of(session, account_id)],
    )


@router.patch("/accounts/{account_id}", summary="Change an account")
def patch_account(
    account_id: Id,
    body: AccountChange,
    request: Request,
    response: Response,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
) -> AccountOut:
    """Change the fields sent. Send the ETag that you read as If-Match."""
    require_match(request, account(session, account_id).version)
    changed = change_account(session, account_id, body.changes(), by=principal.actor, now=now)
    response.headers["ETag"] = etag(changed.version)
    return AccountOut.model_validate(changed)


@router.post("/accounts/{account_id}/contacts", status_code=201, summary="Add a contact", response_model=ContactOut)
def post_contact(
    account_id: Id,
    body: ContactIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    """Add a person or mailbox to an account."""
    return once(
        session,
        lambda: ContactOut.model_validate(add_contact(session, account_id, body.draft(), by=principal.actor, now=now)),
    )


@router.put("/accounts/{account_id}/contacts/{contact_id}", summary="Change a contact")
def put_contact(
    account_id: Id,
    contact_id: Id,
    body: ContactIn,
    request: Request,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
) -> ContactOut:
    """Replace what is known of a contact. If-Match holds the contact's version, '*' for whatever is there."""
    known = session.get(Contact, contact_id)
    if known is not None and known.account_id == account_id:
        require_match(request, known.version)
    return ContactOut.model_validate(
        change_contact(session, account_id, contact_id, body.draft(), by=principal.actor, now=now)
    )


@router.post("/accounts/{account_id}/contacts/{contact_id}/opt-out", summary="Send a contact no courtesy mail")
def post_opt_out(
    account_id: Id,
    contact_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
) -> ContactOut:
    """No more courtesy mail to this contact; notices that the law wants still go. Doing it twice changes nothing."""
    return ContactOut.model_validate(opt_out(session, account_id, contact_id, by=principal.actor, now=now))


@router.post(
    "/accounts/{account_id}/identifiers", status_code=201, summary="Add an identifier", response_model=IdentifierIn
)
def post_identifier(
    account_id: Id,
    body: IdentifierIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("customers:write")],
) -> AccountIdentifier:
    """Add a VAT number, SIREN, IBAN, and so on, checked and in its usual form; known ones are left as they are."""
    return add_identifier(session, account_id, body.scheme, body.value, by=principal.actor, now=now)


@router.get("/legal-entities", summary="List the legal entities", dependencies=[allow("customers:read")])
def list_entities(session: SessionDep) -> list[EntityOut]:
    """The sellers that this installation serves."""
    return [EntityOut.model_validate(one) for one in entities(session)]


@router.post("/legal-entities", status_code=201, summary="Found a legal entity", response_model=EntityOut)
def post_entity(
    body: EntityIn, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("users:write")]
) -> LegalEntity:
    """Add a seller to the installation."""
    return found_entity(session, EntityDraft(**body.model_dump()), by=principal.actor, now=now)


@router.get("/legal-entities/{entity_id}", summary="Read a legal entity", dependencies=[allow("customers:read")])
def get_entity(entity_id: Id, session: SessionDep, response: Response) -> EntityOut:
    """One seller; its ETag is for changing it."""
    found = entity(session, entity_id)
    response.headers["ETag"] = etag(found.version)
    return EntityOut.model_validate(found)


@router.patch("/legal-entities/{entity_id}", summary="Change a legal entity")
def patch_entity(
    entity_id: Id,
    body: EntityChange,
    request: Request,
    response: Response,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
) -> EntityOut:
    """Change the fields sent, for documents made from now on. Send the ETag that you read as If-Match."""
    require_match(request, entity(session, entity_id).version)
    changed = change_entity(session, entity_id, body.changes(), by=principal.actor, now=now)
    response.headers["ETag"] = etag(changed.version)
    return EntityOut.model_validate(changed)


@router.post(
    "/legal-entities/{entity_id}/bank-accounts",
    status_code=201,
    summary="Add a bank account",
    response_model=BankAccountOut,
)
def post_bank_account(
    entity_id: Id,
    body: BankAccountIn,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
) -> BankAccount:
    """Add an account on which a legal entity is paid; the BIC follows from the IBAN."""
    return add_bank_account(
        session,
        entity_id,
        iban=body.iban,
        holder=body.holder,
        currency=body.currency,
        by=principal.actor,
        now=now,
    )
