"""Customers' cash balances at the test gateway: account numbers of their own, transfers that arrive, what they pay."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from ar.cash.standin import parameters as p
from ar.cash.standin.intents import attempt
from ar.cash.standin.objects import new_event, new_id
from ar.cash.standin.store import Kept

FUND: Mapping[str, p.Check] = {
    "amount": p.whole,
    "currency": p.text(3),
    "reference": p.text(140),
    "expand": p.several(p.text(100), 4),
}

_BANKS = {"FR": "20041010050500013M", "DE": "370400440532", "BE": "539007", "ES": "21000418450200", "IE": "AIBK931152"}


def balance_of(customer: str, kept: Kept) -> dict[str, Any]:
    """A customer's cash balance: what arrived and no payment has taken, by currency."""
    known = kept.get(f"cash_{customer}")
    return known or {
        "id": f"cash_{customer}",
        "object": "cash_balance",
        "available": None,
        "customer": customer,
        "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }


def available(customer: str, currency: str, kept: Kept) -> int:
    return int((balance_of(customer, kept)["available"] or {}).get(currency, 0))


def fund(customer: str, amount: int, currency: str, kept: Kept, *, at: int, reference: str = "") -> dict[str, Any]:
    """A transfer arrives: the transaction. What waits is paid, what `reference` names first, then the oldest."""
    made = _move(customer, amount, currency, "funded", kept, at=at, intent=None)
    waiting = [
        intent
        for intent in kept.of_customer(customer, "payment_intent")
        if intent["status"] == "requires_action" and intent.get("_reference") and intent["currency"] == currency
    ]
    for intent in sorted(waiting, key=lambda one: (one["_reference"] != reference, one["created"])):
        apply(intent, kept, at=at)
    return made


def apply(intent: dict[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """Set what a customer has against an intent by transfer: the intent, paid, or waiting for the rest."""
    customer, currency = intent["customer"], intent["currency"]
    left = intent["amount"] - intent.get("_funded", 0)
    part = min(available(customer, currency, kept), left)
    if part > 0:
        _move(customer, -part, currency, "applied_to_payment", kept, at=at, intent=intent["id"])
        intent = intent | {"_funded": intent.get("_funded", 0) + part}
    if part == left:
        done = attempt(intent, kept, method="customer_balance", status="succeeded", at=at)
        kept.emit(new_event("payment_intent.succeeded", done, at=at), at=at)
        return done
    waits = intent | {"status": "requires_action"}
    waits["next_action"] = _instructions(waits)
    kept.put(waits)
    if part > 0:
        kept.emit(new_event("payment_intent.partially_funded", waits, at=at), at=at)
    return waits


def give_back(intent: dict[str, Any], kept: Kept, *, at: int) -> None:
    """What had arrived for an intent that is cancelled goes back to the balance."""
    if intent.get("_funded"):
        _move(
            intent["customer"],
            intent["_funded"],
            intent["currency"],
            "unapplied_from_payment",
            kept,
            at=at,
            intent=intent["id"],
        )


def _instructions(intent: Mapping[str, Any]) -> dict[str, Any]:
    country = intent["_country"]
    iban = {
        "account_holder_name": "Test gateway",
        "bic": f"TEST{country}P1",
        "country": country,
        "iban": account_number(intent["customer"], country),
    }
    return {
        "display_bank_transfer_instructions": {
            "amount_remaining": intent["amount"] - intent.get("_funded", 0),
            "currency": intent["currency"],
            "financial_addresses": [{"iban": iban, "supported_networks": ["sepa"], "type": "iban"}],
            "hosted_instructions_url": intent["_page"],
            "reference": intent["_reference"],
            "type": "eu_bank_transfer",
        },
        "type": "display_bank_transfer_instructions",
    }


def account_number(customer: str, country: str) -> str:
    """An IBAN of a customer's own, with the check digits that it must have."""
    bban = f"{_BANKS.get(country, 'ABNA')}{zlib.crc32(customer.encode()) % 10**10:010d}"
    digits = "".join(str(int(letter, 36)) for letter in bban + country + "00")
    return f"{country}{98 - int(digits) % 97:02d}{bban}"


def _move(
    customer: str, amount: int, currency: str, kind: str, kept: Kept, *, at: int, intent: str | None
) -> dict[str, Any]:
    balance = balance_of(customer, kept)
    held = dict(balance["available"] or {})
    held[currency] = held.get(currency, 0) + amount
    kept.put(balance | {"available": held})
    made: dict[str, Any] = {
        "id": new_id("ccsbtxn"),
        "object": "customer_cash_balance_transaction",
        "created": at,
        "currency": currency,
        "customer": customer,
        "ending_balance": held[currency],
        "livemode": False,
        "net_amount": amount,
        "type": kind,
    }
    if intent is not None:
        made[kind] = {"payment_intent": intent}
    kept.put(made)
    kept.emit(new_event("customer_cash_balance_transaction.created", made, at=at), at=at)
    return made


def new_reference() -> str:
    return new_id("x", 12)[2:].upper()
