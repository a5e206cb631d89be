"""What the customer's pages are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from ar.core.errors import NotFoundError
from ar.disputes.models import Reason
from ar.ledger.models import EntryKind
from selfservice.position import OpenInvoice, Position, Seller

DAY = date(2026, 5, 12)


def make_seller(number: int, name: str) -> Seller:
    return Seller(number, name, "accounts@example.test", None)


def make_invoice(number: int, due_on: date, **more: Any) -> OpenInvoice:
    given: dict[str, Any] = {
        "kind": EntryKind.INVOICE,
        "reference": f"INV-2026-{number}",
        "effective_on": date(2026, 4, 1),
        "due_on": due_on,
        "currency": "EUR",
        "amount_minor": 1200_00,
        "open_minor": 1000_00,
        "disputed_minor": 0,
        "has_page": number % 2 == 1,
        "promised_minor": 0,
        "promised_until": None,
        "in_flight_minor": 0,
    }
    return OpenInvoice(entry_id=number, entity_id=1, **(given | more))


INVOICES = [
    make_invoice(1001, date(2026, 5, 1)),
    make_invoice(1002, date(2026, 5, 2), disputed_minor=100_00),
    make_invoice(1003, date(2026, 5, 3), disputed_minor=1000_00),
    make_invoice(1004, date(2026, 5, 4), promised_minor=1000_00, promised_until=date(2026, 5, 30)),
    make_invoice(1005, date(2026, 5, 5), in_flight_minor=1000_00, amount_minor=1000_00),
    make_invoice(1006, date(2026, 6, 5), kind=EntryKind.LATE_CHARGE, currency="USD"),
]
NOTICES = [
    SimpleNamespace(id=1, subject="A <notice>", body_text="Hello,\n<b>two</b> lines"),
    SimpleNamespace(id=2, subject="", body_text="Hello"),
]
MANY = [
    Position(make_seller(1, "Atelier & Fils"), INVOICES, {}),
    Position(make_seller(2, "Atelier <Nord>"), [], {"EUR": 20_00, "USD": 5_00}),
]
PAYMENT_STATES = ("settled", "failed", "refunded", "pending")
DISPUTES = [("open", ""), ("closed", "accepted"), ("closed", "partly"), ("closed", "rejected"), ("closed", "withdrawn")]
PROMISE_STATES = ("alive", "kept", "partly", "broken", "cancelled")
LINE = SimpleNamespace(
    entry_id=1001,
    effective_on=DAY,
    kind="invoice",
    reference="INV-1",
    change_minor=100_00,
    balance_minor=1000_00,
    due_on=DAY,
)
DETAIL = SimpleNamespace(
    item=INVOICES[0],
    number="INV-2026-1",
    amount_minor=1200_00,
    open_minor=1000_00,
    disputed_minor=0,
    due_on=DAY,
    document=SimpleNamespace(purchase_order="PO & 7"),
)
CREDITED = SimpleNamespace(**{name: getattr(INVOICES[0], name) for name in ("entry_id", "currency", "effective_on")})
CREDITED.kind = EntryKind.CREDIT_NOTE
ADVICE: dict[str, Any] = {
    "id": 5,
    "amount_minor": 980_00,
    "currency": "EUR",
    "paid_on": DAY,
    "reference": "E2E & 1",
    "state": "open",
}
ADVICE_LINES = [
    SimpleNamespace(reference="INV & 1", paid_minor=980_00, deduction_minor=20_00, reason="2 % <off>"),
    SimpleNamespace(reference="INV-2", paid_minor=1_00, deduction_minor=0, reason=""),
]
KEPT = [("", "open", False, True), ("#used", "used", True, False), ("#no", "refused", False, False)]
FORM = {"amount": "12,4x", "reason": "price", "text": "It is <broken>."}

MANDATES: dict[str, Any] = {
    "mandates": [
        (
            SimpleNamespace(
                id=n,
                entity_id=1,
                state=state,
                reference="M1-17-8F3A09C2",
                debtor_name="Nordlicht + Co",
                signed_on=DAY,
                automatic=state == "active",
            ),
            "DE89 … 3000",
        )
        for n, state in enumerate(("active", "unconfirmed", "suspended"), 1)
    ],
    "forms": [
        (
            MANY[0].seller,
            SimpleNamespace(
                title="SEPA Direct Debit Mandate",
                creditor="Atelier & Fils",
                creditor_address="1 rue du Port, 44000 Nantes, FR",
                identifier="FR72ZZZ123456",
                payment_type="Recurrent payment",
                sentences=("By signing <this>, you authorise.",),
            ),
        )
    ],
    "ended": [
        SimpleNamespace(reference="M1-17-0", signed_on=DAY, state=state) for state in ("used", "lapsed", "cancelled")
    ],
    "scheme": "core",
    "may_choose": True,
    "sellers": {1: MANY[0].seller},
    "given": {"name": "Nordlicht <Co>", "iban": "DE89", "entity_id": None},
    "done": "",
    "error": NotFoundError("Copy it from the account's papers."),
}


def plan_in(state: str, *, collected: bool = False) -> SimpleNamespace:
    items = [SimpleNamespace(reference="INV <1>")]
    plan = SimpleNamespace(id=4, state=state, amount_minor=1200_00, currency="EUR", collected=collected)
    return SimpleNamespace(plan=plan, items=items, paid_minor=500_00)


INSTALMENTS = [
    SimpleNamespace(part=SimpleNamespace(number=n, due_on=on, amount_minor=400_00), open_minor=left)
    for n, on, left in ((1, DAY, 0), (2, DAY, 300_00), (3, date(2026, 1, 1), 400_00), (4, date(2027, 1, 1), 400_00))
]
PLANS: dict[str, Any] = {
    "plans": [
        (plan_in(state, collected=state == "agreed"), INSTALMENTS)
        for state in ("proposed", "agreed", "kept", "broken", "ended", "cancelled")
    ],
    "offers": [(MANY[0], INVOICES[:2], [2, 3, 4])],
    "collecting": {1},
    "today": DAY,
    "done": "",
    "error": NotFoundError("Choose at least one open invoice"),
}
METHODS = [
    SimpleNamespace(
        id=3,
        kind="card",
        brand="visa",
        last4="4242",
        exp_month=9,
        exp_year=2034,
        mandate_reference="",
        unusable="",
        is_default=True,
    ),
    SimpleNamespace(
        id=4,
        kind="sepa_debit",
        brand="37040044",
        last4="3000",
        exp_month=None,
        exp_year=None,
        mandate_reference="RF & 7",
        unusable="mandate_inactive",
        is_default=False,
    ),
]
ITEM_STATES = [
    ("announced", ""),
    ("paying", ""),
    ("paid", ""),
    ("failed", "expired_card"),
    ("skipped", "above_limit"),
    ("skipped", "no_notice"),
]
METHODS_PAGE: dict[str, Any] = {
    "saved": METHODS,
    "autopays": [],
    "items": [
        SimpleNamespace(entry_id=1001, pay_on=DAY, amount_minor=100_00, state=state, why=why)
        for state, why in ITEM_STATES
    ],
    "item_references": {1001: ("INV & 1", "EUR")},
    "currency": "EUR",
    "sellers": ["Atelier & Fils"],
    "done": "",
    "error": None,
    "given": {"limit": "1 000", "offset_days": "0", "notice_days": "usual"},
}
TRANSFER = SimpleNamespace(
    id=7,
    amount_minor=1000_00,
    funded_minor=250_00,
    currency="EUR",
    gateway_intent="pi_1",
    instructions={"iban": "FR7620041010050500013M02606", "bic": "", "holder": "A & B", "reference": "X7"},
)

SAMPLES: dict[str, dict[str, Any]] = {
    "portal/methods.html": METHODS_PAGE,
    **{
        f"portal/methods.html#{done}": METHODS_PAGE
        | {
            "done": done,
            "items": [],
            "autopays": [
                SimpleNamespace(id=5, currency="EUR", limit_minor=100_00, offset_days=offset, notice_days=14)
                for offset in (0, -2, 5)
            ],
        }
        for done in ("kept", "nothing", "removed", "on", "off")
    },
    "portal/methods.html#empty": METHODS_PAGE | {"saved": [], "items": [], "error": NotFoundError("No.")},
    "portal/amount.html": {
        "purposes": [
            SimpleNamespace(value="item:1", reference="INV & 1", seller="A & B", currency="EUR", open_minor=100),
            SimpleNamespace(value="account:1", reference="", seller="A & B", currency="EUR", open_minor=None),
        ],
        "saved": METHODS,
        "given": {"purpose": "item:1", "amount": "12,5x"},
        "error": NotFoundError("Write digits."),
    },
    "portal/transfers.html": {
        "transfers": [TRANSFER, SimpleNamespace(**(vars(TRANSFER) | {"id": 8, "instructions": None}))],
        "references": {7: ["INV & 1", "INV-2"]},
        "accounts": [SimpleNamespace(iban="FR76", balance_minor=500, currency="EUR")],
    },
    "portal/transfers.html#none": {"transfers": [], "references": {}, "accounts": []},
    "portal/ask.html": {"done": False},
    "portal/ask.html#done": {"done": True},
    "portal/unsubscribe.html": {"done": False, "here": "/unsubscribe/abc"},
    "portal/unsubscribe.html#done": {"done": True, "here": "/unsubscribe/abc"},
    "messages/portal_link": {
        "contact": SimpleNamespace(name="Zoé <Petit>"),
        "customer": SimpleNamespace(name="Nordlicht & Co"),
        "seller": make_seller(1, "Atelier & Fils"),
        "link": "https://pay.example/pay/abc",
        "days": 90,
    },
    "portal/home.html": {"positions": MANY, "notices": NOTICES, "saved": METHODS, "today": DAY, "done": "", "why": ""},
    **{
        f"portal/home.html#{done}": {
            "positions": MANY[1:],
            "notices": [],
            "saved": [],
            "today": DAY,
            "done": done,
            "why": "the card has expired",
        }
        for done in ("paid", "pending", "unpaid", "declined", "contested", "promised")
    },
    "portal/contest.html": {
        "invoice": INVOICES[0],
        "reasons": [reason.value for reason in Reason],
        "given": FORM,
        "error": NotFoundError("Write digits."),
    },
    "portal/promise.html": {"positions": MANY, "today": DAY, "latest": DAY, "error": None},
    "portal/history.html": {
        "today": DAY,
        "with_page": {1001},
        "disputes": [
            SimpleNamespace(
                reference="INV-1",
                opened_on=DAY,
                amount_minor=100_00,
                accepted_minor=50_00,
                currency="EUR",
                state=state,
                outcome=outcome,
                answer="We <looked>.",
            )
            for state, outcome in DISPUTES
        ],
        "promises": [
            SimpleNamespace(due_on=DAY, amount_minor=100_00, currency="EUR", state=state) for state in PROMISE_STATES
        ],
        "payments": [
            SimpleNamespace(
                id=7,
                entry_id=9 if state == "settled" else None,
                created_at=datetime(2026, 5, 12, tzinfo=UTC),
                amount_minor=100_00,
                currency="EUR",
                state=state,
            )
            for state in PAYMENT_STATES
        ],
        "advices": [ADVICE | {"state": state} for state in ("open", "paired", "used", "refused")],
        "since": DAY,
        "statements": [SimpleNamespace(since=DAY, entity_id=1, currency="EUR", lines=[LINE])],
        "sellers": {1: MANY[0].seller},
    },
    "portal/document.html": {"found": DETAIL, "standing": "open", "parts": INVOICES[:2], "has_page": True},
    "portal/document.html#settled": {"found": DETAIL, "standing": "paid", "parts": [], "has_page": False},
    "portal/document.html#credit": {
        "found": SimpleNamespace(**(vars(DETAIL) | {"item": CREDITED, "document": None})),
        "standing": "open",
        "parts": [],
        "has_page": True,
    },
    "portal/advice.html": {
        "positions": MANY,
        "today": DAY,
        "earliest": DAY,
        "latest": DAY,
        "given": {"entity_id": "1", "currency": "EUR", "paid-1001": "1 000,00", "off-1001": "<2>", "amount-1-EUR": "x"},
        "key": "a-key",
        "error": "<x> is not an amount",
    },
    "portal/advice.html#nothing": {
        "positions": MANY[1:],
        "today": DAY,
        "earliest": DAY,
        "latest": DAY,
        "given": {},
        "key": "a-key",
        "error": "",
    },
    "portal/advice_check.html": {
        "advice": ADVICE | {"lines": ADVICE_LINES},
        "given": {"amount-1-EUR": "980", "why-1001": '<b>"2 %"</b>'},
    },
    **{
        f"portal/advice_kept.html{mark}": {
            "advice": ADVICE | {"state": state},
            "lines": ADVICE_LINES,
            "arrived": arrived,
            "done": done,
        }
        for mark, state, arrived, done in (
            ("", "open", False, True),
            ("#used", "used", True, False),
            ("#no", "refused", False, False),
        )
    },
    "portal/bye.html": {},
    **{
        f"portal/direct_debit.html#{done or 'plain'}": MANDATES | {"done": done, "scheme": scheme}
        for done, scheme in (("signed", "core"), ("revoked", "b2b"))
    },
    "portal/direct_debit.html": MANDATES,
    "portal/plan.html": PLANS,
    "portal/plan.html#agreed": PLANS | {"done": "agreed", "plans": [], "offers": [], "error": None},
}
