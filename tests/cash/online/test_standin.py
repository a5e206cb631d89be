"""The test gateway's customers, methods, intents and cash balances, asked by Stripe's own library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.cash.gatewaykit import KEY, Gateway, running


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def client(gateway: Gateway) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient(timeout=10)
    yield stripe.StripeClient(KEY, http_client=http, base_addresses={"api": gateway.url}, max_network_retries=0)
    http.close()  # type: ignore[no-untyped-call]


def left(client: stripe.StripeClient, token: str) -> tuple[str, str]:
    """A customer and the test card that it left, by a SetupIntent."""
    customer = client.v1.customers.create({"name": "Nordlicht", "metadata": {"account": "NORD"}})
    sent: Any = {"customer": customer.id, "allowed_payment_method_types": ["card"]}
    made = client.v1.setup_intents.create(sent)
    assert made.status == "requires_payment_method"
    done = client.v1.setup_intents.confirm(made.id, {"payment_method": token})
    assert done.status == "succeeded"
    return customer.id, str(done.payment_method)


def wanted(customer: str, method: str, **changed: Any) -> Any:
    return {
        "amount": 1250,
        "currency": "eur",
        "customer": customer,
        "payment_method": method,
        "confirm": True,
        "off_session": True,
    } | changed


def test_a_setup_intent_keeps_a_card_that_is_charged(gateway: Gateway, client: stripe.StripeClient) -> None:
    customer, method = left(client, "pm_card_visa")
    found = client.v1.payment_methods.retrieve(method)
    assert found.card is not None
    assert (found.customer, found.card.last4) == (customer, "4242")
    paid = client.v1.payment_intents.create(wanted(customer, method, expand=["latest_charge"]))
    assert (paid.status, paid.amount_received) == ("succeeded", 1250)
    assert isinstance(paid.latest_charge, stripe.Charge)
    assert [event["type"] for event in gateway.told()] == ["setup_intent.succeeded", "payment_intent.succeeded"]
    assert [one.id for one in client.v1.payment_intents.list({"customer": customer}).data] == [paid.id]


@pytest.mark.parametrize(
    ("token", "code", "decline"),
    [
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_decline_is_stripes_card_error(client: stripe.StripeClient, token: str, code: str, decline: str) -> None:
    customer, method = left(client, token)
    options: Any = {"idempotency_key": "k1"}
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(wanted(customer, method), options)
    assert (declined.value.http_status, declined.value.code) == (402, code)
    told: Any = declined.value.json_body
    body = told["error"]
    assert (body["type"], body["decline_code"]) == ("card_error", decline)
    assert body["payment_intent"]["status"] == "requires_payment_method"
    with pytest.raises(stripe.CardError) as again:
        client.v1.payment_intents.create(wanted(customer, method), options)
    assert again.value.json_body == declined.value.json_body
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create(wanted(customer, method, amount=1), options)


def test_authorised_captured_in_part_and_cancelled(client: stripe.StripeClient) -> None:
    customer, method = left(client, "pm_card_visa")
    held = client.v1.payment_intents.create(wanted(customer, method, capture_method="manual"))
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 1250, 0)
    with pytest.raises(stripe.InvalidRequestError, match="greater than the authorized"):
        client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1251})
    done = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 700})
    assert (done.status, done.amount, done.amount_received, done.amount_capturable) == ("succeeded", 1250, 700, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.cancel(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    other = client.v1.payment_intents.create(wanted(customer, method, capture_method="manual"))
    gone = client.v1.payment_intents.cancel(other.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason, gone.amount_capturable) == ("canceled", "abandoned", 0)


def test_a_detached_method_is_charged_no_more(client: stripe.StripeClient) -> None:
    customer, method = left(client, "pm_card_visa")
    assert client.v1.payment_methods.detach(method).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="detached"):
        client.v1.payment_intents.create(wanted(customer, method))
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        client.v1.payment_methods.detach(method)


def test_another_customers_method_is_refused(client: stripe.StripeClient) -> None:
    _, method = left(client, "pm_card_visa")
    stranger = client.v1.customers.create({"name": "Another"})
    with pytest.raises(stripe.InvalidRequestError, match="different Customer"):
        client.v1.payment_intents.create(wanted(stranger.id, method))


def transfer(customer: str, **changed: Any) -> Any:
    return {
        "amount": 5000,
        "currency": "eur",
        "customer": customer,
        "confirm": True,
        "allowed_payment_method_types": ["customer_balance"],
        "payment_method_data": {"type": "customer_balance"},
        "payment_method_options": {
            "customer_balance": {
                "funding_type": "bank_transfer",
                "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}},
            }
        },
    } | changed


def test_a_transfer_in_two_parts_with_some_left(gateway: Gateway, client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Nordlicht"}).id
    made = client.v1.payment_intents.create(transfer(customer))
    assert made.status == "requires_action"
    assert made.next_action is not None
    told = made.next_action.display_bank_transfer_instructions
    assert told is not None
    assert told.financial_addresses is not None
    iban = told.financial_addresses[0].iban
    assert iban is not None
    assert (told.amount_remaining, iban.country) == (5000, "DE")
    helpers = client.v1.test_helpers.customers
    helpers.fund_cash_balance(customer, {"amount": 2000, "currency": "eur"})
    half = client.v1.payment_intents.retrieve(made.id)
    assert half.next_action is not None
    assert half.next_action.display_bank_transfer_instructions is not None
    assert half.next_action.display_bank_transfer_instructions.amount_remaining == 3000
    helpers.fund_cash_balance(customer, {"amount": 3500, "currency": "eur"})
    assert client.v1.payment_intents.retrieve(made.id).status == "succeeded"
    assert client.v1.customers.cash_balance.retrieve(customer).to_dict()["available"] == {"eur": 500}
    kinds = [event["type"].rpartition(".")[2] for event in gateway.told()]
    assert kinds == ["created", "created", "partially_funded", "created", "created", "succeeded"]
    other = client.v1.payment_intents.create(transfer(customer, amount=400))
    assert other.status == "succeeded"


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"colour": "blue"}, "parameter_unknown", "colour"),
        ({"confirm": "perhaps"}, None, "confirm"),
        ({"payment_method_options": {"card": {"moto": True}}}, "parameter_unknown", "payment_method_options[card]"),
        ({"confirm": False}, None, "off_session"),
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
        ({"return_url": "http://shop.example/"}, None, "return_url"),
    ],
)
def test_what_stripe_would_refuse_is_refused(
    client: stripe.StripeClient, changed: Any, code: str | None, param: str
) -> None:
    customer, method = left(client, "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(wanted(customer, method) | changed)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


def test_an_inactive_mandate_is_not_debited(gateway: Gateway, client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Nordlicht"}).id
    wish: Any = {"mode": "setup", "customer": customer, "allowed_payment_method_types": ["sepa_debit"]}
    page = client.v1.checkout.sessions.create(wish | {"success_url": "http://shop.example/"})
    assert gateway.act(page.id, "leave_debit").status_code == 303
    found = client.v1.checkout.sessions.retrieve(page.id, {"expand": ["setup_intent.mandate"]})
    assert isinstance(found.setup_intent, stripe.SetupIntent)
    mandate = found.setup_intent.mandate
    assert isinstance(mandate, stripe.Mandate)
    assert mandate.status == "active"
    method = str(found.setup_intent.payment_method)
    sent = wanted(customer, method, allowed_payment_method_types=["sepa_debit"], mandate=mandate.id)
    assert client.v1.payment_intents.create(sent).status == "processing"
    client.v1.payment_methods.detach(method)
    assert client.v1.mandates.retrieve(mandate.id).status == "inactive"


def test_a_dispute_is_told_with_its_fee_and_closed(gateway: Gateway, client: stripe.StripeClient) -> None:
    customer, method = left(client, "pm_card_visa")
    paid = client.v1.payment_intents.create(wanted(customer, method))
    assert httpx.post(f"{gateway.url}/intents/{paid.id}", data={"act": "take_back"}).status_code == 303
    [dispute] = client.v1.disputes.list({"payment_intent": paid.id}).data
    assert (dispute.status, dispute.balance_transactions[0].fee) == ("needs_response", 2000)
    assert client.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.close(dispute.id)
    assert [event["type"] for event in gateway.told()][-3:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    ]
