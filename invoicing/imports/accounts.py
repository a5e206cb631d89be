"""The customers of an imported file: found by their code, opened when they are new, with an address to write to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.core.calendars import zone_of
from ar.core.db import among, bulk_insert, reserve_ids
from ar.customers.models import Account, Channel, Contact, ContactRole
from invoicing.imports.read import Bill


class Accounts:
    """The accounts that one file names, by code; each is looked up once."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.opened = 0
        self._addresses: set[tuple[str, str]] = set()

    def look_up(self, session: Session, codes: Sequence[str]) -> None:
        """Find those of `codes` that exist."""
        new = sorted(set(codes).difference(self.ids))
        if new:
            query = select(col(Account.code), col(Account.id)).where(among(session, col(Account.code), new))
            self.ids.update((row.code, row.id) for row in session.connection().execute(query))

    def open_missing(self, session: Session, bills: Sequence[Bill], *, now: datetime) -> None:
        """Open an account for each bill whose customer has none, as its first bill describes it."""
        missing = {bill.code: bill for bill in reversed(bills) if bill.code not in self.ids}
        first = list(reversed(missing.values()))
        ids = reserve_ids(session, Account, len(first))
        self.ids.update(zip((bill.code for bill in first), ids, strict=True))
        self.opened += len(first)
        bulk_insert(
            session,
            Account,
            [
                {
                    "id": self.ids[bill.code],
                    "code": bill.code,
                    "legal_name": bill.name,
                    "country": bill.country,
                    "language": bill.language,
                    "currency": bill.currency,
                    "time_zone": zone_of(bill.country),
                    "kind": bill.kind,
                    "created_at": now,
                }
                for bill in first
            ],
        )

    def add_contacts(self, session: Session, bills: Sequence[Bill]) -> None:
        """A contact for billing and paying for each address that its account does not have, however it is written."""
        given = {(bill.code, bill.email.casefold()): bill for bill in reversed(bills) if bill.email}
        new = {key: bill for key, bill in reversed(given.items()) if key not in self._addresses}
        if not new:
            return
        self._addresses.update(new)
        query = select(col(Contact.account_id), func.lower(col(Contact.email)).label("email")).where(
            among(session, col(Contact.account_id), sorted({self.ids[code] for code, _ in new})),
            col(Contact.email).is_not(None),
        )
        there = {(row.account_id, row.email.casefold()) for row in session.connection().execute(query)}
        bulk_insert(
            session,
            Contact,
            [
                {
                    "account_id": self.ids[code],
                    "name": "",
                    "email": bill.email,
                    "roles": [ContactRole.BILLING.value, ContactRole.PAYING.value],
                    "preferred_channel": Channel.EMAIL,
                }
                for (code, email), bill in new.items()
                if (self.ids[code], email) not in there
            ],
        )
