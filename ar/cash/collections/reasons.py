"""The bank's codes for a debit that came back: in words, and what each means for mandate and money. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ar.core.i18n import marked as _


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """`words` end the sentence "it came back from your bank: ...". `suspends`: nothing more is collected until
    somebody has looked. `refund`: the debtor took back money that had been paid."""

    words: str
    suspends: bool = False
    refund: bool = False


UNKNOWN = ReturnReason(_("the bank did not say why"))

REASONS = {
    "AC01": ReturnReason(_("the account number is not right"), suspends=True),
    "AC04": ReturnReason(_("the account is closed"), suspends=True),
    "AC06": ReturnReason(_("the account is blocked"), suspends=True),
    "AC13": ReturnReason(_("the account is a consumer's, which this kind of debit is not for"), suspends=True),
    "AG01": ReturnReason(_("the account does not take direct debits"), suspends=True),
    "AG02": ReturnReason(_("the bank did not know this kind of operation")),
    "AM04": ReturnReason(_("there was not enough money on the account")),
    "AM05": ReturnReason(_("the bank took it for a repetition")),
    "BE05": ReturnReason(_("the bank did not know us as creditor"), suspends=True),
    "CNOR": ReturnReason(_("the bank could not be reached")),
    "DNOR": ReturnReason(_("the bank could not be reached")),
    "FF01": ReturnReason(_("the bank could not read the file")),
    "MD01": ReturnReason(_("there is no valid mandate, as the bank sees it"), suspends=True, refund=True),
    "MD02": ReturnReason(_("details of the mandate are missing or not right"), suspends=True),
    "MD06": ReturnReason(_("you asked your bank for a refund"), refund=True),
    "MD07": ReturnReason(_("the account holder has died"), suspends=True),
    "MS02": ReturnReason(_("the debit was refused at your wish")),
    "MS03": ReturnReason(_("the bank did not say why")),
    "RC01": ReturnReason(_("the bank's identifier is not right")),
    "RR01": ReturnReason(_("the bank lacks what the law asks it to know")),
    "RR02": ReturnReason(_("the bank lacks what the law asks it to know")),
    "RR03": ReturnReason(_("the bank lacks what the law asks it to know")),
    "RR04": ReturnReason(_("the law kept the bank from it")),
    "SL01": ReturnReason(_("your bank lets us debit nothing, or not so much, by your instruction"), suspends=True),
}
"""ISO 20022 external return reasons that SEPA direct debits come back with."""

REFUND_WEEKS = 8
UNAUTHORISED_MONTHS = 13
"""How long after its day a Core debit may be taken back: with a valid mandate, and without one."""


def reason_of(code: str) -> ReturnReason:
    """What the bank's code says; UNKNOWN for one that is not known."""
    return REASONS.get(code.strip().upper(), UNKNOWN)
