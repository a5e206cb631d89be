"""An example of what each template of dunning is given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ar.cash.receipts import SettledItem
from ar.core.errors import Fault
from ar.core.render import RenderedMessage
from ar.customers.models import Account
from dunning.calls.script import script_context
from dunning.case import ContactFacts, LateTerms
from dunning.decision import Line, Send, asks
from dunning.message import Seller, context
from dunning.models import DunningHold, DunningNotice, Promise
from dunning.policy import FRIENDLY_FIVE
from dunning.steps import Step
from dunning.texts.kinds import KINDS
from dunning.worklist.told import Waiting, asked_of
from tests.dunning import policy_samples
from tests.dunning.experiments.samples import SAMPLES as EXPERIMENTS
from tests.dunning.make import DUE, customer, item
from tests.dunning.replies import samples as replies
from tests.dunning.samples_of_calls import BARE, BESIDE, HIDDEN, call_script, listed, listed_row
from tests.dunning.texts import samples as texts

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
    {"code": "conversation", "until": DUE},
    {"code": "reply_waiting", "until": DUE},
    {"code": "stale_bank", "days": 6},
    {"code": "status", "status": "208", "reference": "INV-1"},
    *({"code": code, "reference": "INV-1"} for code in ("no_policy", "likely_late", "self_curing")),
    {"code": "status", "status": "211", "reference": "INV-1"},
    *(
        {"code": code}
        for code in ("courtesy_only", "taken_out", "held_out", "other_channel", "timing_plain", "habit_unknown")
    ),
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
    step = Step(kind, 3, kind, KINDS[kind])
    send = Send(17, 1, step, FRIENDLY_FIVE, tuple(Line(ask, step) for ask in asks(FACTS)))
    terms = LateTerms(Decimal("9.25"), 4_000, "EUR", "statute 12")
    return context(send, FACTS, SELLER, link="https://pay.example/abc", terms=terms, today=date(2026, 3, 20))


NEVER = {"last_step": None, "next_step": None}
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
    "listed": listed_row(),
    **BESIDE,
    "may_act": True,
    "error": None,
}

SAMPLES: dict[str, dict[str, Any]] = {
    **policy_samples.SAMPLES,
    **texts.SAMPLES,
    **{f"messages/{kind}": reminder(kind) for kind in KINDS},
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
            listed(ACCOUNT, listed_row(), waiting()),
            listed(ACCOUNT, listed_row(account_id=18, **BARE), waiting(outcome=None, reasons=[], **NEVER)),
            listed(ACCOUNT, listed_row(account_id=19), waiting(outcome="send", parked="AddressError: not an address")),
            *(
                listed(ACCOUNT, listed_row(account_id=20 + n, hidden_for=why, hidden_until=DUE), waiting())
                for n, why in enumerate(HIDDEN)
            ),
        ],
        "next_cursor": "abc",
        "show": "hold",
        "mine": False,
        "mark": "late",
        "done": 12,
        "capacity": 500,
        "may_act": True,
    },
    "console/dunning/_noted.html": {"account": ACCOUNT, "error": None, "event": BESIDE["events"][0]},
    "console/dunning/_noted.html#refused": {"account": ACCOUNT, "error": Fault("/x", "Say <when>."), "event": None},
    "console/dunning/_attention.html": {
        "account": ACCOUNT,
        **{name: BESIDE[name] for name in ("marks", "escalations")},
        "holds": [DunningHold(id=3, account_id=17, until=DUE, reason="in <talks>", made_by="user:1", created_at=NOW)],
        "today": DUE,
        "may_see": True,
    },
    "console/dunning/_attention.html#calm": {
        "account": ACCOUNT,
        "marks": [],
        "escalations": [],
        "holds": [],
        "today": DUE,
        "may_see": False,
    },
    "console/dunning/calls.html": {
        "tasks": BESIDE["tasks"],
        "accounts": {17: ACCOUNT},
        "next_cursor": "abc",
        "mine": True,
        "today": date(2026, 3, 20),
    },
    "console/dunning/handed_on.html": {
        "escalations": BESIDE["escalations"],
        "accounts": {17: ACCOUNT},
        "next_cursor": None,
    },
    "console/dunning/script.html": {"account": ACCOUNT, "script": "Say <hello>.\n"},
    "console/dunning/_script.txt": call_script(FACTS),
    "console/dunning/_script.txt#nothing": {
        **script_context(customer(), today=DUE, contact_name="", exchange=None),
        "plan_minor": None,
        "plan_months": None,
    },
    "console/dunning/customer.html": OF_ONE,
    **replies.SAMPLES,
    **EXPERIMENTS,
}
