"""How well promises are kept, and who is trusted with another one.

Promise-kept rate = promises met in full by their day and grace / promises matured x 100, by count and by amount. A
promise has matured once it is judged: kept, partly kept or broken; those alive or cancelled are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import case, func, literal, select
from sqlmodel import Session, col

from ar.core.calendars import local_day_start
from ar.core.clock import local_date
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.customers.models import Account
from ar.ledger.items import total
from ar.ledger.kpis import ratio
from dunning.models import Promise, PromiseState
from dunning.promises import broken_promises

MATURED = (PromiseState.KEPT, PromiseState.PARTLY, PromiseState.BROKEN)


class TrustSpentError(DomainError):
    """The customer broke its word too often lately: a person takes its next promise."""

    code = "promise-trust-spent"


@dataclass(frozen=True)
class Trust:
    """So many broken promises within so many days, and the next one is taken by a person."""

    broken: int = 2
    days: int = 90


TRUST = Trust()


def require_trust(session: Session, account_id: int, *, now: datetime, trust: Trust = TRUST) -> None:
    """The customer may promise by itself, on its page. Raises TrustSpentError."""
    since = local_date(now, "UTC") - timedelta(days=trust.days)
    if len(broken_promises(session, [account_id], since=since).get(account_id, ())) >= trust.broken:
        raise TrustSpentError(_("We would like to agree on this with you in person: please call or write to us."))


class Per(StrEnum):
    """For whom a rate is told."""

    ALL = "all"
    CUSTOMER = "customer"
    COLLECTOR = "collector"


@dataclass(frozen=True, slots=True)
class KeptRate:
    """`number` is the account's or user's; None for all, and for customers without a collector. Amounts in minor units
    of `currency`; percentages None when nothing has matured."""

    number: int | None
    currency: str
    matured: int
    kept: int
    matured_minor: int
    kept_minor: int

    @property
    def by_count(self) -> Decimal | None:
        return ratio(self.kept, self.matured, 100)

    @property
    def by_amount(self) -> Decimal | None:
        return ratio(self.kept_minor, self.matured_minor, 100)


def kept_rates(
    session: Session,
    *,
    since: date,
    until: date,
    per: Per = Per.ALL,
    account_id: int | None = None,
    owner_id: int | None = None,
    limit: int = 200,
) -> Sequence[KeptRate]:
    """The rate of the promises judged from `since` to `until`, days of UTC, by currency: the most promises first."""
    number: Any = {
        Per.ALL: literal(None),
        Per.CUSTOMER: col(Promise.account_id),
        Per.COLLECTOR: col(Account.owner_id),
    }[per]
    kept = col(Promise.state) == PromiseState.KEPT
    matured = func.count()
    query = (
        select(
            number,
            col(Promise.currency),
            matured,
            func.sum(case((kept, 1), else_=0)),
            total(col(Promise.amount_minor)),
            total(case((kept, col(Promise.amount_minor)), else_=0)),
        )
        .select_from(Promise)
        .join(Account, col(Account.id) == col(Promise.account_id))
        .where(
            col(Promise.state).in_(MATURED),
            col(Promise.judged_at) >= local_day_start(since, "UTC", hour=0),
            col(Promise.judged_at) < local_day_start(until + timedelta(days=1), "UTC", hour=0),
        )
    )
    if account_id is not None:
        query = query.where(col(Promise.account_id) == account_id)
    if owner_id is not None:
        query = query.where(col(Account.owner_id) == owner_id)
    groups = [col(Promise.currency)] if per is Per.ALL else [number, col(Promise.currency)]
    query = query.group_by(*groups).order_by(matured.desc(), *groups).limit(limit)
    return [
        KeptRate(who, currency, count, int(met), minor, kept_minor)
        for who, currency, count, met, minor, kept_minor in session.connection().execute(query)
    ]
