"""What routes are made of, on an app with routes of its own."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Form, Request, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy import text
from sqlmodel import col, func, select

from ar.app import create_app
from ar.core import clock
from ar.core.access.models import ApiKey, Role, User
from ar.core.audit import Act, AuditEntry, record
from ar.core.errors import DomainError, Fault
from ar.core.idempotency import IdempotencyRecord, forget
from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Id,
    Limit,
    LongText,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    idempotent,
    local_path,
    paged,
    public,
)
from ar.core.web.language import accepted
from tests.web import client

router = APIRouter(prefix="/demo")


class Thing(BaseModel):
    name: ShortText
    words: LongText | None = None
    amount: int = 0
    ratio: float = 0.0
    more: dict[str, Any] = {}


@router.post("/once", status_code=201)
def once_only(
    body: Thing,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    def act() -> Thing:
        if body.name == "refused":
            raise DomainError("not this one", faults=[Fault("/name", "refused \ud800")])
        record(session, [Act(principal.actor, "demo.done", body.name, {})], now=now)
        return body

    return once(session, act)


@router.post("/echo", dependencies=[public("a demo of bodies")])
def echo(body: Thing) -> Thing:
    return body


@router.post("/form", dependencies=[public("a demo of forms")])
def form(name: Annotated[ShortText, Form()]) -> str:
    return name


@router.post("/raw", dependencies=[public("a demo of raw bytes")])
async def raw(request: Request) -> int:
    return len(await request.body())


@router.get("/users/{user_id}", dependencies=[public("a demo of numbers")])
def read(user_id: int, session: SessionDep) -> str | None:
    user = session.get(User, user_id)
    return user.email if user else None


@router.get("/bounded/{thing_id}", dependencies=[public("a demo of bounded numbers")])
def bounded(thing_id: Id, today: TodayDep) -> int:
    return thing_id + today.year - today.year


@router.get("/mixed", dependencies=[public("a demo of pages")])
def mixed(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[str]:
    key = [col(User.role), col(User.created_at).desc(), col(User.id)]
    return paged(session, select(User), key=key, cursor=cursor, limit=limit).map(lambda user: user.email)


@router.get("/same", dependencies=[public("a demo of pages")])
def same(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[str]:
    key = [col(User.created_at).desc(), col(User.id).desc()]
    return paged(session, select(User.email), key=key, cursor=cursor, limit=limit)


@router.get("/broken", dependencies=[public("a demo of a mistake")])
def broken() -> None:
    raise RuntimeError("the password is swordfish")


@router.post("/twins", dependencies=[public("a demo of a contradiction")])
def twins(session: SessionDep) -> None:
    session.add(ApiKey(name="x", token_digest="x", prefix="x", created_by=2**40, created_at=clock.now()))


@router.get("/writes", dependencies=[public("a demo of a route that breaks the rule")])
def writes(session: SessionDep) -> None:
    session.connection().execute(text("DELETE FROM user_session"))


@pytest.fixture
def app(kernel: Kernel) -> FastAPI:
    made = create_app(kernel)
    made.include_router(router)
    return made


def users(kernel: Kernel, count: int) -> None:
    with kernel.database.transaction() as session:
        for n in range(count):
            role = list(Role)[n % 3]
            at = clock.now().replace(microsecond=n // 2)
            session.add(User(email=f"{n}@x.example", name="x", password_hash="x", role=role, created_at=at))


# -- idempotency (guarantee 6) ---------------------------------------------------------------------------------------


def test_twenty_keys_by_ten_at_once_have_one_effect_each(kernel: Kernel, app: FastAPI) -> None:
    with client(kernel, Role.CASH, app=app) as browser:

        def send(n: int) -> tuple[int, str, str]:
            key = f"key-{n % 20}"
            answer = browser.post("/demo/once", json={"name": key}, headers={"idempotency-key": key})
            return answer.status_code, answer.text, answer.headers.get("idempotency-replayed", "false")

        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(send, range(200)))
    assert {status for status, _, _ in answers} == {201}
    assert len({body for _, body, _ in answers}) == 20
    assert sum(replayed == "false" for _, _, replayed in answers) == 20
    with kernel.database.reading() as session:
        done = session.exec(select(AuditEntry.subject).where(AuditEntry.action == "demo.done")).all()
        assert sorted(done) == sorted(f"key-{n}" for n in range(20))


def test_key_is_bound_to_content_caller_and_path(kernel: Kernel, app: FastAPI) -> None:
    cash = client(kernel, Role.CASH, app=app)
    key = {"idempotency-key": "k"}
    first = cash.post("/demo/once", content='{"name": "a", "amount": 1}', headers=key | JSON)
    rewritten = cash.post("/demo/once", content='{"amount":1,"name":"a"}', headers=key | JSON)
    assert (rewritten.text, rewritten.headers["idempotency-replayed"]) == (first.text, "true")
    changed = cash.post("/demo/once", json={"name": "a", "amount": 2}, headers=key)
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency-key-reused")
    queried = cash.post("/demo/once?x=1", content='{"name": "a", "amount": 1}', headers=key | JSON)
    assert queried.status_code == 422
    admin = client(kernel, Role.ADMIN, app=app)
    made = admin.post("/api/v1/api-keys", json={"name": "x", "scopes": ["users:read"]})
    assert made.status_code == 201
    for bad in ({}, {"idempotency-key": "x" * 201}, {"idempotency-key": "a b"}):
        refused = cash.post("/demo/once", json={"name": "a"}, headers=bad)
        assert (refused.status_code, refused.json()["code"]) == (400, "idempotency-key-missing")
    with kernel.database.transaction() as session:
        assert forget(session, before=clock.now()) == 1
        assert session.exec(select(func.count()).select_from(IdempotencyRecord)).one() == 0


def test_error_keeps_no_answer(kernel: Kernel, app: FastAPI) -> None:
    cash = client(kernel, Role.CASH, app=app)
    for _ in range(2):
        answer = cash.post("/demo/once", json={"name": "refused"}, headers={"idempotency-key": "k"})
        assert answer.status_code == 422
        assert answer.json()["faults"] == [{"pointer": "/name", "message": "refused \ud800"}]
    assert cash.post("/demo/once", json={"name": "a"}, headers={"idempotency-key": "k"}).status_code == 201


# -- what comes in ---------------------------------------------------------------------------------------------------

JSON = {"content-type": "application/json"}


BAD_BODIES: list[bytes] = [
    b'{"name": "a", "ratio": NaN}',
    b'{"name": "a", "ratio": 1e400}',
    b'{"name": "a", "ratio": -Infinity}',
    b'{"name": NaN}',
    b'{"name": 1e400}',
    b'{"name": "\\ud800"}',
    b'{"name": ["\\udfff"]}',
    b'{"name": "a", "more": {"\\ud800": 1}}',
    b'{"name": "a\\u0000"}',
    b'{"name": "a", "more": {"x": ["\\u0000"]}}',
    b'{"name": "a", "amount": 9223372036854775808}',
    b'{"name": "a", "more": {"x": -9223372036854775809}}',
    b'{"name": "a", "amount": ' + b"9" * 5000 + b"}",
    b'{"name": "a", "more": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
    b"[" * 100_000,
    b'{"name": "\xff"}',
    b'{"name": "\xed\xa0\x80"}',
    '{"name": "a\x00"}'.encode("utf-16"),
    b'{"name": ""}',
    b'{"name": "  "}',
    b'{"name": "a\\nb"}',
    b'{"name": "a\\u2028b"}',
    b'{"name": "a", "words": "a\\u0007b"}',
    b"{",
    b"",
    b"null",
]


def test_bad_bodies_are_told_where(app: FastAPI, kernel: Kernel) -> None:
    with client(kernel, app=app) as caller:
        for body in BAD_BODIES:
            answer = caller.post("/demo/echo", content=body, headers=JSON)
            assert answer.status_code in (400, 422), body[:80]
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json().keys() == {"type", "title", "status", "code", "detail", "request_id", "faults"}


def test_good_bodies_pass_whole(app: FastAPI, kernel: Kernel) -> None:
    body = {"name": " \U0001f600 é ", "words": "a\nb\tc", "amount": 2**63 - 1, "ratio": 1e300, "more": {"NaN": [[1]]}}
    answer = client(kernel, app=app).post("/demo/echo", content=json.dumps(body), headers=JSON)
    assert answer.json() == body | {"name": "\U0001f600 é"}


def test_bad_forms_and_addresses(app: FastAPI, kernel: Kernel) -> None:
    caller = client(kernel, app=app)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert caller.post("/demo/form", content=b"name=a", headers=form).json() == "a"
    assert caller.post("/demo/form", content=b"name=a%00", headers=form).status_code == 400
    assert caller.post("/demo/form", content=b"name=a%0Ab", headers=form).status_code == 422
    parts = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n\\ud800\r\n--b--\r\n'
    for charset in ("unicode_escape", "utf-7", "idna", "zlib", "\xff"):
        kind = f"multipart/form-data; boundary=b; charset={charset}".encode("latin-1")
        answer = caller.post("/demo/form", content=parts, headers=[(b"content-type", kind)])
        assert answer.status_code < 500, charset
    assert caller.post("/demo/raw", content=b"a=1&b=\x00", headers=form).json() == 7
    assert caller.post("/demo/raw", content=b"\x00{", headers={"content-type": "text/plain"}).json() == 2
    assert caller.get("/demo/mixed?x=%00").status_code == 400
    assert caller.get("/demo/a%00b").status_code == 400
    assert caller.get("/demo/bounded/9223372036854775808").status_code == 422
    assert caller.get("/demo/bounded/0").status_code == 422
    assert caller.get("/demo/users/9223372036854775808").status_code in (200, 422)
    assert caller.get("/demo/users/" + "9" * 5000).status_code in (200, 422)


def test_body_size_is_capped(kernel: Kernel, app: FastAPI) -> None:
    stranger, known = client(kernel, app=app), client(kernel, Role.CFO, app=app)
    big = b" " * ((1 << 20) + 1)
    for content in (big, iter([big[:1000], big])):
        answer = stranger.post("/demo/raw", content=content)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert known.post("/demo/raw", content=big).json() == len(big)
    assert known.post("/demo/raw", content=b" " * ((8 << 20) + 1)).status_code == 413
    kind = {"content-type": "multipart/form-data; boundary=b"}
    assert known.post("/demo/raw", content=b" " * ((8 << 20) + 1), headers=kind).status_code == 200


# -- what goes out ---------------------------------------------------------------------------------------------------


def test_mistakes_leak_nothing(kernel: Kernel, app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client(kernel, app=app).get("/demo/broken")
    assert answer.status_code == 500
    assert "swordfish" not in answer.text
    request_id = answer.json()["request_id"]
    assert answer.headers["x-request-id"] == request_id
    assert "content-security-policy" in answer.headers
    logged = capsys.readouterr().err
    assert request_id in logged
    assert "swordfish" in logged


def test_contradictions_and_writes_in_a_read(kernel: Kernel, app: FastAPI) -> None:
    caller = client(kernel, app=app)
    assert caller.post("/demo/twins").json()["code"] == "conflict"
    assert caller.get("/demo/writes").status_code == 500
    with kernel.database.reading() as session:
        assert session.exec(select(ApiKey)).all() == []


def test_unknown_addresses_and_methods(kernel: Kernel, app: FastAPI) -> None:
    caller = client(kernel, app=app)
    assert caller.get("/nowhere").json()["code"] == "not-found"
    answer = caller.put("/health")
    assert (answer.json()["code"], answer.headers["allow"]) == ("method-not-allowed", "GET")
    assert caller.get("/health/").status_code == 404
    page = client(kernel, app=app, html=True).get("/nowhere?language=fr")
    assert page.status_code == 404
    assert "<h1>Cette page n" in page.text


def test_headers_of_every_answer(kernel: Kernel, app: FastAPI) -> None:
    caller = client(kernel, app=app)
    for path in ("/health", "/nowhere", "/static/app.css", "/demo/broken", "/sign-in", "/demo/x%00"):
        headers = caller.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;")
        assert "form-action 'self'; frame-ancestors 'none'; base-uri 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert len(headers["x-request-id"]) == 16
        assert "strict-transport-security" not in headers
    assert "immutable" in caller.get("/static/app.css?v=1").headers["cache-control"]
    assert caller.get("/static/app.css").headers["cache-control"] == "no-store"
    assert caller.get("/static/..%2f..%2fsettings.py").status_code == 404
    settings = kernel.settings.model_copy(update={"stripe_secret_key": "sk_test_x"})
    paying = TestClient(create_app(Kernel(settings, kernel.database, kernel.renderer)))
    assert "form-action 'self' https://checkout.stripe.com;" in paying.get("/health").headers["content-security-policy"]


def test_log_names_the_route_not_the_address(kernel: Kernel, app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    client(kernel, app=app).get("/demo/bounded/424242?secret=swordfish")
    logged = capsys.readouterr().err
    assert "/demo/bounded/{thing_id}" in logged
    assert "424242" not in logged
    assert "swordfish" not in logged


# -- pages of lists --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/demo/mixed", "/demo/same"])
def test_pages_hold_every_row_once_in_order(kernel: Kernel, app: FastAPI, path: str) -> None:
    users(kernel, 23)
    caller = client(kernel, app=app)
    whole = caller.get(path).json()
    assert len(whole["items"]) == 23
    assert whole["next_cursor"] is None
    for limit in (1, 2, 7, 22, 23):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = caller.get(path, params={"limit": limit, "cursor": cursor}).json()
            assert len(page["items"]) <= limit
            seen += page["items"]
            cursor = page["next_cursor"]
        assert seen == whole["items"], limit


def test_cursor_of_others_is_refused(kernel: Kernel, app: FastAPI) -> None:
    users(kernel, 3)
    caller = client(kernel, app=app)
    good = caller.get("/demo/mixed?limit=1").json()["next_cursor"]
    assert caller.get("/demo/mixed", params={"cursor": good}).status_code == 200
    assert caller.get("/demo/same", params={"cursor": good}).json()["code"] == "bad-cursor"
    for n in range(0, len(good), 5):
        bad = good[:n] + ("A" if good[n] != "A" else "B") + good[n + 1 :]
        assert caller.get("/demo/mixed", params={"cursor": bad}).status_code == 400, n
    for bad in ("x", "====", "é", "a" * 1999, good[:-1], good + "AAAA"):
        assert caller.get("/demo/mixed", params={"cursor": bad}).status_code == 400
    assert caller.get("/demo/mixed", params={"cursor": "a" * 2001}).status_code == 422
    assert caller.get("/demo/mixed?limit=201").status_code == 422


# -- the rest --------------------------------------------------------------------------------------------------------


def test_more_requests_at_once_than_connections(kernel: Kernel, app: FastAPI) -> None:
    with client(kernel, Role.CFO, app=app) as browser, ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda _: browser.get("/api/v1/audit?limit=1").status_code, range(120)))
    assert answers == [200] * 120


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("de, fr;q=0.5", "fr"),
        ("fr;q=0, en", "en"),
        ("en;q=0.2,fr-BE;q=0.3", "fr"),
        ("*", "en"),
    ],
)
def test_language_of_a_visitor(kernel: Kernel, header: str, language: str) -> None:
    assert accepted(header, kernel) == language
    assert accepted("x" * 100_000 + ";q=nan,;;,=", kernel) == "en"


@pytest.mark.parametrize("path", ["/a\nb", "/é", "/a b", "///x", "a", "http:/x", "/[//x]:1"])
def test_local_path_refuses(path: str) -> None:
    assert local_path(path, "/safe") in ("/safe", "/[//x]:1")
