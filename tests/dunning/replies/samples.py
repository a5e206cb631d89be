"""An example of what each template of replies is given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from ar.core.outbox import MessageChannel, MessageState, OutboxMessage
from ar.customers.models import Account
from ar.customers.notes import Named
from dunning.replies.find import Exchanged, Shown, quoted
from dunning.replies.kinds import MatchedBy, ProposalKind, ReplyKind, ReplyState
from dunning.replies.models import Reply

NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
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


def reply(kind: ReplyKind, number: int = 1, **other: Any) -> Reply:
    given: dict[str, Any] = {
        "digest": f"{number:064}",
        "thread": "outbox:1",
        "account_id": 17,
        "matched_by": MatchedBy.THREAD,
        "suggested": [],
        "sender": "jo@bakery.example",
        "sender_name": "Jo <Baker>",
        "subject": "Re: Invoice INV-1",
        "text": "We will pay <INV-1> on Friday.",
        "received_at": NOW,
        "written_on": date(2026, 3, 11),
        "sureness": 90,
        "human": True,
        "state": ReplyState.OPEN,
        "files": [{"name": "advice.pdf", "media_type": "application/pdf", "size": 12}],
        "doubts": ["It answers a message to one customer"],
        "size": 100,
        "taken_by": "system",
        "file_id": 3,
        **other,
    }
    return Reply(id=number, kind=kind, **given)


DATA: dict[str, Any] = {
    "due_on": date(2026, 3, 13),
    "until": date(2026, 3, 20),
    "amount_minor": 40_000,
    "currency": "EUR",
    "entry_ids": [41],
    "count": 3,
    "email": "new@bakery.example",
}
PROPOSALS = [
    Shown(n, kind.value, state, 90, "We will pay <INV-1> on Friday.", DATA, ["INV-1", "INV-2"])
    for n, (kind, state) in enumerate((kind, state) for kind in ProposalKind for state in ("open", "done"))
] + [
    Shown(98, "copy", "accepted", 90, "", {"entry_ids": []}, []),
    Shown(
        99, "promise", "dismissed", 60, "Soon.", {"due_on": None, "amount_minor": None, "entry_ids": []}, list("abcdef")
    ),
]
ROWS = [reply(kind, n) for n, kind in enumerate(ReplyKind)] + [
    reply(ReplyKind.OTHER, 90, account_id=None, sender="", sender_name="", text="", suggested=[17]),
    reply(ReplyKind.COPY, 91, state=ReplyState.HANDLED),
]
LISTED: dict[str, Any] = {
    "rows": ROWS,
    "next_cursor": "abc",
    "proposals": {row.id: PROPOSALS if row.kind is ReplyKind.PROMISE else [] for row in ROWS},
    "customers": {17: ACCOUNT},
    "quoted": quoted,
    "state": "open",
    "kind": "promise",
    "kinds": [kind.value for kind in ReplyKind],
    "account_id": 17,
    "unassigned": True,
    "may_act": True,
}
MESSAGE = OutboxMessage(
    id=4,
    dedup_key="k",
    channel=MessageChannel.EMAIL,
    purpose="dunning.notice",
    account_id=17,
    subject_ref="notice:1",
    recipient="jo@bakery.example",
    sender="accounts@seller.example",
    language="en",
    subject="Invoice INV-1",
    body_text="Hello",
    body_html="",
    state=MessageState.SENT,
    queued_at=NOW,
    send_after=NOW,
)
COPIES: dict[str, Any] = {
    "customer": Named("Bakery"),
    "contact": Named("Jo"),
    "seller": SimpleNamespace(name="Atelier & Fils", email="accounts@atelier.example", phone=None),
    "link": "https://pay.example/abc",
    "references": ["INV-1"],
    "attached": True,
    "statement": True,
}

SAMPLES: dict[str, dict[str, Any]] = {
    "messages/copy_sent": COPIES,
    "messages/copy_sent#several": COPIES | {"references": ["INV-1", "INV-2"], "statement": False},
    "messages/copy_sent#statement": COPIES | {"references": [], "attached": False},
    "console/replies/list.html": LISTED,
    "console/replies/list.html#empty": LISTED
    | {"rows": [], "proposals": {}, "next_cursor": None, "account_id": None, "kind": "", "unassigned": False},
    "console/replies/reply.html": {
        "row": reply(ReplyKind.PROMISE, 1, suggested=[17], back_on=date(2026, 3, 20)),
        "proposals": PROPOSALS,
        "customers": {17: ACCOUNT},
        "error": None,
        "may_act": True,
    },
    "console/replies/_thread.html": {
        "account": ACCOUNT,
        "exchanged": [Exchanged(NOW, reply=reply(ReplyKind.PROMISE)), Exchanged(NOW, message=MESSAGE)],
        "quoted": quoted,
    },
    "console/replies/_thread.html#empty": {"account": ACCOUNT, "exchanged": [], "quoted": quoted},
}
