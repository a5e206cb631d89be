"""Which policy is in force, and what the law's table gives, as rows of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.db import among, table
from ar.core.errors import ConflictError
from ar.customers.models import Account, AccountKind, LegalEntity
from dunning.decision import LateTerms
from dunning.message import Seller
from dunning.models import DunningPolicy
from dunning.policy import FRIENDLY_FIVE, Policies, Policy, parse_policy
from invoicing.law.contract import agreed_on, agreed_rates
from invoicing.law.table import law_of
from invoicing.models import LawKind


class PolicyExistsError(ConflictError):
    """That version of the policy is stored already; a change is a new version."""

    code = "policy-exists"


def add_policy(
    session: Session, policy: Policy, *, entity_id: int | None = None, active_from: datetime, by: str, now: datetime
) -> int:
    """Store a version of a policy, in force from `active_from` for one seller or for the company: its id.

    Raises PolicyExistsError.
    """
    known = select(col(DunningPolicy.id)).where(
        col(DunningPolicy.name) == policy.name, col(DunningPolicy.version) == policy.version
    )
    if session.connection().execute(known).first() is not None:
        raise PolicyExistsError(f"policy {policy.label} exists already: give the changed one the next version")
    row = DunningPolicy(
        name=policy.name,
        version=policy.version,
        entity_id=entity_id,
        body=policy.body(),
        active_from=active_from,
        created_by=by,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    change = {"policy": policy.label, "entity_id": entity_id, "active_from": active_from.isoformat()}
    record(session, [Act(by, "dunning.policy_added", f"dunning_policy:{row.id}", change)], now=now)
    return row.id


def seed_policies(session: Session, *, now: datetime) -> None:
    """Store the shipped policy as the company's, unless there is a policy already."""
    if session.connection().execute(select(col(DunningPolicy.id)).limit(1)).first() is None:
        add_policy(session, FRIENDLY_FIVE, active_from=now, by="system", now=now)


def policies_in_force(session: Session, *, now: datetime) -> Policies:
    """The company's policy, and the sellers' own, at the instant `now`; the shipped one where none is stored."""
    query = (
        select(table(DunningPolicy))
        .where(col(DunningPolicy.active_from) <= now)
        .order_by(col(DunningPolicy.active_from), col(DunningPolicy.id))
    )
    latest: dict[int | None, Policy] = {}
    for row in session.connection().execute(query).mappings():
        latest[row["entity_id"]] = parse_policy(row["name"], row["version"], row["body"])
    company = latest.pop(None, FRIENDLY_FIVE)
    return Policies(company, {entity: policy for entity, policy in latest.items() if entity is not None})


def sellers(session: Session, entity_ids: Sequence[int]) -> dict[int, Seller]:
    """The legal entities of these ids, as their messages sign."""
    entity = table(LegalEntity).c
    query = select(entity.id, entity.name, entity.email, entity.phone, entity.country)
    query = query.where(among(session, entity.id, entity_ids))
    return {row.id: Seller(*row) for row in session.connection().execute(query)}


def late_terms(session: Session, country: str, *, on: date) -> LateTerms | None:
    """What the law's table lets a seller of `country` announce on the day `on`; None where it lacks one of the two."""
    law = law_of(session, country)
    interest, fixed = (law.find(kind, on) for kind in (LawKind.INTEREST, LawKind.FIXED_COMPENSATION))
    if interest is None or fixed is None:
        return None
    amount = fixed.amount()
    return LateTerms(interest.value, amount.minor, amount.currency, interest.source)


def terms_for(session: Session, asked: Sequence[tuple[int, str, date]]) -> list[LateTerms | None]:
    """What may be announced to each account by a seller of a country on a day: the contract's rate where one is agreed.

    None where late_terms() is, and for a consumer, to whom the law between professionals gives nothing.
    """
    law = {(country, on): late_terms(session, country, on=on) for country, on in {one[1:] for one in asked}}
    ids = sorted({account_id for account_id, _, _ in asked})
    query = select(col(Account.id)).where(
        among(session, col(Account.id), ids), col(Account.kind) == AccountKind.CONSUMER
    )
    consumers = set(session.connection().execute(query).scalars())
    rates = agreed_rates(session, ids)
    found: list[LateTerms | None] = []
    for account_id, country, on in asked:
        terms, agreed = law[country, on], agreed_on(rates.get(account_id, ()), on)
        if terms is not None and agreed is not None and agreed.percent is not None:
            terms = terms._replace(interest_percent=agreed.percent, source=agreed.source)
        found.append(None if account_id in consumers else terms)
    return found
