"""PaymentIntents and their charges, as the test gateway makes and changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ar.cash.standin.objects import new_id
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

_WHOLE_ONLY = frozenset({"isk", "ugx"})
_TENS_ONLY = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_LEAST = {"eur": 50, "usd": 50, "chf": 50, "gbp": 30, "jpy": 50, "cad": 50, "sek": 300, "dkk": 250, "nok": 300}
_MOST = 99_999_999


def no_longer_supported(_value: Any, name: str) -> Any:
    """The parameter that was taken away with the API version 2026-09-30."""
    raise RefusedError(
        f"The `{name}` parameter is no longer supported: use `allowed_payment_method_types` instead.",
        code="payment_method_types_no_longer_supported",
        param=name,
    )


def usable_methods(sent: Mapping[str, Any], currency: str | None = None, *, held: bool = False) -> list[str]:
    """Those of the allowed methods that can be used: others are left out without a word, as Stripe does.

    Raises RefusedError when none is left.
    """
    allowed = sent.get("allowed_payment_method_types") or ["card"]
    euros = currency in (None, "eur")
    found = [name for name in allowed if name == "card" or (euros and not held)]
    if not found:
        raise RefusedError(
            "No valid payment method types for this request: they cannot be used with these parameters.",
            param="allowed_payment_method_types",
        )
    return found


def check_amount(
    total: int, currency: str, parts: list[int], where: str = "line_items[0][price_data][unit_amount]"
) -> None:
    """Raises RefusedError for an amount that is too large, too small, or not of the currency."""
    if total > _MOST:
        raise RefusedError("Amount must be no more than 99999999.", code="amount_too_large", param=where)
    if total < _LEAST.get(currency, 1):
        raise RefusedError(
            f"The total amount must add up to at least {_LEAST.get(currency, 1)} {currency}.",
            code="amount_too_small",
            param=where,
        )
    step = 100 if currency in _WHOLE_ONLY else 10 if currency in _TENS_ONLY else 1
    if any(part % step for part in parts):
        raise RefusedError(f"Invalid amount: {currency} amounts must be evenly divisible by {step}.", param=where)


def new_intent(
    *,
    amount: int,
    currency: str,
    customer: str | None,
    metadata: Mapping[str, str],
    methods: list[str],
    at: int,
    capture_method: str = "automatic_async",
    usage: str | None = None,
) -> dict[str, Any]:
    """A PaymentIntent that nobody has tried to pay yet; it is not written."""
    number = new_id("pi")
    return {
        "id": number,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": f"{number}_secret_{new_id('x', 20)[2:]}",
        "confirmation_method": "automatic",
        "created": at,
        "currency": currency,
        "customer": customer,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": dict(metadata),
        "next_action": None,
        "payment_method": None,
        "payment_method_types": methods,
        "setup_future_usage": usage,
        "status": "requires_payment_method",
    }


FAILURES: Mapping[str, tuple[str, str, str]] = {
    "declined": ("card_declined", "generic_decline", "Your card was declined."),
    "insufficient": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "expired": ("expired_card", "expired_card", "Your card has expired."),
    "authenticate": (
        "authentication_required",
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
    "bank_refuses": ("payment_intent_payment_attempt_failed", "", "The debit was refused by the bank."),
    "unconfirmed": (
        "payment_intent_authentication_failure",
        "",
        "We are unable to authenticate your payment method. Please choose a different one and try again.",
    ),
}
"""What goes wrong with an attempt: Stripe's code, the bank's, and the words."""


def failure_of(why: str) -> dict[str, Any]:
    code, decline, message = FAILURES[why]
    kind = "invalid_request_error" if why in ("bank_refuses", "unconfirmed") else "card_error"
    return {"code": code, "message": message, "type": kind} | ({"decline_code": decline} if decline else {})


def attempt(
    intent: dict[str, Any],
    kept: Kept,
    *,
    method: str,
    status: str,
    at: int,
    number: str | None = None,
    mandate: str | None = None,
    why: str = "declined",
) -> dict[str, Any]:
    """An attempt to pay `intent` by the kind `method`, whose charge came to `status` (see set_charge); both written.

    `number` is the payment method's, `mandate` that of its mandate.
    """
    details: dict[str, Any] = {"type": method}
    if method == "sepa_debit":
        details["sepa_debit"] = {"mandate": mandate}
    charge = {
        "id": new_id("ch" if method == "card" else "py"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "created": at,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "disputed": False,
        "livemode": False,
        "metadata": intent["metadata"],
        "payment_intent": intent["id"],
        "payment_method": number,
        "payment_method_details": details,
        "refunded": False,
    }
    intent |= {"latest_charge": charge["id"], "payment_method": number, "next_action": None}
    return set_charge(intent, charge, kept, status=status, why=why)


def set_charge(
    intent: dict[str, Any], charge: dict[str, Any], kept: Kept, *, status: str, why: str = "declined"
) -> dict[str, Any]:
    """The intent, written with its charge, after the charge came to `status`: succeeded, pending or failed.

    With capture_method manual, success is an authorisation.
    """
    paid, held = status == "succeeded", intent["capture_method"] == "manual"
    failure = failure_of(why) if status == "failed" else None
    charge |= {
        "status": status,
        "paid": paid,
        "captured": paid and not held,
        "amount_captured": charge["amount"] if paid and not held else 0,
        "failure_code": failure["code"] if failure else None,
        "failure_message": failure["message"] if failure else None,
    }
    intent |= {
        "status": {
            "succeeded": "requires_capture" if held else "succeeded",
            "pending": "processing",
            "failed": "requires_payment_method",
        }[status],
        "amount_received": intent["amount"] if paid and not held else 0,
        "amount_capturable": intent["amount"] if paid and held else 0,
        "last_payment_error": failure,
        "payment_method": None if status == "failed" else intent["payment_method"],
    }
    kept.put(charge)
    kept.put(intent)
    return intent
