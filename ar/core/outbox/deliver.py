"""Sending what is queued: claim, ask the guards, commit; send outside any transaction; record what came of it.

A sender may be killed at any point. What it had claimed and not recorded may or may not have gone out, so it
becomes `uncertain` after a while and is shown to a person; it is never sent again by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import ColumnElement, CursorResult, and_, bindparam, update
from sqlmodel import Session, col, select

from ar.core import clock
from ar.core.db import Database, among, table
from ar.core.errors import DomainError
from ar.core.files import FileDamagedError, StoredFile, read
from ar.core.kernel import Kernel
from ar.core.mail import Attachment, Fate, FateKind, Mail, Mailer, Send, nothing
from ar.core.outbox.models import MessageState, OutboxMessage

Guard = Callable[[Session, Sequence[OutboxMessage], datetime], Mapping[int, str]]
"""Told the messages of its purpose about to be sent, gives the ids of those no longer wanted, each with the reason."""

BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
"""How long a message refused for now waits after each attempt; after the last one it has failed."""

UNREACHED_WAIT = timedelta(minutes=1)
LOST_AFTER = timedelta(minutes=10)
"""A claim older than this belongs to a sender that died. PATIENCE must stay well below."""

PATIENCE = 240.0
"""Seconds after which a sender starts no further message of its batch and gives back those that are left."""

_RECORD_EVERY = 100
_RECORD_SECONDS = 1.0
_Change = tuple[int, dict[str, Any]]
_log = structlog.get_logger()


@dataclass(frozen=True)
class DeliveryReport:
    """How many messages took each way. `unreachable` holds the words of a mail server that did not let us in."""

    sent: int = 0
    later: int = 0
    failed: int = 0
    uncertain: int = 0
    cancelled: int = 0
    given_back: int = 0
    lost: int = 0
    unreachable: str = ""

    @property
    def handled(self) -> int:
        """How many of the due messages were taken up: fewer than the limit when no more were due."""
        return self.sent + self.later + self.failed + self.uncertain + self.cancelled + self.given_back

    def __str__(self) -> str:
        counts = {
            "sent": self.sent,
            "to be tried again": self.later,
            "failed": self.failed,
            "uncertain": self.uncertain + self.lost,
            "cancelled": self.cancelled,
            "given back": self.given_back,
        }
        words = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing to send"
        return f"{words}; mail server not reached: {self.unreachable}" if self.unreachable else words


def always_wanted(_session: Session, _messages: Sequence[OutboxMessage], _now: datetime) -> Mapping[int, str]:
    """The guard of messages that nothing can make unwanted."""
    return {}


def deliver(
    kernel: Kernel,
    mailer: Mailer,
    guards: Mapping[str, Guard],
    *,
    now: datetime,
    limit: int,
    worker: str,
    at: Callable[[str], None] = nothing,
) -> DeliveryReport:
    """Send up to `limit` messages that are due, oldest first, over one connection, and say what became of them.

    Any number of senders may run at once. `worker` names this one in the rows that it claims; `at` is called at
    the points guard, claim and before-record, as the mailer's own is at before-data and after-data.
    """
    watch = clock.stopwatch()
    tally: Counter[str] = Counter()
    with kernel.database.transaction() as session:
        tally["lost"] = _give_up_lost(session, now)
        claimed = _claim(session, guards, tally, now=now, limit=limit, worker=worker)
        files = _files(session, claimed)
        at("guard")
    at("claim")
    batch = _Batch(kernel, worker, now, claimed, files, tally, at)
    if claimed:
        try:
            with mailer.connect() as send:
                batch.send_all(send, watch)
        finally:
            batch.record()
    return DeliveryReport(**tally, unreachable=batch.unreachable)


def _give_up_lost(session: Session, now: datetime) -> int:
    statement = (
        update(OutboxMessage)
        .where(col(OutboxMessage.state) == MessageState.CLAIMED, col(OutboxMessage.claimed_at) < now - LOST_AFTER)
        .values(
            state=MessageState.UNCERTAIN,
            ended_at=now,
            outcome="its sender stopped before it could tell whether this went out",
        )
    )
    return cast(CursorResult[Any], session.connection().execute(statement)).rowcount


def _claim(
    session: Session, guards: Mapping[str, Guard], tally: Counter[str], *, now: datetime, limit: int, worker: str
) -> list[OutboxMessage]:
    """The messages to send now, marked as claimed; those that their guard no longer wants are cancelled instead."""
    due = session.exec(
        select(OutboxMessage)
        .where(OutboxMessage.state == MessageState.QUEUED, OutboxMessage.send_after <= now)
        .order_by(col(OutboxMessage.send_after), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    session.expunge_all()  # a guard's failure must not take their values along; they are written in bulk below
    by_purpose: dict[str, list[OutboxMessage]] = {}
    for message in due:
        by_purpose.setdefault(message.purpose, []).append(message)
    unwanted: dict[int, str] = {}
    unasked: dict[int, str] = {}
    for purpose, messages in by_purpose.items():
        if purpose in guards:
            _ask(session, guards[purpose], messages, now, unwanted, unasked)
        else:
            unasked |= {_id(message): f"no guard is known for the purpose {purpose}" for message in messages}
    claimed = []
    changes: list[_Change] = []
    for message in due:
        message.attempts += 1
        if _id(message) in unwanted:
            change = {"state": MessageState.CANCELLED, "outcome": unwanted[_id(message)][:400], "ended_at": now}
            tally["cancelled"] += 1
        elif _id(message) in unasked:
            way, change = _outcome(Fate(FateKind.LATER, unasked[_id(message)]), message.attempts, now)
            tally[way] += 1
        else:
            claimed.append(message)
            continue
        changes.append((_id(message), {"attempts": message.attempts} | change))
    _update(session, changes, table(OutboxMessage).c.state == MessageState.QUEUED)
    if claimed:
        session.connection().execute(
            update(OutboxMessage)
            .where(col(OutboxMessage.id).in_([_id(message) for message in claimed]))
            .values(state=MessageState.CLAIMED, claimed_at=now, claimed_by=worker, attempts=OutboxMessage.attempts + 1)
        )
    return claimed


def _files(session: Session, messages: Sequence[OutboxMessage]) -> dict[int, StoredFile]:
    """What is known of the files that go along with `messages`, by id; each is read when its turn comes."""
    wanted = sorted({file_id for message in messages for file_id in message.attachments})
    found = session.exec(select(StoredFile).where(among(session, col(StoredFile.id), wanted))).all() if wanted else ()
    session.expunge_all()
    return {one.id: one for one in found if one.id is not None}


def _update(session: Session, changes: Sequence[_Change], still: ColumnElement[bool]) -> None:
    """Write each change onto the row of its id, if that is `still` so: one statement for each set of columns."""
    target = table(OutboxMessage)
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for message_id, change in changes:
        row = {"its_id": message_id} | {f"new_{name}": value for name, value in change.items()}
        by_columns.setdefault(tuple(sorted(change)), []).append(row)
    for names, rows in by_columns.items():
        statement = (
            update(target)
            .where(target.c.id == bindparam("its_id"), still)
            .values({name: bindparam(f"new_{name}") for name in names})
        )
        session.connection().execute(statement, rows)


def _ask(
    session: Session,
    guard: Guard,
    messages: Sequence[OutboxMessage],
    now: datetime,
    unwanted: dict[int, str],
    unasked: dict[int, str],
) -> None:
    """Fills `unwanted`. A guard that fails is asked about halves, until the one bad message is alone in `unasked`."""
    try:
        with session.begin_nested():
            unwanted |= guard(session, messages, now)
    except Exception as error:
        if len(messages) > 1:
            middle = len(messages) // 2
            _ask(session, guard, messages[:middle], now, unwanted, unasked)
            _ask(session, guard, messages[middle:], now, unwanted, unasked)
            return
        _log.exception("outbox guard failed", message_id=messages[0].id, purpose=messages[0].purpose)
        unasked[_id(messages[0])] = f"its guard failed: {type(error).__name__}"


def _id(message: OutboxMessage) -> int:
    assert message.id is not None
    return message.id


class _Batch:
    """Claimed messages and what is known of each: written down every few messages, and at the end in any case."""

    def __init__(
        self,
        kernel: Kernel,
        worker: str,
        now: datetime,
        messages: Sequence[OutboxMessage],
        files: Mapping[int, StoredFile],
        tally: Counter[str],
        at: Callable[[str], None],
    ) -> None:
        self.unreachable = ""
        self._database: Database = kernel.database
        self._files_url = kernel.settings.files
        self._files = files
        self._worker = worker
        self._now = now
        self._messages = {_id(message): message for message in messages}
        self._tally = tally
        self._at = at
        self._fates = dict.fromkeys(self._messages, Fate(FateKind.UNREACHED, "its sender stopped before its turn"))

    def send_all(self, send: Send, watch: Callable[[], float]) -> None:
        """Send until all have gone, the server cannot be reached, or PATIENCE is over."""
        done: list[int] = []
        recorded = watch()
        for message_id, message in self._messages.items():
            if watch() > PATIENCE:
                break
            self._fates[message_id] = Fate(FateKind.UNKNOWN, "its sender was interrupted")
            fate = self._fates[message_id] = self._send(send, message)
            if fate.kind is FateKind.UNREACHED:
                self.unreachable = fate.words
                break
            done.append(message_id)
            if len(done) >= _RECORD_EVERY or watch() - recorded > _RECORD_SECONDS:
                self._write({message_id: self._fates.pop(message_id) for message_id in done})
                done, recorded = [], watch()

    def record(self) -> None:
        """Write down all that is not yet written."""
        self._write(self._fates)
        self._fates = {}

    def _send(self, send: Send, message: OutboxMessage) -> Fate:
        try:
            attachments = [self._attached(file_id) for file_id in message.attachments]
        except DomainError as error:  # a file is lost or altered: nothing has gone out
            return Fate(FateKind.REFUSED, error.message)
        except Exception as error:  # whatever a store of files raises while it cannot be reached
            _log.exception("a file to attach could not be read", message_id=message.id)
            return Fate(FateKind.LATER, f"a file to attach could not be read: {type(error).__name__}")
        mail = Mail(
            key=message.dedup_key,
            sender=message.sender,
            recipient=message.recipient,
            subject=message.subject,
            text=message.body_text,
            html=message.body_html,
            headers=message.headers,
            date=self._now,
            attachments=attachments,
        )
        try:
            return send(mail)
        except DomainError as error:  # what the row holds cannot be made into a message: nothing has gone out
            return Fate(FateKind.REFUSED, error.message)

    def _attached(self, file_id: int) -> Attachment:
        """Raises FileDamagedError when the store gives back another content than was put there."""
        stored = self._files.get(file_id)
        if stored is None:
            raise FileDamagedError(f"file {file_id} is not stored any more")
        return Attachment(stored.name, stored.media_type, read(stored, self._files_url))

    def _write(self, fates: Mapping[int, Fate]) -> None:
        """Each outcome onto its row, unless the row was taken out of our hands meanwhile."""
        if not fates:
            return
        self._at("before-record")
        changes: list[_Change] = []
        for message_id, fate in fates.items():
            way, change = _outcome(fate, self._messages[message_id].attempts, self._now)
            self._tally[way] += 1
            changes.append((message_id, change))
        target = table(OutboxMessage)
        ours = and_(
            target.c.state == MessageState.CLAIMED,
            target.c.claimed_by == self._worker,
            target.c.claimed_at == self._now,
        )
        with self._database.transaction() as session:
            _update(session, changes, ours)


def _outcome(fate: Fate, attempts: int, now: datetime) -> tuple[str, dict[str, Any]]:
    """The word for it in the report, and what changes in the row of a message tried `attempts` times."""
    change: dict[str, Any] = {"outcome": fate.words[:400]}
    match fate.kind:
        case FateKind.SENT:
            return "sent", change | {"state": MessageState.SENT, "ended_at": now}
        case FateKind.REFUSED:
            return "failed", change | {"state": MessageState.FAILED, "ended_at": now}
        case FateKind.UNKNOWN:
            return "uncertain", change | {"state": MessageState.UNCERTAIN, "ended_at": now}
    change |= {"state": MessageState.QUEUED, "claimed_at": None, "claimed_by": None}
    if fate.kind is FateKind.UNREACHED:
        return "given_back", change | {"attempts": attempts - 1, "send_after": now + UNREACHED_WAIT}
    if attempts > len(BACKOFF):
        words = f"given up after {attempts} attempts: {fate.words}"[:400]
        return "failed", change | {"state": MessageState.FAILED, "ended_at": now, "outcome": words}
    return "later", change | {"send_after": now + BACKOFF[attempts - 1]}
