"""API keys: shown once, kept as digests. A key never does more than the user who made it may do today."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select

from ar.core.access import tokens
from ar.core.access.models import ApiKey, Role, User
from ar.core.access.permissions import ALL, Permission, permissions_of
from ar.core.access.principals import Principal
from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault, NotFoundError


class ScopeError(DomainError):
    """A scope that does not exist, or that its maker does not hold."""

    code = "bad-scope"


class ExpiryError(DomainError):
    """The key would be over before it begins."""

    code = "bad-expiry"


def create_key(
    session: Session,
    *,
    name: str,
    scopes: Sequence[str],
    creator: Principal,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its token, which cannot be seen again. Raises ScopeError, ExpiryError."""
    if creator.user is None:
        raise ScopeError("An API key is made by a signed-in user, not by another key")
    held = frozenset(scopes)
    if not held:
        raise ScopeError("Name at least one scope", faults=[Fault("/scopes", "at least one")])
    if unknown := sorted(held - ALL):
        raise ScopeError(f"No such scope: {', '.join(unknown)}", faults=[Fault("/scopes", "unknown")])
    if beyond := sorted(held - creator.permissions):
        message = f"You cannot give what you may not do yourself: {', '.join(beyond)}"
        raise ScopeError(message, faults=[Fault("/scopes", message)])
    if expires_at is not None and expires_at <= now:
        raise ExpiryError("The key must end in the future", faults=[Fault("/expires_at", "in the past")])
    prefix = secrets.token_hex(4)
    token = f"ak_{prefix}_{tokens.fresh()}"
    key = ApiKey(
        name=name,
        token_digest=tokens.digest(token),
        prefix=prefix,
        scopes=sorted(held),
        created_by=creator.user.id,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    told = {"after": {"name": name, "scopes": sorted(held), "expires_at": expires_at and expires_at.isoformat()}}
    record(session, [Act(creator.actor, "key.created", f"key:{key.id}", told)], now=now)
    return key, token


def revoke_key(session: Session, key_id: int, *, actor: str, now: datetime) -> ApiKey:
    """The key, of no use from now on; a key revoked before stays as it was. Raises NotFoundError."""
    key = session.exec(select(ApiKey).where(ApiKey.id == key_id).with_for_update()).first()
    if key is None:
        raise NotFoundError(f"There is no API key {key_id}")
    if key.revoked_at is None:
        key.revoked_at = now
        record(session, [Act(actor, "key.revoked", f"key:{key_id}", {"before": {"name": key.name}})], now=now)
        session.flush()
    return key


def principal_of_key(session: Session, token: str, *, now: datetime) -> Principal | None:
    """Whom `token` speaks for at `now`, by one query; None when it ended or was revoked, or its maker switched off."""
    query = (
        select(ApiKey.id, ApiKey.scopes, User.role, User.language)
        .join(User, col(User.id) == col(ApiKey.created_by))
        .where(
            ApiKey.token_digest == tokens.digest(token),
            col(ApiKey.revoked_at).is_(None),
            or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > now),
            col(User.active),
        )
    )
    row = session.exec(query).first()
    if row is None:
        return None
    key_id, scopes, role, language = row
    held: frozenset[Permission] = permissions_of(Role(role)) & frozenset(scopes)
    return Principal(actor=f"key:{key_id}", language=language, permissions=held)
