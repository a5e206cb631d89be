"""Examples of the work-list's rows, calls, marks and hand-overs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ar.customers.models import Account, Contact
from dunning.attention.models import AttentionMark, Escalation, EscalationKind, MarkKind
from dunning.calls.models import (
    CallOutcome,
    CallTask,
    ContactChannel,
    ContactEvent,
    Direction,
    TaskSource,
)
from dunning.calls.script import script_context
from dunning.case import CustomerFacts
from dunning.worklist.find import Listed
from dunning.worklist.models import WorklistRow
from dunning.worklist.told import Waiting
from tests.dunning.make import DUE, after

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HIDDEN = ("resting", "held", "handed_on", "tried", "call_back", "nothing_asked", "one of a later version")
PARTS = {"unpaid_permille": 620, "basis": "prediction", "uplift_permille": 350, "broken_promises": 2}
PRIOR = {"unpaid_permille": 300, "basis": "prior", "uplift_permille": 0, "broken_promises": 0}
BARE = {"contact": None, "exchange": None, "channel": "", "worker_id": 4, "task_id": None, "parts": PRIOR}
CONTACT = {"id": 5, "name": "Jo <Baker>", "roles": ["billing"], "phone": "+33 450000000", "email": "jo@bakery.example"}
REASONS: list[dict[str, Any]] = [
    {"code": "paid_late", "days": 20, "late": 5, "invoices": 6},
    {"code": "insolvency"},
    {"code": "credit_hold"},
    *({"code": code, "count": 2, "days": 90} for code in ("broken_promises", "returned_debits", "more_disputes")),
    {"code": "drift", "days": 25},
    {"code": "large_debtor", "amount_minor": 12_000_000, "currency": "EUR"},
    {"code": "by_hand", "words": "our <oldest> customer"},
    {"code": "one of a later version"},
]


def listed_row(**other: Any) -> WorklistRow:
    given: dict[str, Any] = {
        "account_id": 17,
        "owner_id": 3,
        "worker_id": 3,
        "value_minor": 25_560,
        "asked_minor": 120_000,
        "currency": "EUR",
        "overdue": [["EUR", 120_000], ["USD", 500]],
        "oldest_days": 12,
        "channel": "phone",
        "parts": PARTS,
        "contact": CONTACT,
        "exchange": {"kind": "notice", "what": "friendly", "note": "", "at": NOW.isoformat()},
        "task_id": 4,
        "next_step": "question",
        "next_on": DUE,
        "hidden_for": "",
        "computed_at": NOW,
        **other,
    }
    return WorklistRow(**given)


def marks(account_id: int = 17) -> list[AttentionMark]:
    return [
        AttentionMark(
            id=n,
            account_id=account_id,
            kind=kind,
            reasons=REASONS,
            since=DUE,
            made_by="system",
            made_at=NOW,
            dismissed_until=after(30) if kind is MarkKind.LATE else None,
            dismissed_for="moving <house>",
        )
        for n, kind in enumerate(MarkKind, 1)
    ]


def listed(account: Account, row: WorklistRow, waiting: Waiting) -> Listed:
    return Listed(row, account, waiting, marks(), "09:40", row.channel == "phone")


BESIDE: dict[str, Any] = {
    "events": [
        ContactEvent(
            id=n,
            account_id=17,
            channel=channel,
            direction=Direction.OUT,
            outcome=outcome,
            note="will <look>",
            call_back_at=NOW if outcome is CallOutcome.CALL_BACK else None,
            at=NOW,
            noted_by="user:3",
        )
        for n, (outcome, channel) in enumerate(zip(CallOutcome, [*ContactChannel, *ContactChannel], strict=False), 1)
    ],
    "tasks": [
        CallTask(
            id=n,
            key=f"k{n}",
            account_id=17,
            source=source,
            why="ask <kindly>" if n == 1 else "",
            due_on=DUE,
            due_at=NOW if source is TaskSource.CALL_BACK else None,
            made_at=NOW,
            made_by="system",
        )
        for n, source in enumerate(TaskSource, 1)
    ],
    "marks": marks(),
    "escalations": [
        Escalation(
            id=n,
            account_id=17,
            kind=kind,
            to_id=2 if n < 3 else None,
            reason="asks <too> much",
            made_by="user:3",
            made_at=NOW,
        )
        for n, kind in enumerate(EscalationKind, 1)
    ],
    "contacts": [
        Contact(id=5, account_id=17, name="Jo <Baker>", phone="+33 450000000", phone_bad_at=NOW),
        Contact(id=6, account_id=17, name="", email="b@bakery.example"),
    ],
    "people": {"user:3": "Col <Lector>"},
}


def call_script(facts: CustomerFacts) -> dict[str, Any]:
    return script_context(
        facts,
        today=after(20),
        contact_name="Jo Baker",
        exchange={"kind": "contact", "what": "left_word", "note": "with a colleague", "at": NOW.isoformat()},
        task=BESIDE["tasks"][1].model_copy(update={"why": "Ask kindly"}),
        broken=[DUE],
        plan_minor=500_000,
        plan_currency="EUR",
        plan_months=6,
    )
