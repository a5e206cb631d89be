"""Puts the simulated company into an empty installation: its sellers, staff, rates, and customers as they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from ar.core.access.models import Role
from ar.core.access.users import create_user
from ar.core.db import bulk_insert
from ar.customers.accounts import AccountDraft, ContactDraft, open_account
from ar.customers.entities import EntityDraft, add_bank_account, found_entity
from ar.demo.company import Plan, PlannedAccount
from ar.ledger.models import ExchangeRate

SOURCE = "demo"


@dataclass
class Ids:
    """What the product calls those that the plan calls by code or e-mail address."""

    entities: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)

    def actor(self, email: str) -> str:
        """A user as the audit trail names it."""
        return f"user:{self.users[email]}"


def found(session: Session, plan: Plan, *, password_hash: str, now: datetime) -> Ids:
    """Store the plan's sellers, staff (all with one password) and exchange rates: their ids."""
    ids = Ids()
    for user in plan.users:
        made = create_user(
            session,
            email=user.email,
            name=user.name,
            role=Role(user.role),
            password_hash=password_hash,
            language=user.language,
            actor="system",
            now=now,
        )
        assert made.id is not None
        ids.users[user.email] = made.id
    for entity in plan.entities:
        draft = EntityDraft(
            code=entity.code,
            name=entity.name,
            country=entity.country,
            currency=entity.currency,
            language=entity.language,
            email=entity.email,
            street=entity.street,
            postcode=entity.postcode,
            city=entity.city,
            vat_number=entity.vat_number,
            registration=entity.registration,
        )
        founded = found_entity(session, draft, by="system", now=now)
        assert founded.id is not None
        ids.entities[entity.code] = founded.id
        add_bank_account(
            session,
            founded.id,
            iban=entity.iban,
            holder=entity.name,
            currency=entity.currency,
            by="system",
            now=now,
        )
    rates = [
        {"currency": rate.currency, "rate_on": rate.rate_on, "per_euro": rate.per_euro, "source": SOURCE}
        for rate in plan.rates
    ]
    bulk_insert(session, ExchangeRate, rates)
    return ids


def open_planned(session: Session, planned: PlannedAccount, ids: Ids, *, now: datetime) -> None:
    """Open one customer of the plan, with its contacts, and remember its id."""
    draft = AccountDraft(
        code=planned.code,
        legal_name=planned.legal_name,
        country=planned.country,
        language=planned.language,
        currency=planned.currency,
        time_zone=planned.time_zone,
        parent_id=ids.accounts[planned.parent] if planned.parent else None,
        segment=planned.segment,
        owner_id=ids.users[planned.owner],
        contacts=tuple(
            ContactDraft(name=contact.name, email=contact.email, phone=_phone(planned), roles=contact.roles)
            for contact in planned.contacts
        ),
    )
    made = open_account(session, draft, by=ids.actor(planned.owner), now=now)
    assert made.id is not None
    ids.accounts[planned.code] = made.id


def _phone(planned: PlannedAccount) -> str | None:
    """A number of the range that France keeps for fiction; none for customers elsewhere, who are written to."""
    number = int(planned.code.removeprefix("C")) % 10_000
    return f"+33 1 99 00 {number // 100:02} {number % 100:02}" if planned.country == "FR" else None
