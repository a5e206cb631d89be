"""What the customers' pages are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ar.core.errors import NotFoundError
from ar.core.web import Page
from ar.customers.models import Account, AccountIdentifier, Contact
from ar.customers.pages import Card

NOW = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)


def make_account(number: int, name: str) -> Account:
    return Account(
        id=number,
        code=f"C-{number}",
        legal_name=name,
        country="DE",
        language="de",
        currency="EUR",
        time_zone="Europe/Berlin",
        street="Hafenstraße 1 <b>",
        city="Hamburg",
        created_at=NOW,
    )


ACCOUNT = make_account(7, "Nordlicht & Co")
CHILD = make_account(8, "Nordlicht <South>")
CONTACTS = [
    Contact(id=1, account_id=7, name="Accounts payable", email="ap@nordlicht.example"),
    Contact(id=2, account_id=7, phone="+49 30 000000", opted_out_at=NOW),
    Contact(id=3, account_id=7, email="gone@nordlicht.example", bounced_at=NOW),
]

SAMPLES: dict[str, dict[str, Any]] = {
    "console/customers/list.html": {
        "found": Page(items=[ACCOUNT, CHILD], next_cursor="abc"),
        "q": "nord",
        "segment": "",
        "segments": ["large", "small"],
        "may_open": True,
    },
    "console/customers/new.html": {
        "given": {"code": '"><b>'},
        "error": NotFoundError("No such country."),
        "currencies": ["EUR", "USD"],
    },
    "console/customers/file.html": {
        "account": ACCOUNT,
        "parent": CHILD,
        "children": [CHILD],
        "contacts": CONTACTS,
        "identifiers": [AccountIdentifier(id=1, account_id=7, scheme="vat", value="DE136695976")],
        "people": {"user:3": "Col <Lector>"},
        "cards": [Card("ledger", "Open items", "ledger:read")],
        "may_write": True,
    },
    "console/customers/portal_link.html": {"account": ACCOUNT, "url": "https://ar.example/pay/abc", "days": 90},
}
