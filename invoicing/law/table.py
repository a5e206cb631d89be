"""The table of the law: read for a seller, and added to by an administrator. Rows are never changed."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault
from ar.core.money import AmountError, CurrencyError, parse_minor
from ar.customers.accounts import account
from ar.customers.checks import countries
from ar.customers.entities import entity
from invoicing import terms
from invoicing.law.caps import LawWarning, beyond
from invoicing.law.rules import Law, Rule, jurisdictions
from invoicing.models import DocumentKind, Invoice, LateLaw, LawKind
from invoicing.totals import decimal_text

_VALUE = re.compile(r"\d{1,8}(\.\d{1,4})?", re.ASCII)
_DAYS = (LawKind.MAX_DAYS, LawKind.MAX_DAYS_END_OF_MONTH, LawKind.PUBLIC_MAX_DAYS, LawKind.PERIODIC_MAX_DAYS)
_RATES = (LawKind.INTEREST, LawKind.LEGAL_RATE)


class LawError(DomainError):
    """What was given for the law's table cannot be; the faults say where and why."""

    code = "bad-law"


@dataclass(frozen=True)
class LawDraft:
    """A row to add. `value` is a plain decimal: percent a year, days, or an amount of `currency`."""

    jurisdiction: str
    kind: LawKind
    value: str
    valid_from: date
    valid_to: date | None
    source: str
    currency: str | None = None


def law_of(session: Session, country: str) -> Law:
    """The law that may concern a seller of `country`, of all periods."""
    query = select(LateLaw).where(col(LateLaw.jurisdiction).in_(jurisdictions(country)))
    rules = [
        Rule(row.id or 0, row.jurisdiction, row.kind, row.value, row.currency, row.valid_from, row.valid_to, row.source)
        for row in session.exec(query)
    ]
    return Law(country, rules)


def warning_for(session: Session, document: Invoice) -> LawWarning | None:
    """What of a document's due dates goes beyond the law that held where and when it was issued; None for nothing."""
    if document.kind is not DocumentKind.INVOICE:
        return None
    law = law_of(session, entity(session, document.entity_id).country)
    return beyond(
        law,
        issue_on=document.issue_on,
        due_on=document.due_on,
        terms=terms.parse(document.terms) if document.terms else None,
        kind=account(session, document.account_id).kind,
        periodic=document.period_from is not None,
    )


def add_law(session: Session, draft: LawDraft, *, by: str, now: datetime) -> LateLaw:
    """The row just added. It comes before an earlier one that begins on the same day or before. Raises LawError."""
    if faults := _faults(draft):
        raise LawError(f"Nothing was added: {faults[0].message}", faults=faults)
    row = LateLaw(
        jurisdiction=draft.jurisdiction,
        kind=draft.kind,
        value=Decimal(draft.value),
        currency=draft.currency,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
        source=draft.source,
        entered_at=now,
        entered_by=by,
    )
    session.add(row)
    session.flush()
    act = Act(by, "late_payment_law.added", f"late_payment_law:{row.id}", {"after": asdict(draft)})
    record(session, [act], now=now)
    return row


def _faults(draft: LawDraft) -> list[Fault]:
    faults = []
    if draft.jurisdiction not in countries():
        faults.append(Fault("/jurisdiction", f"{draft.jurisdiction[:10]!r} is neither EU nor an ISO 3166 country code"))
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        faults.append(Fault("/valid_to", "the last day lies before the first"))
    if draft.kind in _RATES and draft.valid_to is None:
        faults.append(Fault("/valid_to", "a rate of interest has a last day: nobody knows the rate of a day to come"))
    if (draft.kind is LawKind.FIXED_COMPENSATION) != (draft.currency is not None):
        faults.append(Fault("/currency", "a fixed compensation, and nothing else, has a currency"))
    elif wrong := _value_fault(draft):
        faults.append(Fault("/value", wrong))
    return faults


def _value_fault(draft: LawDraft) -> str | None:
    if not _VALUE.fullmatch(draft.value):
        return f"{draft.value[:20]!r} is not a plain decimal of at most 4 places, such as 12.15"
    value = Decimal(draft.value)
    if draft.kind in _DAYS and (value != int(value) or not 1 <= value <= 3650):
        return "days are a whole number from 1 to 3650"
    if draft.kind in _RATES and value > 100:
        return "a rate of more than 100 percent a year is not taken: write 12.15 for 12.15 %"
    if draft.currency is not None:
        try:
            parse_minor(draft.value, draft.currency)
        except (AmountError, CurrencyError) as error:
            return error.message
    return None


def value_text(value: Decimal) -> str:
    """A value as a plain decimal without needless zeros: '12.15', '60'."""
    return decimal_text(int(value * 10_000), 4)
