"""The smallest company that a ledger test needs."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlmodel import Session

from ar.customers.models import Account, LegalEntity
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def seller(session: Session, code: str = "FR1", currency: str = "EUR") -> int:
    entity = LegalEntity(
        code=code, name=f"Seller {code}", country="FR", currency=currency, language="fr", time_zone="Europe/Paris"
    )
    session.add(entity)
    session.flush()
    assert entity.id is not None
    return entity.id


def customer(session: Session, code: str = "C1", language: str = "en") -> int:
    account = Account(
        code=code,
        legal_name=f"Customer {code}",
        country="FR",
        language=language,
        currency="EUR",
        time_zone="Europe/Paris",
        created_at=NOW,
    )
    session.add(account)
    session.flush()
    assert account.id is not None
    return account.id


def invoice(
    session: Session,
    entity_id: int,
    account_id: int,
    minor: int,
    *,
    on: date,
    due: date | None = None,
    reference: str = "INV-1",
    currency: str = "EUR",
) -> int:
    return posted(
        session, entity_id, account_id, EntryKind.INVOICE, minor, on=on, due=due, reference=reference, currency=currency
    )


def posted(
    session: Session,
    entity_id: int,
    account_id: int,
    kind: EntryKind,
    minor: int,
    *,
    on: date,
    due: date | None = None,
    reference: str = "",
    currency: str = "EUR",
    side: int | None = None,
) -> int:
    posting = Posting(
        entity_id=entity_id,
        account_id=account_id,
        kind=kind,
        amount_minor=minor,
        currency=currency,
        effective_on=on,
        due_on=due,
        reference=reference,
        side=side,
        source="test",
    )
    [entry_id] = post(session, [posting], now=NOW)
    return entry_id
