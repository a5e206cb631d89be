"""What the pages of payments, and of the test gateway, are given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from ar.cash.history import Applied, Happening, Story
from ar.cash.mandates.sign import Shown
from ar.cash.models import Method, Payment, PaymentRefund, PaymentTarget, RefundState
from ar.cash.payment_states import PaymentState
from ar.core.errors import DomainError
from ar.core.web import Page
from ar.customers.models import Account, LegalEntity
from ar.ledger.items import ItemState
from ar.ledger.models import EntryKind

AT = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)

PAYMENT = Payment(
    id=7,
    public_id="pay_5f0c",
    entity_id=1,
    account_id=17,
    amount_minor=120_000,
    currency="EUR",
    method=Method.BANK_TRANSFER,
    state=PaymentState.SETTLED,
    reason="paid",
    note="<b>thanks</b>",
    reference="E2E & 4711",
    recorded_by="user:1",
    gateway="manual",
    parked=True,
    succeeded_at=AT,
    created_at=AT,
    updated_at=AT,
)
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
SELLER = LegalEntity(
    id=1, code="FR1", name="Atelier & Fils", country="FR", currency="EUR", language="fr", time_zone="Europe/Paris"
)
ITEM = ItemState(
    41, 1, 17, EntryKind.INVOICE, 1, "EUR", 120_000, 40_000, 10_000, date(2026, 2, 10), date(2026, 3, 12), "INV & 1"
)
STORY = Story(
    payment=PAYMENT,
    targets=[(PaymentTarget(id=1, payment_id=7, entry_id=41, amount_minor=80_000), "INV & 1")],
    applied=[Applied(9, 41, "INV & 1", 80_000)],
    unapplied_minor=40_000,
    refunds=[
        PaymentRefund(
            id=n,
            public_id=f"ref_{n}",
            payment_id=7,
            amount_minor=100,
            state=state,
            note="paid <twice>",
            outcome="no answer",
            requested_by="user:1",
            created_at=AT,
            updated_at=AT,
        )
        for n, state in enumerate(RefundState)
    ],
    happenings=[
        Happening(AT, what, "user:1", "paid")
        for what in (
            "payment.settled",
            "payment.applied",
            "payment.unapplied",
            "payment.refund_asked",
            "payment.taken_back",
            "payment.charge_asked",
            "payment.capture_asked",
            "payment.release_asked",
            "payment.decided",
            "charge.refunded",
        )
    ],
)


def paid(state: PaymentState, method: Method) -> Payment:
    return Payment(**PAYMENT.model_dump() | {"state": state, "method": method})


EACH = [paid(state, method) for state, method in zip(PaymentState, [*Method, Method.CARD], strict=True)]
CHECKOUT: dict[str, Any] = {
    "here": "/test-gateway/pay/cs_test_1",
    "mode": "payment",
    "status": "open",
    "lines": [("INV & 1", 120_000)],
    "total_minor": 120_000,
    "currency": "EUR",
    "card": True,
    "debit": True,
    "cancel_url": "/portal",
    "success_url": "/portal/paid",
    "charge": "failed",
    "disputed": "",
}
RECORD: dict[str, Any] = {
    "account": ACCOUNT,
    "items": [ITEM],
    "entities": [SELLER],
    "currencies": ["EUR", "JPY"],
    "methods": [Method.BANK_TRANSFER, Method.CHEQUE],
    "today": date(2026, 3, 12),
    "key": "a-key",
    "given": {"amount": "12,50", "item-41": "1"},
    "error": DomainError("The payment was not recorded"),
}

INTENT: dict[str, Any] = {
    "here": "/test-gateway/intents/pi_1",
    "status": "requires_action",
    "total_minor": 120_000,
    "left_minor": 20_000,
    "currency": "EUR",
    "awaits_transfer": True,
    "charge": "",
    "disputed": "",
}
NOTE: dict[str, Any] = {
    "contact": SimpleNamespace(name="Zoé <Petit>"),
    "customer": SimpleNamespace(name="Nordlicht & Werkzeuge"),
    "seller": SELLER,
    "link": "https://pay.example/pay/abc",
}
DAY = date(2026, 3, 20)
INVOICES = [{"reference": "INV & 1", "amount_minor": 80_000}]
DEBIT = {
    "amount_minor": 80_000,
    "on": DAY,
    "iban": "DE89 … 3000",
    "mandate": "M1-17-8F3A09C2",
    "identifier": "FR72ZZZ123456",
    "words": "the account is closed",
    "suspended": True,
}
PLAN = {
    "amount_minor": 120_000,
    "currency": "EUR",
    "collected": True,
    "paid_minor": 40_000,
    "left_minor": 80_000,
    "count": 3,
}
PART = {"number": 2, "due_on": DAY, "open_minor": 40_000}
PARTS = [{"due_on": DAY, "amount_minor": 40_000}] * 3
SHOWN = Shown(
    title="SEPA Direct Debit Mandate",
    creditor="Atelier & Fils",
    creditor_address="1 rue du Port, 44000 Nantes, FR",
    identifier="FR72ZZZ123456",
    payment_type="Recurrent payment",
    sentences=("By signing <this>, you authorise.", "You are entitled to a refund."),
)
SIGNED = {
    "reference": "M1-17-8F3A09C2",
    "iban": "DE89 … 3000",
    "signed_on": DAY,
    "name": "Zoé Petit",
    "waits_for_bank": True,
}

TOLD = SimpleNamespace(reference="INV & 1", amount_minor=120_000, pay_on=date(2026, 4, 11), due_on=date(2026, 4, 11))
NOTICE = NOTE | {
    "currency": "EUR",
    "method": SimpleNamespace(kind="card", last4="4242", mandate_reference=""),
    "limit_minor": 500_000,
    "payments": [TOLD],
    "above": [],
}
FAILED = NOTE | {
    "reference": "INV & 1",
    "amount_minor": 120_000,
    "currency": "EUR",
    "why": "the card has expired",
    "retry_on": None,
}

SAMPLES: dict[str, dict[str, Any]] = {
    "messages/mandate_signed": {**NOTE, "shown": SHOWN, "mandate": SIGNED},
    "messages/debit_prenotice": {**NOTE, "debit": DEBIT, "invoices": INVOICES},
    "messages/debit_returned": {**NOTE, "debit": DEBIT, "invoices": INVOICES},
    **{f"messages/plan_{what}": {**NOTE, "plan": PLAN, "parts": PARTS} for what in ("proposed", "agreed")},
    **{f"messages/plan_{what}": {**NOTE, "plan": PLAN, "part": PART} for what in ("reminder", "missed", "broken")},
    "messages/autopay_notice": NOTICE,
    "messages/autopay_notice#debit": NOTICE
    | {
        "method": SimpleNamespace(kind="sepa_debit", last4="3000", mandate_reference="RF7"),
        "payments": [TOLD, TOLD],
        "above": [TOLD],
    },
    "messages/autopay_notice#above": NOTICE | {"payments": [], "above": [TOLD]},
    "messages/autopay_failed": FAILED,
    "messages/autopay_failed#again": FAILED | {"retry_on": date(2026, 4, 14)},
    "messages/autopay_off": NOTE,
    "portal/gateway/intent.html": INTENT,
    **{
        f"portal/gateway/intent.html#{n}": INTENT | {"awaits_transfer": False, **given}
        for n, given in enumerate(
            [
                {},
                {"status": "processing", "charge": "pending"},
                {"status": "requires_capture"},
                {"status": "succeeded", "charge": "succeeded"},
                {"status": "canceled"},
                *({"status": "succeeded", "disputed": state} for state in ("needs_response", "won", "lost")),
            ]
        )
    },
    "portal/gateway/checkout.html#setup": CHECKOUT | {"mode": "setup", "total_minor": 0, "currency": "", "lines": []},
    "portal/gateway/checkout.html#left": CHECKOUT
    | {"mode": "setup", "status": "complete", "total_minor": 0, "currency": "", "lines": []},
    "portal/gateway/checkout.html#disputed": CHECKOUT | {"status": "complete", "disputed": "needs_response"},
    "portal/gateway/missing.html": {},
    "portal/gateway/checkout.html": CHECKOUT,
    "console/cash/list.html": {
        "found": Page[Any].model_construct(items=EACH, next_cursor="next"),
        "names": {17: "Nordlicht & Werkzeuge"},
        "tell": str,
        "state": PaymentState.SETTLED,
        "states": list(PaymentState),
        "account_id": 17,
        "may_write": True,
    },
    "console/cash/whose.html": {"q": "nord", "matches": [ACCOUNT]},
    "console/cash/record.html": RECORD,
    "console/cash/payment.html": {
        "told": STORY,
        "tell": str,
        "payment": PAYMENT,
        "account": ACCOUNT,
        "open_now": [ITEM],
        "refundable_minor": 120_000,
        "today": date(2026, 3, 12),
        "may_write": True,
        "key": "a-key",
        "at_test_gateway": "/test-gateway/pay/cs_test_1",
    },
}
