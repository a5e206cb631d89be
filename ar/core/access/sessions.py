"""Staff sessions: kept on the server, so that ending one, or changing its user, takes effect with the next request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import delete
from sqlmodel import Session, col, select

from ar.core.access import tokens
from ar.core.access.models import User, UserSession
from ar.core.access.passwords import check_password
from ar.core.access.permissions import permissions_of
from ar.core.access.principals import Person, Principal
from ar.core.access.users import canonical_email
from ar.core.audit import Act, record
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel

log = structlog.get_logger(__name__)


class SignInError(DomainError):
    """The e-mail and the password do not belong together, or the user may not sign in: all answer alike."""

    status = 401
    code = "sign-in-refused"


REFUSED = _("This e-mail address and this password do not belong together: check both and try again.")


@dataclass(frozen=True)
class Opened:
    """A new session. `token` goes into the cookie and is known to nobody else."""

    token: str
    user_id: int
    language: str


def sign_in(kernel: Kernel, email: str, password: str, *, now: datetime) -> Opened:
    """Open a session for the user with these credentials. Raises SignInError.

    Takes the same time for an unknown e-mail address. The password is checked outside any transaction.
    """
    with kernel.database.reading() as session:
        query = select(User.id, User.password_hash, User.language).where(
            User.email == canonical_email(email), col(User.active)
        )
        found = session.exec(query).first()
    right, renewed = check_password(password, found[1] if found else None, settings=kernel.settings)
    if not found or not right:
        log.info("sign_in_refused", email_digest=tokens.digest(canonical_email(email))[:12])
        raise SignInError(REFUSED)
    user_id = cast(int, found[0])
    with kernel.database.transaction() as session:
        # Read again under the write: a user switched off meanwhile must not get in.
        user = session.exec(select(User).where(User.id == user_id, col(User.active)).with_for_update()).first()
        if user is None or user.password_hash != found[1]:
            raise SignInError(REFUSED)
        if renewed:
            user.password_hash = renewed
        token = open_session(session, user_id, now=now, hours=kernel.settings.session_hours)
        record(session, [Act(f"user:{user_id}", "session.opened", f"user:{user_id}", {})], now=now)
    return Opened(token, user_id, found[2])


def open_session(session: Session, user_id: int, *, now: datetime, hours: int) -> str:
    """The token of a new session of `user_id`, which ends after `hours`."""
    token = tokens.fresh()
    session.add(
        UserSession(
            token_digest=tokens.digest(token),
            user_id=user_id,
            csrf_token=tokens.fresh(),
            created_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    return token


def close_session(session: Session, token: str, *, now: datetime) -> None:
    """End the session of `token`; one that is not there has ended already."""
    found = session.get(UserSession, tokens.digest(token))
    if found is not None:
        session.delete(found)
        record(session, [Act(f"user:{found.user_id}", "session.closed", f"user:{found.user_id}", {})], now=now)


def forget_expired(session: Session, *, now: datetime) -> int:
    """Delete the sessions that have ended by themselves; how many they were."""
    return session.connection().execute(delete(UserSession).where(col(UserSession.expires_at) <= now)).rowcount


def principal_of_session(session: Session, token: str, *, now: datetime) -> Principal | None:
    """Who holds the session of `token` at `now`, by one query; None when it ended or its user is switched off."""
    query = (
        select(User.id, User.email, User.name, User.role, User.language, UserSession.csrf_token)  # type: ignore[call-overload]
        .join(UserSession, col(UserSession.user_id) == col(User.id))
        .where(
            UserSession.token_digest == tokens.digest(token),
            col(UserSession.expires_at) > now,
            col(User.active),
        )
    )
    row = session.exec(query).first()
    if row is None:
        return None
    return Principal(
        actor=f"user:{row.id}",
        language=row.language,
        permissions=permissions_of(row.role),
        user=Person(row.id, row.email, row.name),
        role=row.role,
        csrf_token=row.csrf_token,
    )
