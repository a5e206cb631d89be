"""What is sent to Stripe, by its own parameter names. Pure."""

from __future__ import annotations

from typing import Any

from ar.cash.gateway import CheckoutRequest
from ar.cash.gateway_amounts import to_gateway
from ar.cash.online.gateway import ChargeRequest, SetupRequest, TransferRequest

TRANSFER_COUNTRIES = ("BE", "DE", "ES", "FR", "IE", "NL")
"""Where Stripe gives customers account numbers in euros."""


def payment_page(request: CheckoutRequest) -> dict[str, Any]:
    """A Checkout Session that takes a payment."""
    currency = request.currency.lower()
    intent: dict[str, Any] = {"metadata": {"payment": request.key}}
    if request.save:
        intent["setup_future_usage"] = "off_session"
    if request.hold:
        intent["capture_method"] = "manual"
    sent: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": request.key,
        "metadata": {"payment": request.key},
        "payment_intent_data": intent,
        "allowed_payment_method_types": list(request.methods),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": currency,
                    "unit_amount": to_gateway(line.amount_minor, request.currency),
                    "product_data": {"name": line.name},
                },
            }
            for line in request.lines
        ],
        "locale": request.language,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": request.expires_at,
    }
    if request.customer:
        sent["customer"] = request.customer
    return sent


def setup_page(request: SetupRequest) -> dict[str, Any]:
    """A Checkout Session that takes no money and keeps a method."""
    return {
        "mode": "setup",
        "customer": request.customer,
        "client_reference_id": request.key,
        "metadata": {"setup": request.key},
        "setup_intent_data": {"metadata": {"setup": request.key}},
        "allowed_payment_method_types": list(request.methods),
        "locale": request.language,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": request.expires_at,
    }


def charge(request: ChargeRequest) -> dict[str, Any]:
    """A PaymentIntent confirmed at once with a saved method."""
    sent: dict[str, Any] = {
        "amount": to_gateway(request.amount_minor, request.currency),
        "currency": request.currency.lower(),
        "customer": request.customer,
        "payment_method": request.method,
        "allowed_payment_method_types": [request.kind],
        "confirm": True,
        "metadata": {"payment": request.key},
        "description": request.description,
        "expand": ["latest_charge"],
    }
    if request.mandate:
        sent["mandate"] = request.mandate
    if request.hold:
        sent["capture_method"] = "manual"
    if request.absent:
        sent["off_session"] = True
    else:
        sent["return_url"] = request.return_url
    return sent


def transfer(request: TransferRequest) -> dict[str, Any]:
    """A PaymentIntent that a bank transfer to the customer's own account number pays."""
    euro = {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": request.country}}
    return {
        "amount": to_gateway(request.amount_minor, request.currency),
        "currency": request.currency.lower(),
        "customer": request.customer,
        "allowed_payment_method_types": ["customer_balance"],
        "payment_method_data": {"type": "customer_balance"},
        "payment_method_options": {"customer_balance": {"funding_type": "bank_transfer", "bank_transfer": euro}},
        "confirm": True,
        "metadata": {"payment": request.key},
        "description": request.description,
        "expand": ["latest_charge"],
    }


def customer(name: str, reference: str) -> dict[str, Any]:
    """A Customer: a name to find it by, and our number for it."""
    return {"name": name[:256], "metadata": {"account": reference}}


def capture(amount_minor: int, currency: str) -> dict[str, Any]:
    """A capture of part of what is authorised, or all; the rest is released by it."""
    return {"amount_to_capture": to_gateway(amount_minor, currency), "expand": ["latest_charge"]}


def refund(intent: str, amount_minor: int, currency: str, key: str) -> dict[str, Any]:
    """A refund of part of a payment, or all."""
    return {"payment_intent": intent, "amount": to_gateway(amount_minor, currency), "metadata": {"refund": key}}
