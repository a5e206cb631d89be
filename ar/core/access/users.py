"""Users: who is let in, in which role. Whatever takes a right away ends the user's sessions in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from ar.core.access.models import ApiKey, Role, User, UserSession
from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import ChangedError, ConflictError, DomainError, Fault, NotFoundError


class EmailError(DomainError):
    """The text is not an e-mail address."""

    code = "bad-email"


class EmailTakenError(ConflictError):
    """Another user has this e-mail address."""

    code = "email-taken"


class LastAdminError(ConflictError):
    """Nobody would be left to administer users."""

    code = "last-admin"


class LanguageError(DomainError):
    """Pages do not come in this language."""

    code = "bad-language"


class UserChange(TypedDict, total=False):
    """What to change of a user; what is left out stays. `password_hash` is made by `hash_password`."""

    name: str
    role: Role
    language: str
    active: bool
    password_hash: str


def canonical_email(email: str) -> str:
    """The form in which an e-mail address is compared and stored: one address, one user."""
    return email.strip().lower()


def checked_email(email: str) -> str:
    """`email` in its canonical form. Raises EmailError."""
    try:
        return canonical_email(validate_email(email.strip(), check_deliverability=False).normalized)
    except EmailNotValidError as error:
        message = f"this is not an e-mail address: {error}"
        raise EmailError(message, faults=[Fault("/email", message)]) from None


def create_user(
    session: Session,
    *,
    email: str,
    name: str,
    role: Role,
    password_hash: str,
    actor: str,
    now: datetime,
    language: str = "en",
) -> User:
    """A new, active user. Raises EmailError, EmailTakenError."""
    address = checked_email(email)
    if session.exec(select(User.id).where(User.email == address)).first() is not None:
        message = "another user has this e-mail address: change that user instead"
        raise EmailTakenError(message, faults=[Fault("/email", message)])
    user = User(email=address, name=name, role=role, password_hash=password_hash, language=language, created_at=now)
    session.add(user)
    session.flush()
    after = {"email": address, "name": name, "role": role.value, "language": language}
    record(session, [Act(actor, "user.created", f"user:{user.id}", {"after": after})], now=now)
    return user


def change_user(session: Session, user_id: int, change: UserChange, *, version: int, actor: str, now: datetime) -> User:
    """The user after `change`, its version one higher; unchanged when nothing differs.

    Raises NotFoundError, ChangedError when the user is no longer at `version`, LastAdminError.
    """
    admins = _lock_admins(session) if change.keys() & {"role", "active"} else []
    user = session.exec(select(User).where(User.id == user_id).with_for_update()).first()
    if user is None:
        raise NotFoundError(f"There is no user {user_id}")
    if user.version != version:
        raise ChangedError("This user was changed meanwhile: read it again, then repeat your change")
    differs = {name: value for name, value in change.items() if getattr(user, name) != value}
    if not differs:
        return user
    if admins == [user_id] and _stops_administering(differs):
        raise LastAdminError("This is the last active administrator: make somebody else one first")
    before = {name: getattr(user, name) for name in differs}
    for name, value in differs.items():
        setattr(user, name, value)
    user.version += 1
    if differs.keys() & {"role", "active", "password_hash"}:
        session.connection().execute(delete(UserSession).where(col(UserSession.user_id) == user_id))
    told = {"before": _told(before), "after": _told(differs)}
    record(session, [Act(actor, "user.changed", f"user:{user_id}", told)], now=now)
    session.flush()
    return user


def user_of(session: Session, user_id: int) -> User:
    """The user `user_id`. Raises NotFoundError."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError(f"There is no user {user_id}")
    return user


def actor_names(session: Session, actors: Iterable[str | None]) -> dict[str, str]:
    """The names of the users and API keys among `actors` ('user:3', 'key:2'); other actors are left out."""
    numbers: dict[str, set[int]] = {"user": set(), "key": set()}
    for actor in actors:
        kind, _, number = (actor or "").partition(":")
        if kind in numbers and number.isascii() and number.isdigit() and len(number) < 19:
            numbers[kind].add(int(number))
    found = {}
    if users := sorted(numbers["user"]):
        named = session.exec(select(User.id, User.name).where(among(session, col(User.id), users)))
        found.update({f"user:{user_id}": name for user_id, name in named})
    if keys := sorted(numbers["key"]):
        named = session.exec(select(ApiKey.id, ApiKey.name).where(among(session, col(ApiKey.id), keys)))
        found.update({f"key:{key_id}": name for key_id, name in named})
    return found


def _stops_administering(change: Mapping[str, Any]) -> bool:
    return change.get("role", Role.ADMIN) is not Role.ADMIN or change.get("active") is False


def _lock_admins(session: Session) -> list[int | None]:
    """The active administrators, locked in one order: two of them cannot switch each other off at once."""
    query = select(User.id).where(User.role == Role.ADMIN, col(User.active)).order_by(col(User.id)).with_for_update()
    return list(session.exec(query))


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` for the audit trail: that the password changed is told, what it is never."""
    return {name: "(hidden)" if name == "password_hash" else values[name] for name in values}


def count_users(session: Session) -> int:
    """How many users there are, active or not."""
    return session.exec(select(func.count()).select_from(User)).one()
