"""A seller, a customer and drafts of invoices for the tests of this package."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from ar.customers.accounts import AccountDraft, open_account
from ar.customers.entities import EntityDraft, found_entity
from ar.ledger.models import ExchangeRate
from invoicing.draft import InvoiceDraft
from invoicing.models import TaxCategory
from invoicing.totals import Line, basis_points, millionths

NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)
TODAY = date(2026, 3, 16)


def seller(session: Session, code: str = "FR1", currency: str = "EUR") -> int:
    made = found_entity(session, EntityDraft(code, f"Seller {code}", "FR", currency, "fr"), by="system", now=NOW)
    assert made.id is not None
    return made.id


def customer(session: Session, code: str = "C1", currency: str = "EUR") -> int:
    made = open_account(session, AccountDraft(code, f"Customer {code}", "FR", "en", currency), by="system", now=NOW)
    assert made.id is not None
    return made.id


def line(quantity: str = "1", price: str = "100", rate: str = "20", category: str = "S", text: str = "Work") -> Line:
    return Line(text, millionths(quantity), millionths(price), TaxCategory(category), basis_points(rate))


def draft(entity_id: int, account_id: int, *lines: Line, **changes: Any) -> InvoiceDraft:
    return InvoiceDraft(entity_id=entity_id, account_id=account_id, lines=lines or (line(),), **changes)


def rate(session: Session, currency: str, per_euro: str, *, on: date = TODAY) -> None:
    """What one euro is worth in `currency` on a day."""
    session.add(ExchangeRate(currency=currency, rate_on=on, per_euro=Decimal(per_euro), source="test"))
    session.flush()
