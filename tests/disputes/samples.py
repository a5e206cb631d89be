"""What the pages of disputes are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from ar.core.errors import DomainError
from ar.core.web import Page
from ar.customers.models import Account
from ar.disputes.models import Dispute, DisputeState, Outcome, Reason
from ar.ledger.items import ItemState
from ar.ledger.models import EntryKind, OpenItem

AT = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
TODAY = date(2026, 3, 20)
ACCOUNT = Account(
    id=17,
    code="NORD",
    legal_name="Nordlicht & Werkzeuge",
    country="DE",
    language="de",
    currency="EUR",
    time_zone="Europe/Berlin",
    created_at=AT,
)
ITEM = ItemState(
    41, 1, 17, EntryKind.INVOICE, 1, "EUR", 120_000, 40_000, 10_000, date(2026, 2, 10), date(2026, 3, 12), "INV & 1"
)
OPEN_ITEM = OpenItem(
    entry_id=41,
    entity_id=1,
    account_id=17,
    kind=EntryKind.INVOICE,
    side=1,
    currency="EUR",
    amount_minor=120_000,
    open_minor=40_000,
    disputed_minor=10_000,
    effective_on=date(2026, 2, 10),
    due_on=date(2026, 3, 12),
    reference="INV & 1",
)


def make_dispute(number: int, reason: Reason, outcome: Outcome | None = None, **more: Any) -> Dispute:
    given: dict[str, Any] = {
        "opened_on": date(2026, 3, 12),
        "opened_by": "customer:17" if number % 2 else "user:3",
        "reference": "INV & 1",
        "state": DisputeState.RESOLVED if outcome else DisputeState.OPEN,
        "answer": "We <looked>." if outcome else "",
        "resolved_on": TODAY if outcome else None,
        "resolved_by": "user:3" if outcome else None,
    }
    return Dispute(
        id=number,
        entity_id=1,
        account_id=17,
        entry_id=41,
        currency="EUR",
        amount_minor=10_000,
        reason=reason,
        text="It is <broken>,\nreally.",
        opened_at=AT,
        outcome=outcome,
        version=2,
        **(given | more),
    )


OUTCOMES = [None, *Outcome, None, None, None]
DISPUTES = [
    make_dispute(number, reason, outcome)
    for number, (reason, outcome) in enumerate(zip(Reason, OUTCOMES, strict=True), start=1)
]
DISPUTES += [
    make_dispute(20, Reason.PRICE, opened_on=TODAY, reference=""),
    make_dispute(21, Reason.PRICE, opened_on=date(2026, 1, 1)),
]
ONE: dict[str, Any] = {
    "dispute": DISPUTES[0],
    "item": OPEN_ITEM,
    "account": ACCOUNT,
    "people": {"user:3": "Collector <One>"},
    "today": TODAY,
    "given": {"amount": "100.00", "answer": "<b>", "outcome": "rejected"},
    "error": DomainError("This was changed meanwhile"),
    "key": "a-key",
    "may_write": True,
    "may_credit": True,
}

SAMPLES: dict[str, dict[str, Any]] = {
    "console/disputes/list.html": {
        "found": Page[Any].model_construct(items=DISPUTES, next_cursor="next"),
        "names": {17: "Nordlicht & Werkzeuge"},
        "people": {"user:3": "Collector <One>"},
        "state": DisputeState.OPEN,
        "account_id": 17,
        "today": TODAY,
    },
    "console/disputes/list.html#empty": {
        "found": Page[Any].model_construct(items=[], next_cursor=None),
        "names": {},
        "people": {},
        "state": None,
        "account_id": None,
        "today": TODAY,
    },
    "console/disputes/dispute.html": ONE,
    "console/disputes/dispute.html#reader": ONE | {"may_write": False, "may_credit": False, "error": None},
    "console/disputes/dispute.html#resolved": ONE | {"dispute": DISPUTES[1], "error": None},
    "console/disputes/new.html": {
        "account": ACCOUNT,
        "items": [ITEM],
        "reasons": [reason.value for reason in Reason],
        "given": {"entry_id": 41, "amount": "12,4x", "reason": "price", "text": "<b>"},
        "error": DomainError("Write digits"),
        "key": "a-key",
    },
    "console/disputes/new.html#nothing": {
        "account": ACCOUNT,
        "items": [],
        "reasons": [],
        "given": {},
        "error": None,
        "key": "a-key",
    },
    "console/disputes/_card.html": {"account": ACCOUNT, "disputes": DISPUTES, "today": TODAY, "may_write": True},
}
