"""Checkout Sessions, as the test gateway makes them: pages that take a payment, or keep a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ar.cash.standin import parameters as p
from ar.cash.standin.intents import check_amount, new_intent, no_longer_supported, usable_methods
from ar.cash.standin.objects import DAY, new_id
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

_LOCALES = ("auto", "de", "en", "es", "fr", "it", "nl", "pl", "pt")

_PRODUCT = {"name": p.text(250), "description": p.text(500), "metadata": p.metadata}
_PRICE = {"currency": p.text(3), "unit_amount": p.whole, "product_data": p.nested(_PRODUCT, ["name"])}
_LINE = {"price_data": p.nested(_PRICE, ["currency", "unit_amount", "product_data"]), "quantity": p.whole}
_INTENT_DATA = {
    "metadata": p.metadata,
    "description": p.text(1000),
    "setup_future_usage": p.one_of("off_session", "on_session"),
    "capture_method": p.one_of("automatic", "automatic_async", "manual"),
}
SESSION: Mapping[str, p.Check] = {
    "mode": p.one_of("payment", "setup"),
    "customer": p.text(255),
    "line_items": p.several(p.nested(_LINE, ["price_data", "quantity"]), 100),
    "allowed_payment_method_types": p.several(p.one_of("card", "sepa_debit"), 10),
    "payment_method_types": no_longer_supported,
    "client_reference_id": p.text(200),
    "customer_email": p.text(320),
    "metadata": p.metadata,
    "payment_intent_data": p.nested(_INTENT_DATA),
    "setup_intent_data": p.nested({"metadata": p.metadata, "description": p.text(1000)}),
    "locale": p.one_of(*_LOCALES),
    "success_url": p.url,
    "cancel_url": p.url,
    "expires_at": p.whole,
    "expand": p.several(p.text(100), 4),
}


def new_session(sent: Mapping[str, Any], *, page: str, at: int) -> dict[str, Any]:
    """A Checkout Session from checked parameters. Raises RefusedError, as Stripe does, for what does not hold."""
    expires_at = sent.get("expires_at", at + DAY)
    if not at + 1790 <= expires_at <= at + DAY + 10:
        raise RefusedError(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    session_id = new_id("cs_test", 58)
    return {
        "id": session_id,
        "object": "checkout.session",
        "cancel_url": sent.get("cancel_url"),
        "client_reference_id": sent.get("client_reference_id"),
        "created": at,
        "customer": sent.get("customer"),
        "customer_email": sent.get("customer_email"),
        "expires_at": expires_at,
        "livemode": False,
        "locale": sent.get("locale"),
        "metadata": sent.get("metadata", {}),
        "mode": sent["mode"],
        "payment_intent": None,
        "setup_intent": None,
        "status": "open",
        "success_url": sent["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{page}/{session_id}",
        **(_setup_terms(sent) if sent["mode"] == "setup" else _payment_terms(sent)),
    }


def _setup_terms(sent: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("line_items", "payment_intent_data"):
        if name in sent:
            raise RefusedError(f"You can not pass `{name}` in `setup` mode.", param=name)
    return {
        "amount_subtotal": None,
        "amount_total": None,
        "currency": None,
        "payment_method_types": usable_methods(sent),
        "payment_status": "no_payment_required",
        "_intent_metadata": sent.get("setup_intent_data", {}).get("metadata", {}),
        "_lines": [],
    }


def _payment_terms(sent: Mapping[str, Any]) -> dict[str, Any]:
    if "setup_intent_data" in sent:
        raise RefusedError("You can only pass `setup_intent_data` in `setup` mode.", param="setup_intent_data")
    lines = sent.get("line_items")
    if not lines:
        raise RefusedError("Missing required param: line_items.", code="parameter_missing", param="line_items")
    currencies = {line["price_data"]["currency"].lower() for line in lines}
    if len(currencies) != 1:
        raise RefusedError("All prices on a Checkout Session must use the same currency.", param="line_items")
    [currency] = currencies
    total = sum(line["price_data"]["unit_amount"] * line["quantity"] for line in lines)
    check_amount(total, currency, [line["price_data"]["unit_amount"] for line in lines])
    data = sent.get("payment_intent_data", {})
    methods = usable_methods(sent, currency, held=data.get("capture_method") == "manual")
    return {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currency,
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "_lines": [
            [line["price_data"]["product_data"]["name"], line["price_data"]["unit_amount"] * line["quantity"]]
            for line in lines
        ],
        "_intent_metadata": data.get("metadata", {}),
        "_usage": data.get("setup_future_usage"),
        "_capture": data.get("capture_method", "automatic_async"),
    }


def session_intent(session: dict[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """The intent behind a payment page, made with the first attempt to pay."""
    intent = kept.get(session["payment_intent"]) if session["payment_intent"] else None
    if intent is None:
        intent = new_intent(
            amount=session["amount_total"],
            currency=session["currency"],
            customer=session["customer"],
            metadata=session["_intent_metadata"],
            methods=session["payment_method_types"],
            at=at,
            capture_method=session.get("_capture", "automatic_async"),
            usage=session.get("_usage"),
        )
        kept.put(session | {"payment_intent": intent["id"]})
    return intent
