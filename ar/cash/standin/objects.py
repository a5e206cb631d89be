"""Stripe's objects as the test gateway makes and changes them: sessions, intents, charges, refunds, disputes."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from ar.cash.standin import parameters as p
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

API_VERSION = "2026-10-28.endive"
DAY = 24 * 3600

_LETTERS = string.ascii_letters + string.digits
_WHOLE_ONLY = frozenset({"isk", "ugx"})
_TENS_ONLY = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_LEAST = {"eur": 50, "usd": 50, "chf": 50, "gbp": 30, "jpy": 50, "cad": 50, "sek": 300, "dkk": 250, "nok": 300}
_MOST = 99_999_999
_LOCALES = ("auto", "de", "en", "es", "fr", "it", "nl", "pl", "pt")

_PRODUCT = {"name": p.text(250), "description": p.text(500), "metadata": p.metadata}
_PRICE = {"currency": p.text(3), "unit_amount": p.whole, "product_data": p.nested(_PRODUCT, ["name"])}
_LINE = {"price_data": p.nested(_PRICE, ["currency", "unit_amount", "product_data"]), "quantity": p.whole}
_INTENT_DATA = {"metadata": p.metadata, "description": p.text(1000)}
SESSION: Mapping[str, p.Check] = {
    "mode": p.one_of("payment"),
    "line_items": p.several(p.nested(_LINE, ["price_data", "quantity"]), 100),
    "payment_method_types": p.several(p.one_of("card", "sepa_debit"), 10),
    "client_reference_id": p.text(200),
    "customer_email": p.text(320),
    "metadata": p.metadata,
    "payment_intent_data": p.nested(_INTENT_DATA),
    "locale": p.one_of(*_LOCALES),
    "success_url": p.url,
    "cancel_url": p.url,
    "expires_at": p.whole,
    "expand": p.several(p.text(100), 4),
}
REFUND: Mapping[str, p.Check] = {
    "payment_intent": p.text(255),
    "charge": p.text(255),
    "amount": p.whole,
    "reason": p.one_of("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": p.metadata,
    "expand": p.several(p.text(100), 4),
}


def new_id(prefix: str, size: int = 24) -> str:
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(size))


def new_session(sent: Mapping[str, Any], *, page: str, at: int) -> dict[str, Any]:
    """A Checkout Session from checked parameters. Raises RefusedError, as Stripe does, for what does not hold."""
    lines = sent["line_items"]
    if not lines:
        raise RefusedError("Missing required param: line_items.", code="parameter_missing", param="line_items")
    currencies = {line["price_data"]["currency"].lower() for line in lines}
    if len(currencies) != 1:
        raise RefusedError("All prices on a Checkout Session must use the same currency.", param="line_items")
    [currency] = currencies
    total = sum(line["price_data"]["unit_amount"] * line["quantity"] for line in lines)
    _check_amount(total, currency, [line["price_data"]["unit_amount"] for line in lines])
    methods = sent.get("payment_method_types") or ["card"]
    if "sepa_debit" in methods and currency != "eur":
        raise RefusedError(
            "The payment method `sepa_debit` cannot be used with your currency: it is only available in `eur`.",
            param="payment_method_types",
        )
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
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": sent.get("cancel_url"),
        "client_reference_id": sent.get("client_reference_id"),
        "created": at,
        "currency": currency,
        "customer": None,
        "customer_email": sent.get("customer_email"),
        "expires_at": expires_at,
        "livemode": False,
        "locale": sent.get("locale"),
        "metadata": sent.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "status": "open",
        "success_url": sent["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{page}/{session_id}",
        "_lines": [
            [line["price_data"]["product_data"]["name"], line["price_data"]["unit_amount"] * line["quantity"]]
            for line in lines
        ],
        "_intent_metadata": sent.get("payment_intent_data", {}).get("metadata", {}),
    }


def _check_amount(total: int, currency: str, parts: list[int]) -> None:
    where = "line_items[0][price_data][unit_amount]"
    if total > _MOST:
        raise RefusedError("Amount must be no more than 99999999.", code="amount_too_large", param=where)
    if total < _LEAST.get(currency, 1):
        raise RefusedError(
            f"The Checkout Session's total amount due must add up to at least {_LEAST.get(currency, 1)} {currency}.",
            code="amount_too_small",
        )
    step = 100 if currency in _WHOLE_ONLY else 10 if currency in _TENS_ONLY else 1
    if any(part % step for part in parts):
        raise RefusedError(f"Invalid amount: {currency} amounts must be evenly divisible by {step}.", param=where)


def shown(thing: Mapping[str, Any], kept: Kept, expand: list[str] | None = None) -> dict[str, Any]:
    """An object as the API answers it: without our own notes, and with what was asked to be expanded."""
    answer = {name: value for name, value in thing.items() if not name.startswith("_")}
    for path in expand or []:
        name, _, rest = path.partition(".")
        if name not in answer:
            raise RefusedError(f"This property cannot be expanded ({path[:60]}).", param="expand")
        found = kept.get(answer[name]) if isinstance(answer[name], str) else None
        if found is not None:
            answer[name] = shown(found, kept, [rest] if rest else None)
    return answer


def charge_intent(session: dict[str, Any], kept: Kept, *, method: str, status: str, at: int) -> dict[str, Any]:
    """An attempt to pay `session` by `method`: its intent, written with its charge of that status (see set_charge)."""
    intent = kept.get(session["payment_intent"]) if session["payment_intent"] else None
    if intent is None:
        intent = {
            "id": new_id("pi"),
            "object": "payment_intent",
            "amount": session["amount_total"],
            "currency": session["currency"],
            "created": at,
            "livemode": False,
            "metadata": session["_intent_metadata"],
            "payment_method_types": session["payment_method_types"],
        }
    charge = {
        "id": new_id("ch" if method == "card" else "py"),
        "object": "charge",
        "amount": session["amount_total"],
        "amount_refunded": 0,
        "currency": session["currency"],
        "created": at,
        "disputed": False,
        "livemode": False,
        "metadata": session["_intent_metadata"],
        "payment_intent": intent["id"],
        "payment_method_details": {"type": method},
        "refunded": False,
    }
    intent["latest_charge"] = charge["id"]
    kept.put(session | {"payment_intent": intent["id"]})
    return set_charge(intent, charge, kept, status=status)


def set_charge(intent: dict[str, Any], charge: dict[str, Any], kept: Kept, *, status: str) -> dict[str, Any]:
    """The intent, written with its charge, after the charge came to `status`: succeeded, pending or failed."""
    paid = status == "succeeded"
    failure = {"code": "card_declined", "message": "Your card was declined.", "type": "card_error"}
    if charge["payment_method_details"]["type"] == "sepa_debit":
        failure = {"code": "payment_intent_payment_attempt_failed", "message": "The debit was refused by the bank."}
    charge |= {"status": status, "paid": paid, "failure_message": failure["message"] if status == "failed" else None}
    intent |= {
        "status": {"succeeded": "succeeded", "pending": "processing", "failed": "requires_payment_method"}[status],
        "amount_received": intent["amount"] if paid else 0,
        "last_payment_error": failure if status == "failed" else None,
    }
    kept.put(charge)
    kept.put(intent)
    return intent


def new_refund(sent: Mapping[str, Any], charge: dict[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """A refund of a charge, both written. Raises RefusedError for more than is left."""
    left = charge["amount"] - charge["amount_refunded"]
    amount = sent.get("amount", left)
    if charge["disputed"]:
        raise RefusedError(f"Charge {charge['id']} has been charged back; cannot issue a refund.", kept=True)
    if charge["status"] != "succeeded" or left == 0:
        said = "has already been refunded." if left == 0 else "has not been paid."
        raise RefusedError(
            f"Charge {charge['id']} {said}", code="charge_already_refunded" if left == 0 else None, kept=True
        )
    if not 0 < amount <= left:
        raise RefusedError(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount", kept=True
        )
    charge |= {"amount_refunded": charge["amount_refunded"] + amount, "refunded": amount == left}
    refund = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": at,
        "currency": charge["currency"],
        "failure_reason": None,
        "metadata": sent.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": sent.get("reason"),
        "status": "succeeded",
    }
    kept.put(charge)
    kept.put(refund)
    return refund


def new_dispute(charge: dict[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """The whole charge taken back by the payer's bank: a chargeback to answer, or a debit returned for good."""
    debit = charge["payment_method_details"]["type"] == "sepa_debit"
    charge |= {"disputed": True}
    dispute = {
        "id": new_id("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "charge": charge["id"],
        "created": at,
        "currency": charge["currency"],
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": "debit_not_authorized" if debit else "general",
        "status": "lost" if debit else "needs_response",
    }
    kept.put(charge)
    kept.put(dispute)
    return dispute


def new_event(kind: str, thing: Mapping[str, Any], *, at: int) -> dict[str, Any]:
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": at,
        "data": {"object": {name: value for name, value in thing.items() if not name.startswith("_")}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
