"""Every parameter that is sent to Stripe is one of its own, by the types of Stripe's library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import pytest
import stripe.params as known
import stripe.params.checkout as checkout
from typing_extensions import get_type_hints, is_typeddict

from ar.cash.gateway import CheckoutRequest, Line
from ar.cash.online import parameters
from ar.cash.online.gateway import ChargeRequest, SetupRequest, TransferRequest

PAGE = CheckoutRequest(
    "pay_1",
    "EUR",
    [Line("INV-1", 1000)],
    ["card", "sepa_debit"],
    "fr",
    "http://s.example/{CHECKOUT_SESSION_ID}",
    "http://s.example/",
    1,
    customer="cus_1",
    save=True,
    hold=True,
)
SETUP = SetupRequest("setup_1", "cus_1", ["card"], "en", "http://s.example/", "http://s.example/", 1)
CHARGE = ChargeRequest("pay_1", "cus_1", "pm_1", "sepa_debit", "mandate_1", "EUR", 1000, "S: INV-1", True, "", True)
PRESENT = ChargeRequest("pay_1", "cus_1", "pm_1", "card", "", "EUR", 1000, "S", False, "http://s.example/", False)
TRANSFER = TransferRequest("pay_1", "cus_1", "EUR", 1000, "FR", "S: INV-1")


_NAMES = {"StripeContext": object, "Mapping": Mapping, "StripeStreamResponse": object}
"""Names that the library's types mention without importing them: of options that are no parameters."""


def unknown(sent: Any, hint: Any, path: str) -> list[str]:
    """Where `sent` says what the type `hint` does not know."""
    if is_typeddict(hint):
        if not isinstance(sent, dict):
            return [f"{path} is no object"]
        hints = get_type_hints(hint, localns=_NAMES)
        found = [f"{path}.{name}" for name in sent if name not in hints]
        for name, value in sent.items():
            found += unknown(value, hints[name], f"{path}.{name}") if name in hints else []
        return found
    if hint is Any or not get_args(hint):
        return []
    if get_origin(hint) is list:
        return [one for n, value in enumerate(sent) for one in unknown(value, get_args(hint)[0], f"{path}[{n}]")]
    if get_origin(hint) is dict:
        return []
    if all(isinstance(value, str) for value in get_args(hint)):
        return [] if sent in get_args(hint) else [f"{path} is {sent!r}"]
    ways = [unknown(sent, way, path) for way in get_args(hint) if not _unlike(sent, way)]
    return min(ways, key=len) if ways else [f"{path} is of another kind"]


def _unlike(sent: Any, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind is Literal:
        return not isinstance(sent, str)
    if is_typeddict(hint):
        return not isinstance(sent, dict)
    return isinstance(kind, type) and not isinstance(sent, kind)


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        (parameters.payment_page(PAGE), checkout.SessionCreateParams),
        (parameters.setup_page(SETUP), checkout.SessionCreateParams),
        (parameters.charge(CHARGE), known.PaymentIntentCreateParams),
        (parameters.charge(PRESENT), known.PaymentIntentCreateParams),
        (parameters.transfer(TRANSFER), known.PaymentIntentCreateParams),
        (parameters.customer("Nordlicht", "NORD"), known.CustomerCreateParams),
        (parameters.capture(600, "EUR"), known.PaymentIntentCaptureParams),
        (parameters.refund("pi_1", 600, "EUR", "ref_1"), known.RefundCreateParams),
        ({"customer": "cus_1", "created": {"gte": 1}, "limit": 100, "expand": ["data"]}, known.PaymentIntentListParams),
        ({"payment_intent": "pi_1", "limit": 100}, known.DisputeListParams),
        ({"payment_intent": "pi_1", "limit": 100}, known.RefundListParams),
        ({"expand": ["latest_charge"]}, known.PaymentIntentRetrieveParams),
        ({"expand": ["setup_intent.payment_method"]}, checkout.SessionRetrieveParams),
    ],
)
def test_every_parameter_is_stripes_own(sent: dict[str, Any], hint: Any) -> None:
    assert unknown(sent, hint, "") == []


def test_one_that_is_not_is_found() -> None:
    wrong = parameters.transfer(TRANSFER)
    options = wrong["payment_method_options"]["customer_balance"]
    options["bank_transfer"] = options["bank_transfer"] | {"iban": "X"}
    wrong["colour"] = "blue"
    assert sorted(unknown(wrong, known.PaymentIntentCreateParams, "")) == [
        ".colour",
        ".payment_method_options.customer_balance.bank_transfer.iban",
    ]
