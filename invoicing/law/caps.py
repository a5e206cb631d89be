"""Whether payment terms run longer than the law lets companies agree. Pure: it warns, and stops nothing.

Code de commerce L441-10: at most 60 days from the invoice date or, if stipulated, 45 days end of month, which may be
counted either way; 45 days from an invoice that sums up a period. Directive 2011/7/EU, article 3(5): at most 60 days,
unless expressly agreed and not grossly unfair; article 4: public bodies 30, up to 60 only where expressly agreed and
justified. A consumer's terms are no matter of these laws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ar.core.i18n import marked as _
from ar.customers.models import AccountKind
from invoicing.law.rules import Law, Rule
from invoicing.models import LawKind
from invoicing.terms import Due, Terms
from invoicing.terms.model import AT_MONTH_END


@dataclass(frozen=True)
class LawWarning:
    """What of an invoice goes beyond the law. `sentence` is marked for translation, `values` fill it in.

    `latest_on` is the last day that the rule lets be agreed; None where the table has no rule for the day.
    """

    rule: str
    due_on: date
    latest_on: date | None
    sentence: str
    values: Mapping[str, object]


def beyond(
    law: Law,
    *,
    issue_on: date,
    due_on: date,
    terms: Terms | None,
    kind: AccountKind = AccountKind.COMPANY,
    periodic: bool = False,
) -> LawWarning | None:
    """The warning for an invoice of `issue_on` whose last due date is `due_on`, by its terms (None: by a bare date).

    `kind` is what the customer is, `periodic` whether the invoice sums up a period. None as well for a consumer, and
    for a seller of whose country the table knows no such limit at all.
    """
    if kind is AccountKind.CONSUMER:
        return None
    if kind is AccountKind.PUBLIC_BODY and (public := law.find(LawKind.PUBLIC_MAX_DAYS, issue_on)):
        sentence = _("%(rule)s: a public body pays within %(days)s days from the invoice date")
        return _flat(public, sentence, issue_on, due_on)
    if periodic and (period := law.find(LawKind.PERIODIC_MAX_DAYS, issue_on)):
        sentence = _("%(rule)s: at most %(days)s days from the date of an invoice that sums up a period")
        return _flat(period, sentence, issue_on, due_on)
    return _between_companies(law, issue_on=issue_on, due_on=due_on, terms=terms)


def _flat(rule: Rule, sentence: str, issue_on: date, due_on: date) -> LawWarning | None:
    """By a limit that counts days from the invoice and nothing else."""
    days = int(rule.value)
    latest = issue_on + timedelta(days=days)
    if due_on <= latest:
        return None
    return LawWarning(rule.source, due_on, latest, sentence, {"rule": rule.source, "days": days})


def _between_companies(law: Law, *, issue_on: date, due_on: date, terms: Terms | None) -> LawWarning | None:
    if not law.of(LawKind.MAX_DAYS):
        return None
    most = law.find(LawKind.MAX_DAYS, issue_on)
    if most is None:
        sentence = _("The law's table has no longest payment term for %(country)s on %(day)s: it can be added there")
        return LawWarning("", due_on, None, sentence, {"country": law.country, "day": issue_on.isoformat()})
    days = int(most.value)
    latest = issue_on + timedelta(days=days)
    at_month_end = law.find(LawKind.MAX_DAYS_END_OF_MONTH, issue_on)
    if at_month_end is None:
        if due_on <= latest:
            return None
        sentence = _("%(rule)s: at most %(days)s days from the invoice date")
        return LawWarning(most.source, due_on, latest, sentence, {"rule": most.source, "days": days})
    month_days = int(at_month_end.value)
    countings = {part.due.counting for part in terms.parts} & AT_MONTH_END if terms else set()
    latest = max([latest, *(Due(counting, month_days).due_on(issue_on) for counting in countings)])
    if due_on <= latest:
        return None
    sentence = _("%(rule)s: at most %(days)s days from the invoice date, or %(month_days)s days end of month")
    values = {"rule": most.source, "days": days, "month_days": month_days}
    return LawWarning(most.source, due_on, latest, sentence, values)
