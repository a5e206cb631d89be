"""The words of a mandate, as the European Payments Council sets them: marked here, translated where shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ar.cash.mandates.models import Scheme
from ar.core.i18n import marked as _


class Sentence(NamedTuple):
    """A marked sentence and the values of its places."""

    words: str
    values: Mapping[str, str]


def authority(scheme: Scheme, creditor: str) -> list[Sentence]:
    """What the debtor authorises by signing, and its rights, for a creditor of that name."""
    named = {"creditor": creditor}
    granted = Sentence(
        _(
            "By signing this mandate, you authorise (A) %(creditor)s to send instructions to your bank to debit your "
            "account and (B) your bank to debit your account in accordance with the instructions from %(creditor)s."
        ),
        named,
    )
    if scheme is Scheme.CORE:
        rights = _(
            "As part of your rights, you are entitled to a refund from your bank under the terms and conditions of "
            "your agreement with your bank. A refund must be claimed within 8 weeks starting from the date on which "
            "your account was debited. Your rights are explained in a statement that you can obtain from your bank."
        )
        return [granted, Sentence(rights, {})]
    rights = _(
        "This mandate is only intended for business-to-business transactions. You are not entitled to a refund from "
        "your bank after your account has been debited, but you are entitled to request your bank not to debit your "
        "account up until the day on which the payment is due. Please tell your bank of this mandate: it must "
        "confirm it."
    )
    return [granted, Sentence(rights, {})]


PAYMENT_TYPES = {False: _("Recurrent payment"), True: _("One-off payment")}
"""What a mandate is for, by whether it is for one collection alone."""

SCHEME_NAMES = {
    Scheme.CORE: _("SEPA Direct Debit Mandate"),
    Scheme.B2B: _("SEPA Business-to-Business Direct Debit Mandate"),
}
