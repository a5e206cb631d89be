"""Why money is proposed for something, and why it was not applied, told to a reader in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ar.cash.matching.facts import Reason
from ar.core.i18n import marked as _
from ar.core.money import localized
from ar.core.render import Renderer

REASONS = {
    "named": _("The payer quotes %(references)s"),
    "damaged": _("The text says %(references)s in a damaged form"),
    "exact": _("The amounts agree exactly"),
    "advised": _("The amounts are those of the remittance advice"),
    "uncontested": _("The amount is what is not contested"),
    "credited": _("The amounts agree once the customer's credit is set against them"),
    "discount": _("The discount of %(amount)s was earned in time"),
    "late_discount": _("The discount of %(amount)s was taken a little late"),
    "charges_stated": _("Banks took off charges of %(amount)s, as they say"),
    "charges": _("%(amount)s less than asked: charges of banks, it seems"),
    "tolerated": _("%(amount)s less than asked, which is within the tolerance"),
    "short": _("Part of it is paid: %(amount)s stays open"),
    "over": _("%(amount)s too much, kept on account"),
    "balance": _("It is all that the customer owes"),
    "all_due": _("It is all that is due"),
    "oldest": _("It is what has been due longest"),
    "month": _("It is all the invoices of one month"),
    "order": _("It is all the invoices of one purchase order"),
    "late_charges": _("It includes the late charges"),
    "run": _("The items follow each other"),
    "loose": _("The items only have their sum in common"),
    "expected": _("The customer said that this sum would come"),
    "legal_order": _("Nothing is said, so the law's order is followed"),
    "given": _("The money is known to be from %(customer)s"),
    "iban": _("%(customer)s has paid from this bank account before"),
    "alias": _("Money under this name was from %(customer)s before"),
    "same_name": _("The payer's name is that of %(customer)s"),
    "like_name": _("The payer's name is like that of %(customer)s"),
    "number": _("The text quotes the number of %(customer)s"),
    "relative": _("The payer belongs to the group of %(customer)s"),
    "left_out": _("The text quotes other open items, too"),
    "like_left_out": _("The text is nearer to the reference of another item"),
    "unread": _("The text quotes a reference that is not open"),
    "contrary": _("The words of the payer speak of something else, such as a deposit or a refund"),
    "other_iban": _("The bank account is known as another customer's"),
    "other_iban_kin": _("The bank account is another one's of the group"),
    "other_name": _("The payer's name is another one"),
    "iban_refused": _("Money from this bank account was for others before"),
    "alias_refused": _("Money under this name was for others before"),
    "stranger": _("Nothing says that the payer is this customer"),
    "accounts": _("It is for several customers"),
    "before": _("The money came before the item was issued"),
}
"""A sentence without a full stop for each code of a reason."""

WHY_NOT = {
    "equal_items": _("Another way to apply it is as likely, within the same customer"),
    "equal_customers": _("It may as well be from another customer"),
    "payer_unknown": _("Who pays is not known well enough"),
    "rest_of_several": _("Too much came for several customers: whose the rest is, a person has to say"),
    "short_of_several": _("Too little came for several items: which of them it is for, a person has to say"),
    "nothing_said": _("Nothing says what the money is for"),
    "undone": _("It was applied once and undone: a person has to say"),
    "not_sure": _("It is likely, but not sure enough to be applied untouched"),
}
"""A sentence without a full stop for each code of what keeps a proposal from being applied."""


def told(renderer: Renderer, reason: Reason, *, language: str) -> str:
    """The reason as a sentence without a full stop, amounts as the language writes them."""
    code = renderer.language(language)
    values = {name: _value(value, code) for name, value in reason.values.items()}
    return renderer.text(REASONS[reason.code], language=language, **values)


def why_not_told(renderer: Renderer, code: str, *, language: str) -> str:
    """Why a proposal was not applied untouched, as a sentence without a full stop; empty for the code of nothing."""
    return renderer.text(WHY_NOT[code], language=language) if code else ""


def _value(value: Any, language: str) -> Any:
    if isinstance(value, Mapping):
        return localized(value["minor"], value["currency"], language)
    return ", ".join(value) if isinstance(value, list | tuple) else value
