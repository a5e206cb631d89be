"""Policies by API and page: drafted, refused with the place, put in force, chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from ar.core.access.models import Role
from ar.customers.models import Account
from dunning.models import DunningPolicy
from dunning.policy import FRIENDLY_FIVE
from tests.dunning.world import World
from tests.web import client

BODY = FRIENDLY_FIVE.body()


@pytest.fixture
def staff(world: World) -> Iterator[TestClient]:
    with client(world.kernel, Role.CREDIT_MANAGER) as browser:
        yield browser


def test_a_policy_is_drafted_put_in_force_and_chosen(world: World, staff: TestClient) -> None:
    drafted = staff.post("/api/v1/dunning/policies", json={"name": "calm", "named": True, "policy": BODY})
    assert (drafted.status_code, drafted.json()["version"], drafted.json()["active_from"]) == (201, 1, None)
    path = f"/api/v1/dunning/policies/{drafted.json()['id']}"
    assert staff.get(path).json()["policy"] == json.loads(json.dumps(BODY))
    untested = staff.post(f"{path}/activate", json={})
    assert (untested.status_code, untested.json()["code"]) == (422, "policy-untested")
    live = staff.post(f"{path}/activate", json={"reason": "only wording"})
    assert (live.status_code, live.json()["reason"]) == (200, "only wording")
    assert [row["name"] for row in staff.get("/api/v1/dunning/policies?name=calm").json()["items"]] == ["calm"]
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
    made = staff.post(
        "/api/v1/dunning/policy-choices", json={"account_id": jo, "policy": "calm", "reason": "asked for it"}
    )
    assert made.status_code == 201
    listed = staff.get(f"/api/v1/dunning/policy-choices?account_id={jo}").json()["items"]
    assert [row["policy"] for row in listed] == ["calm"]
    ended = staff.post(f"/api/v1/dunning/policy-choices/{made.json()['id']}/end")
    assert ended.json()["ended_at"] is not None
    assert staff.post("/api/v1/dunning/policy-choices/99/end").status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"steps": [{**BODY["steps"][0], "kind": "reminder_rude"}]}, "/steps/0/kind"),
        ({"steps": [{**BODY["steps"][0], "key": "a\x00"}]}, "/steps/0/key"),
        ({"steps": [{**BODY["steps"][0], "wehn": {}}]}, "/steps/0/wehn"),
        ({"per_day": 1e400}, "/per_day"),
        ({"minimum": {"euro": 5}}, "/minimum"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_what_is_no_policy_is_refused_with_the_place(
    staff: TestClient, change: dict[str, object], pointer: str
) -> None:
    answer = staff.post(
        "/api/v1/dunning/policies",
        content=json.dumps({"name": "calm", "policy": {**BODY, **change}}),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in (400, 422)
    assert pointer in answer.text or answer.status_code == 422


def test_the_shipped_policies_are_stored_once_to_draft_from(world: World, staff: TestClient) -> None:
    staff.headers["accept"] = "text/html"
    assert "/dunning/policies/shipped" in staff.get("/dunning/policies").text
    for _ in range(2):
        assert staff.post("/dunning/policies/shipped").status_code == 303
    shown = staff.get("/dunning/policies").text
    assert "standard 1" in shown
    assert "/dunning/policies/shipped" not in shown
    with world.database.reading() as session:
        assert sorted(row.name for row in session.exec(select(DunningPolicy))) == ["friendly-five", "standard"]


def test_the_page_shows_the_ladder_and_drafts_the_next_version(world: World, staff: TestClient) -> None:
    made = staff.post("/api/v1/dunning/policies", json={"name": "calm", "policy": BODY}).json()
    staff.headers["accept"] = "text/html"
    path = f"/dunning/policies/{made['id']}"
    assert "reminder_firm" in staff.get(path).text
    assert "calm" in staff.get("/dunning/policies").text
    for wrong in ("{", "[]", "[" * 20_000, json.dumps({**BODY, "per_day": 9})):
        refused = staff.post(f"{path}/next", data={"body": wrong})
        assert refused.status_code == 422, wrong[:40]
    moved = staff.post(f"{path}/next", data={"body": json.dumps({**BODY, "per_week": 2})})
    assert moved.status_code == 303
    with world.database.reading() as session:
        rows = session.exec(select(DunningPolicy)).all()
        assert [(row.version, row.body["per_week"]) for row in rows] == [(1, 3), (2, 2)]
    assert staff.post(f"{path}/activate", data={}).status_code == 422
    assert staff.post(f"{path}/activate", data={"reason": "first"}).status_code == 303
    assert "in force" in staff.get(path).text
    with world.database.reading() as session:
        assert session.exec(select(Account)).all() == []
