"""What an invoice says in sentences: when to pay, why no VAT is charged, what the law wants said. Pure.

`say` translates a marked sentence and fills its places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from ar.core.i18n import long_day
from ar.core.i18n import marked as _
from ar.core.money import localized
from ar.customers.models import AccountKind
from invoicing.einvoice.facts import Note
from invoicing.models import DocumentKind, SupplyKind, TaxCategory
from invoicing.terms import Instalment


class Say(Protocol):
    def __call__(self, sentence: str, **values: object) -> str: ...


REASON_CODES = {
    TaxCategory.REVERSE_CHARGE: "VATEX-EU-AE",
    TaxCategory.INTRA_COMMUNITY: "VATEX-EU-IC",
    TaxCategory.EXPORT: "VATEX-EU-G",
    TaxCategory.NOT_SUBJECT: "VATEX-EU-O",
}
"""Codes of the CEF list for why no VAT is charged [BT-121]; an exemption (E) has one for each article of law."""

_REASONS = {
    TaxCategory.EXEMPT: _("Exempt from VAT"),
    TaxCategory.REVERSE_CHARGE: _("Reverse charge"),
    TaxCategory.INTRA_COMMUNITY: _("Intra-Community supply, exempt from VAT"),
    TaxCategory.EXPORT: _("Export, exempt from VAT"),
    TaxCategory.NOT_SUBJECT: _("Not subject to VAT"),
}
_FRENCH_REASONS = {
    TaxCategory.INTRA_COMMUNITY: _("Exempt from VAT, article 262 ter I of the French tax code (CGI)"),
    TaxCategory.EXPORT: _("Exempt from VAT, article 262 I of the French tax code (CGI)"),
}

_SCHEMES = {
    "VATEX-EU-D": _("Margin scheme: travel agents"),
    "VATEX-EU-F": _("Margin scheme: second-hand goods"),
    "VATEX-EU-I": _("Margin scheme: works of art"),
    "VATEX-EU-J": _("Margin scheme: collectors' items and antiques"),
    "VATEX-FR-FRANCHISE": _("VAT not applicable, article 293 B of the French tax code (CGI)"),
    "VATEX-FR-CNWVAT": _("Credit note without VAT"),
    "VATEX-FR-298SEXDECIESA": _("VAT not applicable, article 298 sexdecies A of the French tax code (CGI)"),
}
_ARTICLE = re.compile(r"VATEX-EU-(?P<article>\d+)(?:-(?P<number>\d?)(?P<letters>[A-Z]*))?")
_FRENCH_ARTICLE = re.compile(r"VATEX-FR-CGI(?P<article>\d+)(?P<letter>[A-Z]?)(?:-(?P<point>\d)(?P<bis>BIS)?)?")

_OPERATIONS = {
    frozenset({SupplyKind.GOODS}): _("Supply of goods"),
    frozenset({SupplyKind.SERVICES}): _("Supply of services"),
    frozenset(SupplyKind): _("Supply of goods and services"),
}
"""The category of operation, which French invoices say from the reform of 2026 on."""

_RATE = _(
    "Late payment bears interest at the European Central Bank's refinancing rate plus 10 percentage points, "
    "without any reminder (article L441-10 of the French commercial code)."
)
_AGREED_RATE = _(
    "Late payment bears interest at %(percent)s a year as agreed, without any reminder (article L441-10 of the French "
    "commercial code)."
)
_PUBLIC_RATE = _(
    "Late payment bears interest at the rate set for public contracts, without any reminder (article L2192-13 of the "
    "French public procurement code)."
)
_FIXED_SUM = _("Late payment by a business also owes a fixed sum of EUR 40 for the cost of recovery.")
_PUBLIC_FIXED_SUM = _("Late payment also owes a fixed sum of EUR 40 for the cost of recovery.")


def reason(category: TaxCategory, exemption: str, seller_country: str, say: Say) -> str:
    """Why no VAT is charged in `category` [BT-120]; empty where VAT is, be it at a zero rate.

    `exemption` is the VATEX code that the lines gave, or empty.
    """
    if exemption and category is TaxCategory.EXEMPT:
        return _exemption(exemption, say)
    sentence = _REASONS.get(category, "")
    if seller_country == "FR":
        sentence = _FRENCH_REASONS.get(category, sentence)
    return say(sentence) if sentence else ""


def _exemption(code: str, say: Say) -> str:
    """The article of law that a VATEX code stands for, as an invoice cites it."""
    if code in _SCHEMES:
        return say(_SCHEMES[code])
    if found := _FRENCH_ARTICLE.fullmatch(code):
        article = _french(**found.groupdict(""))
        return say(_("Exempt from VAT, article %(article)s of the French tax code (CGI)"), article=article)
    found = _ARTICLE.fullmatch(code)
    assert found is not None
    article = _european(**found.groupdict(""))
    return say(_("Exempt from VAT, article %(article)s of Directive 2006/112/EC"), article=article)


def _european(article: str, number: str, letters: str) -> str:
    """As lawyers write it: 132(1)(i), 148(a)."""
    return article + (f"({number})" if number else "") + (f"({letters.lower()})" if letters else "")


def _french(article: str, letter: str, point: str, bis: str) -> str:
    """As lawyers write it: 261, 4 or 261 D, 1° bis."""
    degree = "°" if letter else ""
    return (
        article + (f" {letter}" if letter else "") + (f", {point}{degree}" if point else "") + (" bis" if bis else "")
    )


def operation(supplies: frozenset[SupplyKind], seller_country: str, say: Say) -> str:
    """Whether it is for goods, services or both, in words; empty for a seller who need not say."""
    return say(_OPERATIONS[supplies]) if seller_country == "FR" else ""


def mentions(
    seller_country: str, discount: str, say: Say, *, kind: AccountKind = AccountKind.COMPANY, agreed_rate: str = ""
) -> tuple[Note, ...]:
    """What French law wants said, by subject (UNTDID 4451); French platforms want it of credit notes, too (BR-FR-05).

    `discount` is what an early payer saves, in words; empty for nothing. `kind` is what the customer is: nothing is
    said to a consumer of what professionals owe for being late. `agreed_rate` is a contract's own, as the reader writes
    a percentage; empty for the law's.
    """
    if seller_country != "FR":
        return ()
    early = say(_("Discount for early payment: %(terms)s."), terms=discount) if discount else ""
    return (*_late(kind, agreed_rate, say), Note(early or say(_("No discount for early payment.")), "AAB"))


def _late(kind: AccountKind, agreed_rate: str, say: Say) -> tuple[Note, ...]:
    if kind is AccountKind.CONSUMER:
        return ()
    if kind is AccountKind.PUBLIC_BODY:
        return Note(say(_PUBLIC_RATE), "PMD"), Note(say(_PUBLIC_FIXED_SUM), "PMT")
    rate = say(_AGREED_RATE, percent=agreed_rate) if agreed_rate else say(_RATE)
    return Note(rate, "PMD"), Note(say(_FIXED_SUM), "PMT")


def terms_in_words(
    kind: DocumentKind, due: Sequence[Instalment], currency: str, agreed: str, say: Say, language: str
) -> str:
    """When to pay what, or of a credit note what becomes of the amount. `agreed`: the terms in words, or empty."""
    if kind is DocumentKind.CREDIT_NOTE:
        return say(_("Set against what you owe, or kept in your credit."))
    if len(due) > 1:
        parts = [
            say(
                _("%(amount)s by %(day)s"),
                amount=localized(part.amount_minor, currency, language),
                day=long_day(part.due_on, language=language),
            )
            for part in due
        ]
        return say(_("To be paid in instalments: %(parts)s."), parts=", ".join(parts))
    day = long_day(due[0].due_on, language=language)
    if not agreed:
        return say(_("To be paid by %(day)s."), day=day)
    return say(_("To be paid by %(day)s: %(terms)s."), day=day, terms=agreed)
