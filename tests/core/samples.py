"""What the pages of messages and the administrators' pages are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ar.core.access.models import ApiKey, Role, User
from ar.core.access.roles import ROLE_LABELS
from ar.core.audit import AuditEntry
from ar.core.errors import ConflictError
from ar.core.jobs import Job, JobRun, JobState
from ar.core.outbox import Arrival, MessageChannel, MessageState, OutboxMessage
from ar.core.outbox.pages import Happening
from ar.core.web import Page

NOW = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)
USER = User(
    id=3,
    email="one@amiable.example",
    name="Collector <One>",
    password_hash="",
    role=Role.COLLECTOR,
    language="fr",
    active=True,
    version=2,
    created_at=NOW,
)
OFF = USER.model_copy(update={"id": 4, "active": False})


def make_key(number: int, **more: Any) -> ApiKey:
    return ApiKey(
        id=number,
        name="ERP & co",
        token_digest="0" * 64,
        prefix="abcd",
        scopes=["ledger:read"],
        created_by=3,
        created_at=NOW,
        **more,
    )


def make_entry(number: int, change: dict[str, Any] | None) -> AuditEntry:
    return AuditEntry(
        id=number,
        at=NOW,
        actor="user:3",
        action="account.open",
        subject="account:7",
        change=change,
        salt="",
        change_digest="",
        previous_hash="",
        hash="",
    )


def make_message(number: int, state: MessageState, **more: Any) -> OutboxMessage:
    given: dict[str, Any] = {
        "purpose": "dunning.notice",
        "account_id": 7,
        "recipient": "ap@nordlicht.example",
        "subject": "Invoice <1> & 2",
    }
    return OutboxMessage(
        id=number,
        dedup_key=f"notice/{number}",
        subject_ref=f"notice:{number}",
        sender="billing@seller.example",
        language="de",
        body_text="Hello,\n<b>this</b> is due: https://ar.example/pay/…",
        body_html="<p>not shown</p>",
        state=state,
        queued_at=NOW,
        send_after=NOW,
        **(given | more),
    )


MESSAGES = [make_message(number, state) for number, state in enumerate(MessageState, start=1)]
MESSAGES += [
    make_message(20, MessageState.SENT, purpose="customer.note", account_id=None),
    make_message(21, MessageState.SENT, purpose="another"),
    make_message(22, MessageState.SENT, channel=MessageChannel.SMS, subject="", recipient="+33612345678"),
    *(
        make_message(30 + n, MessageState.SENT, arrival=arrival, channel=channel)
        for n, (arrival, channel) in enumerate(
            zip(Arrival, (MessageChannel.EMAIL, MessageChannel.LETTER, MessageChannel.PORTAL), strict=True)
        )
    ),
]
WAYS = (
    *(state.value for state in MessageState),
    "written",
    *(f"message.{w}" for w in ("arrived", "sent-again", "cancelled", "gone-out", *Arrival)),
)


def make_message_page(state: MessageState, **more: Any) -> dict[str, Any]:
    return {
        "message": make_message(5, state),
        "text": "Hello,\n<b>this</b> is due: https://ar.example/pay/…",
        "happenings": [Happening(NOW, what, "Collector <One>", "why & how") for what in WAYS],
        "error": None,
        "may_write": True,
        **more,
    }


def make_job(number: int, name: str, state: JobState, **more: Any) -> Job:
    return Job(id=number, name=name, dedup_key=f"job/{number}", state=state, queued_at=NOW, run_after=NOW, **more)


JOB_NAMES = (
    "deliver-outbox",
    "judge-promises",
    "run-dunning",
    "reconcile-payments",
    "bill",
    "forget-old-jobs",
    "send-webhooks",
    "make-letters",
    "another",
)
JOBS = [make_job(number, name, JobState.DONE, outcome="3 <sent>") for number, name in enumerate(JOB_NAMES, start=1)]
JOBS += [make_job(20 + n, "run-dunning", state, attempts=n) for n, state in enumerate(JobState)]
JOBS += [make_job(30, "run-dunning", JobState.QUEUED, attempts=2, outcome="it <broke>")]
FAILED = [make_job(40, "run-dunning", JobState.FAILED, attempts=5, outcome="it <broke>", ended_at=NOW)]
TICKS = [
    (JobRun(name=job.name, since=NOW, scheduled_for=NOW, job_key=job.dedup_key), job if job.id != 6 else None)
    for job in JOBS[:6]
]

KEYS = [make_key(1), make_key(2, revoked_at=NOW), make_key(3, expires_at=NOW - timedelta(days=1))]
ENTRIES = [make_entry(1, {"name": "<b>"}), make_entry(2, {}), make_entry(3, None)]
SHOWN = {"email": "", "name": "", "role": Role.COLLECTOR, "language": "en", "active": True}

SAMPLES: dict[str, dict[str, Any]] = {
    "console/admin/users.html": {"users": Page(items=[USER, OFF], next_cursor="abc"), "roles": ROLE_LABELS},
    "console/admin/user.html": {"user": USER, "shown": SHOWN, "roles": ROLE_LABELS},
    "console/admin/user.html#new": {"user": None, "shown": SHOWN, "roles": ROLE_LABELS},
    "console/admin/api_keys.html": {
        "keys": Page(items=KEYS, next_cursor="abc"),
        "token": "ak_abcd_secret",
        "now": NOW,
        "scopes": ["ledger:read", "cash:write"],
    },
    "console/admin/audit.html": {"entries": Page(items=ENTRIES, next_cursor="abc"), "subject": "", "wrong": None},
    "console/admin/audit.html#whole": {"entries": Page(items=[]), "subject": "user:3", "wrong": []},
    "console/admin/audit.html#altered": {"entries": Page(items=[]), "subject": "", "wrong": ["entry 3: altered"]},
    "console/admin/jobs.html": {
        "ticks": TICKS,
        "failed": FAILED,
        "found": Page(items=JOBS, next_cursor="abc"),
        "state": JobState.FAILED,
        "may_run": True,
    },
    "console/admin/jobs.html#empty": {
        "ticks": [],
        "failed": [],
        "found": Page(items=[]),
        "state": None,
        "may_run": False,
    },
    "console/messages/list.html": {
        "found": Page(items=MESSAGES, next_cursor="abc"),
        "waiting": MESSAGES[:1],
        "state": MessageState.SENT,
        "purpose": "customer.note",
        "account_id": 7,
        "channel": MessageChannel.SMS,
        "arrival": Arrival.BOUNCED,
    },
    "console/messages/list.html#empty": {
        "found": Page(items=[]),
        "waiting": [],
        "state": None,
        "purpose": "",
        "account_id": None,
        "channel": None,
        "arrival": None,
    },
    "console/messages/message.html": make_message_page(MessageState.UNCERTAIN, error=ConflictError("Not now.")),
    "console/messages/message.html#failed": make_message_page(MessageState.FAILED),
    "console/messages/message.html#queued": make_message_page(MessageState.QUEUED),
    "console/messages/message.html#sent": make_message_page(MessageState.SENT, may_write=False),
    "console/messages/_card.html": {"account_id": 7, "messages": MESSAGES},
    "console/messages/_card.html#empty": {"account_id": 7, "messages": []},
}
