"""Users, passwords, sessions and keys, without the web."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from ar.core.access.keys import ExpiryError, ScopeError, create_key, principal_of_key, revoke_key
from ar.core.access.models import ApiKey, Role, User, UserSession
from ar.core.access.passwords import PasswordError, check_password, hash_password
from ar.core.access.permissions import permissions_of
from ar.core.access.principals import Person, Principal
from ar.core.access.sessions import (
    SignInError,
    close_session,
    forget_expired,
    open_session,
    principal_of_session,
    sign_in,
)
from ar.core.access.users import (
    EmailError,
    EmailTakenError,
    LastAdminError,
    UserChange,
    change_user,
    create_user,
    user_of,
)
from ar.core.audit import AuditEntry, verify
from ar.core.db import Database
from ar.core.errors import ChangedError, NotFoundError
from ar.core.kernel import Kernel
from ar.core.settings import Settings

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PASSWORD = "plain words, many"


def made(database: Database, settings: Settings, role: Role = Role.ADMIN, email: str = "ana@seller.example") -> int:
    with database.transaction() as session:
        user = create_user(
            session,
            email=email,
            name="Ana",
            role=role,
            password_hash=hash_password(PASSWORD, settings=settings),
            actor="system",
            now=NOW,
        )
        assert user.id is not None
        return user.id


def principal(user_id: int, role: Role) -> Principal:
    return Principal(f"user:{user_id}", "en", permissions_of(role), user=Person(user_id, "", ""), role=role)


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 201, "aaaaaaaaaaaaaaaa", "Ana.Long.Name@seller.example", "ana.long.name"]
)
def test_guessable_passwords_are_refused(password: str) -> None:
    with pytest.raises(PasswordError) as caught:
        hash_password(password, settings=Settings(), email="ana.long.name@seller.example")
    assert caught.value.faults[0].pointer == "/password"


def test_password_is_checked_and_hashed_anew_when_parameters_rise() -> None:
    cheap = Settings(argon2_memory_kib=8, argon2_rounds=1)
    dearer = Settings(argon2_memory_kib=16, argon2_rounds=2)
    stored = hash_password(PASSWORD, settings=cheap)
    assert stored.startswith("$argon2id$")
    assert check_password(PASSWORD, stored, settings=cheap) == (True, None)
    assert check_password("something else", stored, settings=cheap)[0] is False
    assert check_password(PASSWORD, None, settings=cheap) == (False, None)
    right, renewed = check_password(PASSWORD, stored, settings=dearer)
    assert right
    assert renewed is not None
    assert "m=16,t=2" in renewed


def test_one_address_one_user(database: Database, settings: Settings) -> None:
    made(database, settings)
    with pytest.raises(EmailTakenError):
        made(database, settings, email=" ANA@Seller.example ")
    for bad in ("ana", "ana@", "a@b@c.example", "ana@seller.example\x00", "<ana@seller.example>", ""):
        with pytest.raises(EmailError):
            made(database, settings, email=bad)


def test_change_needs_the_version_and_is_told_without_the_password(database: Database, settings: Settings) -> None:
    user_id = made(database, settings, Role.SALES)
    with database.transaction() as session:
        hashed = hash_password("other plain words", settings=settings)
        change = UserChange(name="Ana B.", password_hash=hashed, role=Role.SALES)
        user = change_user(session, user_id, change, version=1, actor="user:9", now=NOW)
        assert (user.version, user.name) == (2, "Ana B.")
        same = change_user(session, user_id, UserChange(name="Ana B."), version=2, actor="user:9", now=NOW)
        assert same.version == 2
    with pytest.raises(ChangedError), database.transaction() as session:
        change_user(session, user_id, UserChange(name="C"), version=1, actor="user:9", now=NOW)
    with pytest.raises(NotFoundError), database.transaction() as session:
        change_user(session, 2**62, UserChange(name="C"), version=1, actor="user:9", now=NOW)
    with database.reading() as session:
        told = session.exec(select(AuditEntry).where(AuditEntry.action == "user.changed")).one()
        assert told.change == {
            "before": {"name": "Ana", "password_hash": "(hidden)"},
            "after": {"name": "Ana B.", "password_hash": "(hidden)"},
        }
        assert verify(session) == []


def test_last_administrator_stays(database: Database, settings: Settings) -> None:
    first = made(database, settings)
    for change in (UserChange(active=False), UserChange(role=Role.CFO)):
        with pytest.raises(LastAdminError), database.transaction() as session:
            change_user(session, first, change, version=1, actor="user:1", now=NOW)
    second = made(database, settings, email="bea@seller.example")
    with database.transaction() as session:
        change_user(session, first, UserChange(active=False), version=1, actor="user:2", now=NOW)
    with pytest.raises(LastAdminError), database.transaction() as session:
        change_user(session, second, UserChange(role=Role.SALES), version=1, actor="user:2", now=NOW)


def test_sign_in_opens_a_session_that_ends(kernel: Kernel) -> None:
    user_id = made(kernel.database, kernel.settings)
    opened = sign_in(kernel, " ANA@seller.example", PASSWORD, now=NOW)
    with kernel.database.reading() as session:
        found = principal_of_session(session, opened.token, now=NOW + timedelta(hours=11))
        assert found is not None
        assert (found.actor, found.role, found.user and found.user.id) == (f"user:{user_id}", Role.ADMIN, user_id)
        assert principal_of_session(session, opened.token, now=NOW + timedelta(hours=12)) is None
        assert principal_of_session(session, "x\ud800", now=NOW) is None
        stored = session.exec(select(UserSession)).one()
        assert opened.token not in (stored.token_digest, stored.csrf_token)
    with kernel.database.transaction() as session:
        close_session(session, opened.token, now=NOW)
        close_session(session, "unknown", now=NOW)
    with kernel.database.reading() as session:
        assert principal_of_session(session, opened.token, now=NOW) is None


def test_sign_in_is_refused_alike(kernel: Kernel) -> None:
    user_id = made(kernel.database, kernel.settings, Role.SALES)
    with kernel.database.transaction() as session:
        change_user(session, user_id, UserChange(active=False), version=1, actor="system", now=NOW)
    messages = set()
    for email, password in (
        ("ana@seller.example", PASSWORD),
        ("ana@seller.example", "wrong"),
        ("nobody@seller.example", PASSWORD),
        ("x" * 300, "y" * 1000),
    ):
        with pytest.raises(SignInError) as caught:
            sign_in(kernel, email, password, now=NOW)
        messages.add(caught.value.message)
    assert len(messages) == 1


def test_sign_in_renews_an_old_hash(kernel: Kernel) -> None:
    user_id = made(kernel.database, Settings(argon2_memory_kib=16, argon2_rounds=1))
    sign_in(kernel, "ana@seller.example", PASSWORD, now=NOW)
    with kernel.database.reading() as session:
        assert "m=8,t=1" in user_of(session, user_id).password_hash


@pytest.mark.parametrize(
    "change",
    [UserChange(role=Role.SALES), UserChange(active=False), UserChange(password_hash="x"), UserChange(name="B")],
)
def test_losing_a_right_ends_the_sessions(database: Database, settings: Settings, change: UserChange) -> None:
    user_id = made(database, settings, Role.CASH)
    with database.transaction() as session:
        token = open_session(session, user_id, now=NOW, hours=1)
        open_session(session, user_id, now=NOW - timedelta(days=1), hours=1)
    with database.transaction() as session:
        change_user(session, user_id, change, version=1, actor="system", now=NOW)
    with database.reading() as session:
        assert (principal_of_session(session, token, now=NOW) is not None) is ("name" in change)
    with database.transaction() as session:
        assert forget_expired(session, now=NOW) == (1 if "name" in change else 0)


def test_key_does_what_its_scopes_and_its_maker_may(database: Database, settings: Settings) -> None:
    user_id = made(database, settings, Role.CREDIT_MANAGER)
    maker = principal(user_id, Role.CREDIT_MANAGER)
    with database.transaction() as session:
        key, token = create_key(
            session,
            name="ERP",
            scopes=["ledger:write", "invoices:read"],
            creator=maker,
            now=NOW,
            expires_at=NOW + timedelta(days=1),
        )
        key_id = key.id
        assert token.startswith(f"ak_{key.prefix}_")
        assert token not in key.model_dump_json()
    assert key_id is not None
    with database.reading() as session:
        found = principal_of_key(session, token, now=NOW)
        assert found is not None
        assert (found.actor, found.user, found.role) == (f"key:{key_id}", None, None)
        assert found.permissions == {"ledger:write", "invoices:read"}
        assert principal_of_key(session, token, now=NOW + timedelta(days=1)) is None
        assert principal_of_key(session, token[:-1], now=NOW) is None
    with database.transaction() as session:
        change_user(session, user_id, UserChange(role=Role.COLLECTOR), version=1, actor="system", now=NOW)
    with database.reading() as session:
        found = principal_of_key(session, token, now=NOW)
        assert found is not None
        assert found.permissions == {"invoices:read"}
    with database.transaction() as session:
        change_user(session, user_id, UserChange(active=False), version=2, actor="system", now=NOW)
        assert principal_of_key(session, token, now=NOW) is None
        change_user(session, user_id, UserChange(active=True), version=3, actor="system", now=NOW)
        assert revoke_key(session, key_id, actor="user:9", now=NOW).revoked_at == NOW
        assert revoke_key(session, key_id, actor="user:9", now=NOW + timedelta(1)).revoked_at == NOW
        assert principal_of_key(session, token, now=NOW) is None
    with database.reading() as session:
        actions = [entry.action for entry in session.exec(select(AuditEntry)) if entry.subject == f"key:{key_id}"]
        assert actions == ["key.created", "key.revoked"]


def test_key_gives_no_more_than_its_maker_has(database: Database, settings: Settings) -> None:
    user_id = made(database, settings, Role.CASH)
    maker = principal(user_id, Role.CASH)
    with database.transaction() as session:
        for scopes in ([], ["nonsense"], ["cash:write", "users:write"]):
            with pytest.raises(ScopeError):
                create_key(session, name="x", scopes=scopes, creator=maker, now=NOW)
        with pytest.raises(ScopeError):
            other = Principal("key:1", "en", maker.permissions)
            create_key(session, name="x", scopes=["cash:read"], creator=other, now=NOW)
        with pytest.raises(ExpiryError):
            create_key(session, name="x", scopes=["cash:read"], creator=maker, now=NOW, expires_at=NOW)
        with pytest.raises(NotFoundError):
            revoke_key(session, 5, actor="user:1", now=NOW)
        assert session.exec(select(ApiKey)).all() == []
        assert len(session.exec(select(User)).all()) == 1
