"""Rules of segments: how late a customer may be, and whether it needs a limit. The newest row of a segment holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault
from ar.core.money import MAX_MINOR, CurrencyError, exponent
from ar.credit.decision import Rule
from ar.credit.models import CreditRule, WithoutLimit


class CreditRuleError(DomainError):
    """The rule cannot be; the faults say where and why."""

    code = "bad-credit-rule"


@dataclass(frozen=True)
class RuleDraft:
    """A rule to set, for a segment or, without one, for every other customer. None switches a measure off."""

    segment: str | None = None
    without_limit: WithoutLimit = WithoutLimit.ACCEPT
    overdue_days: int | None = None
    overdue_minor: int | None = None
    currency: str | None = None


def standing_rules(session: Session) -> list[CreditRule]:
    """The rule of each segment that holds now, that for every other customer first."""
    newest = select(func.max(col(CreditRule.id))).group_by(col(CreditRule.segment))
    found = session.exec(select(CreditRule).where(col(CreditRule.id).in_(newest)))
    return sorted(found, key=lambda row: row.segment or "")


def rules_in_force(session: Session) -> dict[str | None, Rule]:
    """The same as facts, by segment."""
    return {
        row.segment: Rule(row.without_limit, row.overdue_days, row.overdue_minor, row.currency or "")
        for row in standing_rules(session)
    }


def set_rule(session: Session, draft: RuleDraft, *, by: str, now: datetime) -> CreditRule:
    """The rule just set: it takes the place of the segment's former one at once. Raises CreditRuleError."""
    if faults := _faults(draft):
        raise CreditRuleError(f"The rule was not set: {faults[0].message}", faults=faults)
    row = CreditRule(**asdict(draft), set_by=by, set_at=now)
    session.add(row)
    session.flush()
    record(session, [Act(by, "credit.rule_set", f"credit_rule:{row.id}", {"after": asdict(draft)})], now=now)
    return row


def _faults(draft: RuleDraft) -> list[Fault]:
    faults = []
    if (draft.overdue_minor is None) != (draft.currency is None):
        faults.append(Fault("/currency", "an overdue amount, and nothing else, has a currency"))
    elif draft.currency is not None:
        try:
            exponent(draft.currency)
        except CurrencyError as error:
            faults.append(Fault("/currency", error.message))
    if draft.overdue_minor is not None and not 0 <= draft.overdue_minor <= MAX_MINOR:
        faults.append(Fault("/overdue_minor", "an amount of zero or more"))
    if draft.overdue_days is not None and not 0 <= draft.overdue_days <= 3650:
        faults.append(Fault("/overdue_days", "days are a whole number from 0 to 3650"))
    if draft.segment is not None and not 1 <= len(draft.segment.strip()) <= 60:
        faults.append(Fault("/segment", "a segment's name has 1 to 60 characters"))
    return faults
