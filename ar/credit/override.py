"""Exceptions: a credit manager lets one order pass that the decision refused, and answers for it in writing.

The route that calls override() declares `allow("credit:override")`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import ConflictError, DomainError, Fault, ForbiddenError
from ar.credit.decision import CreditAnswer
from ar.credit.models import CreditOverride

LEAST_WORDS = 3
LEAST_LETTERS = 15
_WORD = re.compile(r"[^\W\d_]+")


class OverrideReasonError(DomainError):
    """The reason says nothing that an auditor could read."""

    code = "override-needs-reason"


class OwnOrderError(ForbiddenError):
    """Who entered the order cannot grant the exception: another person looks at it."""

    code = "own-order"


class OverrideNotNeededError(ConflictError):
    """The order is granted already."""

    code = "override-not-needed"


def override(
    session: Session, answer: CreditAnswer, *, subject: str, entered_by: str, reason: str, by: str, now: datetime
) -> CreditOverride:
    """The exception just granted to `subject`, such as 'order:12', kept with `answer` as it stood.

    `entered_by` is the actor who entered the subject. Raises OverrideNotNeededError for an answer that grants it
    already, OwnOrderError, or OverrideReasonError for less than LEAST_WORDS words and LEAST_LETTERS letters.
    """
    if answer.granted:
        raise OverrideNotNeededError(f"Credit covers {subject}: there is nothing to except it from")
    if by == entered_by:
        raise OwnOrderError(f"You entered {subject}: somebody else with the right to do so grants the exception")
    words = _WORD.findall(reason)
    if len(words) < LEAST_WORDS or sum(map(len, words)) < LEAST_LETTERS or len(reason.strip()) > 4000:
        message = "say in a sentence of at most 4,000 characters why this is let through: auditors read it"
        raise OverrideReasonError(f"The exception was not granted: {message}", faults=[Fault("/reason", message)])
    row = CreditOverride(
        account_id=answer.account_id,
        subject=subject,
        answer=answer.as_json(),
        reason=reason.strip(),
        granted_by=by,
        granted_at=now,
    )
    session.add(row)
    session.flush()
    change = {
        "override": row.id,
        "subject": subject,
        "reason": row.reason,
        "against": [one.code for one in answer.reasons],
        "order_minor": answer.order_minor,
        "exposure_minor": answer.exposure_minor,
        "limit_minor": answer.limit_minor,
        "currency": answer.currency,
    }
    record(session, [Act(by, "credit.overridden", f"account:{answer.account_id}", change)], now=now)
    return row


def overrides_of(session: Session, subjects: Sequence[str]) -> dict[str, CreditOverride]:
    """The last exception granted to each of these subjects, for those that have one."""
    newest = select(func.max(col(CreditOverride.id))).where(among(session, col(CreditOverride.subject), subjects))
    found = session.exec(
        select(CreditOverride).where(col(CreditOverride.id).in_(newest.group_by(CreditOverride.subject)))
    )
    return {row.subject: row for row in found}


def account_overrides(session: Session, account_id: int, *, limit: int) -> list[CreditOverride]:
    """The last exceptions granted to an account, the newest first."""
    query = select(CreditOverride).where(col(CreditOverride.account_id) == account_id)
    return list(session.exec(query.order_by(col(CreditOverride.id).desc()).limit(limit)))
