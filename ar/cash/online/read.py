"""What Stripe says of methods, setups, mandates and cash balances, read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ar.cash.gateway_amounts import from_gateway
from ar.cash.online.gateway import Method, Setup, SetupStage
from ar.cash.stripe_events import EventError, instant

_KINDS = ("card", "sepa_debit")


@dataclass(frozen=True)
class SetupEnded:
    """The page of a setup was left, or its time is over: `session` is its number."""

    session: str


@dataclass(frozen=True)
class MandateEnded:
    """A mandate can be used no more."""

    mandate: str


@dataclass(frozen=True)
class MethodGone:
    """A method was detached at the gateway."""

    method: str


@dataclass(frozen=True)
class MethodChanged:
    """The bank gave the customer a new card in place of this one: the same number at the gateway, a new expiry."""

    method: Method


@dataclass(frozen=True)
class CashMoved:
    """A customer's cash balance after money came or went, in minor units, as of the instant `at`."""

    customer: str
    currency: str
    balance_minor: int
    funded: bool
    at: datetime


Told = SetupEnded | MandateEnded | MethodGone | MethodChanged | CashMoved


def read_told(event: Mapping[str, Any]) -> Told | None:
    """What an event tells of a customer's methods, mandates and cash; None for another event. Raises EventError."""
    kind, thing = str(event.get("type")), event["data"]["object"]
    if kind in ("checkout.session.completed", "checkout.session.expired") and thing.get("mode") == "setup":
        return SetupEnded(_word(thing, "id"))
    if kind == "mandate.updated" and thing.get("status") == "inactive":
        return MandateEnded(_word(thing, "id"))
    if kind == "payment_method.detached":
        return MethodGone(_word(thing, "id"))
    if kind == "payment_method.automatically_updated":
        method = read_method(thing)
        return MethodChanged(method) if method else None
    if kind == "customer_cash_balance_transaction.created":
        currency = _word(thing, "currency").upper()
        balance = thing.get("ending_balance")
        if not isinstance(balance, int) or not -(10**15) <= balance <= 10**15:
            raise EventError("a cash balance transaction says its ending_balance in minor units")
        at = instant(event.get("created"))
        funded = thing.get("type") == "funded"
        return CashMoved(_word(thing, "customer"), currency, from_gateway(max(0, balance), currency), funded, at)
    return None


def read_setup(session: Mapping[str, Any]) -> Setup:
    """A Checkout Session in setup mode, its setup_intent with payment_method and mandate expanded."""
    intent = session.get("setup_intent")
    if session.get("status") == "expired":
        return Setup(SetupStage.ENDED)
    if session.get("status") != "complete" or not isinstance(intent, Mapping) or intent.get("status") != "succeeded":
        return Setup(SetupStage.OPEN)
    return _left(session, intent, intent.get("mandate"))


def read_paid_method(session: Mapping[str, Any]) -> Setup:
    """What a customer paid with on a page that keeps it, its payment_intent with payment_method and charge expanded."""
    intent = session.get("payment_intent")
    if not isinstance(intent, Mapping) or intent.get("setup_future_usage") != "off_session":
        return Setup(SetupStage.ENDED)
    charge = intent.get("latest_charge")
    details = charge.get("payment_method_details") if isinstance(charge, Mapping) else None
    debit = details.get("sepa_debit") if isinstance(details, Mapping) else None
    return _left(session, intent, debit.get("mandate") if isinstance(debit, Mapping) else None)


def _left(session: Mapping[str, Any], intent: Mapping[str, Any], mandate: Any) -> Setup:
    thing = intent.get("payment_method")
    method = read_method(thing, mandate) if isinstance(thing, Mapping) else None
    return Setup(SetupStage.DONE, _word(session, "customer"), method) if method else Setup(SetupStage.ENDED)


def read_method(thing: Mapping[str, Any], mandate: Any = None) -> Method | None:
    """A PaymentMethod, with its mandate (its number, or the thing itself); None for one of another kind."""
    kind = thing.get("type")
    if kind not in _KINDS:
        return None
    told = thing.get(kind)
    told = told if isinstance(told, Mapping) else {}
    month, year = told.get("exp_month"), told.get("exp_year")
    expanded = mandate if isinstance(mandate, Mapping) else {}
    details = expanded.get("payment_method_details")
    debit = details.get("sepa_debit") if isinstance(details, Mapping) else None
    number = expanded.get("id", mandate if isinstance(mandate, str) else None)
    return Method(
        number=_word(thing, "id"),
        kind=str(kind),
        brand=_short(told.get("brand") or told.get("bank_code"), 40),
        last4=_short(told.get("last4"), 4),
        exp_month=month if isinstance(month, int) and 1 <= month <= 12 else None,
        exp_year=year if isinstance(year, int) and 2000 <= year <= 9999 else None,
        mandate=number if isinstance(number, str) else None,
        mandate_reference=_short(debit.get("reference") if isinstance(debit, Mapping) else "", 60),
    )


def read_instructions(intent: Mapping[str, Any]) -> dict[str, Any]:
    """Where a transfer goes: iban, bic, holder, reference, remaining_minor; empty when there is nothing to transfer."""
    action = intent.get("next_action")
    told = action.get("display_bank_transfer_instructions") if isinstance(action, Mapping) else None
    if not isinstance(told, Mapping):
        return {}
    ibans = [
        one["iban"]
        for one in told.get("financial_addresses") or []
        if isinstance(one, Mapping) and isinstance(one.get("iban"), Mapping)
    ]
    if not ibans:
        return {}
    currency = _word(told, "currency").upper()
    left = told.get("amount_remaining")
    return {
        "iban": _short(ibans[0].get("iban"), 34),
        "bic": _short(ibans[0].get("bic"), 11),
        "holder": _short(ibans[0].get("account_holder_name"), 200),
        "reference": _short(told.get("reference"), 140),
        "remaining_minor": from_gateway(left, currency) if isinstance(left, int) and left >= 0 else 0,
    }


def redirect_of(intent: Mapping[str, Any]) -> str:
    """Where the customer must go to confirm; '' when nowhere."""
    action = intent.get("next_action")
    told = action.get("redirect_to_url") if isinstance(action, Mapping) else None
    url = told.get("url") if isinstance(told, Mapping) else None
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def _word(thing: Mapping[str, Any], name: str) -> str:
    """An id or a word of Stripe's; what may be expanded is given by its id."""
    found = thing.get(name)
    if isinstance(found, Mapping):
        found = found.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= 255 or not found.isascii() or not found.isprintable():
        raise EventError(f"a Stripe object says its {name}")
    return found


def _short(found: Any, limit: int) -> str:
    return "".join(c for c in found if c.isprintable())[:limit] if isinstance(found, str) else ""
