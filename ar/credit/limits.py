"""Limits: which holds on a day, and setting a new one. A limit is never changed: the newest valid one holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import DomainError, Fault
from ar.core.money import MAX_MINOR, CurrencyError, exponent, plain
from ar.credit.models import CreditLimit
from ar.customers.accounts import account
from ar.customers.entities import entity


class LimitError(DomainError):
    """The limit cannot be set as given; the faults say where and why."""

    code = "bad-credit-limit"


@dataclass(frozen=True)
class LimitDraft:
    """A limit to set, in minor units of `currency`. Without an amount it takes back the one before it.

    `entity_id` limits it to one seller; `covers_group` shares it with all accounts below this one.
    """

    account_id: int
    amount_minor: int | None
    currency: str
    reason: str
    valid_from: date
    valid_to: date | None = None
    entity_id: int | None = None
    covers_group: bool = False


@dataclass(frozen=True)
class Scope:
    """What a limit is about: limits of one scope take each other's place."""

    account_id: int
    entity_id: int | None
    covers_group: bool


@dataclass(frozen=True)
class InForce:
    """The limits that hold on a day, and the scopes whose last limit has ended, with its last day."""

    standing: dict[Scope, CreditLimit]
    ended: dict[Scope, date]


def in_force(limits: Iterable[CreditLimit], *, today: date) -> InForce:
    """Of each scope the newest limit that is valid on `today`. One without an amount leaves the scope without limit."""
    by_scope: dict[Scope, list[CreditLimit]] = defaultdict(list)
    for limit in limits:
        by_scope[Scope(limit.account_id, limit.entity_id, limit.covers_group)].append(limit)
    standing, ended = {}, {}
    for scope, rows in by_scope.items():
        begun = [row for row in rows if row.valid_from <= today]
        valid = [row for row in begun if row.valid_to is None or row.valid_to >= today]
        if valid:
            newest = max(valid, key=lambda row: row.id or 0)
            if newest.amount_minor is not None:
                standing[scope] = newest
        elif begun:
            last = max(begun, key=lambda row: row.id or 0)
            if last.amount_minor is not None and last.valid_to is not None:
                ended[scope] = last.valid_to
    return InForce(standing, ended)


def limits_of(session: Session, account_ids: Sequence[int]) -> list[CreditLimit]:
    """Every limit ever set on these accounts, the oldest first."""
    query = select(CreditLimit).where(among(session, col(CreditLimit.account_id), account_ids))
    return list(session.exec(query.order_by(col(CreditLimit.id))))


def search_limits(account_id: int | None = None) -> SelectOfScalar[CreditLimit]:
    """A query for the limits of an account, or of all."""
    query = select(CreditLimit)
    return query if account_id is None else query.where(col(CreditLimit.account_id) == account_id)


def set_limit(session: Session, draft: LimitDraft, *, by: str, now: datetime) -> CreditLimit:
    """The limit just set: from its first day on it takes the place of older ones of the same scope.

    Raises AccountNotFoundError, EntityNotFoundError, or LimitError with the faults.
    """
    account(session, draft.account_id)
    if draft.entity_id is not None:
        entity(session, draft.entity_id)
    if faults := _faults(draft):
        raise LimitError(f"The limit was not set: {faults[0].message}", faults=faults)
    row = CreditLimit(
        account_id=draft.account_id,
        entity_id=draft.entity_id,
        covers_group=draft.covers_group,
        currency=draft.currency,
        amount_minor=draft.amount_minor,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
        reason=draft.reason.strip(),
        set_by=by,
        set_at=now,
    )
    session.add(row)
    session.flush()
    amount = None if draft.amount_minor is None else f"{plain(draft.amount_minor, draft.currency)} {draft.currency}"
    after = {
        "limit": row.id,
        "amount": amount,
        "entity_id": draft.entity_id,
        "covers_group": draft.covers_group,
        "valid_from": draft.valid_from,
        "valid_to": draft.valid_to,
        "reason": row.reason,
    }
    record(session, [Act(by, "credit.limit_set", f"account:{draft.account_id}", {"after": after})], now=now)
    return row


def _faults(draft: LimitDraft) -> list[Fault]:
    faults = []
    try:
        exponent(draft.currency)
    except CurrencyError as error:
        faults.append(Fault("/currency", error.message))
    if draft.amount_minor is not None and not 0 <= draft.amount_minor <= MAX_MINOR:
        faults.append(Fault("/amount_minor", "a limit is an amount of zero or more"))
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        faults.append(Fault("/valid_to", "the last day lies before the first"))
    if not 1 <= len(draft.reason.strip()) <= 400:
        faults.append(Fault("/reason", "say why, in at most 400 characters"))
    return faults
