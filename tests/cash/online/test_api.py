"""The API of online payments: what staff asks for, what it sees, and what it may not."""

from __future__ import annotations

from itertools import count
from typing import Any

from fastapi.testclient import TestClient

from ar.core.access.models import Role
from tests.cash.shopping import Shop
from tests.web import client

_KEYS = count()


def post(browser: TestClient, path: str, body: Any = None, *, key: str = "") -> Any:
    headers = {"idempotency-key": key or f"k{next(_KEYS)}"}
    return browser.post(f"/api/v1{path}", json=body or {}, headers=headers)


def test_a_saved_method_is_listed_charged_and_removed(shop: Shop) -> None:
    card = shop.leave("leave_card")
    account = f"/accounts/{shop.account}"
    with client(shop.kernel, Role.CASH) as browser:
        [listed] = browser.get(f"/api/v1{account}/payment-methods").json()
        assert (listed["id"], listed["last4"], listed["is_default"]) == (card.id, "4242", True)
        assert "gateway_method" not in listed
        body = {"method_id": card.id, "targets": [{"entry_id": shop.items[0], "amount_minor": 600}]}
        first = post(browser, f"{account}/charges", body, key="one")
        assert (first.status_code, first.json()["state"]) == (201, "settled")
        assert post(browser, f"{account}/charges", body, key="one").json() == first.json()
        assert (shop.open(), shop.taken()) == ([400, 2000], 600)
        told = browser.get(f"/api/v1/payments/{first.json()['payment_id']}").json()
        assert (told["flow"], told["received_minor"], told["disputes"]) == ("charge", 600, [])
        wrong = post(
            browser, f"{account}/charges", body | {"targets": [{"entry_id": shop.items[0], "amount_minor": 9}]}
        )
        assert (wrong.status_code, wrong.json()["code"]) == (422, "not-payable-online")
        assert post(browser, f"{account}/payment-methods/{card.id}/default").status_code == 200
        assert browser.delete(f"/api/v1{account}/payment-methods/{card.id}").status_code == 204
        assert browser.delete(f"/api/v1{account}/payment-methods/{card.id}").status_code == 404
        rest = body | {"targets": [{"entry_id": shop.items[0], "amount_minor": 400}]}
        assert post(browser, f"{account}/charges", rest).status_code == 404


def test_authorise_capture_a_part_and_see_the_fee_of_a_dispute(shop: Shop) -> None:
    card = shop.leave("leave_card")
    account = f"/accounts/{shop.account}"
    with client(shop.kernel, Role.CASH) as browser:
        body = {"method_id": card.id, "hold": True, "targets": [{"entry_id": shop.items[1], "amount_minor": 2000}]}
        held = post(browser, f"{account}/charges", body).json()
        assert held["state"] == "pending"
        number = held["payment_id"]
        assert post(browser, f"/payments/{number}/captures", {"amount_minor": 2001}).status_code == 422
        taken = post(browser, f"/payments/{number}/captures", {"amount_minor": 1500})
        assert (taken.status_code, taken.json()["state"]) == (201, "settled")
        assert post(browser, f"/payments/{number}/releases", {"why": "late"}).status_code == 422
        shop.intent_act("take_back")
        shop.hear()
        told = browser.get(f"/api/v1/payments/{number}").json()
        assert (told["state"], told["received_minor"]) == ("disputed", 1500)
        [dispute] = told["disputes"]
        assert (dispute["stage"], dispute["amount_minor"], dispute["fee_minor"]) == ("open", 1500, 2000)
        assert shop.open() == [1000, 2000]


def test_a_page_and_a_transfer_for_any_amount(shop: Shop) -> None:
    account = f"/accounts/{shop.account}"
    extra = {"on_account": {"entity_id": shop.entity(), "currency": "EUR", "amount_minor": 700}}
    with client(shop.kernel, Role.CASH) as browser:
        page = post(browser, f"{account}/payment-pages", extra).json()
        assert post(browser, f"{account}/payment-pages", extra).json()["payment_id"] == page["payment_id"]
        shop.press(page["url"], "card")
        shop.hear()
        assert shop.credit() == 700
        asked = post(browser, f"{account}/transfers", {"targets": [{"entry_id": shop.items[0], "amount_minor": 900}]})
        assert asked.status_code == 201
        told = browser.get(f"/api/v1/payments/{asked.json()['id']}").json()
        [number] = browser.get(f"/api/v1{account}/virtual-accounts").json()
        assert told["instructions"]["iban"] == number["iban"]
        assert post(browser, f"{account}/transfers").status_code == 422
        assert browser.get("/api/v1/accounts/999999/virtual-accounts").status_code == 404
    with client(shop.kernel, Role.AUDITOR) as reader:
        assert reader.get(f"/api/v1{account}/payment-methods").status_code == 200
        assert post(reader, f"{account}/payment-pages", extra).status_code == 403
