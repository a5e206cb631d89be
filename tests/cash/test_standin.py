"""The test gateway against Stripe's own library: what it takes, what it refuses, and what it tells."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from ar.cash.signatures import sign
from ar.cash.standin.parameters import RefusedError, read_form
from tests.cash.gatewaykit import KEY, SECRET, Gateway, running


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def client(gateway: Gateway) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient(timeout=10)
    yield stripe.StripeClient(KEY, http_client=http, base_addresses={"api": gateway.url}, max_network_retries=0)
    http.close()  # type: ignore[no-untyped-call]


def wanted(**changed: Any) -> Any:
    line = {"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "INV-1"}}}
    return {
        "mode": "payment",
        "line_items": [line],
        "allowed_payment_method_types": ["card", "sepa_debit"],
        "client_reference_id": "pay_1",
        "metadata": {"payment": "pay_1"},
        "payment_intent_data": {"metadata": {"payment": "pay_1"}},
        "success_url": "http://shop.example/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.example/back",
    } | changed


def test_a_card_payment_completes_the_session_and_tells_so(gateway: Gateway, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(wanted())
    assert (made.status, made.payment_status, made.amount_total, made.payment_intent) == ("open", "unpaid", 1250, None)
    assert made.url is not None
    page = httpx.get(made.url)
    assert "Test gateway" in page.text
    assert "€12.50" in page.text
    assert "<script>" not in page.text
    assert "style=" not in page.text

    answer = gateway.act(made.id, "card")
    assert (answer.status_code, answer.headers["location"]) == (303, f"http://shop.example/done?session={made.id}")
    found = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent.latest_charge"]})
    assert (found.status, found.payment_status, found.url) == ("complete", "paid", None)
    assert isinstance(found.payment_intent, stripe.PaymentIntent)
    assert found.payment_intent.status == "succeeded"
    assert found.payment_intent.metadata["payment"] == "pay_1"
    [event] = gateway.told()
    assert event["type"] == "checkout.session.completed"
    assert event["data"]["object"]["client_reference_id"] == "pay_1"


def test_the_page_speaks_french(gateway: Gateway, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(wanted(locale="fr"))
    assert made.url is not None
    page = httpx.get(made.url).text
    assert '<html lang="fr">' in page
    assert "Passerelle de test" in page


def test_a_declined_card_leaves_the_page_open(gateway: Gateway, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(wanted())
    assert gateway.act(made.id, "declined").headers["location"] == made.url
    assert client.v1.checkout.sessions.retrieve(made.id).status == "open"
    assert "declined" in httpx.get(str(made.url)).text
    gateway.act(made.id, "card")
    assert [event["type"] for event in gateway.told()] == [
        "payment_intent.payment_failed",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("act", "status", "told"),
    [
        ("sepa", "paid", "checkout.session.async_payment_succeeded"),
        ("sepa_refused", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_debit_is_answered_by_the_bank_later(
    gateway: Gateway, client: stripe.StripeClient, act: str, status: str, told: str
) -> None:
    made = client.v1.checkout.sessions.create(wanted())
    gateway.act(made.id, act)
    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == "unpaid"
    gateway.clock.move(hours=2)
    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == status
    assert gateway.told()[-1]["type"] == told


def test_money_taken_back_and_won_again(gateway: Gateway, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(wanted())
    gateway.act(made.id, "card")
    gateway.act(made.id, "take_back")
    intent = str(client.v1.checkout.sessions.retrieve(made.id).payment_intent)
    [dispute] = client.v1.disputes.list({"payment_intent": intent}).data
    assert (dispute.status, dispute.amount) == ("needs_response", 1250)
    gateway.act(made.id, "win_back")
    assert client.v1.disputes.retrieve(dispute.id).status == "won"
    assert [event["type"] for event in gateway.told()][1:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


def test_refunds_stay_within_the_charge(gateway: Gateway, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(wanted())
    gateway.act(made.id, "card")
    intent = str(client.v1.checkout.sessions.retrieve(made.id).payment_intent)
    assert client.v1.refunds.create({"payment_intent": intent, "amount": 250}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": intent, "amount": 1001})
    client.v1.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        client.v1.refunds.create({"payment_intent": intent})
    assert gateway.told()[-1]["data"]["object"]["amount_refunded"] == 1250


def test_a_key_gives_its_first_answer_again_or_refuses_another_request(client: stripe.StripeClient) -> None:
    first = client.v1.checkout.sessions.create(wanted(), {"idempotency_key": "k1"})
    again = client.v1.checkout.sessions.create(wanted(), {"idempotency_key": "k1"})
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(wanted(client_reference_id="pay_2"), {"idempotency_key": "k1"})


def test_twenty_at_once_under_one_key_make_one_session(gateway: Gateway) -> None:
    barrier = threading.Barrier(20)

    def ask(_: int) -> str:
        barrier.wait()
        body = "mode=payment&success_url=http://shop.example/&line_items[0][quantity]=1"
        body += "&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=100"
        body += "&line_items[0][price_data][product_data][name]=X"
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "one"}
        return str(httpx.post(f"{gateway.url}/v1/checkout/sessions", content=body, headers=headers).json()["id"])

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(ask, range(20)))) == 1


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"colour": "blue"}, "parameter_unknown", "colour"),
        ({"line_items": [{"quantity": 1, "price_data": {"currency": "eur"}}]}, "parameter_missing", None),
        ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
        ({"expires_at": 1}, None, "expires_at"),
        ({"mode": "subscription"}, None, "mode"),
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported", "payment_method_types"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
    ],
)
def test_what_stripe_would_refuse_is_refused(
    client: stripe.StripeClient, changed: Any, code: str | None, param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(wanted(**changed))
    assert refused.value.http_status == 400
    assert refused.value.code == code
    if param:
        assert refused.value.param == param


@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [("eur", 49, "at least 50"), ("kwd", 5124, "divisible by 10"), ("isk", 550, "divisible by 100")],
)
def test_amounts_that_stripe_does_not_take(client: stripe.StripeClient, currency: str, amount: int, said: str) -> None:
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "X"}}
    lines = [{"quantity": 1, "price_data": price}]
    with pytest.raises(stripe.InvalidRequestError, match=said):
        client.v1.checkout.sessions.create(wanted(line_items=lines, allowed_payment_method_types=["card"]))


def test_a_wrong_key_and_an_unknown_thing(gateway: Gateway, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"No such checkout\.session"):
        client.v1.checkout.sessions.retrieve("cs_test_none")
    answer = httpx.get(f"{gateway.url}/v1/charges/ch_1", headers={"Authorization": "Bearer sk_test_wrong"})
    assert answer.status_code == 401
    assert KEY not in answer.text
    assert httpx.get(f"{gateway.url}/pay/cs_test_none").status_code == 404


def test_an_expired_session_cannot_be_paid(gateway: Gateway, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(wanted())
    assert client.v1.checkout.sessions.expire(made.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        client.v1.checkout.sessions.expire(made.id)
    gateway.act(made.id, "card")
    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == "unpaid"
    late = client.v1.checkout.sessions.create(wanted())
    gateway.clock.move(hours=25)
    assert client.v1.checkout.sessions.retrieve(late.id).status == "expired"


def test_events_are_signed_as_stripes_library_checks_them(gateway: Gateway, client: stripe.StripeClient) -> None:
    taken: list[tuple[bytes, str]] = []

    def take(payload: bytes, signature: str) -> bool:
        taken.append((payload, signature))
        return len(taken) > 1

    gateway.app.close()
    gateway.app.postman._deliver = take
    gateway.act(client.v1.checkout.sessions.create(wanted()).id, "card")
    for _ in range(4):
        gateway.app.postman.send_due()
        gateway.clock.move(seconds=3)
    assert len(taken) == 2
    for payload, signature in taken:
        event = stripe.Webhook.construct_event(payload, signature, SECRET)
        assert event.type == "checkout.session.completed"
    assert taken[0][0] == taken[1][0]


def test_our_signature_is_stripes() -> None:
    payload = json.dumps({"id": "evt_1", "object": "event"})
    theirs = stripe.WebhookSignature.generate_signature_header(payload, "whsec_x", 1_700_000_000)
    assert sign(payload.encode(), "whsec_x", at=1_700_000_000) == theirs


@pytest.mark.parametrize("body", [b"a[b=1", b"a=1&a=2", b"a[b]=1&a=2", b"&".join([b"a=1"] * 2000), b"\xff=1", b"a=%ff"])
def test_forms_that_are_none(body: bytes) -> None:
    with pytest.raises(RefusedError):
        read_form(body)
