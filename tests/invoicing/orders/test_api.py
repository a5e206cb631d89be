"""Orders, rules, plans and drafts by API: what each role may do, and what is told of what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from ar.app import create_app
from ar.core import clock
from ar.core.access.models import Role
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.credit.limits import LimitDraft, set_limit
from ar.rota import ROTA
from invoicing.bodies import LINE
from tests.invoicing.make import NOW, TODAY, customer, seller
from tests.web import client

LATER = datetime(2126, 1, 1, tzinfo=UTC)


def once(key: str) -> dict[str, str]:
    return {"idempotency-key": key}


def body(**changes: Any) -> dict[str, Any]:
    return {"entity_id": 1, "account_id": 1, "reference": "A1", "lines": [LINE]} | changes


def sent(caller: TestClient, path: str, given: dict[str, Any], *, key: str = "k", status: int = 200) -> Any:
    answer = caller.post(f"/api/v1{path}", json=given, headers=once(f"{path}/{key}"))
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def carry_out(kernel: Kernel) -> None:
    run_due(kernel, ROTA.handlers, now=clock.now() + timedelta(seconds=5), limit=50)


def test_an_order_from_entry_to_invoice(kernel: Kernel) -> None:
    app = create_app(kernel)
    with kernel.database.transaction() as session:
        assert (seller(session), customer(session)) == (1, 1)
        set_limit(session, LimitDraft(1, 150_000, "EUR", "as agreed with sales", TODAY), by="user:9", now=NOW)
    with (
        client(kernel, Role.SALES, app=app) as sales,
        client(kernel, Role.CREDIT_MANAGER, app=app) as manager,
        client(kernel, Role.ADMIN, app=app) as other,
    ):
        first = sent(sales, "/orders", body(), status=201)
        assert (first["state"], first["total_minor"], first["unbilled_minor"]) == ("entered", 108_000, 108_000)
        assert sent(sales, "/orders", body(), key="again", status=201)["id"] == first["id"]
        clash = sent(sales, "/orders", body(note="in a hurry"), key="other", status=409)
        assert clash["code"] == "order-reference-taken"
        second = sent(sales, "/orders", body(reference="A2"), key="A2", status=201)
        assert sent(sales, f"/orders/{first['id']}/accept", {})["state"] == "accepted"
        held = sent(sales, f"/orders/{second['id']}/accept", {})
        assert (held["state"], held["credit"][0]["code"]) == ("held", "over-limit")
        assert "€1,080.00" in held["credit"][0]["message"]
        why = {"reason": "The parent company guarantees it by letter."}
        sent(sales, f"/orders/{second['id']}/override", why, status=403)
        assert sent(manager, f"/orders/{second['id']}/override", {"reason": "ok"}, key="1", status=422)["code"]
        let = sent(manager, f"/orders/{second['id']}/override", why, key="2")
        assert (let["state"], let["override_reason"]) == ("accepted", why["reason"])
        assert sent(sales, f"/orders/{second['id']}/accept", {}, key="2", status=409)["code"] == "order-state"

        rule = {"account_id": 1, "needs_buyer_reference": True, "approval": True}
        assert manager.put("/api/v1/billing-rules", json=rule).status_code == 200
        assert manager.put("/api/v1/billing-rules", json=rule | {"grouping": "month"}).json()["faults"]
        for order_id in (first["id"], second["id"]):
            assert sent(sales, f"/orders/{order_id}/deliver", {})["state"] == "delivered"
        run = sent(manager, "/billing-runs", {}, status=202)
        carry_out(kernel)
        assert manager.get(f"/api/v1/billing-runs/{run['id']}").json()["held"] == 2
        told = sales.get(f"/api/v1/orders/{first['id']}")
        assert [one["code"] for one in told.json()["billing_held"]] == ["buyer-reference-missing"]
        assert "enter it on the order" in told.json()["billing_held"][0]["message"]
        patch = f"/api/v1/orders/{first['id']}"
        mended = {"buyer_reference": "Atelier 3"}
        assert sales.patch(patch, json=mended, headers={"if-match": '"99"'}).status_code == 412
        assert sales.patch(patch, json=mended, headers={"if-match": told.headers["etag"]}).status_code == 200
        sent(manager, "/billing-runs", {}, key="2", status=202)
        carry_out(kernel)
        assert [one["subject"] for one in manager.get("/api/v1/billing-holds").json()["items"]] == [
            f"order:{second['id']}"
        ]
        [draft] = manager.get("/api/v1/invoice-drafts").json()["items"]
        assert (draft["needs_approval"], draft["order_reference"]) == (True, "A1")
        assert sent(manager, "/invoice-drafts/issue", {"ids": [draft["id"]]}, status=409)["code"] == "not-approved"
        sent(sales, "/invoice-drafts/approve", {"ids": [draft["id"]]}, status=403)
        assert sent(other, "/invoice-drafts/approve", {"ids": [draft["id"]]})["drafts"][0]["approved_by"]
        [issued] = sent(manager, "/invoice-drafts/issue", {"ids": [draft["id"]]}, key="2")["issued"]
        invoice = manager.get(f"/api/v1/invoices/{issued['invoice_id']}").json()
        assert (invoice["buyer_reference"], invoice["order_reference"]) == ("Atelier 3", "A1")
        shown = sales.get(f"/api/v1/orders/{first['id']}").json()
        assert (shown["state"], shown["unbilled_minor"]) == ("billed", 0)
        assert shown["billed_by"][0]["number"] == issued["number"]
        assert sent(sales, f"/orders/{second['id']}/cancel", {"reason": "no longer wanted"})["state"] == "cancelled"
        by_hand = sent(manager, "/invoice-drafts", {"entity_id": 1, "account_id": 1, "lines": [LINE]}, status=201)
        own = sent(manager, "/invoice-drafts/approve", {"ids": [by_hand["id"]]}, key="own", status=403)
        assert own["code"] == "own-draft"
        sent(manager, f"/invoice-drafts/{by_hand['id']}/discard", {"reason": "written twice"}, status=204)
        assert manager.get(f"/api/v1/invoice-drafts/{by_hand['id']}").status_code == 404
        assert manager.get("/api/v1/orders", params={"state": "billed"}).json()["items"][0]["id"] == first["id"]


def test_a_subscription_by_api_and_what_is_wrong_with_orders(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        assert (seller(session), customer(session)) == (1, 1)
    with client(kernel, Role.ADMIN) as admin:
        plan = {"entity_id": 1, "account_id": 1, "reference": "S1", "every": "month", "starts_on": "2026-01-10"}
        made = sent(admin, "/billing-plans", plan | {"lines": [LINE]}, status=201)
        assert made["next_on"] == "2026-01-10"
        of_it = f"/api/v1/billing-plans/{made['id']}"
        price = {"position": 1, "unit_price": "500", "valid_from": "2026-02-01"}
        assert len(admin.post(f"{of_it}/prices", json=price).json()["lines"][0]["prices"]) == 2
        assert admin.post(f"{of_it}/prices", json=price).json()["faults"][0]["pointer"] == "/valid_from"
        assert admin.post(f"{of_it}/end", json={"ends_on": "2026-02-10"}).json()["next_on"] == "2026-01-10"
        assert admin.post(f"{of_it}/end", json={"ends_on": "2025-02-10"}).status_code == 422
        known = admin.get(of_it)
        match = {"if-match": known.headers["etag"]}
        assert admin.patch(of_it, json={"purchase_order": "PO-1"}, headers=match).json()["purchase_order"] == "PO-1"
        sent(admin, "/billing-runs", {}, status=202)
        carry_out(kernel)
        periods = admin.get(of_it).json()["periods"]
        assert [one["period_from"] for one in periods] == ["2026-02-01", "2026-01-10"]
        wrong = [
            (body(stages=[{"kind": "milestone", "label": "All", "percent": "50"}]), "/stages"),
            (body(stages=[{"kind": "deposit", "percent": "100"}]), "/stages"),
            (body(stages=[{"kind": "milestone", "percent": "100"}]), "/stages/0/label"),
            (body(lines=[LINE | {"discount_minor": 90_001}, LINE]), "/lines/0/discount_minor"),
            (body(lines=[LINE | {"discount_percent": "0"}]), "/lines/0/discount_percent"),
            (body(lines=[LINE | {"discount_percent": "1", "discount_minor": 1}]), "/lines/0/discount_percent"),
            (body(lines=[LINE | {"quantity": "-1"}, LINE | {"quantity": "9"}]), "/lines/0/quantity"),
            (body(terms="whenever"), "/terms"),
            (body(site={"name": "Shop", "country": "XX"}), "/site/country"),
        ]
        for n, (given, pointer) in enumerate(wrong):
            told = sent(admin, "/orders", given, key=f"wrong{n}", status=422)
            assert told["faults"][0]["pointer"] == pointer, told
        assert admin.get("/api/v1/orders").json()["items"] == []
