"""What the pages of credit are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from ar.credit.decision import CreditAnswer, Held, Standing
from ar.credit.history import Event
from ar.credit.models import CreditHoldEvent, CreditLimit, CreditOverride, CreditRule, HoldReason, WithoutLimit
from ar.customers.models import Account

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
ANSWER = CreditAnswer(
    account_id=17,
    granted=False,
    reasons=(),
    currency="EUR",
    limit_minor=5_000_000,
    exposure_minor=5_100_000,
    order_minor=0,
    overdue_minor=120_000,
    overdue_currency="EUR",
    days_late=12,
    as_of=TODAY,
    standings=(
        Standing(1, 5_000_000, "EUR", 5_100_000, 0, 0),
        Standing(2, 0, "EUR", -100, 0, 0, holder="Holding <One>", seller="Seller & Co"),
    ),
)


def limit(number: int, amount: int | None, *, until: date | None = None, group: bool = False) -> CreditLimit:
    return CreditLimit(
        id=number,
        account_id=17,
        covers_group=group,
        currency="EUR",
        amount_minor=amount,
        valid_from=date(2026, 1, 1),
        valid_to=until,
        reason="Accounts & more",
        set_by="user:2",
        set_at=AT,
    )


def hold(number: int, reason: HoldReason, lifts: int | None = None) -> CreditHoldEvent:
    return CreditHoldEvent(
        id=number, account_id=17, lifts_id=lifts, reason=reason, words="They <stopped>", made_by="user:2", made_at=AT
    )


EXCEPTION = CreditOverride(
    id=1, account_id=17, subject="order:12", answer={}, reason="It is on its way", granted_by="key:1", granted_at=AT
)
EVENTS = [
    Event(AT, "user:2", "limit", "Accounts & more", limit(1, 5_000_000)),
    Event(AT, "user:2", "limit", "For Christmas", limit(2, 9_000_000, until=date(2026, 12, 31), group=True)),
    Event(AT, "user:2", "taken_back", "Paid up", limit(3, None)),
    *(Event(AT, "user:2", "held", "They <stopped>", hold(n, reason)) for n, reason in enumerate(HoldReason, 1)),
    Event(AT, "user:2", "lifted", "They <stopped>", hold(9, HoldReason.REVIEW, lifts=4)),
    Event(AT, "key:1", "override", "It is on its way", EXCEPTION),
]
CARD: dict[str, Any] = {
    "account": ACCOUNT,
    "answer": ANSWER,
    "against": ["Credit is on hold since 2 March 2026: they <stopped>"],
    "holds": [Held(n, reason, "They <stopped>", TODAY) for n, reason in enumerate(HoldReason, 1)],
    "events": EVENTS,
    "people": {"user:2": "Manager <One>"},
    "sellers": [(1, "Seller & Co")],
    "currencies": ["EUR", "JPY"],
    "reasons": [reason.value for reason in HoldReason],
    "given": {
        "amount": "12,4x",
        "currency": "EUR",
        "valid_from": "2026-03-20",
        "valid_to": "",
        "entity_id": "1",
        "covers_group": "1",
        "reason": "<b>",
    },
    "may_write": True,
}
BLANK = dict.fromkeys(CARD["given"], "")
FREE = CreditAnswer(17, True, (), "EUR", None, 0, 0, 0, "EUR", 0, TODAY)
RULES = [
    CreditRule(id=1, segment=None, without_limit=WithoutLimit.ACCEPT, set_by="user:2", set_at=AT),
    CreditRule(
        id=2,
        segment="retail & more",
        without_limit=WithoutLimit.REFUSE,
        overdue_days=30,
        overdue_minor=500_000,
        currency="EUR",
        set_by="system",
        set_at=AT,
    ),
]

SAMPLES: dict[str, dict[str, Any]] = {
    "console/credit/_card.html": CARD,
    "console/credit/_card.html#reader": CARD
    | {"answer": FREE, "against": [], "holds": [], "events": [], "given": BLANK, "may_write": False},
    "console/credit/customer.html": CARD,
    "console/credit/rules.html": {
        "rows": RULES,
        "people": {"user:2": "Manager <One>"},
        "segments": ["retail & more"],
        "currencies": ["EUR", "JPY"],
        "given": {
            "segment": "retail & more",
            "without_limit": "refuse",
            "overdue_days": "x",
            "overdue": "1",
            "currency": "EUR",
        },
        "may_write": True,
    },
    "console/credit/rules.html#reader": {
        "rows": [],
        "people": {},
        "segments": [],
        "currencies": ["EUR"],
        "given": dict.fromkeys(("segment", "without_limit", "overdue_days", "overdue", "currency"), ""),
        "may_write": False,
    },
}
