"""Every route of the service, those of rooms yet to come included: guarded, closed to whoever may not, unbreakable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ar.app import MENU, create_app
from ar.core import clock
from ar.core.access.keys import create_key
from ar.core.access.models import Role
from ar.core.access.permissions import PERMISSIONS, Permission, permissions_of
from ar.core.access.principals import Person, Principal
from ar.core.kernel import Kernel
from ar.core.web.guards import Allow, Public
from ar.core.web.openapi import MISSING, describe, example_of
from ar.core.web.routes import Found, mounts_of, routes_of
from tests.web import client, user_in

MOUNTS = {"/static", "/test-gateway"}
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")


@pytest.fixture
def app(kernel: Kernel) -> FastAPI:
    return create_app(kernel)


def filled(path: str, value: str = "999999999") -> str:
    return _PLACE.sub(value, path)


def each(app: FastAPI) -> Iterator[tuple[Found, str]]:
    for found in routes_of(app):
        for method in sorted(found.methods - {"HEAD", "OPTIONS"}):
            yield found, method


def allowed(found: Found, permissions: frozenset[Permission], *, person: bool) -> bool:
    """Whether every staff guard of the route lets in a principal with `permissions`."""
    guards = [guard for guard in found.guards if isinstance(guard, Allow)]
    return all(person if guard.permission is None else guard.permission in permissions for guard in guards)


def test_every_route_declares_its_guard(app: FastAPI) -> None:
    found = list(routes_of(app))
    assert len(found) > 20
    assert [f"{f.methods} {f.path}" for f in found if not f.guards] == []
    assert set(mounts_of(app)) <= MOUNTS
    names = [(f.path, method) for f, method in each(app)]
    assert len(names) == len(set(names)), "one path and method, one route"


def test_every_reason_to_be_open_is_told(app: FastAPI) -> None:
    reasons = [guard.reason for found in routes_of(app) for guard in found.guards if isinstance(guard, Public)]
    assert reasons
    assert all(len(reason) > 10 for reason in reasons)


def test_menu_leads_to_pages_of_the_same_permission(app: FastAPI) -> None:
    pages = {found.path: found.guards for found in routes_of(app) if "GET" in found.methods}
    for entry in MENU:
        assert any(isinstance(g, Allow) and g.permission == entry.permission for g in pages[entry.path]), entry.path


def test_nobody_gets_in_unknown(kernel: Kernel, app: FastAPI) -> None:
    with client(kernel, app=app) as stranger:
        for found, method in each(app):
            if any(isinstance(guard, Public) for guard in found.guards):
                continue
            answer = stranger.request(method, filled(found.path))
            assert answer.status_code in (401, 404), f"{method} {found.path}: {answer.status_code}"
            if all(isinstance(guard, Allow) for guard in found.guards):
                assert answer.json()["code"] == "sign-in-required"
                page = stranger.request(method, filled(found.path), headers={"accept": "text/html"})
                assert page.status_code == 303, f"{method} {found.path}"
                assert page.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_what_its_permissions_say(kernel: Kernel, app: FastAPI, role: Role) -> None:
    # Unsafe requests come without the CSRF token: the guard's answer tells whether the role would have been let in,
    # and nothing is done.
    with client(kernel, role, app=app) as browser:
        del browser.headers["x-csrf-token"]
        for found, method in each(app):
            expect_class(browser, found, method, permissions_of(role), person=True)


def test_api_key_gets_what_its_scopes_say(kernel: Kernel, app: FastAPI) -> None:
    admin = user_in(kernel, Role.ADMIN)
    creator = Principal(f"user:{admin}", "en", permissions_of(Role.ADMIN), user=Person(admin, "", ""))
    with kernel.database.transaction() as session:
        _, token = create_key(session, name="test", scopes=["users:read"], creator=creator, now=clock.now())
    with client(kernel, app=app) as program:
        program.headers["authorization"] = f"Bearer {token}"
        for found, method in each(app):
            if method in UNSAFE and allowed(found, frozenset({"users:read"}), person=False):
                continue
            expect_class(program, found, method, frozenset({"users:read"}), person=False)


def expect_class(
    caller: TestClient, found: Found, method: str, permissions: frozenset[Permission], *, person: bool
) -> None:
    answer = caller.request(method, filled(found.path))
    told = f"{method} {found.path}: {answer.status_code} {answer.text[:200]}"
    assert answer.status_code < 500, told
    if not any(isinstance(guard, Allow) for guard in found.guards):
        is_open = any(isinstance(guard, Public) for guard in found.guards)
        assert is_open or not answer.is_success, told
    elif not allowed(found, permissions, person=person):
        assert answer.status_code == 403, told
        assert answer.json()["code"] == "permission-missing", told
    elif method in UNSAFE:
        assert answer.status_code == 403, told
        assert answer.json()["code"] == "forged", told
    else:
        assert answer.status_code not in (401, 403), told


# -- guarantee 23: whatever comes in, never a 5xx --------------------------------------------------------------------

SHARDS = 4
IN_PATH = ("0", "-1", "9223372036854775808", "1e400", "NaN", "%00", "%ED%A0%80", "x" * 3000, "..%2F..", "%D9%A3", "'")
IN_QUERY = ("", "-1", "9223372036854775808", "1e400", "NaN", "%00", "%ED%A0%80", "x" * 3000, "0001-01-01", "2026-13-45")
IN_BODY = (
    '"a\\u0000b"',
    '"\\ud800"',
    "1e400",
    "NaN",
    "-1",
    "9223372036854775808",
    '"9223372036854775808"',
    "null",
    "[]",
    '{"a":[{}]}',
    f'"{"x" * 3000}"',
    '"=1+1"',
    '"0001-01-01"',
    '"9999-12-31T23:59:59Z"',
)
RAW = (
    b"",
    b"{",
    b"[" * 30_000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b"\xff\xfe\x00",
    b'"\xed\xa0\x80"',
    b"\x00",
    b"NaN",
    b"9" * 5000,
    b"null",
    b"[]",
)
FORM = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_hostile_values_are_bad_input(kernel: Kernel, app: FastAPI, shard: int) -> None:
    # The quick form sends every fourth request of each route, other ones on each database.
    assert broken_by(kernel, app, shard, every=4, first=2 * kernel.database.is_postgres) == []


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
def test_all_hostile_values_are_bad_input(kernel: Kernel, app: FastAPI, shard: int) -> None:
    assert broken_by(kernel, app, shard, every=1, first=0) == []


def broken_by(kernel: Kernel, app: FastAPI, shard: int, *, every: int, first: int) -> list[str]:
    """The requests that a shard of the routes answered with a 5xx."""
    document = describe(app)
    broken = []
    for number, (found, method) in list(enumerate(each(app)))[shard::SHARDS]:
        role = next((r for r in Role if allowed(found, permissions_of(r), person=True)), Role.ADMIN)
        with client(kernel, role, app=app) as browser:
            browser.headers["if-match"] = "*"
            browser.headers["idempotency-key"] = "k"
            for url, content, kind in islice(attempts(found, method, document), (first + number) % every, None, every):
                headers = {"content-type": kind} if kind else {}
                answer = browser.request(method, url, content=content, headers=headers)
                if answer.status_code >= 500:
                    broken.append(f"{method} {url[:80]} {(content or b'')[:120]!r}: {answer.text[:80]}")
    return broken


def attempts(found: Found, method: str, document: dict[str, Any]) -> Iterator[tuple[str, bytes | None, str]]:
    """(url, body, content type) of each hostile request to a route."""
    one = filled(found.path, "1")
    if _PLACE.search(found.path):
        for value in IN_PATH:
            yield filled(found.path, value), None, ""
    names = [parameter.alias for parameter in found.route.dependant.query_params]
    for name in names:
        for value in IN_QUERY:
            yield f"{one}?{name}={value}", None, ""
    if method not in UNSAFE:
        return
    for raw in RAW:
        yield one, raw, "application/json"
        yield one, raw, FORM[len(raw) % len(FORM)]
    for fields in form_fields(found):
        yield one, fields.encode(), FORM[0]
    for body in json_bodies(found, method, document):
        yield one, body.encode(), "application/json"


def form_fields(found: Found) -> Iterator[str]:
    names = [parameter.alias for parameter in found.route.dependant.body_params]
    for name in names:
        for value in IN_QUERY:
            yield "&".join(f"{n}={value if n == name else 1}" for n in names)


def json_bodies(found: Found, method: str, document: dict[str, Any]) -> Iterator[str]:
    operation = document["paths"].get(found.path, {}).get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    example = content.get("example") or example_of(content.get("schema", {}), document["components"]["schemas"])
    if not isinstance(example, dict):
        return
    for name in example:
        for value in IN_BODY:
            yield replaced(example, name, value)


def replaced(example: dict[str, Any], name: str, value: str) -> str:
    marked = json.dumps(example | {name: "@@"})
    return marked.replace('"@@"', value)


# -- the API's description ------------------------------------------------------------------------------------------


def test_every_operation_is_described(app: FastAPI) -> None:
    document = describe(app)
    schemas = document["components"]["schemas"]
    lacking = []
    for found in routes_of(app):
        for method in found.methods if found.in_schema else ():
            name = f"{method} {found.path}"
            operation = document["paths"][found.path][method.lower()]
            assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}
            assert operation["security"] or any(isinstance(g, Public) for g in found.guards), name
            if not found.route.summary:
                lacking.append(f"{name}: no summary")
            places = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for place, body in places.items():
                for media_type, content in body.get("content", {}).items():
                    if "json" not in media_type or "example" in content or "examples" in content:
                        continue
                    if example_of(content["schema"], schemas) is MISSING:
                        lacking.append(f"{name}: no example of {place}")
    assert lacking == []


def test_description_is_served(kernel: Kernel) -> None:
    document = client(kernel).get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["paths"]["/api/v1/users"]["post"]["x-permission"] == "users:write"
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_permissions_keep_duties_apart() -> None:
    writes = {name for name in PERMISSIONS if not name.endswith(":read")}
    assert permissions_of(Role.AUDITOR) == {name for name in PERMISSIONS if name.endswith(":read")}
    assert not permissions_of(Role.CFO) & writes
    assert permissions_of(Role.SALES) & writes == {"orders:write"}
    for role in Role:
        held = permissions_of(role)
        for first, second in (("users:write", "cash:write"), ("ledger:write", "cash:write")):
            assert len({first, second} & held) < 2, f"{role}: {first} and {second}"
    assert all(PERMISSIONS.values())
