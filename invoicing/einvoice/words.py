"""What an invoice says in sentences: when to pay, why no VAT is charged, what the law wants said. Pure.

`say` translates a marked sentence and fills its places.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from ar.core.i18n import long_day
from ar.core.i18n import marked as _
from invoicing import terms
from invoicing.einvoice.facts import Note
from invoicing.models import DocumentKind, TaxCategory


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

_FRENCH_MENTIONS = (
    (
        "PMD",
        _(
            "Late payment bears interest at the European Central Bank's refinancing rate plus 10 percentage points, "
            "without any reminder (article L441-10 of the French commercial code)."
        ),
    ),
    ("PMT", _("Late payment by a business also owes a fixed sum of EUR 40 for the cost of recovery.")),
    ("AAB", _("No discount for early payment.")),
)
"""The mentions that French law wants on an invoice, by their subject (UNTDID 4451). No contract's own rate is known."""


def reason(category: TaxCategory, seller_country: str, say: Say) -> str:
    """Why no VAT is charged in `category` [BT-120]; empty where VAT is, be it at a zero rate."""
    sentence = _REASONS.get(category, "")
    if seller_country == "FR":
        sentence = _FRENCH_REASONS.get(category, sentence)
    return say(sentence) if sentence else ""


def mentions(seller_country: str, say: Say) -> tuple[Note, ...]:
    """The legal mentions; French platforms want them of credit notes, too (BR-FR-05)."""
    if seller_country != "FR":
        return ()
    return tuple(Note(say(sentence), subject) for subject, sentence in _FRENCH_MENTIONS)


def terms_in_words(kind: DocumentKind, due_on: date, agreed: str, say: Say, language: str) -> str:
    """When to pay, or of a credit note what becomes of the amount. `agreed` is the text of Terms, or empty."""
    if kind is DocumentKind.CREDIT_NOTE:
        return say(_("Set against what you owe, or kept in your credit."))
    day = long_day(due_on, language=language)
    if not agreed:
        return say(_("To be paid by %(day)s."), day=day)
    found = terms.parse(agreed)
    if found.counting is terms.Counting.NET and found.days == 0:
        return say(_("To be paid on receipt, by %(day)s."), day=day)
    counted = {
        terms.Counting.NET: _("To be paid by %(day)s: %(days)s days from the day of issue."),
        terms.Counting.MONTH_END_THEN_DAYS: _("To be paid by %(day)s: the end of the month plus %(days)s days."),
        terms.Counting.DAYS_THEN_MONTH_END: _("To be paid by %(day)s: %(days)s days, then the end of the month."),
    }[found.counting]
    return say(counted, day=day, days=found.days)
