"""Customers of the test gateway, the methods that they left, and the mandates of their bank accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ar.cash.standin import parameters as p
from ar.cash.standin.objects import new_event, new_id
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

CUSTOMER: Mapping[str, p.Check] = {
    "name": p.text(256),
    "email": p.text(512),
    "description": p.text(350),
    "metadata": p.metadata,
    "expand": p.several(p.text(100), 4),
}

CARDS: Mapping[str, tuple[str, str, str]] = {
    "pm_card_visa": ("visa", "4242", "pays"),
    "pm_card_mastercard": ("mastercard", "4444", "pays"),
    "pm_card_chargeCustomerFail": ("visa", "0341", "declined"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("visa", "9995", "insufficient"),
    "pm_card_chargeDeclinedExpiredCard": ("visa", "0069", "expired"),
    "pm_card_authenticationRequired": ("visa", "3184", "authenticate"),
}
"""Stripe's test cards by its own names for them: brand, last digits, and how a charge of it goes."""

DEBITS: Mapping[str, tuple[str, str]] = {"pays": ("37040044", "3000"), "bank_refuses": ("37040044", "3002")}
"""Bank accounts by how a debit of it goes: bank code and last digits of Stripe's test IBANs."""


def new_customer(sent: Mapping[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """A customer, written."""
    made = {
        "id": new_id("cus", 14),
        "object": "customer",
        "created": at,
        "description": sent.get("description"),
        "email": sent.get("email"),
        "livemode": False,
        "metadata": sent.get("metadata", {}),
        "name": sent.get("name"),
    }
    kept.put(made)
    return made


def leave_card(card: str, customer: str, kept: Kept, *, at: int) -> dict[str, Any]:
    """A test card kept for a customer: its payment method, written."""
    brand, last4, plays = CARDS[card]
    made = {
        "id": new_id("pm"),
        "object": "payment_method",
        "card": {"brand": brand, "last4": last4, "exp_month": 12, "exp_year": 2034, "country": "FR"},
        "created": at,
        "customer": customer,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_plays": plays,
    }
    kept.put(made)
    return made


def leave_debit(plays: str, customer: str, kept: Kept, *, at: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A bank account kept for a customer: its payment method and its mandate, both written."""
    bank_code, last4 = DEBITS[plays]
    method = {
        "id": new_id("pm"),
        "object": "payment_method",
        "created": at,
        "customer": customer,
        "livemode": False,
        "metadata": {},
        "sepa_debit": {"bank_code": bank_code, "country": "DE", "last4": last4},
        "type": "sepa_debit",
        "_plays": plays,
    }
    mandate = {
        "id": new_id("mandate"),
        "object": "mandate",
        "livemode": False,
        "payment_method": method["id"],
        "payment_method_details": {"sepa_debit": {"reference": new_id("x", 14)[2:].upper()}, "type": "sepa_debit"},
        "status": "active",
        "type": "multi_use",
    }
    method["_mandate"] = mandate["id"]
    kept.put(method)
    kept.put(mandate)
    return method, mandate


def detach(method: dict[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """A method that its customer has no more: nothing can be charged to it."""
    if method["customer"] is None:
        raise RefusedError(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    gone = method | {"customer": None}
    kept.put(gone)
    kept.emit(new_event("payment_method.detached", gone, at=at), at=at)
    if method.get("_mandate"):
        end_mandate(method["_mandate"], kept, at=at)
    return gone


def end_mandate(mandate_id: str, kept: Kept, *, at: int) -> None:
    """A mandate that can be used no more."""
    mandate = kept.get(mandate_id)
    if mandate is not None and mandate["status"] == "active":
        ended = mandate | {"status": "inactive"}
        kept.put(ended)
        kept.emit(new_event("mandate.updated", ended, at=at), at=at)


def method_of(number: str, customer: str | None, kept: Kept) -> dict[str, Any]:
    """A method that can be charged for a customer. Raises RefusedError."""
    found = kept.get(number)
    if found is None or found["object"] != "payment_method":
        said = f"No such PaymentMethod: '{number[:100]}'"
        raise RefusedError(said, code="resource_missing", param="payment_method")
    if found["customer"] is None:
        raise RefusedError(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was "
            "detached from a Customer. It may not be used again.",
            param="payment_method",
        )
    if found["customer"] != customer:
        raise RefusedError(
            f"The provided PaymentMethod cannot be attached. The payment method {found['id']} belongs to a different "
            "Customer than the one given in the request.",
            param="payment_method",
        )
    return found
