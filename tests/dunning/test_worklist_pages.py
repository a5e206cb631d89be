"""The queue worked by clicks, by page and by API: outcomes, hand-over, marks, hand-ons. The clock is the real one."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi.testclient import TestClient
from sqlmodel import col, select

from ar.cash.checkout import in_flight
from ar.core import clock
from ar.core.access.models import Role
from ar.customers.accounts import change_account
from ar.customers.models import Contact
from dunning.calls.models import CallOutcome, ContactEvent
from dunning.worklist.rows import refresh_all
from tests.dunning.world import World
from tests.web import client, user_in

HTMX = {"hx-request": "true"}


def ago(days: int) -> date:
    return clock.today() - timedelta(days=days)


def furnished(world: World) -> tuple[int, int]:
    with world.database.transaction() as session:
        jo, ann = world.customer(session, "JO"), world.customer(session, "ANN")
        world.invoice(session, jo, 90_000, due=ago(10))
        world.invoice(session, ann, 50_000, due=ago(10))
        session.add(Contact(account_id=jo, name="Phil", phone="+33 1 23", roles=["paying"]))
    refresh_all(world.kernel, now=clock.now(), in_flight=in_flight)
    return jo, ann


def codes(browser: TestClient, query: str = "hidden=false") -> list[str]:
    return [row["code"] for row in browser.get(f"/api/v1/worklist?{query}").json()["items"]]


def test_a_row_is_worked_by_one_click(world: World) -> None:
    jo, ann = furnished(world)
    with client(world.kernel, Role.COLLECTOR, html=True) as browser:
        page = browser.get("/worklist").text
        assert page.index("Company JO") < page.index("Company ANN")
        assert "by telephone" in page
        assert "there" in page
        done = browser.post(f"/worklist/{jo}/contact", data={"outcome": "spoke"}, headers=HTMX)
        assert (done.status_code, "<html" in done.text, "spoke" in done.text) == (200, False, True)
        assert codes(browser) == ["ANN"]
        assert codes(browser, "hidden=true") == ["JO"]
        refused = browser.post(f"/worklist/{ann}/contact", data={"outcome": "promise"}, headers=HTMX)
        assert (refused.status_code, "say by which day" in refused.text) == (422, True)
        day = {"outcome": "promise", "promised_on": str(ago(-5))}
        assert browser.post(f"/worklist/{ann}/contact", data=day).headers["location"] == f"/worklist/{ann}"
        assert codes(browser) == []
        assert "2 of 500 today" in browser.get("/worklist").text
        own = browser.get(f"/worklist/{ann}").text
        assert "promised to pay" in own
        for wrong in (
            {"outcome": "nonsense"},
            {"outcome": "call_back", "call_back": "soon"},
            {"outcome": "spoke", "contact_id": "999"},
            {"outcome": "spoke", "text": "\x07"},
            {"outcome": "dispute"},
        ):
            assert 400 <= browser.post(f"/worklist/{ann}/contact", data=wrong).status_code < 500, wrong
    with world.database.reading() as session:
        outcomes = session.exec(select(ContactEvent.outcome).order_by(col(ContactEvent.id))).all()
        assert outcomes == [CallOutcome.SPOKE, CallOutcome.PROMISE]


def test_calls_marks_and_hand_ons_from_the_customers_page(world: World) -> None:
    jo, ann = furnished(world)
    sales = user_in(world.kernel, Role.SALES)
    with world.database.transaction() as session:
        change_account(session, jo, {"sales_owner_id": sales}, by="system", now=clock.now())
    with client(world.kernel, Role.COLLECTOR, html=True) as browser:
        here = f"/worklist/{jo}"

        def post(path: str, **data: str) -> int:
            return browser.post(here + path, data=data).status_code

        assert (post("/call", due_on=str(ago(0)), why="ask"), post("/call", due_on="", why="ask")) == (303, 422)
        assert "ask" in browser.get("/calls").text
        assert "Phil" in browser.get(f"{here}/script").text
        assert (post("/tasks/1/drop"), post("/tasks/1/drop"), post("/tasks/99/drop")) == (303, 409, 404)
        assert "Nobody is to be called" in browser.get("/calls").text
        assert (post("/mark", kind="value", why="our oldest"), post("/mark", kind="value", why="")) == (303, 422)
        assert codes(browser, "mark=value") == ["JO"]
        assert "of high value" in browser.get("/worklist?mark=value").text
        assert post("/marks/1/dismiss", until=str(ago(-9)), why="calm") == 303
        assert (
            browser.post(f"/worklist/{ann}/marks/1/dismiss", data={"until": str(ago(-9)), "why": "x"}).status_code
            == 404
        )
        assert (post("/escalate", kind="sales", why="knows them"), post("/escalate", kind="sales", why="x")) == (
            303,
            409,
        )
        assert (post("/escalate", kind="agency", why="silence"), codes(browser)) == (303, ["ANN"])
        zipped = browser.get(f"{here}/escalations/2/dossier")
        assert (zipped.status_code, zipped.content[:2]) == (200, b"PK")
        assert browser.get(f"/worklist/{ann}/escalations/2/dossier").status_code == 404
        assert "with a collection agency" in browser.get(f"/customers/{jo}/cards/attention").text
        assert (post("/escalations/2/end"), codes(browser)) == (303, ["JO", "ANN"])
    with client(world.kernel, Role.SALES, html=True) as seller:
        assert "knows them" in seller.get("/handed-on").text
        assert "knows them" in seller.get(f"/customers/{jo}/cards/attention").text
        assert seller.get("/worklist").status_code == 403


def test_who_stands_in_sees_the_customers_of_who_is_away(world: World) -> None:
    jo, _ann = furnished(world)
    owner, other = user_in(world.kernel, Role.COLLECTOR), user_in(world.kernel, Role.CREDIT_MANAGER)
    with world.database.transaction() as session:
        change_account(session, jo, {"owner_id": owner}, by="system", now=clock.now())
    refresh_all(world.kernel, now=clock.now(), in_flight=in_flight)
    with (
        client(world.kernel, Role.COLLECTOR) as browser,
        client(world.kernel, Role.CREDIT_MANAGER, html=True) as manager,
    ):
        assert codes(browser, f"worker_id={owner}") == ["JO"]
        away = {"away_from": str(ago(0)), "away_until": str(ago(-3)), "stand_in_id": other}
        made = browser.put(f"/api/v1/collectors/{owner}", json=away)
        assert (made.status_code, made.json()["stand_in_id"], made.json()["daily_capacity"]) == (200, other, 500)
        assert (codes(browser, f"worker_id={owner}"), codes(browser, f"owner_id={owner}")) == ([], ["JO"])
        assert "standing in" in manager.get("/worklist?mine=true").text
        assert browser.get("/api/v1/collectors").json()[0]["user_id"] == owner
        for wrong in (
            {"away_from": str(ago(0))},
            {"away_from": str(ago(0)), "away_until": str(ago(1))},
            {"stand_in_id": owner},
            {"manager_id": 999},
            {"daily_capacity": 0},
        ):
            assert browser.put(f"/api/v1/collectors/{owner}", json=wrong).status_code == 422, wrong
        assert browser.get("/api/v1/collectors/999").status_code == 404


def test_the_api_of_contacts_calls_and_attention(world: World) -> None:
    jo, _ann = furnished(world)
    with client(world.kernel, Role.COLLECTOR) as browser:
        wish = {
            "account_id": jo,
            "outcome": "call_back",
            "call_back_at": f"{ago(-2)}T09:00:00Z",
            "note": "in a meeting",
        }
        key = {"idempotency-key": "one"}
        first = browser.post("/api/v1/call-log", json=wish, headers=key)
        assert first.status_code == 201
        assert browser.post("/api/v1/call-log", json=wish, headers=key).json() == first.json()
        assert len(browser.get(f"/api/v1/call-log?account_id={jo}").json()["items"]) == 1
        [task] = browser.get("/api/v1/call-tasks?state=open").json()["items"]
        assert (task["source"], task["why"]) == ("call_back", "in a meeting")
        script = browser.get(f"/api/v1/call-tasks/{task['id']}").json()["script"]
        assert "INV-1: €900.00, 10 days late" in script
        assert "once somebody has approved it" in script
        assert browser.get(f"/api/v1/call-tasks?until={ago(0)}").json()["items"] == []
        assert (
            browser.post(f"/api/v1/call-tasks/{task['id']}/drop", json={"why": "came by"}).json()["state"] == "dropped"
        )
        asked = browser.post("/api/v1/call-tasks", json={"account_id": jo, "due_on": str(ago(0)), "why": "ask"})
        assert asked.json()["state"] == "open"
        mark = browser.post(
            "/api/v1/attention", json={"account_id": jo, "kind": "difficulty", "why": "read of it"}
        ).json()
        assert [one["id"] for one in browser.get("/api/v1/attention?kind=difficulty").json()["items"]] == [mark["id"]]
        assert browser.post(f"/api/v1/attention/{mark['id']}/end", json={"why": "wrong"}).json()["until"] == str(ago(0))
        assert browser.get("/api/v1/attention").json()["items"] == []
        assert browser.get("/api/v1/attention/rules").json()["difficulty"]["automation"] == "none"
        rule = {"automation": "courtesy", "numbers": {"top_percent": 5}}
        assert browser.put("/api/v1/attention/rules/value", json=rule).status_code == 403
        assert browser.get("/api/v1/promises/kept-rate").json()["rates"] == []
        for body in ({"account_id": 999, "outcome": "spoke"}, {"account_id": jo, "outcome": "spoke", "task_id": 999}):
            assert browser.post("/api/v1/call-log", json=body).status_code == 404
    with client(world.kernel, Role.CREDIT_MANAGER) as manager:
        assert manager.put("/api/v1/attention/rules/value", json=rule).json() == rule
