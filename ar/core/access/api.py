"""Users, API keys and the audit trail by API."""

from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.core import audit
from ar.core.access import keys, users
from ar.core.access.models import ApiKey, Role, User
from ar.core.access.passwords import hash_password
from ar.core.access.permissions import Permission
from ar.core.audit import AuditEntry
from ar.core.errors import Fault
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    allow,
    etag,
    idempotent,
    paged,
    require_match,
    signed_in,
)

router = APIRouter(prefix="/api/v1")

Language = Annotated[str, Field(pattern="^[a-z]{2}$", description="Language of the pages", examples=["fr"])]
Password = Annotated[str, Field(min_length=1, max_length=200, examples=["four plain words do"])]
Email = Annotated[ShortText, Field(description="Signs in with it", examples=["ana@seller.example"])]


class UserOut(BaseModel):
    """Somebody who works with the receivables."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[3])
    email: str = Field(examples=["ana@seller.example"])
    name: str = Field(examples=["Ana"])
    role: Role
    language: Language
    active: bool = Field(description="Whether the user may sign in", examples=[True])
    version: int = Field(description="Rises with each change; the ETag", examples=[1])
    created_at: datetime = Field(examples=["2026-03-01T09:00:00Z"])


class NewUser(BaseModel):
    email: Email
    name: ShortText = Field(examples=["Ana"])
    role: Role = Field(examples=["collector"])
    language: Language = "en"
    password: Password


class UserEdit(BaseModel):
    """What is left out stays as it is."""

    name: ShortText | None = Field(default=None, examples=["Ana B."])
    role: Role | None = Field(default=None, examples=["cash"])
    language: Language | None = Field(default=None, examples=["fr"])
    active: bool | None = Field(default=None, examples=[True])
    password: Password | None = Field(default=None, examples=["four other plain words"])


class KeyOut(BaseModel):
    """An API key, without its token."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[2])
    name: str = Field(examples=["ERP, nightly"])
    prefix: str = Field(description="The token's first part, to tell keys apart", examples=["4f1c09be"])
    scopes: list[str] = Field(examples=[["invoices:read", "invoices:write"]])
    created_by: int = Field(examples=[1])
    created_at: datetime = Field(examples=["2026-03-01T09:00:00Z"])
    expires_at: datetime | None = Field(examples=["2027-03-01T09:00:00Z"])
    revoked_at: datetime | None = Field(examples=[None])


class NewKey(BaseModel):
    name: ShortText = Field(max_length=100, examples=["ERP, nightly"])
    scopes: list[Permission] = Field(min_length=1, max_length=50, examples=[["invoices:read", "invoices:write"]])
    expires_at: AwareDatetime | None = Field(default=None, examples=["2027-03-01T09:00:00Z"])


class KeyMade(KeyOut):
    """A new API key with its token, which is shown this once."""

    token: str = Field(examples=["ak_4f1c09be_0Zb4c..."])


class AuditOut(BaseModel):
    """Who did what to what."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1041])
    at: datetime = Field(examples=["2026-03-01T09:00:00Z"])
    actor: str = Field(description="'user:3', 'key:2', 'customer:17' or 'system'", examples=["user:3"])
    action: str = Field(examples=["user.changed"])
    subject: str = Field(examples=["user:4"])
    change: dict[str, Any] | None = Field(examples=[{"before": {"role": "sales"}, "after": {"role": "cash"}}])
    hash: str = Field(description="Covers this entry and the hash before it", examples=["9c1e" + "0" * 60])


class Verification(BaseModel):
    """Whether the audit trail is whole."""

    whole: bool = Field(examples=[True])
    wrong: list[str] = Field(description="What is wrong, oldest first", examples=[[]])


class Me(BaseModel):
    """Who is asking, and what it may do."""

    actor: str = Field(examples=["user:3"])
    name: str | None = Field(examples=["Ana"])
    role: Role | None = Field(examples=["collector"])
    language: str = Field(examples=["en"])
    permissions: list[str] = Field(examples=[["customers:read", "dunning:read"]])


@router.get("/me", tags=["Access"], summary="Who I am and what I may do")
def me(principal: Annotated[Principal, signed_in()]) -> Me:
    return Me(
        actor=principal.actor,
        name=principal.user.name if principal.user else None,
        role=principal.role,
        language=principal.language,
        permissions=sorted(principal.permissions),
    )


@router.get("/users", tags=["Access"], summary="List users", dependencies=[allow("users:read")])
def list_users(
    session: SessionDep, cursor: Cursor = None, limit: Limit = 50, role: Role | None = None
) -> Page[UserOut]:
    query = select(User) if role is None else select(User).where(User.role == role)
    return paged(session, query, key=[col(User.id)], cursor=cursor, limit=limit).map(UserOut.model_validate)


@router.post("/users", tags=["Access"], summary="Create a user", status_code=201, response_model=UserOut)
def create_user(
    body: NewUser,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
    once: Annotated[Once, idempotent(required=False)],
) -> Response:
    password_hash = hash_password(body.password, settings=kernel.settings, email=body.email)
    _require_language(kernel, body.language)
    return once(
        session,
        lambda: UserOut.model_validate(
            users.create_user(
                session,
                email=body.email,
                name=body.name,
                role=body.role,
                password_hash=password_hash,
                language=body.language,
                actor=principal.actor,
                now=now,
            )
        ),
    )


@router.get("/users/{user_id}", tags=["Access"], summary="Read a user", dependencies=[allow("users:read")])
def read_user(user_id: Id, session: SessionDep, response: Response) -> UserOut:
    user = users.user_of(session, user_id)
    response.headers["ETag"] = etag(user.version)
    return UserOut.model_validate(user)


@router.patch("/users/{user_id}", tags=["Access"], summary="Change a user, switch it off, or set a new password")
def change_user(
    user_id: Id,
    body: UserEdit,
    request: Request,
    response: Response,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
) -> UserOut:
    """A new role, a new password or switching off ends the user's sessions at once."""
    change = cast(users.UserChange, body.model_dump(exclude_none=True, exclude={"password"}))
    if body.language is not None:
        _require_language(kernel, body.language)
    if body.password is not None:
        change["password_hash"] = hash_password(body.password, settings=kernel.settings)
    user = users.user_of(session, user_id)
    require_match(request, user.version)
    changed = users.change_user(session, user_id, change, version=user.version, actor=principal.actor, now=now)
    response.headers["ETag"] = etag(changed.version)
    return UserOut.model_validate(changed)


@router.get("/api-keys", tags=["Access"], summary="List API keys", dependencies=[allow("keys:write")])
def list_keys(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[KeyOut]:
    page = paged(session, select(ApiKey), key=[col(ApiKey.id).desc()], cursor=cursor, limit=limit)
    return page.map(KeyOut.model_validate)


@router.post("/api-keys", tags=["Access"], summary="Make an API key; its token is shown once", status_code=201)
def create_key(
    body: NewKey, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("keys:write")]
) -> KeyMade:
    """No retry gives the token again: what is lost is revoked, and made anew."""
    key, token = keys.create_key(
        session, name=body.name, scopes=body.scopes, creator=principal, expires_at=body.expires_at, now=now
    )
    return KeyMade(**KeyOut.model_validate(key).model_dump(), token=token)


@router.delete("/api-keys/{key_id}", tags=["Access"], summary="Revoke an API key")
def revoke_key(
    key_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("keys:write")]
) -> KeyOut:
    return KeyOut.model_validate(keys.revoke_key(session, key_id, actor=principal.actor, now=now))


@router.get("/audit", tags=["Audit"], summary="List the audit trail, newest first", dependencies=[allow("audit:read")])
def list_audit(
    session: SessionDep, cursor: Cursor = None, limit: Limit = 50, subject: ShortText | None = None
) -> Page[AuditOut]:
    query = select(AuditEntry) if subject is None else select(AuditEntry).where(AuditEntry.subject == subject)
    page = paged(session, query, key=[col(AuditEntry.id).desc()], cursor=cursor, limit=limit)
    return page.map(AuditOut.model_validate)


@router.get("/audit/verification", tags=["Audit"], summary="Verify the audit trail", dependencies=[allow("audit:read")])
def verify_audit(session: SessionDep) -> Verification:
    """Recomputes the whole chain of hashes, and says where it does not hold."""
    wrong = audit.verify(session)
    return Verification(whole=not wrong, wrong=wrong[:100])


def _require_language(kernel: KernelDep, language: str) -> None:
    if language not in kernel.renderer.languages():
        message = f"choose one of {', '.join(kernel.renderer.languages())}"
        raise users.LanguageError(message, faults=[Fault("/language", message)])
