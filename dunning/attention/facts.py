"""Which customers a person has taken over: what is out of automation, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col

from ar.core.clock import local_date
from ar.core.db import among
from dunning.attention.models import OUT_OF_HOUSE, AttentionMark, Automation, Escalation
from dunning.attention.rules import rules_in_force


def taken_out(session: Session, account_ids: Sequence[int], *, now: datetime) -> dict[int, str]:
    """The accounts to which nothing goes out by itself, each with why.

    Why is 'legal' or 'agency' for one handed on, else the kind of the mark whose rule says so. A mark that a person
    dismissed counts for nothing until that is over.
    """
    found = limited(session, account_ids, Automation.NONE, now=now)
    query = select(col(Escalation.account_id), col(Escalation.kind)).where(
        among(session, col(Escalation.account_id), account_ids),
        col(Escalation.kind).in_(OUT_OF_HOUSE),
        col(Escalation.ended_at).is_(None),
    )
    found |= {account: kind.value for account, kind in session.connection().execute(query.order_by(Escalation.kind))}
    return found


def courtesy_only(session: Session, account_ids: Sequence[int], *, now: datetime) -> dict[int, str]:
    """The accounts to which only words before the due date go out by themselves, each with the kind of its mark."""
    return limited(session, account_ids, Automation.COURTESY, now=now)


def limited(session: Session, account_ids: Sequence[int], to: Automation, *, now: datetime) -> dict[int, str]:
    kinds = [kind for kind, rule in rules_in_force(session).items() if rule.automation is to]
    if not kinds:
        return {}
    mark = AttentionMark
    query = select(col(mark.account_id), col(mark.kind)).where(
        among(session, col(mark.account_id), account_ids), col(mark.until).is_(None), col(mark.kind).in_(kinds)
    )
    query = query.where(or_(col(mark.dismissed_until).is_(None), col(mark.dismissed_until) < local_date(now, "UTC")))
    return {account: kind.value for account, kind in session.connection().execute(query.order_by(col(mark.id)))}
