"""Payment terms in words, as an invoice prints them. Pure: the sentences are marked here, the caller says them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from typing import Any, Protocol

from ar.core.i18n import marked as _
from ar.core.i18n import percent
from invoicing.terms.model import WHOLE, Counting, Discount, Due, Terms


class Say(Protocol):
    """`Renderer.text`: a marked sentence in a language, its places filled in."""

    def __call__(self, sentence: str, *, language: str, **values: Any) -> str: ...


def words(terms: Terms, *, language: str, say: Say) -> str:
    """The terms in `language`: '30 days net', '45 jours fin de mois', '2% discount if paid within 10 days; ...'."""
    if len(terms.parts) == 1:
        due = _due(terms.parts[0].due, language, say)
        return _listed([*_discounts(terms, language, say), due], language, say)
    parts = [
        say(
            _("%(percent)s: %(due)s"),
            language=language,
            percent=_percent(part.share_bp, language),
            due=_due(part.due, language, say),
        )
        for part in terms.parts
    ]
    return _listed(parts, language, say)


def discount_words(terms: Terms, *, language: str, say: Say) -> str:
    """The discounts for early payment alone; empty where there are none."""
    return _listed(_discounts(terms, language, say), language, say) if terms.discounts else ""


def _listed(parts: Sequence[str], language: str, say: Say) -> str:
    return reduce(lambda one, other: say(_("%(one)s; %(other)s"), language=language, one=one, other=other), parts)


def _discounts(terms: Terms, language: str, say: Say) -> list[str]:
    return [_discount(step, language, say) for step in terms.discounts]


def _discount(step: Discount, language: str, say: Say) -> str:
    if step.days == 0:
        sentence = _("%(percent)s discount if paid on the day of the invoice")
        return say(sentence, language=language, percent=_percent(step.percent_bp, language))
    sentence = _("%(percent)s discount if paid within %(days)s")
    days = _days(step.days, language, say)
    return say(sentence, language=language, percent=_percent(step.percent_bp, language), days=days)


def _due(due: Due, language: str, say: Say) -> str:
    counted = _counted(due, language, say)
    if due.on_day is None:
        return counted
    if due.on_day == 1:
        return say(_("%(due)s, on the first of the month"), language=language, due=counted)
    if due.on_day == 31:
        return say(_("%(due)s, on the last day of the month"), language=language, due=counted)
    return say(_("%(due)s, on day %(day)s of the month"), language=language, due=counted, day=due.on_day)


def _counted(due: Due, language: str, say: Say) -> str:
    if due.counting is Counting.WITH_ORDER:
        return say(_("payable with the order"), language=language)
    if due.counting is Counting.NET and due.days == 0:
        return say(_("payable on the day of the invoice"), language=language)
    if due.counting is not Counting.NET and due.days == 0:
        return say(_("end of month"), language=language)
    sentence = {
        Counting.NET: _("%(days)s net"),
        Counting.MONTH_END_THEN_DAYS: _("end of month plus %(days)s"),
        Counting.DAYS_THEN_MONTH_END: _("%(days)s end of month"),
    }[due.counting]
    return say(sentence, language=language, days=_days(due.days, language, say))


def _days(count: int, language: str, say: Say) -> str:
    return say(_("1 day"), language=language) if count == 1 else say(_("%(days)s days"), language=language, days=count)


def _percent(basis_points: int, language: str) -> str:
    places = 0 if basis_points % 100 == 0 else 1 if basis_points % 10 == 0 else 2
    return percent(Decimal(basis_points) / WHOLE, places, language=language)
