"""PaymentIntents by the API alone: charged with a kept method, or awaited by transfer; captured, and cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ar.cash.standin import cash
from ar.cash.standin import parameters as p
from ar.cash.standin.customers import method_of
from ar.cash.standin.intents import (
    attempt,
    check_amount,
    failure_of,
    new_intent,
    no_longer_supported,
    usable_methods,
)
from ar.cash.standin.objects import new_event, shown
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

_EXPAND = {"expand": p.several(p.text(100), 4)}
_EURO = {"country": p.one_of("BE", "DE", "ES", "FR", "IE", "NL")}
_TRANSFER = {"type": p.one_of("eu_bank_transfer"), "eu_bank_transfer": p.nested(_EURO, ["country"])}
_BALANCE = {"funding_type": p.one_of("bank_transfer"), "bank_transfer": p.nested(_TRANSFER, ["type"])}
_CONFIRMING: dict[str, p.Check] = {
    "payment_method": p.text(255),
    "mandate": p.text(255),
    "off_session": p.truth,
    "return_url": p.url,
}
INTENT: Mapping[str, p.Check] = {
    "amount": p.whole,
    "currency": p.text(3),
    "customer": p.text(255),
    "allowed_payment_method_types": p.several(p.one_of("card", "sepa_debit", "customer_balance"), 10),
    "payment_method_types": no_longer_supported,
    "payment_method_data": p.nested({"type": p.one_of("customer_balance")}, ["type"]),
    "payment_method_options": p.nested({"customer_balance": p.nested(_BALANCE)}),
    "capture_method": p.one_of("automatic", "automatic_async", "manual"),
    "confirm": p.truth,
    "description": p.text(1000),
    "metadata": p.metadata,
    "setup_future_usage": p.one_of("off_session", "on_session"),
    **_CONFIRMING,
    **_EXPAND,
}
CONFIRM: Mapping[str, p.Check] = _CONFIRMING | _EXPAND
CAPTURE: Mapping[str, p.Check] = {"amount_to_capture": p.whole, "metadata": p.metadata, **_EXPAND}
CANCEL: Mapping[str, p.Check] = {
    "cancellation_reason": p.one_of("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
    **_EXPAND,
}
INTENTS: Mapping[str, p.Check] = {
    "customer": p.text(255),
    "created": p.nested({"gte": p.whole, "gt": p.whole, "lte": p.whole, "lt": p.whole}),
    "limit": p.text(3),
    "starting_after": p.text(255),
    **_EXPAND,
}
CONFIRM_SECONDS = 24 * 3600
_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


def create(sent: Mapping[str, Any], kept: Kept, *, base_url: str, answer_seconds: float, at: float) -> dict[str, Any]:
    """A payment intent from checked parameters, confirmed when that is asked. Raises RefusedError."""
    currency = sent["currency"].lower()
    check_amount(sent["amount"], currency, [sent["amount"]], "amount")
    methods = usable_methods(sent, currency, held=sent.get("capture_method") == "manual")
    if "customer" in sent and (kept.get(sent["customer"]) or {}).get("object") != "customer":
        said = f"No such customer: '{sent['customer'][:100]}'"
        raise RefusedError(said, code="resource_missing", param="customer")
    for name in ("off_session", "mandate", "return_url", "payment_method_data"):
        if name in sent and not sent.get("confirm"):
            raise RefusedError(f"The parameter `{name}` cannot be passed when creating without `confirm`.", param=name)
    if sent.get("off_session") and "return_url" in sent:
        raise RefusedError("You cannot pass `return_url` with `off_session`.", param="return_url")
    made = new_intent(
        amount=sent["amount"],
        currency=currency,
        customer=sent.get("customer"),
        metadata=sent.get("metadata", {}),
        methods=methods,
        at=int(at),
        capture_method=sent.get("capture_method", "automatic_async"),
        usage=sent.get("setup_future_usage"),
    ) | {"description": sent.get("description"), "_base": base_url, "_seconds": answer_seconds}
    kept.put(made)
    return confirm(made, sent, kept, at=at) if sent.get("confirm") else made


def confirm(intent: dict[str, Any], sent: Mapping[str, Any], kept: Kept, *, at: float) -> dict[str, Any]:
    """Try to pay an intent. Raises RefusedError; a decline with the intent in its body, as Stripe does."""
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        raise _unexpected(intent, "confirm")
    if intent["payment_method_types"] == ["customer_balance"]:
        return _await_transfer(intent, sent, kept, at=at)
    number = sent.get("payment_method")
    if number is None:
        raise RefusedError(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    method = method_of(number, intent["customer"], kept)
    if method["type"] not in intent["payment_method_types"]:
        raise RefusedError(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent.",
            param="payment_method",
        )
    mandate = sent.get("mandate") or method.get("_mandate")
    if mandate is not None and (kept.get(mandate) or {"status": ""})["status"] != "active":
        raise RefusedError(
            "The mandate is invalid or inactive.", code="payment_method_invalid_parameter", param="mandate"
        )
    if method["_plays"] == "authenticate" and not sent.get("off_session"):
        return _ask_customer(intent, method, sent, kept)
    return charge(intent, method, kept, at=at, mandate=mandate)


def charge(
    intent: dict[str, Any], method: dict[str, Any], kept: Kept, *, at: float, mandate: str | None = None
) -> dict[str, Any]:
    """Charge a kept method, which goes as that method plays; a debit is answered by the bank later."""
    plays, now = method["_plays"], int(at)
    if method["type"] == "sepa_debit":
        tried = attempt(
            intent, kept, method="sepa_debit", status="pending", at=now, number=method["id"], mandate=mandate
        )
        kept.emit(new_event("payment_intent.processing", tried, at=now), at=at)
        act = "debit_pays" if plays == "pays" else "debit_refuses"
        kept.later(tried["id"], act, due_at=at + intent["_seconds"])
        return tried
    if plays != "pays":
        tried = attempt(intent, kept, method="card", status="failed", at=now, number=method["id"], why=plays)
        kept.emit(new_event("payment_intent.payment_failed", tried, at=now), at=at)
        raise declined(tried, kept)
    tried = attempt(intent, kept, method="card", status="succeeded", at=now, number=method["id"])
    happened = "amount_capturable_updated" if tried["status"] == "requires_capture" else "succeeded"
    kept.emit(new_event(f"payment_intent.{happened}", tried, at=now), at=at)
    return tried


def declined(intent: dict[str, Any], kept: Kept) -> RefusedError:
    """The error that tells of a decline, the intent in it."""
    failure = intent["last_payment_error"]
    more = {"decline_code": failure.get("decline_code"), "charge": intent["latest_charge"]}
    return RefusedError(
        failure["message"],
        status=402,
        code=failure["code"],
        kind="card_error",
        kept=True,
        more=more | {"payment_intent": shown(intent, kept)},
    )


def capture(intent: dict[str, Any], sent: Mapping[str, Any], kept: Kept, *, at: float) -> dict[str, Any]:
    """Take part of what is authorised, or all; the rest is released."""
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "capture")
    amount = sent.get("amount_to_capture", intent["amount_capturable"])
    if not 0 < amount <= intent["amount_capturable"]:
        raise RefusedError(
            f"The requested capture amount is greater than the authorized amount ({intent['amount_capturable']}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    held = kept.get(intent["latest_charge"])
    assert held is not None
    kept.put(held | {"captured": True, "amount_captured": amount})
    done = intent | {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    kept.put(done)
    kept.emit(new_event("payment_intent.succeeded", done, at=int(at)), at=at)
    return done


def cancel(intent: dict[str, Any], sent: Mapping[str, Any], kept: Kept, *, at: float) -> dict[str, Any]:
    """Take no money by an intent any more; what was authorised or had arrived is free again."""
    if intent["status"] not in _CANCELABLE:
        raise _unexpected(intent, "cancel")
    cash.give_back(intent, kept, at=int(at))
    done = intent | {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": int(at),
        "cancellation_reason": sent.get("cancellation_reason"),
        "next_action": None,
    }
    kept.put(done)
    kept.emit(new_event("payment_intent.canceled", done, at=int(at)), at=at)
    return done


def answered(*, yes: bool) -> Any:
    """The customer's answer to what its bank asked: paid, or not confirmed."""

    def act(intent: dict[str, Any], kept: Kept, at: float) -> None:
        if intent["status"] != "requires_action" or "_waiting" not in intent:
            raise RefusedError("Nobody is asked anything.")
        if yes:
            charge(intent, intent["_waiting"] | {"_plays": "pays"}, kept, at=at)
            return
        kept.put(
            failed := intent
            | {
                "status": "requires_payment_method",
                "next_action": None,
                "last_payment_error": failure_of("unconfirmed"),
            }
        )
        kept.emit(new_event("payment_intent.payment_failed", failed, at=int(at)), at=at)

    return act


def listed(sent: Mapping[str, Any], kept: Kept) -> tuple[list[dict[str, Any]], bool]:
    """Intents of a customer, the newest first, and whether there are more."""
    found = kept.of_customer(sent["customer"], "payment_intent") if "customer" in sent else []
    since = int(sent.get("created", {}).get("gte", 0))
    found = [one for one in reversed(found) if one["created"] >= since]
    if "starting_after" in sent:
        numbers = [one["id"] for one in found]
        found = found[numbers.index(sent["starting_after"]) + 1 :] if sent["starting_after"] in numbers else []
    limit = int(sent.get("limit", 10))
    return found[:limit], len(found) > limit


def _await_transfer(intent: dict[str, Any], sent: Mapping[str, Any], kept: Kept, *, at: float) -> dict[str, Any]:
    options = sent.get("payment_method_options", {}).get("customer_balance", {})
    if sent.get("payment_method_data") != {"type": "customer_balance"} or "bank_transfer" not in options:
        raise RefusedError(
            "The payment method type `customer_balance` requires `funding_type` and `bank_transfer`.",
            param="payment_method_options[customer_balance]",
        )
    if intent["customer"] is None:
        raise RefusedError("`customer_balance` requires a customer.", code="parameter_missing", param="customer")
    country = options["bank_transfer"].get("eu_bank_transfer", {}).get("country", "DE")
    awaited = intent | {
        "_country": country,
        "_reference": cash.new_reference(),
        "_page": f"{intent['_base']}/intents/{intent['id']}",
    }
    return cash.apply(awaited, kept, at=int(at))


def _ask_customer(
    intent: dict[str, Any], method: dict[str, Any], sent: Mapping[str, Any], kept: Kept
) -> dict[str, Any]:
    asked = intent | {
        "status": "requires_action",
        "payment_method": method["id"],
        "next_action": {
            "type": "redirect_to_url",
            "redirect_to_url": {
                "url": f"{intent['_base']}/intents/{intent['id']}",
                "return_url": sent.get("return_url"),
            },
        },
        "_waiting": {name: method[name] for name in ("id", "type")},
        "_return": sent.get("return_url"),
    }
    kept.put(asked)
    return asked


def _unexpected(intent: Mapping[str, Any], doing: str) -> RefusedError:
    return RefusedError(
        f"This PaymentIntent could not be {doing}{'d' if doing.endswith('e') else 'ed'} because it has a status of "
        f"{intent['status']}.",
        code="payment_intent_unexpected_state",
        kept=True,
    )
