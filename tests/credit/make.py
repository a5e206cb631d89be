"""A seller, customers and what they owe for the tests of credit."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlmodel import Session

from ar.credit.limits import LimitDraft, set_limit
from ar.customers.accounts import change_account
from ar.customers.models import Account
from tests.ledger.make import customer as account_of

NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)
TODAY = date(2026, 3, 16)
WHY = "Their accounts of last year were read"


def customer(session: Session, code: str, *, parent: int | None = None, segment: str | None = None) -> int:
    made = account_of(session, code)
    if parent is not None or segment is not None:
        change_account(session, made, {"parent_id": parent, "segment": segment}, by="system", now=NOW)
    return made


def limit(
    session: Session,
    account_id: int,
    amount: int | None,
    currency: str = "EUR",
    *,
    since: date = date(2026, 1, 1),
    until: date | None = None,
    entity_id: int | None = None,
    group: bool = False,
) -> int:
    draft = LimitDraft(account_id, amount, currency, WHY, since, until, entity_id, covers_group=group)
    made = set_limit(session, draft, by="user:2", now=NOW)
    assert made.id is not None
    return made.id


def name_of(session: Session, account_id: int) -> str:
    found = session.get(Account, account_id)
    assert found is not None
    return found.legal_name
