"""Signing in, forgery, revocation and rate limits, through the web."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from ar.app import create_app
from ar.core.access.models import Role, UserSession
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from tests.web import PASSWORD, client, user_in

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def signed_in_by_form(kernel: Kernel, role: Role = Role.ADMIN, **fields: str) -> TestClient:
    """A browser that went through the sign-in form."""
    user_in(kernel, role)
    browser = client(kernel, html=True)
    token = TOKEN.findall(browser.get("/sign-in").text)[0]
    form = {"email": f"{role.value}@seller.example", "password": PASSWORD, "csrf_token": token} | fields
    browser.headers["origin"] = "http://testserver"
    answer = browser.post("/sign-in", data=form)
    browser.headers["last-status"] = str(answer.status_code)
    browser.headers["last-location"] = answer.headers.get("location", "")
    return browser


def with_settings(kernel: Kernel, **changes: object) -> Kernel:
    settings = kernel.settings.model_copy(update=changes)
    return Kernel(settings=settings, database=kernel.database, renderer=kernel.renderer)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("", "/"),
        ("/admin/users?x=1", "/admin/users?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\tx", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "x" * 1999, "/" + "x" * 1999),
    ],
)
def test_sign_in_leads_back_to_this_site_only(kernel: Kernel, wanted: str, reached: str) -> None:
    browser = signed_in_by_form(kernel, next=wanted)
    assert browser.headers["last-status"] == "303"
    assert browser.headers["last-location"] == reached


def test_a_session_is_a_cookie_that_scripts_cannot_read(kernel: Kernel) -> None:
    user_in(kernel, Role.CFO)
    secure = with_settings(kernel, base_url="https://ar.seller.example")
    browser = TestClient(create_app(secure), base_url="https://testserver", follow_redirects=False)
    page = browser.get("/sign-in")
    assert "max-age=31536000" in page.headers["strict-transport-security"]
    form = {"email": "cfo@seller.example", "password": PASSWORD, "csrf_token": TOKEN.findall(page.text)[0]}
    answer = browser.post("/sign-in", data=form)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-amiable_session=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert browser.get("/api/v1/me").json()["role"] == "cfo"


def test_wrong_password_is_told_in_the_readers_language(kernel: Kernel) -> None:
    user_in(kernel, Role.ADMIN)
    browser = client(kernel, html=True)
    browser.headers["accept-language"] = "de;q=0.9, fr-CA;q=0.8, en;q=0.1"
    token = TOKEN.findall(browser.get("/sign-in").text)[0]
    form = {"email": "admin@seller.example", "password": "wrong", "csrf_token": token}
    answer = browser.post("/sign-in", data=form)
    assert answer.status_code == 401
    assert '<html lang="fr">' in answer.text
    assert "ne vont pas ensemble" in answer.text
    assert "amiable_session" not in answer.headers["set-cookie"]


def test_sign_in_form_is_protected(kernel: Kernel) -> None:
    user_in(kernel, Role.ADMIN)
    form = {"email": "admin@seller.example", "password": PASSWORD}
    stranger = client(kernel)
    assert stranger.post("/sign-in", data=form).json()["code"] == "forged"
    token = TOKEN.findall(stranger.get("/sign-in").text)[0]
    other = client(kernel)
    other.get("/sign-in")
    assert other.post("/sign-in", data=form | {"csrf_token": token}).json()["code"] == "forged"
    crossing = {"origin": "https://evil.example"}
    assert stranger.post("/sign-in", data=form | {"csrf_token": token}, headers=crossing).status_code == 403
    assert stranger.post("/sign-in", data=form | {"csrf_token": token}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site", "origin": "http://testserver"}, False),
        ({"origin": "http://testserver"}, True),
        ({"origin": "http://127.0.0.1:8000"}, True),
        ({"origin": "null"}, False),
        ({"origin": "https://testserver"}, False),
        ({"origin": "http://testserver.evil.example"}, False),
    ],
)
def test_unsafe_requests_with_a_session_come_from_our_pages(
    kernel: Kernel, headers: dict[str, str], passes: bool
) -> None:
    browser = client(kernel, Role.ADMIN)
    answer = browser.post("/language", data={"language": "fr", "next": "/admin/users"}, headers=headers)
    assert (answer.status_code == 303) is passes, answer.text


def test_token_in_form_or_header_or_nothing_happens(kernel: Kernel) -> None:
    browser = client(kernel, Role.ADMIN)
    token = browser.headers.pop("x-csrf-token")
    other = client(kernel, Role.ADMIN).headers["x-csrf-token"]
    for form in ({}, {"csrf_token": ""}, {"csrf_token": other}, {"csrf_token": "é"}):
        answer = browser.post("/language", data={"language": "fr"} | form)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged")
    assert browser.post("/sign-out", files={"csrf_token": ("x", b"x")}).status_code == 403
    assert browser.post("/language", data={"language": "fr", "csrf_token": token}).status_code == 303
    assert browser.get("/api/v1/me").json()["language"] == "fr"
    assert "Utilisateurs" in browser.get("/admin/users").text


def test_sign_out_ends_the_session(kernel: Kernel) -> None:
    browser = client(kernel, Role.SALES)
    kept = dict(browser.cookies)
    assert browser.post("/sign-out").status_code == 303
    again = client(kernel)
    again.cookies.update(kept)
    assert again.get("/api/v1/me").status_code == 401
    with kernel.database.reading() as session:
        assert session.exec(select(UserSession)).all() == []


def test_key_needs_no_token_and_is_bound_by_its_scopes(kernel: Kernel) -> None:
    admin = client(kernel, Role.ADMIN)
    made = admin.post("/api/v1/api-keys", json={"name": "ERP", "scopes": ["users:read", "users:write"]})
    assert made.status_code == 201
    program = client(kernel)
    program.headers["authorization"] = f"Bearer {made.json()['token']}"
    body = {"email": "b@seller.example", "name": "B", "role": "cash", "password": "some plain words"}
    assert program.post("/api/v1/users", json=body).status_code == 201
    assert program.get("/api/v1/audit").json()["code"] == "permission-missing"
    assert program.get("/api/v1/me").status_code == 403
    listed = admin.get("/api/v1/api-keys").json()["items"]
    assert [key["prefix"] for key in listed] == [made.json()["token"].split("_")[1]]
    assert "token" not in listed[0]
    assert admin.delete(f"/api/v1/api-keys/{listed[0]['id']}").json()["revoked_at"]
    refused = program.get("/api/v1/users")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    for wrong in ("Bearer", "Bearer ak_x", "Basic YTpi", "bearer \xe9"):
        given = [(b"authorization", wrong.encode("latin-1"))]
        assert client(kernel).get("/api/v1/users", headers=given).status_code == 401


def test_revocation_holds_from_the_next_request(kernel: Kernel) -> None:
    admin = client(kernel, Role.ADMIN)
    user_id = user_in(kernel, Role.CFO)
    for change in ({"role": "sales"}, {"password": "new plain words"}, {"active": False}):
        victim = client(kernel, Role.CFO)
        assert victim.get("/api/v1/me").status_code == 200
        version = admin.get(f"/api/v1/users/{user_id}").headers["etag"]
        answer = admin.patch(f"/api/v1/users/{user_id}", json=change, headers={"if-match": version})
        assert answer.status_code == 200, answer.text
        assert victim.get("/api/v1/me").status_code == 401


def test_edit_needs_the_version_read(kernel: Kernel) -> None:
    admin = client(kernel, Role.ADMIN)
    path = f"/api/v1/users/{user_in(kernel, Role.SALES)}"
    assert admin.patch(path, json={"name": "B"}).status_code == 428
    assert admin.patch(path, json={"name": "B"}, headers={"if-match": 'W/"1"'}).status_code == 412
    first = admin.patch(path, json={"name": "B"}, headers={"if-match": '"7", "1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert admin.patch(path, json={"name": "C"}, headers={"if-match": '"1"'}).status_code == 412
    form = {"version": "1", "name": "D", "role": "sales", "language": "en", "active": "1"}
    page = f"/admin/users/{user_in(kernel, Role.SALES)}"
    assert admin.post(page, data=form).status_code == 412
    assert admin.post(page, data=form | {"version": "2"}).status_code == 303
    assert admin.get(path).json()["name"] == "D"


def test_sign_in_is_limited_by_address_whatever_it_claims(kernel: Kernel) -> None:
    limited = with_settings(kernel, sign_in_attempts="5/minute")
    browser = client(limited)
    token = TOKEN.findall(browser.get("/sign-in").text)[0]
    statuses = []
    for n in range(7):
        form = {"email": f"{n}@seller.example", "password": "x", "csrf_token": token}
        answer = browser.post("/sign-in", data=form, headers={"x-forwarded-for": f"198.51.100.{n}"})
        statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 2
    assert answer.json()["code"] == "too-often"
    assert 1 <= int(answer.headers["retry-after"]) <= 120


def test_behind_a_proxy_the_last_entry_counts(kernel: Kernel) -> None:
    limited = with_settings(kernel, sign_in_attempts="3/minute", trusted_proxies=1)
    browser = client(limited)
    token = TOKEN.findall(browser.get("/sign-in").text)[0]

    def tried(forwarded: str, n: int) -> int:
        form = {"email": f"{n}@seller.example", "password": "x", "csrf_token": token}
        return browser.post("/sign-in", data=form, headers={"x-forwarded-for": forwarded}).status_code

    assert [tried(f"198.51.100.{n}, 203.0.113.1", n) for n in range(4)] == [401, 401, 401, 429]
    assert tried("198.51.100.9, 203.0.113.2", 9) == 401
    assert [tried(f"2001:db8::{n}", 10 + n) for n in range(4)] == [401, 401, 401, 429]


def test_sign_in_is_limited_by_email(kernel: Kernel) -> None:
    limited = with_settings(kernel, sign_in_attempts="3/minute", trusted_proxies=1)
    browser = client(limited)
    token = TOKEN.findall(browser.get("/sign-in").text)[0]
    statuses = []
    for n in range(4):
        email = "Admin@seller.example" if n % 2 else "admin@seller.example "
        form = {"email": email, "password": "x", "csrf_token": token}
        answer = browser.post("/sign-in", data=form, headers={"x-forwarded-for": f"198.51.100.{n}"})
        statuses.append(answer.status_code)
    assert statuses == [401, 401, 401, 429]


def test_api_is_limited_by_key(kernel: Kernel) -> None:
    limited = with_settings(kernel, api_requests="4/minute")
    app = create_app(limited)
    admin = client(limited, Role.ADMIN, app=app)
    made = admin.post("/api/v1/api-keys", json={"name": "ERP", "scopes": ["users:read"]}).json()
    program = client(limited, app=app)
    program.headers["authorization"] = f"Bearer {made['token']}"
    statuses = [program.get("/api/v1/users", headers={"x-forwarded-for": str(n)}).status_code for n in range(5)]
    assert statuses == [200] * 4 + [429]


def test_limit_holds_for_many_at_once(kernel: Kernel) -> None:
    limited = with_settings(kernel, api_requests="10/minute")
    app = create_app(limited)
    admin = client(limited, Role.ADMIN, app=app)
    made = admin.post("/api/v1/api-keys", json={"name": "ERP", "scopes": ["users:read"]}).json()
    start = threading.Barrier(8)
    with client(limited, app=app) as program:
        program.headers["authorization"] = f"Bearer {made['token']}"

        def several() -> list[int]:
            start.wait()
            return [program.get("/api/v1/users").status_code for _ in range(3)]

        with ThreadPoolExecutor(8) as pool:
            statuses = [status for part in pool.map(lambda _: several(), range(8)) for status in part]
    assert sorted(statuses) == [200] * 10 + [429] * 14


def test_pages_of_the_administrator(kernel: Kernel) -> None:
    browser = client(kernel, Role.ADMIN, html=True)
    form = {"email": "new@seller.example", "name": "New <b>", "role": "cash", "language": "fr"}
    short = browser.post("/admin/users", data=form | {"password": "short"})
    assert short.status_code == 422
    assert "12 to 200" in short.text
    assert browser.post("/admin/users", data=form | {"password": "some plain words"}).status_code == 303
    listed = browser.get("/admin/users").text
    assert "New &lt;b&gt; can sign in now." in listed
    assert "can sign in now" not in browser.get("/admin/users").text
    made = browser.post("/admin/api-keys", data={"name": "ERP", "scopes": ["users:read"], "days": "30"})
    token = re.findall(r"ak_[0-9a-f]{8}_[\w-]{43}", made.text)
    assert len(token) == 1
    assert token[0] not in browser.get("/admin/api-keys").text
    assert browser.post("/admin/api-keys/1/revoke").status_code == 303
    assert browser.post("/admin/api-keys", data={"name": "ERP"}).status_code == 422
    trail = browser.get("/admin/audit?verify=1")
    assert "is whole" in trail.text
    assert trail.text.count("<tr>") > 3
    only = browser.get("/admin/audit?subject=key:1").text
    assert "key.revoked" in only
    assert "user.created" not in only
    with kernel.database.reading() as session:
        actors = {entry.actor for entry in session.exec(select(AuditEntry)) if entry.action != "user.created"}
        assert actors == {f"user:{user_in(kernel, Role.ADMIN)}"}


def test_menu_and_pages_follow_the_role(kernel: Kernel) -> None:
    auditor = client(kernel, Role.AUDITOR, html=True)
    text = auditor.get("/admin/users").text
    assert "/admin/audit" in text
    assert "/admin/api-keys" not in text
    assert "/admin/users/new" not in text
    refused = auditor.get("/admin/users/new")
    assert refused.status_code == 403
    assert "You may not do this" in refused.text
    gone = client(kernel, html=True).get("/admin/users?a=b%26c")
    assert gone.headers["location"] == "/sign-in?next=/admin/users%3Fa%3Db%2526c"
    by_htmx = client(kernel).get("/admin/users", headers={"hx-request": "true"})
    assert (by_htmx.status_code, by_htmx.headers["hx-redirect"]) == (401, "/sign-in")


def test_users_by_api(kernel: Kernel) -> None:
    admin = client(kernel, Role.ADMIN)
    body = {"email": "b@seller.example", "name": "B", "role": "cash", "password": "some plain words"}
    first = admin.post("/api/v1/users", json=body, headers={"idempotency-key": "k1"})
    again = admin.post("/api/v1/users", json=body, headers={"idempotency-key": "k1"})
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "password" not in first.text
    assert admin.post("/api/v1/users", json=body).json()["code"] == "email-taken"
    other = admin.post("/api/v1/users", json=body | {"name": "C"}, headers={"idempotency-key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert admin.post("/api/v1/users", json=body | {"language": "xx"}).json()["code"] == "bad-language"
    assert admin.get("/api/v1/users?role=cash").json()["items"] == [first.json()]
    seen, cursor = [], ""
    while cursor is not None:
        page = admin.get(f"/api/v1/audit?limit=1&cursor={cursor}").json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 2
    assert admin.get("/api/v1/audit/verification").json() == {"whole": True, "wrong": []}
