"""Why a charge failed, in the customer's words, and whether trying the same again can help. Pure.

The codes are Stripe's (docs.stripe.com/declines/codes); one that is not listed is told in general words, and may be
tried again.
"""

from __future__ import annotations

from collections.abc import Mapping

from ar.core.i18n import marked as _

_WORDS: Mapping[str, str] = {
    "insufficient_funds": _("there was not enough money on the account"),
    "expired_card": _("the card has expired"),
    "lost_card": _("the card was reported lost"),
    "stolen_card": _("the card was reported stolen"),
    "pickup_card": _("the bank does not accept this card any more"),
    "card_velocity_exceeded": _("the card's limit was reached"),
    "withdrawal_count_limit_exceeded": _("the card's limit was reached"),
    "authentication_required": _("your bank wants you to confirm the payment yourself"),
    "payment_intent_authentication_failure": _("the payment was not confirmed"),
    "payment_intent_payment_attempt_failed": _("the bank refused the debit"),
    "incorrect_number": _("the card number is not right"),
    "invalid_account": _("the account does not exist any more"),
    "bank_account_closed": _("the account does not exist any more"),
    "debit_not_authorized": _("the debit was not authorised"),
    "never_arrived": _("the payment service could not be reached"),
    "gateway_refused": _("the payment service refused it"),
    "abandoned": _("it was not confirmed in time"),
    "canceled": _("it was cancelled"),
    "requested_by_customer": _("it was cancelled"),
}
_HOPELESS = frozenset(
    {
        "authentication_required",
        "bank_account_closed",
        "debit_not_authorized",
        "expired_card",
        "gateway_refused",
        "incorrect_number",
        "invalid_account",
        "lost_card",
        "payment_intent_authentication_failure",
        "pickup_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "stolen_card",
        "stop_payment_order",
    }
)


def words_of(code: str) -> str:
    """Why, as the end of a sentence, in English: to be translated where it is shown."""
    return _WORDS.get(code, _("the bank declined it"))


def may_try_again(code: str) -> bool:
    """Whether the same charge may go through on another day without the customer doing anything."""
    return code not in _HOPELESS
