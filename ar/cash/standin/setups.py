"""SetupIntents: a method is kept to be charged later, on a page or by the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ar.cash.standin import parameters as p
from ar.cash.standin.customers import CARDS, leave_card, leave_debit
from ar.cash.standin.intents import no_longer_supported, usable_methods
from ar.cash.standin.objects import new_event, new_id
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

_EXPAND = {"expand": p.several(p.text(100), 4)}
_CONFIRMING: dict[str, p.Check] = {"payment_method": p.text(255), "return_url": p.url}
SETUP: Mapping[str, p.Check] = {
    "customer": p.text(255),
    "allowed_payment_method_types": p.several(p.one_of("card", "sepa_debit"), 10),
    "payment_method_types": no_longer_supported,
    "confirm": p.truth,
    "usage": p.one_of("off_session", "on_session"),
    "description": p.text(1000),
    "metadata": p.metadata,
    **_CONFIRMING,
    **_EXPAND,
}
CONFIRM: Mapping[str, p.Check] = _CONFIRMING | _EXPAND
CANCEL: Mapping[str, p.Check] = {
    "cancellation_reason": p.one_of("abandoned", "requested_by_customer", "duplicate"),
    **_EXPAND,
}


def create(sent: Mapping[str, Any], kept: Kept, *, at: float) -> dict[str, Any]:
    """A setup intent from checked parameters, confirmed when that is asked. Raises RefusedError."""
    made = new_setup_intent(sent.get("customer"), sent.get("metadata", {}), usable_methods(sent), at=int(at))
    kept.put(made)
    return confirm(made, sent, kept, at=at) if sent.get("confirm") else made


def confirm(intent: dict[str, Any], sent: Mapping[str, Any], kept: Kept, *, at: float) -> dict[str, Any]:
    """Keep one of Stripe's test cards, by its own name for it, for the intent's customer. Raises RefusedError."""
    if intent["status"] != "requires_payment_method":
        raise _unexpected(intent, "confirmed")
    card = sent.get("payment_method", "")
    if card not in CARDS:
        said = f"No such PaymentMethod: '{card[:100]}'"
        raise RefusedError(said, code="resource_missing", param="payment_method")
    return keep(intent, kept, at=at, card=card)


def keep(intent: dict[str, Any], kept: Kept, *, at: float, card: str = "", debit: str = "") -> dict[str, Any]:
    """A card of CARDS is left, or a bank account whose debits go as `debit` plays: the intent, written."""
    mandate = None
    if card:
        method = leave_card(card, intent["customer"], kept, at=int(at))
    else:
        method, mandate = leave_debit(debit, intent["customer"], kept, at=int(at))
    done = intent | {
        "status": "succeeded",
        "payment_method": method["id"],
        "mandate": mandate["id"] if mandate else None,
    }
    kept.put(done)
    kept.emit(new_event("setup_intent.succeeded", done, at=int(at)), at=at)
    return done


def cancel(intent: dict[str, Any], sent: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    """Nothing is left by it any more."""
    if intent["status"] != "requires_payment_method":
        raise _unexpected(intent, "canceled")
    done = intent | {"status": "canceled", "cancellation_reason": sent.get("cancellation_reason")}
    kept.put(done)
    return done


def _unexpected(intent: Mapping[str, Any], doing: str) -> RefusedError:
    return RefusedError(
        f"This SetupIntent could not be {doing} because it has a status of {intent['status']}.",
        code="setup_intent_unexpected_state",
        kept=True,
    )


def new_setup_intent(
    customer: str | None, metadata: Mapping[str, str], methods: list[str], *, at: int
) -> dict[str, Any]:
    """A SetupIntent that nothing was left by yet; it is not written."""
    number = new_id("seti")
    return {
        "id": number,
        "object": "setup_intent",
        "cancellation_reason": None,
        "client_secret": f"{number}_secret_{new_id('x', 20)[2:]}",
        "created": at,
        "customer": customer,
        "livemode": False,
        "mandate": None,
        "metadata": dict(metadata),
        "payment_method": None,
        "payment_method_types": methods,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
