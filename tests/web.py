"""A signed-in client of the whole service, for the tests of every room.

    def test_something(kernel: Kernel) -> None:
        with client(kernel, Role.CASH) as browser:
            assert browser.post("/api/v1/...", json={...}).status_code == 201

It carries the session cookie and, on every request, the CSRF token as a header; forms need no hidden field. Without a
role nobody is signed in. `app` takes an app of your own; `html=True` asks for pages as a browser does.
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import col, select

from ar.app import create_app
from ar.core import clock
from ar.core.access.models import Role, User, UserSession
from ar.core.access.passwords import hash_password
from ar.core.access.sessions import open_session
from ar.core.access.tokens import digest
from ar.core.access.users import create_user
from ar.core.kernel import Kernel
from ar.core.web.guards import session_cookie

PASSWORD = "plain words, many"


def user_in(kernel: Kernel, role: Role) -> int:
    """The id of a user in `role`, made on first use; its password is PASSWORD."""
    email = f"{role.value}@seller.example"
    with kernel.database.transaction() as session:
        known = session.exec(select(User.id).where(User.email == email)).first()
        if known is not None:
            return known
        user = create_user(
            session,
            email=email,
            name=role.value.replace("_", " ").title(),
            role=role,
            password_hash=hash_password(PASSWORD, settings=kernel.settings),
            actor="system",
            now=clock.now(),
        )
        assert user.id is not None
        return user.id


def client(kernel: Kernel, role: Role | None = None, *, app: FastAPI | None = None, html: bool = False) -> TestClient:
    """A client of `kernel`'s service, signed in as a user in `role`; nobody is signed in without one."""
    made = TestClient(
        app or create_app(kernel), raise_server_exceptions=False, follow_redirects=False, base_url="http://testserver"
    )
    if html:
        made.headers["accept"] = "text/html"
    if role is None:
        return made
    user_id = user_in(kernel, role)
    with kernel.database.transaction() as session:
        token = open_session(session, user_id, now=clock.now(), hours=1)
    with kernel.database.reading() as session:
        query = select(UserSession.csrf_token).where(col(UserSession.token_digest) == digest(token))
        made.headers["x-csrf-token"] = session.exec(query).one()
    made.cookies.set(session_cookie(kernel.settings.secure), token)
    return made
