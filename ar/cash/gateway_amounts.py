"""Amounts as Stripe writes them, exactly, or not at all. Pure.

Stripe's minor units are ISO 4217's but for the cases its currencies page names (docs.stripe.com/currencies):
MGA has no decimals there; ISK and UGX have two that must be 00; of the three decimals of BHD, JOD, KWD, OMR and
TND the last must be 0. A currency with other decimals that the page does not name is refused rather than guessed.
"""

from __future__ import annotations

from ar.core.errors import DomainError
from ar.core.money import exponent, plain

_PLACES = {"MGA": 0, "ISK": 2, "UGX": 2}
_LEAST = {"CAD": 50, "CHF": 50, "DKK": 250, "EUR": 50, "GBP": 30, "JPY": 50, "NOK": 300, "SEK": 300, "USD": 50}
"""The least that can be charged at once, in minor units, as Stripe's page of minimums has it; else one unit."""

_THREE_PLACES = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


class NotPayableOnlineError(DomainError):
    """The gateway cannot take this amount, or this currency, to the last unit."""

    code = "not-payable-online"


def gateway_places(currency: str) -> int:
    """Decimal places of `currency` at the gateway. Raises NotPayableOnlineError where they are not documented."""
    places = _PLACES.get(currency, exponent(currency))
    if places in (0, 2) or currency in _THREE_PLACES:
        return places
    raise NotPayableOnlineError(f"{currency} cannot be paid online: please pay by bank transfer")


def to_gateway(minor: int, currency: str) -> int:
    """The gateway's amount for `minor` units. Raises NotPayableOnlineError rather than round."""
    ours, theirs = exponent(currency), gateway_places(currency)
    amount, lost = divmod(minor * _ten(theirs), _ten(ours))
    if lost or (currency in _THREE_PLACES and amount % 10):
        raise NotPayableOnlineError(
            f"{plain(minor, currency)} {currency} cannot be paid online to the last unit: "
            "please pay a rounder amount, or by bank transfer"
        )
    return amount


def from_gateway(amount: int, currency: str) -> int:
    """Minor units of the gateway's `amount`. Raises NotPayableOnlineError when they are not whole."""
    minor, lost = divmod(amount * _ten(exponent(currency)), _ten(gateway_places(currency)))
    if lost:
        raise NotPayableOnlineError(f"the gateway says {amount} of {currency}, which is no whole minor unit")
    return minor


def check_least(minor: int, currency: str) -> None:
    """Raises NotPayableOnlineError for less than the gateway takes at once."""
    least = _LEAST.get(currency, 1)
    if minor < least:
        raise NotPayableOnlineError(
            f"At least {plain(least, currency)} {currency} must be paid at once: "
            "please pay more together, or by bank transfer"
        )


def _ten(places: int) -> int:
    return int("1" + "0" * places)
