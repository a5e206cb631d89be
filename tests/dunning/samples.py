"""An example of what each template of dunning is given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ar.cash.receipts import SettledItem
from ar.core.render import RenderedMessage
from ar.customers.models import Account
from dunning.case import ContactFacts, LateTerms
from dunning.decision import Line, Send, asks
from dunning.message import Seller, context
from dunning.models import DunningHold, DunningNotice, Promise
from dunning.policy import FRIENDLY_FIVE
from dunning.worklist import Waiting, asked_of
from tests.dunning.experiments.samples import SAMPLES as EXPERIMENTS
from tests.dunning.make import DUE, customer, item

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SELLER = Seller(1, "Atelier & Fils", "accounts@atelier.example", None, "FR")
FACTS = customer(
    item(1, disputed_minor=2_000, promised_minor=1_000, promised_until=DUE),
    item(2, in_flight_minor=3_000),
    contact=ContactFacts(5, "Camille Martin", "c@bakery.example"),
    credits={(1, "EUR"): 500},
)
ACCOUNT = Account(
    id=17,
    code="C17",
    legal_name="Bakery <Example>",
    country="FR",
    language="fr",
    currency="EUR",
    time_zone="Europe/Paris",
    created_at=NOW,
)
ITEM = {"reference": "INV-1", "amount_minor": 900, "currency": "EUR"}
REASONS: list[dict[str, Any]] = [
    *({"code": code, **ITEM} for code in ("contested", "in_flight", "promised", "covered_by_credit", "below_minimum")),
    {"code": "promised", **ITEM, "until": DUE},
    {"code": "in_plan", **ITEM, "until": DUE},
    {"code": "held", "reason": "in talks", "until": DUE},
    {"code": "held", "reason": "in talks"},
    {"code": "cap_week", "cap": 3},
    *(
        {"code": code}
        for code in (
            "opted_out",
            "no_contact",
            "bounced",
            "closed_day",
            "cap_day",
            "written_today",
            "other_seller_first",
            "next_step",
            "ladder_climbed",
            "nothing_open",
            "one of a later version",
        )
    ),
]


def waiting(**other: Any) -> Waiting:
    given: dict[str, Any] = {
        "account": ACCOUNT,
        "overdue": [("EUR", 120_000), ("USD", 500)],
        "oldest_days": 12,
        "outcome": "hold",
        "decided_on": DUE,
        "reasons": REASONS,
        "last_step": "friendly",
        "last_on": DUE,
        "next_step": "question",
        "next_on": DUE,
        "hold_ids": [3],
        "parked": None,
        **other,
    }
    return Waiting(**given)


def reminder(kind: str) -> dict[str, Any]:
    step = next(step for step in FRIENDLY_FIVE.steps if step.kind == kind)
    send = Send(17, 1, step, FRIENDLY_FIVE, tuple(Line(ask, step) for ask in asks(FACTS)))
    terms = LateTerms(Decimal("9.25"), 4_000, "EUR", "statute 12")
    return context(send, FACTS, SELLER, link="https://pay.example/abc", terms=terms, today=date(2026, 3, 20))


INVOICE = {"reference": "INV-9", "due_on": DUE, "currency": "EUR"}
NOTE = {"customer": FACTS, "contact": FACTS.contact, "seller": SELLER, "link": "https://pay.example/abc"}

OF_ONE = {
    "account": ACCOUNT,
    "row": waiting(),
    "asked": asked_of(FACTS, today=DUE),
    "today": DUE,
    "notices": [
        DunningNotice(
            id=n,
            account_id=17,
            entity_id=1,
            step=step,
            cycle=DUE,
            policy="friendly-five 1",
            contact_id=5,
            message_key=f"k{n}",
            written_at=NOW,
            cancelled_at=NOW if n == 1 else None,
            cancelled_for="INV-1: paid in part" if n == 1 else None,
        )
        for n, step in enumerate(("courtesy", "friendly", "question", "firm", "formal", "own step"))
    ],
    "holds": [
        DunningHold(id=3, account_id=17, until=until, reason="in <talks>", made_by="user:1", created_at=NOW)
        for until in (DUE, None)
    ],
    "promises": [
        Promise(
            id=4,
            account_id=17,
            entity_id=1,
            currency="EUR",
            amount_minor=900,
            due_on=DUE,
            made_by="user:1",
            created_at=NOW,
        )
    ],
    "preview": (DUE, RenderedMessage("Invoice INV-1", "Hello,\n…", "<p>Hello</p>")),
    "may_act": True,
    "error": None,
}

SAMPLES: dict[str, dict[str, Any]] = {
    **{f"messages/{step.kind}": reminder(step.kind) for step in FRIENDLY_FIVE.steps},
    "messages/dispute_received": {
        **NOTE,
        "invoice": INVOICE,
        "contested_minor": 500,
        "rest_minor": 700,
        "text": "Two boxes\nare missing.",
    },
    "messages/dispute_resolved": {
        **NOTE,
        "invoice": INVOICE,
        "contested_minor": 500,
        "credited_minor": 200,
        "open_minor": 300,
        "explanation": "One box had been delivered.",
    },
    "messages/payment_thanks": {
        **NOTE,
        "payment": {"amount_minor": 900, "currency": "EUR", "received_on": DUE},
        "invoices": [
            SettledItem(1, "INV-9", 500, 100, DUE, discount_minor=10, let_off_minor=1),
            SettledItem(2, "INV-10", 300, 0, DUE),
        ],
        "unapplied_minor": 100,
        "owed_minor": 700,
        "overdue_minor": 100,
        "next_due_on": DUE,
    },
    "messages/promise_noted": {
        **NOTE,
        "promise": {"amount_minor": 900, "currency": "EUR", "due_on": DUE},
        "invoices": [{"reference": "INV-9", "amount_minor": 900}],
    },
    "console/dunning/worklist.html": {
        "rows": [
            waiting(),
            waiting(outcome=None, last_step=None, next_step=None, reasons=[]),
            waiting(outcome="send", parked="AddressError: not an address"),
            waiting(outcome="nothing"),
        ],
        "next_cursor": "abc",
        "show": "hold",
        "mine": False,
        "today": DUE,
    },
    "console/dunning/customer.html": OF_ONE,
    **EXPERIMENTS,
}
