"""A customer leaves a card, pays by it, by transfer, any amount, and has its invoices paid by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from ar.app import create_app
from ar.cash.autopay.models import Autopay
from ar.cash.online.methods import methods_of
from ar.cash.payment_states import PaymentState
from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from tests.cash.shopping import Shop, opened_shop
from tests.ledger.make import customer


@pytest.fixture
def shop(kernel: Kernel, tmp_path: Path) -> Iterator[Shop]:
    with opened_shop(kernel, tmp_path) as made:
        yield made


def visiting(shop: Shop, account: int) -> TestClient:
    browser = TestClient(create_app(shop.kernel), follow_redirects=False, raise_server_exceptions=False)
    browser.headers["accept"] = "text/html"
    url = portal_url("", shop.kernel.settings.signing_key, account, 1, now=shop.gateway.clock())
    assert browser.get(url).status_code == 303
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/portal").text)
    assert found is not None
    browser.headers["x-csrf-token"] = found[1]
    return browser


def leave(shop: Shop, browser: TestClient, what: str) -> int:
    page = browser.post("/portal/methods/add").headers["location"]
    back = shop.gateway.act(page.rsplit("/", 1)[1], what).headers["location"]
    answer = browser.get(back.removeprefix(shop.kernel.settings.base_url))
    assert answer.headers["location"] == "/portal/methods?done=kept"
    with shop.kernel.database.reading() as session:
        return max(one.id or 0 for one in methods_of(session, shop.account))


def test_a_card_is_left_and_pays_what_is_ticked(shop: Shop) -> None:
    browser = visiting(shop, shop.account)
    assert "Nothing is kept yet" in browser.get("/portal/methods").text
    card = leave(shop, browser, "leave_card")
    assert "Card ending in 4242" in browser.get("/portal").text
    form = {"entry": [shop.items[0]], "way": f"saved:{card}"}
    assert browser.post("/portal/pay", data=form).headers["location"] == "/portal?done=paid"
    assert (shop.open(), shop.states()) == ([0, 2000], [PaymentState.SETTLED])
    poor = leave(shop, browser, "leave_insufficient")
    answer = browser.post("/portal/pay", data={"entry": [shop.items[1]], "way": f"saved:{poor}"})
    assert "there was not enough money on the account" in browser.get(answer.headers["location"]).text
    careful = leave(shop, browser, "leave_authenticate")
    asked = browser.post("/portal/pay", data={"entry": [shop.items[1]], "way": f"saved:{careful}"})
    assert "/intents/" in asked.headers["location"]
    shop.intent_act("confirm")
    assert browser.get("/portal/charged").headers["location"] == "/portal?done=paid"
    assert shop.open() == [0, 0]
    assert browser.post(f"/portal/methods/{card}/default").status_code == 303
    assert browser.post(f"/portal/methods/{card}/remove").headers["location"] == "/portal/methods?done=removed"
    assert "4242" not in browser.get("/portal/methods").text


def test_any_amount_for_an_invoice_or_on_account(shop: Shop) -> None:
    browser = visiting(shop, shop.account)
    form = {"purpose": f"item:{shop.items[1]}", "amount": "7,50"}
    assert "INV-2000" in browser.get(f"/portal/amount?for=item:{shop.items[1]}").text
    shop.press(browser.post("/portal/amount", data=form).headers["location"], "card")
    shop.hear()
    assert shop.open() == [1000, 1250]
    own = {"purpose": f"account:{shop.entity()}", "amount": "12"}
    shop.press(browser.post("/portal/amount", data=own | {"save": "1"}).headers["location"], "card")
    shop.hear()
    shop.run_jobs()
    assert shop.credit() == 1200
    assert "4242" in browser.get("/portal/methods").text
    for wrong in ({"amount": "0.10"}, {"amount": "12.501"}, {"amount": "99"}, {"purpose": "item:1x"}, {"amount": "-5"}):
        answer = browser.post("/portal/amount", data=form | wrong)
        assert 400 <= answer.status_code < 500, wrong
        assert "<form" in answer.text
    assert len(shop.payments()) == 2


def test_a_transfer_is_shown_until_it_is_there(shop: Shop) -> None:
    browser = visiting(shop, shop.account)
    form = {"entry": shop.items, "way": "transfer"}
    assert browser.post("/portal/pay", data=form).headers["location"] == "/portal/transfers"
    page = browser.get("/portal/transfers").text
    assert "INV-1000, INV-2000" in page
    iban = (shop.payments()[0].instructions or {})["iban"]
    assert " ".join(iban[n : n + 4] for n in range(0, len(iban), 4)) in page
    shop.intent_act("transfer_half")
    shop.hear()
    assert "€15.00 of it has arrived." in browser.get("/portal/transfers").text
    shop.intent_act("transfer")
    shop.hear()
    assert shop.open() == [0, 0]
    assert "No transfer is awaited" in browser.get("/portal/transfers").text


def test_automatic_payment_wants_consent_and_a_limit(shop: Shop) -> None:
    browser = visiting(shop, shop.account)
    card = leave(shop, browser, "leave_card")
    form = {"method_id": card, "limit": "500", "offset_days": "0", "notice_days": "usual"}
    assert browser.post("/portal/autopay", data=form).status_code == 422
    assert browser.post("/portal/autopay", data=form | {"agree": "1", "limit": "x"}).status_code == 422
    agreed = form | {"agree": "1"}
    assert browser.post("/portal/autopay", data=agreed).headers["location"] == "/portal/methods?done=on"
    with shop.kernel.database.reading() as session:
        [made] = session.exec(select(Autopay)).all()
    assert (made.limit_minor, made.notice_days, made.started_by) == (50_000, 3, f"customer:{shop.account}")
    assert "We tell you 3 days before." in browser.get("/portal/methods").text
    assert browser.post(f"/portal/autopay/{made.id}/end").headers["location"] == "/portal/methods?done=off"
    with shop.kernel.database.reading() as session:
        assert session.exec(select(Autopay.ended_why)).all() == ["turned_off"]


def test_nothing_of_another_customer(shop: Shop) -> None:
    card = shop.leave("leave_card")
    with shop.kernel.database.transaction() as session:
        stranger = customer(session, "C2")
    browser = visiting(shop, stranger)
    for path, form in (
        (f"/portal/methods/{card.id}/default", {}),
        (f"/portal/methods/{card.id}/remove", {}),
        ("/portal/autopay/1/end", {}),
        ("/portal/autopay", {"method_id": card.id, "limit": "5", "agree": "1"}),
        ("/portal/amount", {"purpose": f"item:{shop.items[0]}", "amount": "5"}),
        ("/portal/pay", {"entry": shop.items[0], "way": f"saved:{card.id}"}),
    ):
        answer = browser.post(path, data=form)
        assert 400 <= answer.status_code < 500, path
        assert "4242" not in answer.text
    assert browser.get("/portal/methods/added?session=cs_test_x").status_code == 404
    assert browser.get("/portal/charged").status_code == 404
    assert shop.payments() == []
