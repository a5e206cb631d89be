"""The rule of each customer: what it is, setting it, and taking a seller's own rule back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import DomainError, Fault, NotFoundError
from ar.core.money import MAX_MINOR
from ar.customers.accounts import account
from ar.customers.entities import entity
from invoicing.billing.facts import Rule
from invoicing.billing.models import BillingRule, Cadence, Grouping

_NAMES = [field.name for field in fields(Rule)]


class BillingRuleError(DomainError):
    """The rule cannot be so; the faults say where and why."""

    code = "bad-billing-rule"


class BillingRuleNotFoundError(NotFoundError):
    code = "billing-rule-not-found"


def rules_of(session: Session, account_id: int) -> list[BillingRule]:
    """The account's own rules: the general one first, then those for one seller."""
    query = select(BillingRule).where(col(BillingRule.account_id) == account_id)
    return sorted(session.exec(query), key=lambda row: row.entity_id or 0)


def rules_for(session: Session, account_ids: Sequence[int]) -> dict[tuple[int, int | None], Rule]:
    """The stored rules of these accounts by (account, seller), the seller being None in a general one."""
    query = select(BillingRule).where(among(session, col(BillingRule.account_id), account_ids))
    return {(row.account_id, row.entity_id): as_rule(row) for row in session.exec(query)}


def as_rule(row: BillingRule) -> Rule:
    return Rule(**{name: getattr(row, name) for name in _NAMES})


def pick(rules: dict[tuple[int, int | None], Rule], account_id: int, entity_id: int) -> Rule:
    """The rule in force: the seller's own, the general one, or the default."""
    return rules.get((account_id, entity_id)) or rules.get((account_id, None)) or Rule()


def set_rule(
    session: Session, account_id: int, entity_id: int | None, rule: Rule, *, by: str, now: datetime
) -> BillingRule:
    """The rule just set, in place of the one before. It holds from the next run on.

    Raises AccountNotFoundError, EntityNotFoundError, BillingRuleError naming every fault.
    """
    account(session, account_id)
    if entity_id is not None:
        entity(session, entity_id)
    if faults := _faults(rule):
        raise BillingRuleError(f"The rule was not set: {faults[0].message}", faults=faults)
    row = _row(session, account_id, entity_id)
    before = asdict(as_rule(row)) if row else None
    if row is None:
        row = BillingRule(account_id=account_id, entity_id=entity_id, **asdict(rule), changed_at=now, changed_by=by)
        session.add(row)
    else:
        for name in _NAMES:
            setattr(row, name, getattr(rule, name))
        row.changed_at, row.changed_by = now, by
        row.version += 1
    session.flush()
    change = {"entity_id": entity_id, "before": before, "after": asdict(rule)}
    record(session, [Act(by, "billing_rule.set", f"account:{account_id}", change)], now=now)
    return row


def drop_rule(session: Session, account_id: int, entity_id: int | None, *, by: str, now: datetime) -> None:
    """Take a rule back: the general one, or the default, holds again. Raises BillingRuleNotFoundError."""
    row = _row(session, account_id, entity_id)
    if row is None:
        raise BillingRuleNotFoundError(f"Account {account_id} has no such billing rule")
    change = {"entity_id": entity_id, "before": asdict(as_rule(row))}
    session.delete(row)
    session.flush()
    record(session, [Act(by, "billing_rule.dropped", f"account:{account_id}", change)], now=now)


def _row(session: Session, account_id: int, entity_id: int | None) -> BillingRule | None:
    query = select(BillingRule).where(col(BillingRule.account_id) == account_id)
    own = col(BillingRule.entity_id) == entity_id if entity_id is not None else col(BillingRule.entity_id).is_(None)
    return session.exec(query.where(own).with_for_update()).first()


def _faults(rule: Rule) -> list[Fault]:
    faults = []
    if (rule.cadence is Cadence.MONTH_DAY) != (rule.month_day is not None):
        faults.append(Fault("/month_day", "a day of the month goes with billing on a day of the month, and only there"))
    elif rule.month_day is not None and not 1 <= rule.month_day <= 31:
        faults.append(Fault("/month_day", "the day of the month is from 1 to 31"))
    if rule.grouping is Grouping.MONTH and rule.cadence is not Cadence.MONTH_END:
        faults.append(Fault("/cadence", "an invoice for a month is made at its end: bill at month end"))
    if not 0 <= rule.minimum_minor <= MAX_MINOR:
        faults.append(Fault("/minimum_minor", "the least amount is zero or more"))
    return faults
