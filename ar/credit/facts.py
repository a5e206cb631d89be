"""What an answer on credit stands on, gathered for many accounts with a handful of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import among
from ar.core.money import exponent
from ar.credit.decision import CreditFacts, Held, Rule, Standing
from ar.credit.exposure import Book, Counted, Unbilled, owed
from ar.credit.family import above, below
from ar.credit.holds import standing_holds
from ar.credit.limits import InForce, Scope, in_force, limits_of
from ar.credit.models import CreditLimit
from ar.credit.rules import rules_in_force
from ar.customers.accounts import AccountNotFoundError
from ar.customers.entities import entities
from ar.customers.models import Account
from ar.ledger.rates import rates_on


@dataclass(frozen=True)
class Asked:
    """One order to be covered, in minor units of `currency`, VAT included. Without a seller it counts for each."""

    account_id: int
    amount_minor: int
    currency: str
    entity_id: int | None = None


@dataclass(frozen=True)
class _Known:
    """What was gathered, by account."""

    names: Mapping[int, str]
    segments: Mapping[int, str | None]
    sellers: Mapping[int, str]
    above: Mapping[int, set[int]]
    members: Mapping[int, set[int]]
    force: InForce
    holds: Mapping[int, Sequence[Held]]
    rules: Mapping[str | None, Rule]
    book: Book
    counted: Mapping[Scope, Counted]
    """What counts against each limit, summed once however many orders it concerns."""


def gather(session: Session, asked: Sequence[Asked], *, unbilled: Sequence[Unbilled], today: date) -> list[CreditFacts]:
    """The facts on each of `asked`, in their order, as of the end of `today`.

    Raises AccountNotFoundError for an unknown account, CurrencyError for an unknown currency.
    """
    if not asked:
        return []
    for currency in {one.currency for one in asked} | {one.currency for one in unbilled}:
        exponent(currency)
    ids = sorted({one.account_id for one in asked})
    upward = above(session, ids)
    for account_id in ids:
        if account_id not in upward:
            raise AccountNotFoundError(f"There is no account {account_id}")
    relatives = sorted(set().union(*upward.values()))
    force = in_force(limits_of(session, relatives), today=today)
    members = below(session, sorted({scope.account_id for scope in force.standing if scope.covers_group}))
    query = select(col(Account.id), col(Account.legal_name), col(Account.segment))
    accounts = session.connection().execute(query.where(among(session, col(Account.id), relatives))).all()
    book = Book(
        owed(session, sorted(set(ids).union(*members.values())), today=today), unbilled, rates_on(session, today)
    )
    known = _Known(
        names={row.id: row.legal_name for row in accounts},
        segments={row.id: row.segment for row in accounts},
        sellers={one.id: one.name for one in entities(session) if one.id is not None},
        above=upward,
        members=members,
        force=force,
        holds=standing_holds(session, ids),
        rules=rules_in_force(session),
        book=book,
        counted={
            scope: book.counted(_covered(scope, members), scope.entity_id, limit.currency)
            for scope, limit in force.standing.items()
        },
    )
    return [_facts(one, known, today) for one in asked]


def group_of(session: Session, account_ids: Sequence[int], *, today: date) -> list[int]:
    """The accounts whose orders count against a limit of these: themselves, and those of groups that share one."""
    upward = above(session, account_ids)
    relatives = sorted(set().union(*upward.values()))
    force = in_force(limits_of(session, relatives), today=today)
    members = below(session, sorted({scope.account_id for scope in force.standing if scope.covers_group}))
    return sorted(set(upward).union(*members.values()))


def _covered(scope: Scope, members: Mapping[int, set[int]]) -> set[int]:
    return members[scope.account_id] if scope.covers_group else {scope.account_id}


def _facts(one: Asked, known: _Known, today: date) -> CreditFacts:
    def concerned(scope: Scope) -> bool:
        within = scope.account_id == one.account_id or (
            scope.covers_group and scope.account_id in known.above[one.account_id]
        )
        return within and (scope.entity_id is None or one.entity_id in (None, scope.entity_id))

    limits = {scope: limit for scope, limit in known.force.standing.items() if concerned(scope)}
    missing: set[str] = set()
    for scope, limit in limits.items():
        missing |= known.counted[scope].rates_missing | known.book.unknown([one.currency], limit.currency)
    rule = known.rules.get(known.segments[one.account_id]) or known.rules.get(None) or Rule()
    currency = rule.currency or one.currency
    return CreditFacts(
        account_id=one.account_id,
        currency=one.currency,
        order_minor=one.amount_minor,
        exposure_minor=known.book.counted([one.account_id], None, one.currency).exposure_minor,
        standings=[_standing(scope, limit, one, known) for scope, limit in limits.items()],
        ended_on=max((day for scope, day in known.force.ended.items() if concerned(scope)), default=None),
        holds=known.holds.get(one.account_id, ()),
        late=known.book.late(one.account_id, currency, today=today),
        rule=rule,
        rates_missing=sorted(missing),
    )


def _standing(scope: Scope, limit: CreditLimit, one: Asked, known: _Known) -> Standing:
    counted = known.counted[scope]
    assert limit.id is not None
    assert limit.amount_minor is not None
    return Standing(
        limit_id=limit.id,
        amount_minor=limit.amount_minor,
        currency=limit.currency,
        owed_minor=counted.owed_minor,
        ordered_minor=counted.ordered_minor,
        order_minor=known.book.converted(one.amount_minor, one.currency, limit.currency),
        holder=known.names[scope.account_id] if scope.covers_group else "",
        seller=known.sellers[scope.entity_id] if scope.entity_id is not None else "",
    )
